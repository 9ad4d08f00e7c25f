"""What helps with writing prompts: wildcards, and prompts made of templates."""

from __future__ import annotations

import itertools
from typing import Annotated, Literal

from fastapi import APIRouter, HTTPException, Query
from pydantic import BaseModel, Field

from modules.api.body import Body, LongText, Seed
from modules.application.application import Application
from modules.prompts.wildcards.expansion import Expander, Expansion


class WildcardNames(BaseModel):
    """Wildcards that there are."""

    names: list[str]
    problems: list[str] = Field(description="Files that cannot be used, with the line where that is known.")


class WildcardValue(BaseModel):
    """A value of a wildcard."""

    text: str
    weight: float
    wildcard: str = Field(description="Its name, of those that fit a pattern.")
    line: int = Field(description="In its file; 0 where that is not known.")


class WildcardValues(BaseModel):
    """Values of a wildcard, or of all that fit a pattern."""

    values: list[WildcardValue]
    total: int


class ExpandBody(Body):
    """A template, and how to choose from it."""

    template: LongText
    seed: Seed = Field(0, description="Of the first prompt; the others have the seeds after it.")
    count: Annotated[int, Field(ge=1, le=1000)] = 1
    mode: Literal["random", "by index", "all combinations"] = "random"
    variants: bool | None = Field(None, description="Whether {a|b} is chosen from; null: as the settings say.")


class MadePrompt(BaseModel):
    """A prompt that was made of a template."""

    prompt: str
    notes: list[str] = Field(description="What could not be done, with file and line.")


class MadePrompts(BaseModel):
    """Prompts that were made of a template."""

    prompts: list[MadePrompt]


def routes(app: Application) -> APIRouter:
    """/api/v1/wildcards and /api/v1/prompts."""
    router = APIRouter(prefix="/api/v1", tags=["prompts"])

    @router.get("/wildcards", summary="Wildcards")
    def wildcards() -> WildcardNames:
        """The names that `__name__` may have."""
        names = app.prompt_craft.wildcards.names()
        return WildcardNames(names=names, problems=list(app.prompt_craft.wildcards.snapshot().problems()))

    @router.get("/wildcards/{name:path}", summary="Values of a wildcard")
    def values(
        name: str,
        offset: Annotated[int, Query(ge=0)] = 0,
        limit: Annotated[int, Query(ge=1, le=10_000)] = 1000,
    ) -> WildcardValues:
        """`name` may be a pattern with `*`."""
        found = app.prompt_craft.wildcards.snapshot().find(name)
        if found is None:
            raise HTTPException(404, f"There is no wildcard {name!r}; GET /api/v1/wildcards lists them.")
        listed: list[WildcardValue] = []
        for index in range(offset, min(len(found), offset + limit)):
            each, at = found.at(index)
            listed.append(
                WildcardValue(text=each.texts[at], weight=each.weights[at], wildcard=each.name, line=each.lines[at])
            )
        return WildcardValues(values=listed, total=len(found))

    @router.post("/prompts/expand", summary="Prompts of a template")
    def expand(body: ExpandBody) -> MadePrompts:
        """What pictures with these seeds would be made with. All combinations are fewer where there are fewer."""
        dialect = app.settings.current.prompt_dialect
        variants = dialect == "A1111" if body.variants is None else body.variants
        expander = Expander(app.prompt_craft.wildcards.snapshot(), variants=variants)
        seeds = range(body.seed, body.seed + body.count)
        if body.mode == "all combinations":
            made = [
                each for (each,) in itertools.islice(expander.combinations([body.template], iter(seeds)), body.count)
            ]
        else:
            sampler = "random" if body.mode == "random" else "cyclical"
            made = [expander.expand(body.template, seed, sampler) for seed in seeds]
        return MadePrompts(prompts=[_answer(each) for each in made])

    return router


def _answer(made: Expansion) -> MadePrompt:
    return MadePrompt(prompt=made.text, notes=list(made.notes))
