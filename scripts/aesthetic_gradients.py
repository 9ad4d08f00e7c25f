"""Aesthetic gradients: the text encoder learns, for each prompt, to speak the language of a set of pictures."""

from __future__ import annotations

import html
from collections.abc import Hashable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr

from modules import scripts
from modules.a1111.current import current
from modules.foundation.errors import CheckpointError, EaselError, Refused, RequestError

NONE = "None"
FIELD = "alwayson_scripts"
MOST_STEPS = 50
HIGHEST_RATE = 1.0
LABELS = (
    "Aesthetic weight",
    "Aesthetic steps",
    "Aesthetic LR",
    "Aesthetic slerp",
    "Aesthetic embedding",
    "Aesthetic text",
    "Aesthetic slerp angle",
    "Aesthetic text negative",
)
"""The parameters of pictures, in the order of the controls."""


class Script(scripts.Script):
    """The script."""

    def title(self) -> str:
        """Its name."""
        return "Aesthetic gradients"

    def show(self, is_img2img: bool) -> Any:
        """Always on."""
        return scripts.AlwaysVisible

    def ui(self, is_img2img: bool) -> list[Any]:
        """Its controls."""
        with gr.Accordion("Aesthetic gradients", open=False, elem_id=self.elem_id("accordion")) as part:
            with gr.Row():
                weight = self._slider("Aesthetic weight", "weight", 0.9, 0, 1, 0.01)
                steps = self._slider("Aesthetic steps", "steps", 5, 0, MOST_STEPS, 1)
            with gr.Row():
                rate = gr.Textbox("0.0001", label="Aesthetic learning rate", elem_id=self.elem_id("lr"))
                slerp = gr.Checkbox(value=False, label="Slerp interpolation", elem_id=self.elem_id("slerp"))
                embedding = gr.Dropdown(
                    _choices(), value=NONE, label="Aesthetic embedding", elem_id=self.elem_id("imgs")
                )
            with gr.Row():
                text = gr.Textbox(
                    "", label="Aesthetic text for the pictures", elem_id=self.elem_id("text"), max_lines=1
                )
                angle = self._slider("Slerp angle", "angle", 0.1, 0, 1, 0.01)
                negative = gr.Checkbox(value=False, label="Is negative text", elem_id=self.elem_id("negative"))
            gr.Markdown("An embedding can be made of a folder of pictures.", elem_id=self.elem_id("make_note"))
            with gr.Row():
                folder = gr.Textbox("", label="Folder of pictures", elem_id=self.elem_id("folder"), max_lines=1)
                name = gr.Textbox("", label="Name of the embedding", elem_id=self.elem_id("name"), max_lines=1)
                button = gr.Button("Make", elem_id=self.elem_id("make"), scale=0)
            said = gr.HTML("", elem_id=self.elem_id("said"), apply_default_css=False)
        button.click(_made, [folder, name], [said, embedding], show_progress="hidden", api_visibility="private")
        part.expand(lambda: gr.Dropdown(choices=_choices()), None, [embedding], api_visibility="private")
        controls: list[Any] = [weight, steps, rate, slerp, embedding, text, angle, negative]
        self.infotext_fields = list(zip(controls, LABELS, strict=True))
        self.paste_field_names = list(LABELS)
        return controls

    def _slider(self, label: str, name: str, value: float, least: float, most: float, step: float) -> Any:
        return gr.Slider(least, most, value, step=step, label=label, elem_id=self.elem_id(name))

    def concerns(self, request: Any) -> bool:
        """Only where an embedding is chosen."""
        arguments = request.script_arguments.get("aesthetic gradients", ())
        return len(arguments) > 4 and arguments[4] not in (None, "", NONE)

    def process(
        self,
        p: Any,
        weight: float = 0.9,
        steps: int = 5,
        rate: float | str = 0.0001,
        slerp: bool = False,
        embedding: str | None = NONE,
        text: str = "",
        angle: float = 0.1,
        negative: bool = False,
    ) -> None:
        """Have the prompts of this run led to the pictures, and say so in the parameters."""
        if embedding in (None, "", NONE):
            return
        from modules.text_encoders.aesthetic_gradients import AestheticOptions

        options = AestheticOptions(
            weight=_number("weight", weight, 1),
            steps=int(_number("steps", steps, MOST_STEPS)),
            learning_rate=_number("learning rate", rate, HIGHEST_RATE),
            slerp=bool(slerp),
            text=str(text or "").strip(),
            text_is_negative=bool(negative),
            angle=_number("slerp angle", angle, 1),
        )
        try:
            path = current().app.aesthetic_embeddings.find(str(embedding), FIELD)
        except RequestError as error:
            raise Refused(str(error), FIELD) from error
        p.text_encoder_changes.append(LedToPictures.of(path, options))
        written: list[Any] = [options.weight, options.steps, options.learning_rate, options.slerp, path.stem]
        written += [options.text, options.angle, options.text_is_negative]
        p.extra_generation_params |= dict(zip(LABELS, written, strict=True))


