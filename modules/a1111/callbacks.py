"""`script_callbacks`: functions that extensions have called at certain moments, and what they are handed."""

from __future__ import annotations

import inspect
import logging
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from modules.a1111.types import ExtensionFunction, ScriptArgument
from modules.foundation.plain import JsonObject

if TYPE_CHECKING:
    from PIL.Image import Image
    from torch import Tensor

    from modules.a1111.processing.parameters import StableDiffusionProcessing

log = logging.getLogger(__name__)

MOMENTS = (
    "app_started",
    "model_loaded",
    "ui_tabs",
    "ui_train_tabs",
    "ui_settings",
    "before_image_saved",
    "image_saved",
    "extra_noise",
    "cfg_denoiser",
    "cfg_denoised",
    "cfg_after_cfg",
    "before_component",
    "after_component",
    "image_grid",
    "infotext_pasted",
    "script_unloaded",
    "before_ui",
    "before_reload",
    "list_optimizers",
    "list_unets",
    "before_token_counter",
)

RUN_MOMENTS = (
    *("cfg_denoiser", "cfg_denoised", "cfg_after_cfg", "extra_noise"),
    *("before_image_saved", "image_saved", "image_grid"),
)
"""Those of a run."""

CALLED_WITH = {
    "app_started": "`(demo, app)`: Gradio's Blocks, or None, and the FastAPI application, to which routes may be added",
    "model_loaded": "`(sd_model)`",
    "ui_tabs": "`()`; returns a list of `(blocks, title, elem_id)`",
    "ui_train_tabs": "`(params: UiTrainTabParams)`, within the tabs of the Train tab, to draw further ones",
    "ui_settings": "`()`, to call `shared.opts.add_option`",
    "before_image_saved": "`(params: ImageSaveParams)`; `filename` is the whole path and may be changed",
    "image_saved": "`(params: ImageSaveParams)`; `filename` is where the picture lies",
    "extra_noise": "`(params: ExtraNoiseParams)`",
    "cfg_denoiser": "`(params: CFGDenoiserParams)`, before each call of the network",
    "cfg_denoised": "`(params: CFGDenoisedParams)`, after it, before guidance",
    "cfg_after_cfg": "`(params: AfterCFGCallbackParams)`, after guidance",
    "before_component": "`(component, **kwargs)`, before a component of the page is made",
    "after_component": "`(component, **kwargs)`, after it was made",
    "image_grid": "`(params: ImageGridLoopParams)`",
    "infotext_pasted": "`(infotext, params)`; the dict is changed in place",
    "script_unloaded": "`()`, when scripts are unloaded: put back what was replaced",
    "before_ui": "`()`, before the page is built",
    "before_reload": "`()`, when the program ends in order to start again",
    "list_optimizers": "`(list)`, at the start; attention is chosen by the program all the same",
    "list_unets": "`(list)`, at the start; what is added can be listed, and is not used in the UNet's place",
    "before_token_counter": "`(params: BeforeTokenCounterParams)`, which may be written to",
}
"""What the function of each moment is given."""


class ImageSaveParams:
    """A picture on its way to `filename`; `pnginfo` is a dict whose text under "parameters" is the infotext."""

    def __init__(self, image: Image, p: StableDiffusionProcessing | None, filename: str, pnginfo: JsonObject) -> None:
        self.image, self.p, self.filename, self.pnginfo = image, p, filename, pnginfo


class ExtraNoiseParams:
    """Extra noise: `noise` is added to `x`; `xi` is x with it."""

    def __init__(self, noise: Tensor, x: Tensor, xi: Tensor) -> None:
        self.noise, self.x, self.xi = noise, x, xi


class CFGDenoiserParams:
    """Before the network is called: latents, noise levels and conditioning, which may be written to."""

    def __init__(
        self,
        x: Tensor,
        image_cond: Tensor | None,
        sigma: Tensor,
        sampling_step: int,
        total_sampling_steps: int,
        text_cond: object,
        text_uncond: object,
        denoiser: object = None,
    ) -> None:
        self.x, self.image_cond, self.sigma = x, image_cond, sigma
        self.sampling_step, self.total_sampling_steps = sampling_step, total_sampling_steps
        self.text_cond, self.text_uncond, self.denoiser = text_cond, text_uncond, denoiser


