"""The Train tab: embeddings and hypernetworks are made and trained here, LoRAs trained, captions edited."""

from __future__ import annotations

import asyncio
import html
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import gradio as gr
from gradio.components import Component

from modules.application.caption_files import describe_folder, edit_captions
from modules.application.create_trainable import new_embedding, new_hypernetwork
from modules.application.jobs.awaiting import on_engine_thread, result_of
from modules.application.training import KIND, submit_dry_run, submit_training
from modules.foundation.errors import EaselError, RequestError
from modules.training.options import TrainingKind
from modules.training.results import TrainingCost, TrainingResult
from modules.training.tags import TagEdit
from modules.webui.builder import PageBuilder, offers
from modules.webui.events import Act, on
from modules.webui.panel.control import Control
from modules.webui.panel.control_values import ControlValues
from modules.webui.panel.drawing import Drawing
from modules.webui.panel.guests import PanelGuests
from modules.webui.panel.inputs import Inputs
from modules.webui.panel.running import RunButtons, tie_run
from modules.webui.train import controls as own
from modules.webui.train.request import preview_options, training_options

if TYPE_CHECKING:
    from pathlib import Path

    from modules.application.application import Application
    from modules.application.jobs.job import AnyJob

HINT = (
    '<p class="hint">Put pictures into a folder, with a text file beside each that says what it shows. Progress, loss '
    "and sample pictures stand here while a training runs.</p>"
)
NEEDED = ("prompt", "negative_prompt", "steps", "sampler", "cfg_scale", "seed", "width", "height")
"""Controls of the txt2img tab by which sample pictures can be made."""


def build_train(page: PageBuilder) -> None:
    """Draw the tab and wire its events."""
    drawing = page.drawing(own.TAB)
    task = gr.Textbox("", elem_id="train_task", visible="hidden")
    with gr.Row(elem_classes=["work-area"], equal_height=False):
        with gr.Column(elem_id="train_settings", elem_classes=["settings-column"], scale=1, min_width=320):
            _draw_pages(page, drawing)
        with gr.Column(elem_id="train_results_container", scale=1, min_width=320):
            _draw_stop(drawing)
            with gr.Column(elem_id="train_results_panel"), gr.Column(elem_id="ti_gallery_container"):
                result = gr.HTML(HINT, elem_id="ti_output", apply_default_css=False)
    inputs = Inputs(tab=own.TAB, controls=drawing.controls, declared=drawing.declared, guests=PanelGuests(own.TAB, ()))
    page.add_inputs(inputs, KIND)
    page.rules.append(_rules())
    page.when_drawn(lambda: _wire_runs(page, drawing.parts, task, inputs, result))
    page.when_drawn(lambda: _wire_making(page, drawing.parts, inputs, result))


def _rules() -> str:
    """What a run shows and hides."""
    states = [f"html[data-{own.TAB}-state='{state}']" for state in ("running", "interrupting")]
    begins = ["train_train_embedding", "train_train_hypernetwork", "train_train_lora", "train_estimate_lora"]
    hidden = ", ".join(f"{state} #{button}" for state in states for button in begins)
    stops = "#train_interrupt_training, #train_interrupting"
    return (
        f"{hidden}, {stops} {{ display: none }}\n"
        f"{states[0]} #train_interrupt_training, {states[1]} #train_interrupting {{ display: flex }}\n"
        f"@media (max-width: 900px) {{ {states[0]} #train_results_container {{ order: -1 }} }}\n"
    )


def _draw_stop(drawing: Drawing) -> None:
    with gr.Row(elem_id="train_stop_box", elem_classes=["generate-box"]):
        arguments = drawing.ui.button("train/Interrupt")
        interrupt = gr.Button("Interrupt", elem_id="train_interrupt_training", variant="stop", **arguments)
        drawing.part("interrupt", interrupt)
        drawing.part("interrupting", gr.Button("Interrupting...", elem_id="train_interrupting", variant="stop"))
        drawing.part("restore_progress", gr.Button("🌀", elem_id="train_restore_progress", visible="hidden"))


def _draw_pages(page: PageBuilder, drawing: Drawing) -> None:
    drawing.control(own.CHOSEN)
    draw = (_draw_new_embedding, _draw_new_hypernetwork, _draw_training, _draw_lora, _draw_tags)
    with gr.Column(elem_id=own.TABS, elem_classes=["sub-tabs"]):
        page.tab_bar(own.TABS, own.PAGES, "What to do")
        for tab, drawn in zip(own.PAGES, draw, strict=True):
            with gr.Column(elem_id=tab.elem_id, elem_classes=["tabitem"]):
                drawn(drawing)
    if added := [draw for guest in page.app.registries.page_guests if (draw := guest.train_tabs(page)) is not None]:
        with gr.Tabs(elem_id="train_tabs_of_extensions"):
            for draw_tabs in added:
                draw_tabs()


