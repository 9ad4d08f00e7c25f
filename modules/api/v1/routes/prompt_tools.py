"""Tools around prompts: notes, completion, the builder, presets and the lists of tools."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Annotated, Literal

from fastapi import APIRouter, HTTPException, Query
from pydantic import BaseModel, Field

from modules.api.body import Body, FiniteNumber, LongText, Seed, ShortText
from modules.application.application import Application
from modules.application.completion import KINDS
from modules.prompts.craft.builder import builder_of, composed
from modules.prompts.craft.notes import notes
from modules.prompts.craft.presets import NONE, ModelPresets, presets_of, with_presets
from modules.prompts.craft.tag_list import deduplicated, order_presets, ordered, sorted_tags
from modules.prompts.craft.weights import at_weight, offered_weights, to_a1111, to_novelai


class CompletionAnswer(BaseModel):
    """Something that completes a word."""

    kind: Literal["tag", "embedding", "lora", "hypernetwork", "wildcard", "style"]
    label: str
    text: str = Field(description="What is put into the prompt.")
    style_prompt: str = Field(description="Of a style: its own words, without the place of the prompt.")
    style_negative_prompt: str
    category: str = Field(description="Of a tag: general, artist, copyright, character, species, meta, ...")
    count: int | None
    detail: str = Field(description="The other name by which a tag was found; the activation text of a LoRA.")


class CompletionAnswers(BaseModel):
    """What a word may become."""

    items: list[CompletionAnswer]
    problems: list[str] = Field(description="What is wrong with lists of tags, with file and line.")


class NotesBody(Body):
    """A prompt to be looked through."""

    prompt: LongText
    negative_prompt: LongText = ""
    is_negative: bool = Field(False, description="Whether it is a negative prompt, to which rules do not apply.")


class NoteAnswer(BaseModel):
    """A note about the characters from `start` to `end`."""

    start: int
    end: int
    severity: Literal["info", "warning", "error"]
    kind: str
    text: str


class NotesAnswer(BaseModel):
    """Notes about a prompt, by where they stand."""

    notes: list[NoteAnswer]
    problems: list[str] = Field(description="What is wrong with files of rules, with file and line.")


class BuilderChoiceInfo(BaseModel):
    """Something that can be chosen."""

    name: str
    text: str
    names: dict[str, str] = Field(description="By language: ko, ja, zh, ru.")


class BuilderCategoryInfo(BaseModel):
    """A category of the builder."""

    name: str
    most: int = Field(description="How many may be chosen; 0: any number.")
    names: dict[str, str]
    choices: list[BuilderChoiceInfo]


class BuilderPresetInfo(BaseModel):
    """A prompt that is there as a whole."""

    name: str
    prompt: str
    negative_prompt: str
    names: dict[str, str]


class BuilderInfo(BaseModel):
    """What the builder has."""

    quality: str
    categories: list[BuilderCategoryInfo]
    presets: list[BuilderPresetInfo]
    sliders: dict[str, tuple[str, str, float]] = Field(description="From one thing to another, and at which share.")
    problems: list[str]


class ComposeBody(Body):
    """Choices by category."""

    choices: dict[ShortText, list[ShortText]] = Field({})
    preset: ShortText = ""
    sliders: dict[ShortText, FiniteNumber] = Field({})
    quality: bool = True
    seed: Seed | None = Field(
        None, description="Chooses by chance where nothing was chosen, the same for the same seed."
    )


class PromptPair(BaseModel):
    """A prompt and its negative prompt."""

    prompt: str
    negative_prompt: str


class PresetsInfo(BaseModel):
    """Presets of quality words and unwanted content, and those that suit the model."""

    quality: dict[str, str]
    unwanted: dict[str, str]
    suggested_quality: str
    suggested_unwanted: str


class PresetsBody(Body):
    """Prompts that presets are to be put to; "None" or "" for no preset."""

    prompt: LongText = ""
    negative_prompt: LongText = ""
    quality: ShortText = NONE
    unwanted: ShortText = NONE


class ModelPresetsBody(Body):
    """The presets that are to suit a model; both null for those that suit it by themselves."""

    model: ShortText = Field("", description="A checkpoint; none: the chosen one.")
    quality: ShortText | None = None
    unwanted: ShortText | None = None


class ToolBody(Body):
    """A prompt, or the part of it that is selected, and what to do with it."""

    prompt: LongText
    tool: Literal["deduplicate", "sort", "order", "weight", "brackets", "to_a1111", "to_novelai"]
    amount: FiniteNumber = Field(
        1.0, description="For weight and brackets: 0.9; -2 for 1.1^-2, or two square brackets."
    )
    each: bool = Field(True, description="For weight and brackets: each tag for itself.")
    order: ShortText = Field("sdxl-card", description="For order: the name of an order.")
    keep_first: Annotated[int, Field(ge=0, le=1000)] = 0
    implied: bool = Field(False, description='For deduplicate: "long hair" goes beside "very long hair".')


class ToolAnswer(BaseModel):
    """The prompt as the tool changed it."""

    prompt: str


class WeightStep(BaseModel):
    """A weight that is worth choosing, and for what."""

    weight: float
    label: str


class ListsInfo(BaseModel):
    """What the tools may be told."""

    weight_steps: list[WeightStep]
    orders: dict[str, str] = Field(description="Names of orders, with words for people.")
    problems: list[str] = Field(description="What is wrong with the user's lists, with file and line.")


def routes(app: Application) -> APIRouter:
    """/api/v1/completions and the tools below /api/v1/prompts."""
    router = APIRouter(prefix="/api/v1", tags=["prompts"])
    _add_writing(router, app)
    _add_builder(router, app)
    _add_presets(router, app)
    _add_lists(router, app)
    return router


def _add_writing(router: APIRouter, app: Application) -> None:
    craft = app.prompt_craft

    @router.get("/completions", summary="Complete a word of a prompt")
    def completions(
        q: Annotated[str, Query(max_length=200, description='"<" asks for networks, "__" for wildcards.')],
        limit: Annotated[int, Query(ge=1, le=200)] = 20,
        kind: Annotated[list[str] | None, Query(description="Kinds; none given: all.")] = None,
    ) -> CompletionAnswers:
        """Tags of the csv files in tags/ of the data folder, embeddings, networks, wildcards and styles."""
        found = craft.completion.find(q, kind or KINDS, limit)
        items = [CompletionAnswer(**vars(item)) for item in found]
        return CompletionAnswers(items=items, problems=craft.completion.tags.problems)

    @router.post("/prompts/notes", summary="Notes about a prompt")
    def prompt_notes(body: NotesBody) -> NotesAnswer:
        """Contradictions, what is missing, unknown or too much, by rules in a file that can be edited."""
        context, problems = craft.note_context(body.negative_prompt)
        if body.is_negative:
            context = replace(context, rules=())
        found = [NoteAnswer(**vars(note)) for note in notes(body.prompt, context)]
        return NotesAnswer(notes=found, problems=problems)

    @router.post("/prompts/tools", summary="Tools on a prompt")
    def tool(body: ToolBody) -> ToolAnswer:
        """Weights, order, brackets of another program, and taking out what is there twice."""
        tools: dict[str, Callable[[], str]] = {
            "deduplicate": lambda: deduplicated(body.prompt, implied=body.implied),
            "sort": lambda: sorted_tags(body.prompt, keep_first=body.keep_first),
            "order": lambda: _in_order(app, body),
            "weight": lambda: at_weight(body.prompt, body.amount, each=body.each),
            "brackets": lambda: at_weight(body.prompt, body.amount, each=body.each, form="brackets"),
            "to_a1111": lambda: to_a1111(body.prompt),
            "to_novelai": lambda: to_novelai(body.prompt),
        }
        return ToolAnswer(prompt=tools[body.tool]())


def _in_order(app: Application, body: ToolBody) -> str:
    orders = order_presets(app.prompt_craft.data.table("orders"))
    if body.order not in orders:
        raise HTTPException(404, f"There is no order {body.order!r}; there are: {', '.join(orders)}.")
    return ordered(body.prompt, orders[body.order], app.prompt_craft.completion.tags.index().category)


def _add_builder(router: APIRouter, app: Application) -> None:
    data = app.prompt_craft.data

    @router.get("/prompts/builder", summary="The prompt builder's categories")
    def builder() -> BuilderInfo:
        """Categories and choices with their names in other languages, presets and sliders."""
        return _builder_info(app)

    @router.post("/prompts/compose", summary="A prompt of choices by category")
    def compose(body: ComposeBody) -> PromptPair:
        """Quality words or a preset, then one choice of each category, in the builder's order."""
        prompt, negative = composed(
            builder_of(data.table("builder")),
            body.choices,
            preset=body.preset,
            sliders=body.sliders,
            quality=body.quality,
            seed=body.seed,
        )
        return PromptPair(prompt=prompt, negative_prompt=negative)


