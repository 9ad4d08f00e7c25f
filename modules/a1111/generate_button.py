"""Generate as extensions find it: its function in `modules.txt2img` and `modules.img2img`, and its event on the page.

A1111's function takes the values of the panel's controls, one argument each, then those of the scripts. Extensions send
the same values to a function of their own, keep them, and call A1111's with them later.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from modules.a1111.current import current
from modules.a1111.page_parts import plaintext_to_html
from modules.a1111.processing.conversion import processing_of
from modules.a1111.processing.processed import Processed
from modules.generation.request import GenerationRequest
from modules.webui.canvas.component import Canvas
from modules.webui.panel.generation_panel import GenerationPanel
from modules.webui.panel.img2img_controls import MODES
from modules.webui.panel.img2img_request import single_request
from modules.webui.panel.request import txt2img_request

if TYPE_CHECKING:
    from gradio.components import Component

    from modules.a1111.processing.parameters import StableDiffusionProcessing
    from modules.webui.builder import PageBuilder

NAMES = {
    "mode": "mode",
    "prompt": "prompt",
    "negative_prompt": "negative_prompt",
    "styles": "prompt_styles",
    "batch_count": "n_iter",
    "batch_size": "batch_size",
    "cfg_scale": "cfg_scale",
    "height": "height",
    "width": "width",
    "enable_hr": "enable_hr",
    "denoising_strength": "denoising_strength",
    "hr_scale": "hr_scale",
    "hr_upscaler": "hr_upscaler",
    "hires_steps": "hr_second_pass_steps",
    "hr_resize_x": "hr_resize_x",
    "hr_resize_y": "hr_resize_y",
    "hr_checkpoint": "hr_checkpoint_name",
    "hr_sampler": "hr_sampler_name",
    "hr_scheduler": "hr_scheduler",
    "hires_prompt": "hr_prompt",
    "hires_neg_prompt": "hr_negative_prompt",
    "override_settings": "override_settings_texts",
    "sampler": "sampler_name",
}
"""Controls under A1111's names, in its order; others keep theirs and come after these."""


@dataclass(frozen=True, kw_only=True)
class GenerateButton:
    """The Generate button of a panel: what it sends, and the request that this makes."""

    panel: GenerationPanel
    make: Callable[[Mapping[str, object]], GenerationRequest]

    @property
    def named(self) -> dict[str, str]:
        """The controls that have an argument of their own: by the control's name its argument's."""
        controls = self.panel.controls
        plain = [name for name, control in controls.items() if not isinstance(control, Canvas)]
        order = {name: place for place, name in enumerate(NAMES)}
        return {name: NAMES.get(name, name) for name in sorted(plain, key=lambda name: order.get(name, len(order)))}

    @property
    def _canvases(self) -> list[str]:
        return [name for name, control in self.panel.controls.items() if isinstance(control, Canvas)]

    @property
    def inputs(self) -> list[Component]:
        """The box with the run's name, the controls, then canvases and the controls of scripts."""
        controls = [self.panel.controls[name] for name in (*self.named, *self._canvases)]
        return [self.panel.task, *controls, *self.panel.guests.inputs]

    @property
    def outputs(self) -> list[Component]:
        """Gallery, the hidden text about the pictures, the text below them, remarks."""
        results = self.panel.results
        return [results.gallery, results.generation_info, results.html_info, results.html_log]

    @property
    def signature(self) -> inspect.Signature:
        """`(id_task, request, ...controls, *args)`."""
        kind, rest = inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.VAR_POSITIONAL
        names = ("id_task", "request", *self.named.values())
        return inspect.Signature([*(inspect.Parameter(name, kind) for name in names), inspect.Parameter("args", rest)])

    def request_of(self, arguments: Sequence[Any]) -> GenerationRequest:
        """What the values of `inputs`, without the first, ask for. Raises RequestError for what cannot be read."""
        names = [*self.named, *self._canvases]
        values = dict(zip(names, arguments, strict=False))
        if str(values.get("mode")).isdigit():
            values["mode"] = MODES[int(values["mode"])].name  # A1111 counts its sub tabs
        return self.make({**values, "added": self.panel.guests.fields(arguments[len(names) :])})

    def run(self, id_task: str | None, arguments: Sequence[Any]) -> tuple[Any, str, str, str]:
        """Make the pictures, waiting for their turn: they, their JSON, and the texts below. Raises EaselError."""
        request = self.request_of(arguments)
        result = current().app.submit(request, id_task).wait()
        processed = Processed.of(processing_of(request), result)
        return processed.images, processed.js(), plaintext_to_html(processed.info), ""

    def create_processing(self, arguments: Sequence[Any]) -> StableDiffusionProcessing:
        """The `p` of such a run. Raises RequestError for what cannot be read."""
        return processing_of(self.request_of(arguments))


def tie_generate(page: PageBuilder) -> None:
    """Remember what the Generate buttons of a page are."""
    makers = {"txt2img": txt2img_request, "img2img": single_request}
    current().extras["generate"] = {
        tab: GenerateButton(panel=panel, make=makers[tab]) for tab, panel in page.panels.items() if tab in makers
    }


def buttons() -> Mapping[str, GenerateButton]:
    """Those of the page, by tab; none without a page."""
    return current().extras.get("generate", {})


def generate(tab: str, id_task: str | None, arguments: Sequence[Any]) -> tuple[Any, str, str, str]:
    """What Generate of a tab does with such values. Raises RuntimeError without a page."""
    return _button(tab).run(id_task, arguments)


def creating(tab: str) -> Callable[..., Any]:
    """`txt2img_create_processing` or `img2img_create_processing`, with the panel's controls as its arguments."""
    button = _button(tab)

    def create_processing(id_task: str, request: object, *args: object) -> StableDiffusionProcessing:
        return button.create_processing(args)

    create_processing.__name__ = f"{tab}_create_processing"
    create_processing.__signature__ = button.signature  # type: ignore[attr-defined]
    return create_processing


def _button(tab: str) -> GenerateButton:
    found = buttons().get(tab)
    if found is None:
        raise RuntimeError(f"There is no page, so {tab} has no Generate button whose values could be taken.")
    return found
