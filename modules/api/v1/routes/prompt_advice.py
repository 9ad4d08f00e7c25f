"""What is known around a prompt: sizes and CFG scales, prices, trigger words."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, HTTPException, Query
from pydantic import BaseModel, Field

from modules.api.body import ShortText
from modules.application.application import Application
from modules.application.estimates import RunKind, Work, steps_on_pictures
from modules.networks.metadata import tag_counts
from modules.prompts.craft.cost import novelai_cost
from modules.prompts.craft.sizes import largest_size, suggested_sizes
from modules.prompts.craft.triggers import searched, trigger_words, with_weight

SideLength = Annotated[int, Query(ge=1, le=65_536)]
Side = Annotated[int, Field(ge=1, le=65_536)]


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


class EstimateQuery(BaseModel):
    """Pictures whose time and memory are asked for."""

    width: Side
    height: Side
    steps: Annotated[int, Field(ge=1, le=10_000)]
    model: ShortText = Field("", description="A checkpoint; none: the chosen one.")
    sampler: ShortText = ""
    batch_size: Annotated[int, Field(ge=1, le=10_000)] = 1
    batch_count: Annotated[int, Field(ge=1, le=10_000)] = 1
    denoising_strength: Annotated[float | None, Field(ge=0, le=1, description="Of img2img.")] = None
    hires_width: Annotated[int, Field(ge=0, le=65_536, description="After the second pass; 0 for none.")] = 0
    hires_height: Annotated[int, Field(ge=0, le=65_536)] = 0
    hires_steps: Annotated[int, Field(ge=0, le=10_000, description="0: as many as the first.")] = 0


class EstimateAnswer(BaseModel):
    """What it would take, from what was measured here; null where nothing was."""

    seconds: float | None
    loading_seconds: float = Field(default=0, description="That reading the checkpoint takes, where it is not loaded.")
    peak_bytes: int | None = Field(
        default=None, description="The most memory of the device, or of the process on a CPU."
    )
    runs: int = Field(default=0, description="How many runs like it were measured.")
    exact: bool = Field(default=False, description="Whether they had the same size.")


def routes(app: Application) -> APIRouter:
    """Sizes, aspect and cost below /api/v1/prompts, /api/v1/trigger-words and /api/v1/estimate."""
    router = APIRouter(prefix="/api/v1", tags=["prompts"])
    _add_sizes(router, app)
    _add_triggers(router, app)
    _add_estimate(router, app)
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
        """In Anlas, for comparing with the prices of that service; nothing here costs anything."""
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


def _add_estimate(router: APIRouter, app: Application) -> None:
    @router.get("/estimate", summary="How long pictures would take here, and how much memory")
    def estimate(query: Annotated[EstimateQuery, Query()]) -> EstimateAnswer:
        """From what this machine measured with the checkpoint, at this size or the nearest one."""
        info = app.catalogue.find(query.model) if query.model else app.selected_checkpoint
        found = None if info is None else app.estimates.estimate(_work(app, query, info.name))
        if info is None or found is None:
            return EstimateAnswer(seconds=None)
        is_loaded = app.engine_ready and info.path in app.engine.models.paths
        return EstimateAnswer(
            seconds=round(found.seconds, 2),
            loading_seconds=0 if is_loaded else round(found.loading, 2),
            peak_bytes=found.peak_bytes or None,
            runs=found.runs,
            exact=found.exact,
        )


def _work(app: Application, query: EstimateQuery, checkpoint: str) -> Work:
    sampler = app.registries.samplers.find(query.sampler) if query.sampler else None
    calls = sampler.model_calls if sampler is not None else int
    target = (query.hires_width or query.width, query.hires_height or query.height)
    kind = RunKind(
        width=query.width,
        height=query.height,
        target_width=target[0],
        target_height=target[1],
        batch_size=query.batch_size,
    )
    pictures = query.batch_size * query.batch_count
    steps = steps_on_pictures(query.steps, query.denoising_strength, fixed=app.settings.current.img2img_fix_steps)
    evaluations = calls(steps) * query.width * query.height / 1e6 * pictures
    if query.hires_width and query.hires_height:
        evaluations += calls(query.hires_steps or query.steps) * target[0] * target[1] / 1e6 * pictures
    return Work(checkpoint=checkpoint, kind=kind, evaluations=evaluations, pictures=pictures)