def _button(drawing: Drawing, name: str, label: str, elem_id: str, *, primary: bool = True) -> None:
    arguments = drawing.ui.button(f"train/{label}")
    variant = "primary" if primary else "secondary"
    drawing.part(name, gr.Button(label, elem_id=elem_id, variant=variant, **arguments))


def _row(drawing: Drawing, *controls: Control) -> None:
    with gr.Row(elem_classes=["fields"], equal_height=False):
        for control in controls:
            drawing.control(control)


def _draw_new_embedding(drawing: Drawing) -> None:
    for control in (own.EMBEDDING_NAME, own.INIT_TEXT, own.VECTORS, own.OVERWRITE_EMBEDDING):
        drawing.control(control)
    _button(drawing, "create_embedding", "Create embedding", "train_create_embedding")


def _draw_new_hypernetwork(drawing: Drawing) -> None:
    for control in (own.HYPERNETWORK_NAME, own.MODULES, own.LAYERS, own.ACTIVATION, own.INITIALIZATION):
        drawing.control(control)
    _row(drawing, own.LAYER_NORM, own.USE_DROPOUT)
    drawing.control(own.DROPOUT)
    drawing.control(own.OVERWRITE_HYPERNETWORK)
    _button(drawing, "create_hypernetwork", "Create hypernetwork", "train_create_hypernetwork")


def _with_refresh(drawing: Drawing, control: Control, elem_id: str) -> None:
    with gr.Row(elem_classes=["with-refresh"]):
        drawing.control(control)
        button = gr.Button("🔄", elem_id=elem_id, elem_classes=["tool", "refresh"], **drawing.ui.button("train/🔄"))
        drawing.part(elem_id, button)


def _draw_training(drawing: Drawing) -> None:
    with gr.Row(elem_classes=["fields"], equal_height=False):
        _with_refresh(drawing, own.EMBEDDING, "refresh_train_embedding_name")
        _with_refresh(drawing, own.HYPERNETWORK, "refresh_train_hypernetwork_name")
    _row(drawing, own.EMBEDDING_RATE, own.HYPERNETWORK_RATE)
    _row(drawing, own.CLIPPING, own.CLIP_AT)
    _row(drawing, own.BATCH_SIZE, own.GRADIENT_STEP)
    drawing.control(own.DATASET)
    drawing.control(own.LOG_FOLDER)
    _with_refresh(drawing, own.TEMPLATE, "refrsh_train_template_file")
    _row(drawing, own.WIDTH, own.HEIGHT)
    for control in (own.VARSIZE, own.STEPS):
        drawing.control(control)
    _row(drawing, own.IMAGE_EVERY, own.SAVE_EVERY)
    for control in (own.USE_WEIGHT, own.CARDS, own.FROM_TXT2IMG, own.SHUFFLE, own.TAG_DROPOUT, own.LATENTS):
        drawing.control(control)
    with gr.Row(elem_classes=["fields"]):
        _button(drawing, "train_embedding", "Train Embedding", "train_train_embedding")
        _button(drawing, "train_hypernetwork", "Train Hypernetwork", "train_train_hypernetwork")


def _draw_lora(drawing: Drawing) -> None:
    gr.HTML(
        '<p class="hint">Pictures, sizes, copies and samples are those of the Train page; captions are the prompts. '
        "Pictures in a folder called 10_name count ten times.</p>",
        apply_default_css=False,
    )
    drawing.control(own.LORA_NAME)
    _row(drawing, own.RANK, own.ALPHA)
    _row(drawing, own.CONV_RANK, own.LORA_DROPOUT)
    _row(drawing, own.LORA_RATE, own.TEXT_RATE)
    drawing.control(own.TEXT_ENCODER)
    _row(drawing, own.LORA_STEPS, own.LORA_BATCH)
    _row(drawing, own.CURVE, own.WARMUP)
    _row(drawing, own.BUCKETS, own.FLIP)
    drawing.control(own.KEEP_TAGS)
    _row(drawing, own.MIN_SNR, own.NOISE_OFFSET)
    _row(drawing, own.OPTIMISER, own.PRECISION)
    drawing.control(own.CHECKPOINTING)
    drawing.control(own.LORA_OVERWRITE)
    with gr.Row(elem_classes=["fields"]):
        _button(drawing, "estimate_lora", "Estimate time and memory", "train_estimate_lora", primary=False)
        _button(drawing, "train_lora", "Train LoRA", "train_train_lora")