def _add_presets(router: APIRouter, app: Application) -> None:
    data = app.prompt_craft.data

    @router.get("/prompts/presets", summary="Presets of quality words and unwanted content")
    def presets(
        model: Annotated[str, Query(max_length=4096, description="A checkpoint; none: the chosen one.")] = "",
    ) -> PresetsInfo:
        """All of them, and which suit a model by its name and family."""
        table = data.table("presets")
        suited = app.prompt_craft.presets_for(model)
        return PresetsInfo(
            quality={name: each.text for name, each in presets_of(table, "quality").items()},
            unwanted={name: each.text for name, each in presets_of(table, "unwanted").items()},
            suggested_quality=suited.quality,
            suggested_unwanted=suited.unwanted,
        )

    @router.put("/prompts/presets/model", summary="Choose the presets of a model")
    def keep(body: ModelPresetsBody) -> ModelPresetsBody:
        """They are what "Automatic" means for it from now on."""
        app.policy.check_files("Choosing presets")
        automatic = body.quality is None and body.unwanted is None
        chosen = ModelPresets(quality=body.quality or NONE, unwanted=body.unwanted or NONE)
        info = app.prompt_craft.keep_presets(body.model, None if automatic else chosen)
        suited = app.prompt_craft.presets_for(info.name)
        return ModelPresetsBody(model=info.name, quality=suited.quality, unwanted=suited.unwanted)

    @router.post("/prompts/presets", summary="Put presets to a prompt")
    def put_presets(body: PresetsBody) -> PromptPair:
        """As a picture with these presets would be made."""
        chosen = ModelPresets(quality=body.quality, unwanted=body.unwanted)
        dialect = app.settings.current.prompt_dialect
        prompt, negative = with_presets(body.prompt, body.negative_prompt, data.table("presets"), chosen, dialect)
        return PromptPair(prompt=prompt, negative_prompt=negative)


def _builder_info(app: Application) -> BuilderInfo:
    data = app.prompt_craft.data
    made = builder_of(data.table("builder"))
    return BuilderInfo(
        quality=made.quality,
        categories=[
            BuilderCategoryInfo(
                name=each.name,
                most=each.most,
                names=dict(each.names),
                choices=[
                    BuilderChoiceInfo(name=choice.name, text=choice.text, names=dict(choice.names))
                    for choice in each.choices.values()
                ],
            )
            for each in made.categories.values()
        ],
        presets=[BuilderPresetInfo(**vars(each)) for each in made.presets.values()],
        sliders=dict(made.sliders),
        problems=data.problems(),
    )


def _add_lists(router: APIRouter, app: Application) -> None:
    data = app.prompt_craft.data

    @router.get("/prompts/lists", summary="Weights and orders that are offered")
    def lists() -> ListsInfo:
        """Those of weight_steps.yaml and orders.yaml, the user's own among them."""
        steps = offered_weights(data.table("weight_steps"))
        orders = {name: each.label for name, each in order_presets(data.table("orders")).items()}
        return ListsInfo(
            weight_steps=[WeightStep(weight=weight, label=label) for label, weight in steps.items()],
            orders=orders,
            problems=data.problems(),
        )