@dataclass(frozen=True)
class LedToPictures:
    """What stands before the text encoders of a run. `key` is what decides what they make of a prompt."""

    target: Any
    options: Any
    key: Hashable

    @classmethod
    def of(cls, path: Path, options: Any) -> LedToPictures:
        """With the embedding in a file. Raises Refused for one that holds none."""
        from modules.text_encoders.aesthetic_embeddings import read_aesthetic

        try:
            target = read_aesthetic(path)
            status = path.stat()
        except (CheckpointError, OSError) as error:
            raise Refused(str(error), FIELD) from error
        return cls(target, options, ("aesthetic gradients", str(path), status.st_mtime_ns, status.st_size, options))

    def __call__(self, encoder: Any, event: Any) -> Any:
        """The encoder of a pass, personalised. Raises Refused where none of the model's fits the embedding."""
        from modules.text_encoders.aesthetic_gradients import AestheticEncoder

        width = len(self.target)
        own = {each.name: each.projection for each in encoder.encoders if getattr(each, "projection", None) is not None}
        projections = {name: matrix for name, matrix in own.items() if matrix.shape[-1] == width}
        if not projections:
            projections = _from_clip(encoder.encoders, own, width, event.model.checkpoint.info.name)
        return AestheticEncoder(encoder, self.target, projections, self.options)


def _from_clip(encoders: Any, own: Any, width: int, model: str) -> dict[str, Any]:
    """The projections of those encoders whose checkpoint left them out, from the file of CLIP that they came from."""
    from modules.interrogate.clip_projection import text_projection

    without = [each for each in encoders if each.name not in own]
    captioners = current().app.captioners
    path = captioners.clip_file
    if path is None and without:
        raise Refused(
            f"Aesthetic gradients need CLIP's text projection, which {model} does not hold. {captioners.clip_lack}",
            FIELD,
        )
    found: dict[str, Any] = {}
    if path is not None and without:
        try:
            matrix = text_projection(path)
        except CheckpointError as error:
            raise Refused(str(error), FIELD) from error
        if matrix.shape[1] == width:
            found = {each.name: matrix for each in without if each.width == matrix.shape[0]}
    if not found:
        raise Refused(
            f"The aesthetic embedding has vectors of {width} numbers, which no text encoder of {model} gives. "
            "Choose an embedding that was made with the CLIP of this model (768 numbers for Stable Diffusion 1).",
            FIELD,
        )
    return found


async def _made(folder: str, name: str) -> tuple[str, Any]:
    """Make an embedding, and say what came of it."""
    from modules.application.jobs.aesthetic import submit_aesthetic_embedding
    from modules.application.jobs.awaiting import result_of

    try:
        made = await result_of(submit_aesthetic_embedding(current().app, folder or "", name or ""))
    except EaselError as error:
        return f'<p class="note error">{html.escape(str(error))}</p>', gr.Dropdown()
    left_out = f"; {len(made.failed)} could not be read" if made.failed else ""
    said = f"{made.path.stem} was made of {made.pictures} pictures{left_out}."
    return f'<p class="note">{html.escape(said)}</p>', gr.Dropdown(choices=_choices(), value=made.path.stem)


def _choices() -> list[str]:
    return [NONE, *sorted(current().app.aesthetic_embeddings.all(), key=str.casefold)]


def _number(name: str, value: Any, most: float) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = float("nan")
    if not 0 <= number <= most:
        raise Refused(f"The aesthetic {name} must lie between 0 and {most:g}; it is {value!r}.", FIELD)
    return number