def _draw_tags(drawing: Drawing) -> None:
    drawing.control(own.TAGS_FOLDER)
    with gr.Row(elem_classes=["fields"]):
        drawing.control(own.DESCRIBED_BY)
        _button(drawing, "describe", "Write captions", "train_tags_describe", primary=False)
    for control in (own.FIND, own.REPLACE, own.ADD_TAGS, own.UNIQUE, own.SHORTER, own.SORT):
        drawing.control(control)
    with gr.Row(elem_classes=["fields"]):
        _button(drawing, "show_tags", "Show what would change", "train_tags_show", primary=False)
        _button(drawing, "edit_tags", "Change the captions", "train_tags_edit")


def _wire_runs(
    page: PageBuilder, parts: Mapping[str, Component], task: Component, inputs: Inputs, result: Component
) -> None:
    app = page.app
    txt2img = page.panels["txt2img"].controls
    further = [txt2img[name] for name in NEEDED]
    count = len(inputs.components)

    def starting(kind: TrainingKind, *, dry: bool = False) -> Act:
        async def on_start(task: str, *values: object) -> str:
            try:
                preview = preview_options(dict(zip(NEEDED, values[count:], strict=True)))
                options = await asyncio.to_thread(training_options, app, kind, inputs.named(values[:count]), preview)
                submit = submit_dry_run if dry else submit_training
                job: AnyJob = await asyncio.to_thread(submit, app, options, task or None)
            except EaselError as error:
                return _error(error)
            return await _followed(job)

        return on_start

    async def on_restore(task: str) -> str:
        job = app.queue.find(task)
        return HINT if job is None else await _followed(job)

    sent = [*inputs.components, *further]
    run = {"generate": parts["train_embedding"], **{name: parts[name] for name in STOPS}}
    buttons = RunButtons(tab=own.TAB, task=task, parts=run, inputs=sent, outputs=[result])
    tie_run(app, buttons, starting("embedding"), on_restore)
    begin, end = f"(...values) => easel.begin('{own.TAB}', values)", f"() => easel.finished('{own.TAB}')"
    for name, act in (
        ("train_hypernetwork", starting("hypernetwork")),
        ("train_lora", starting("lora")),
        ("estimate_lora", starting("lora", dry=True)),
    ):
        on(parts[name], "click", act, [task, *sent], [result], js=begin, ended=end, waits=True)


STOPS = ("interrupt", "interrupting", "restore_progress")


async def _followed(job: AnyJob) -> str:
    """What a training, or an estimate, ended with."""
    try:
        found: object = await result_of(job)
    except EaselError as error:
        return _error(error)
    if isinstance(found, TrainingCost):
        return _said(*estimate_words(found))
    if isinstance(found, TrainingResult):
        return _said(*result_words(found))
    return HINT


def result_words(found: TrainingResult) -> list[str]:
    """A training in sentences."""
    loss = "" if found.loss is None else f", loss {found.loss:.4f}"
    how = "Interrupted" if found.interrupted else "Done"
    saved = f"{how} after step {found.step} of {found.steps}{loss}, in {_time(found.seconds)}: {found.path.name}."
    goes_on = ["Train it again under this name to go on from there."] if found.interrupted else []
    return [saved, *goes_on, *found.warnings]


def estimate_words(found: TrainingCost) -> list[str]:
    """An estimate in sentences."""
    gib, rounds = 2**30, found.steps / max(found.steps_per_round, 1)
    return [
        f"{found.pictures} pictures, {found.steps} steps of {found.seconds_per_step:.2f} s: "
        f"about {_time(found.seconds)}, and {rounds:.1f} rounds over all pictures.",
        f"About {found.bytes / gib:.2f} GiB of memory: the model {found.weights / gib:.2f}, what is kept of a step "
        f"{found.activations / gib:.2f}, what learns {found.learning / gib:.2f} ({found.parameters:,} numbers).",
        *found.skipped,
    ]


