"""Quality words: presets of quality words and of unwanted content, put to both prompts as guides say."""

from __future__ import annotations

import html
from typing import Any

import gradio as gr

from modules import scripts
from modules.a1111.current import current
from modules.foundation.errors import EaselError, Refused, UnknownName
from modules.foundation.plain import JsonMapping
from modules.prompts.craft.presets import NONE, ModelPresets, presets_of, with_presets

AUTOMATIC = "Automatic"
"""What suits the model."""


class Script(scripts.Script):
    """The script."""

    def title(self) -> str:
        """Its name."""
        return "Quality words"

    def show(self, is_img2img: bool) -> Any:
        """Always on."""
        return scripts.AlwaysVisible

    def ui(self, is_img2img: bool) -> list[Any]:
        """Its controls."""
        table = current().app.prompt_craft.data.table("presets")
        with gr.Accordion("Quality words and unwanted content", open=False, elem_id=self.elem_id("accordion")) as part:
            return self._controls(table, part)

    def _controls(self, table: JsonMapping, part: gr.Accordion) -> list[Any]:
        with gr.Row():
            quality = gr.Dropdown(
                [NONE, AUTOMATIC, *presets_of(table, "quality")],
                value=NONE,
                label="Quality words",
                elem_id=self.elem_id("quality"),
            )
            unwanted = gr.Dropdown(
                [NONE, AUTOMATIC, *presets_of(table, "unwanted")],
                value=NONE,
                label="Unwanted content",
                elem_id=self.elem_id("unwanted"),
            )
        shown = gr.HTML(preview(NONE, NONE), elem_id=self.elem_id("preview"), apply_default_css=False)
        keep = gr.Button("Keep as automatic for this model", size="sm", elem_id=self.elem_id("keep"))
        both: list[Any] = [quality, unwanted]
        for listen in (quality.change, unwanted.change, part.expand):  # the model may be another one by then
            listen(preview, both, [shown], show_progress="hidden", api_visibility="private")
        keep.click(keep_for_model, both, [shown], show_progress="hidden", api_visibility="private")
        self.infotext_fields = [(quality, "Quality words"), (unwanted, "Unwanted content")]
        self.paste_field_names = ["Quality words", "Unwanted content"]
        return [quality, unwanted]

    def concerns(self, request: Any) -> bool:
        """Only where a preset is asked for."""
        return any(each not in (None, "", NONE) for each in request.script_arguments.get("quality words", ()))

    def before_process(self, p: Any, quality: str | None, unwanted: str | None) -> None:
        """Put the words to the prompts, and name the presets in the parameters."""
        app = current().app
        chosen = decided(quality, unwanted, str(p.override_settings.get("sd_model_checkpoint") or ""))
        if chosen == ModelPresets():
            return
        table = app.prompt_craft.data.table("presets")
        dialect = p.override_settings.get("prompt_dialect", current().settings.prompt_dialect)
        try:
            for name in ("prompt", "negative_prompt", "hr_prompt", "hr_negative_prompt"):
                own = getattr(p, name, None)
                if own is None or (name.startswith("hr_") and not own):
                    continue  # the second pass has the first one's prompts where it has none of its own
                texts = own if isinstance(own, list) else [own]
                if "negative" in name:
                    made = [with_presets("", text, table, chosen, dialect)[1] for text in texts]
                else:
                    made = [with_presets(text, "", table, chosen, dialect)[0] for text in texts]
                setattr(p, name, made if isinstance(own, list) else made[0])
        except UnknownName as error:
            raise Refused(str(error), "alwayson_scripts") from error
        for label, name in (("Quality words", chosen.quality), ("Unwanted content", chosen.unwanted)):
            if name != NONE:
                p.extra_generation_params[label] = name


def decided(quality: str | None, unwanted: str | None, checkpoint: str = "") -> ModelPresets:
    """The presets that are meant, with what suits the checkpoint in the place of "Automatic"; "" is the chosen one."""
    chosen = ModelPresets(quality=quality or NONE, unwanted=unwanted or NONE)
    if AUTOMATIC not in (chosen.quality, chosen.unwanted):
        return chosen
    suited = current().app.prompt_craft.presets_for(checkpoint)
    return ModelPresets(
        quality=suited.quality if chosen.quality == AUTOMATIC else chosen.quality,
        unwanted=suited.unwanted if chosen.unwanted == AUTOMATIC else chosen.unwanted,
    )


def preview(quality: str | None, unwanted: str | None) -> str:
    """What will be put to the prompts, as HTML for the page."""
    chosen = decided(quality, unwanted)
    if chosen == ModelPresets():
        return '<p class="note">Nothing is put to the prompts.</p>'
    table = current().app.prompt_craft.data.table("presets")
    try:
        words, negative = with_presets("", "", table, chosen, current().settings.prompt_dialect)
    except UnknownName as error:
        return f'<p class="note">{html.escape(str(error))}</p>'
    lines = [("To the prompt", chosen.quality, words), ("To the negative prompt", chosen.unwanted, negative)]
    return "".join(
        f'<p class="note">{label} ({html.escape(name)}): {html.escape(text)}</p>' for label, name, text in lines if text
    )


def keep_for_model(quality: str | None, unwanted: str | None) -> str:
    """Let the presets that are chosen be what suits the chosen checkpoint."""
    app = current().app
    try:
        app.policy.check_files("Choosing presets")
        both = (quality or NONE, unwanted or NONE)
        chosen = None if both == (AUTOMATIC, AUTOMATIC) else decided(*both)
        info = app.prompt_craft.keep_presets("", chosen)
    except EaselError as error:
        gr.Warning(str(error), title="Not kept")
    else:
        gr.Info(f"Automatic means this for {info.name} from now on.", duration=4)
    return preview(quality, unwanted)