class CFGDenoisedParams:
    """After the network: the estimates of all rows in `x`, per picture its parts, then the negative prompts'."""

    def __init__(self, x: Tensor, sampling_step: int, total_sampling_steps: int, inner_model: object) -> None:
        self.x, self.inner_model = x, inner_model
        self.sampling_step, self.total_sampling_steps = sampling_step, total_sampling_steps


class AfterCFGCallbackParams:
    """The guided estimate, to be replaced in `x`."""

    def __init__(self, x: Tensor, sampling_step: int, total_sampling_steps: int) -> None:
        self.x, self.sampling_step, self.total_sampling_steps = x, sampling_step, total_sampling_steps
        self.output_altered = False


class UiTrainTabParams:
    """What previews of a training are made with."""

    def __init__(self, txt2img_preview_params: object) -> None:
        self.txt2img_preview_params = txt2img_preview_params


class ImageGridLoopParams:
    """The pictures of a grid and its shape."""

    def __init__(self, imgs: list[Image], cols: int, rows: int) -> None:
        self.imgs, self.cols, self.rows = imgs, cols, rows


@dataclass
class BeforeTokenCounterParams:
    """A prompt whose tokens are about to be counted."""

    prompt: str
    steps: int
    styles: list[str]
    is_positive: bool = True


@dataclass
class ScriptCallback:
    """One function, and the file it came from."""

    script: str
    callback: ExtensionFunction
    name: str = "unnamed"


@dataclass
class Callbacks:
    """The functions of each moment, in the order in which they were registered."""

    by_moment: dict[str, list[ScriptCallback]] = field(default_factory=lambda: {each: [] for each in MOMENTS})
    failed: Callable[[str, str], None] = field(default=lambda file, what: None)
    spent: Callable[[str, float], None] = field(default=lambda file, seconds: None)
    _called: list[ScriptCallback] = field(default_factory=list[ScriptCallback])

    def add(self, moment: str, function: ExtensionFunction, name: str | None = None, file: str | None = None) -> None:
        """Have `function` called at `moment`."""
        self.by_moment[moment].append(ScriptCallback(file or _file_of_caller(), function, name or "unnamed"))

    def of(self, moment: str) -> Iterable[ScriptCallback]:
        """Those of a moment; as they are now, whatever is registered meanwhile."""
        return tuple(self.by_moment[moment])

    def call(self, moment: str, *arguments: object, **named: object) -> list[ScriptArgument]:
        """Call all functions of `moment`; what they return. One that raises is named, and the others go on."""
        return self._call(self.of(moment), moment, *arguments, **named)

    def call_new(self, moment: str) -> None:
        """Call those functions of `moment` that this has not called yet."""
        new = [each for each in self.of(moment) if not any(each is other for other in self._called)]
        self._called += new
        self._call(new, moment)

    def _call(
        self, functions: Iterable[ScriptCallback], moment: str, *arguments: object, **named: object
    ) -> list[ScriptArgument]:
        answers: list[ScriptArgument] = []
        for each in functions:
            begun = time.perf_counter()
            try:
                answers.append(each.callback(*arguments, **named))
            except Exception as error:  # the boundary of an extension
                log.exception("%s failed in on_%s", each.script, moment)
                self.failed(each.script, f"failed in on_{moment}: {error}")
            if moment in RUN_MOMENTS:
                self.spent(each.script, time.perf_counter() - begun)
        return answers

    def remove_of_file(self, folder: str) -> None:
        """Forget what files below `folder` registered."""
        self._keep(lambda each: not each.script.startswith(folder))

    def remove_function(self, function: ExtensionFunction) -> None:
        """Forget a function, wherever it was registered."""
        self._keep(lambda each: each.callback != function)

    def clear(self) -> None:
        """Remove all callbacks."""
        self._keep(lambda each: False)

    def _keep(self, wanted: Callable[[ScriptCallback], bool]) -> None:
        for moment, functions in self.by_moment.items():
            self.by_moment[moment] = [each for each in functions if wanted(each)]


def _file_of_caller() -> str:
    """The nearest file on the stack that is no part of the dialect."""
    frame = inspect.currentframe()
    while frame is not None:
        file = frame.f_code.co_filename
        if "/a1111/" not in file.replace("\\", "/") and not file.endswith("script_callbacks.py"):
            return file
        frame = frame.f_back
    return "unknown file"