def _time(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s" if minutes else f"{rest} s"


def _said(*sentences: str) -> str:
    return "".join(f'<p class="note quiet">{html.escape(sentence)}</p>' for sentence in sentences)


def _error(error: EaselError) -> str:
    return f'<p class="note error">{html.escape(str(error))}</p>'


def _wire_making(page: PageBuilder, parts: Mapping[str, Component], inputs: Inputs, result: Component) -> None:
    app = page.app
    changing = inputs.changing_components

    def lists(chosen: Sequence[object]) -> list[object]:
        return inputs.lists(offers(app), chosen)

    async def on_embedding(*values: object) -> list[object]:
        controls = ControlValues(inputs.named(values[: len(inputs.components)]))
        chosen = values[len(inputs.components) :]
        made: list[Path] = []
        try:
            app.policy.check_files("Creating embeddings")
            name, vectors = controls.text("new_embedding"), controls.whole("vectors", own.VECTORS.label)
            overwrite, words = controls.switch("overwrite_embedding"), controls.text("init_text")

            def make() -> None:
                made.append(new_embedding(app, name, vectors=vectors, init_text=words, overwrite=overwrite))

            await on_engine_thread(app, make)
        except EaselError as error:
            return [_error(error), *(gr.skip() for _ in changing)]
        return [_said(f"Created: {made[0]}"), *lists(chosen)]

    async def on_hypernetwork(*values: object) -> list[object]:
        controls = ControlValues(inputs.named(values[: len(inputs.components)]))
        chosen = values[len(inputs.components) :]
        try:
            app.policy.check_files("Creating hypernetworks")
            path = await asyncio.to_thread(_hypernetwork, app, controls)
        except EaselError as error:
            return [_error(error), *(gr.skip() for _ in changing)]
        return [_said(f"Created: {path}"), *lists(chosen)]

    def on_refresh(*chosen: object) -> list[object]:
        app.networks.refresh()
        app.library.refresh()
        return lists(chosen)

    everything = [*inputs.components, *changing]
    on(parts["create_embedding"], "click", on_embedding, everything, [result, *changing], waits=True)
    on(parts["create_hypernetwork"], "click", on_hypernetwork, everything, [result, *changing])
    for name in ("refresh_train_embedding_name", "refresh_train_hypernetwork_name", "refrsh_train_template_file"):
        on(parts[name], "click", on_refresh, changing, changing)
    on(parts["describe"], "click", _describing(app, inputs), inputs.components, [result], waits=True)
    for name, write in (("show_tags", False), ("edit_tags", True)):
        on(parts[name], "click", _tag_editing(app, inputs, write=write), inputs.components, [result])


def _hypernetwork(app: Application, controls: ControlValues) -> Path:
    from modules.networks.create_hypernetwork import Structure, standard_dropout

    layers = _numbers(controls.text("layers"), own.LAYERS.label)
    shares = _numbers(controls.text("dropout"), "The dropout structure")
    dropout = tuple(shares) if any(shares) else standard_dropout(layers) if controls.switch("use_dropout") else ()
    structure = Structure(
        sizes=tuple(int(size) for size in controls.texts("sizes")),
        layers=tuple(layers),
        activation=controls.text("activation"),
        initialization=controls.text("initialization"),
        layer_norm=controls.switch("layer_norm"),
        dropout=dropout if controls.switch("use_dropout") else (),
    )
    overwrite = controls.switch("overwrite_hypernetwork")
    return new_hypernetwork(app, controls.text("new_hypernetwork"), structure, overwrite=overwrite)


def _numbers(text: str, what: str) -> list[float]:
    try:
        return [float(part) for part in text.split(",") if part.strip()]
    except ValueError:
        raise RequestError(f"{what} must be numbers with commas between them; it is {text!r}.") from None


def _describing(app: Application, inputs: Inputs) -> Act:
    async def on_describe(*values: object) -> str:
        controls = ControlValues(inputs.named(values))
        try:
            folder, model = controls.text("tags_folder"), controls.text("tags_model")
            job = await asyncio.to_thread(describe_folder, app, folder, model)
            done = await result_of(job)
        except EaselError as error:
            return _error(error)
        how = "Interrupted: " if done.interrupted else ""
        lines = [f"{path.name}: {reason}" for path, reason in done.failed]
        return _said(f"{how}{len(done.written)} of {done.total} pictures have a new caption.", *lines)

    return on_describe


def _tag_editing(app: Application, inputs: Inputs, *, write: bool) -> Act:
    def on_tags(*values: object) -> str:
        controls = ControlValues(inputs.named(values))
        edit = TagEdit(
            find=controls.text("tag_find"),
            replace=controls.text("tag_replace"),
            add=controls.text("tags_add"),
            unique=controls.switch("tags_unique"),
            shorter=controls.switch("tags_shorter"),
            sort=controls.switch("tags_sort"),
        )
        try:
            done = edit_captions(app, controls.text("tags_folder"), edit, write=write)
        except EaselError as error:
            return _error(error)
        verb = "were changed" if write else "would change"
        lines = [f"{name}: {before} → {after}" for name, before, after in done.examples]
        return _said(f"{done.changed} of {done.captions} captions {verb}.", *lines)

    return on_tags
