"""What is known around a prompt: sizes and CFG scales, prices, trigger words."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, HTTPException, Query
from pydantic import BaseModel, Field

from modules.api.body import ShortText
from modules.application.application import Application
from modules.networks.metadata import tag_counts
from modules.prompts.craft.cost import novelai_cost
from modules.prompts.craft.sizes import largest_size, suggested_sizes
from modules.prompts.craft.triggers import searched, trigger_words, with_weight

SideLength = Annotated[int, Query(ge=1, le=65_536)]


class SizeInfo(BaseModel):
    """A size that is suggested."""

    width: int
    height: int
    label: str
    source: str
    cfg: tuple[float, float] | None = Field(description="The range of CFG scales that was tried.")
    best_cfg: tuple[float, float] | None


class SizesAnswer(BaseModel):
    """Sizes for the family of the model, or for another one."""

    family: str
    sizes: list[SizeInfo]


class SizeAnswer(BaseModel):
    """A size in pixels."""

    width: int
    height: int


class TriggerQuery(BaseModel):
    """Whose words are asked for."""

    kind: Literal["checkpoint", "lora", "embedding"]
    name: ShortText
    search: Annotated[str, Field(max_length=200)] = ""
    weight: Annotated[float, Field(ge=0, le=10, allow_inf_nan=False)] = Field(1.0, description="Of each word.")
    offset: Annotated[int, Field(ge=0)] = 0
    limit: Annotated[int, Field(ge=1, le=1000)] = 200


class TriggerAnswer(BaseModel):
    """A word that a model or network was taught."""

    word: str
    text: str = Field(description="With its weight, as it is put into the prompt.")
    group: str = Field(description="notes, header, training, or the heading in a list.")
    count: int | None = Field(description="How often the training had it.")


class TriggerAnswers(BaseModel):
    """Words that a model or network was taught."""

    words: list[TriggerAnswer]
    total: int
    problems: list[str]


class CostQuery(BaseModel):
    """A picture whose price is asked for."""

    width: Annotated[int, Field(ge=1, le=65_536)]
    height: Annotated[int, Field(ge=1, le=65_536)]
    steps: Annotated[int, Field(ge=1, le=10_000)]
    generation: Literal["V1", "V2", "V3"] = "V3"
    smea: Literal["", "SMEA", "SMEA DYN"] = ""
    strength: Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)] = Field(1.0, description="Of img2img.")
    undesired_strength: Annotated[float, Field(ge=0, le=100, allow_inf_nan=False)] = 1.0


class CostAnswer(BaseModel):
    """A price in NovelAI's Anlas."""

    cost: int


def routes(app: Application) -> APIRouter:
    """Sizes, aspect and cost below /api/v1/prompts, and /api/v1/trigger-words."""
    router = APIRouter(prefix="/api/v1", tags=["prompts"])
    _add_sizes(router, app)
    _add_triggers(router, app)
    return router


def _add_sizes(router: APIRouter, app: Application) -> None:
    @router.get("/prompts/sizes", summary="Sizes for a family of models")
    def sizes(family: Annotated[str, Query(max_length=100)] = "") -> SizesAnswer:
        """With the CFG scale that went well with each, where that is known."""
        family = family or app.selected_family.name
        advices = suggested_sizes(app.prompt_craft.data.table("sizes"), family)
        return SizesAnswer(family=family, sizes=[SizeInfo(**vars(each)) for each in advices])

    @router.get("/prompts/aspect", summary="The largest size of a ratio")
    def aspect(
        across: SideLength,
        down: SideLength,
        area: Annotated[int, Query(ge=1, le=2**32)] = 512 * 512,
        step: SideLength = 64,
    ) -> SizeAnswer:
        """Within `area` pixels, in steps of `step`."""
        width, height = largest_size(across, down, area, step=step)
        return SizeAnswer(width=width, height=height)

    @router.get("/prompts/cost", summary="What a picture would cost at NovelAI's prices")
    def cost(query: Annotated[CostQuery, Query()]) -> CostAnswer:
        """For people who compare."""
        return CostAnswer(cost=novelai_cost(**vars(query)))


def _add_triggers(router: APIRouter, app: Application) -> None:
    @router.get("/trigger-words", summary="Words that a model or network was taught")
    def words(query: Annotated[TriggerQuery, Query()]) -> TriggerAnswers:
        """From the file's header, its .json, NAME.triggers.txt or .yaml beside it, and the tags of its training."""
        item = app.models.find(query.kind, query.name)
        if item is None:
            raise HTTPException(404, f"There is no {query.kind} {query.name!r}; GET /api/v1/models lists them.")
        metadata = app.models.metadata(query.kind, query.name) or {}
        found, problems = trigger_words(item.path, metadata, item.user_metadata, tag_counts(metadata))
        fitting = searched(found, query.search)
        page = [
            TriggerAnswer(word=each.text, text=with_weight(each.text, query.weight), group=each.group, count=each.count)
            for each in fitting[query.offset : query.offset + query.limit]
        ]
        return TriggerAnswers(words=page, total=len(fitting), problems=problems)
