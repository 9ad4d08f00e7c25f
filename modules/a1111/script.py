"""`Script`: what a script of A1111 derives from, and the values that its methods are handed.

Method and attribute names, their arguments and when they are called are A1111's. A script is always on where `show`
returns `AlwaysVisible`, selectable where it returns something true, and not there otherwise.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import TYPE_CHECKING

from modules.a1111.types import ComponentValue, ExtensionFunction, GradioComponent, ScriptArgument

if TYPE_CHECKING:
    from PIL.Image import Image
    from torch import Tensor

    from modules.a1111.processing.parameters import StableDiffusionProcessing
    from modules.a1111.processing.processed import Processed
    from modules.generation.request import GenerationRequest


class _Always:
    """Returned by `Script.show`: the script is there without being chosen."""

    def __repr__(self) -> str:
        return "AlwaysVisible"


AlwaysVisible = _Always()


class MaskBlendArgs:
    """Inpainting mixes kept and new latents: scripts may set `blended_latent`."""

    def __init__(
        self,
        current_latent: Tensor,
        nmask: Tensor,
        init_latent: Tensor,
        mask: Tensor,
        blended_latent: Tensor,
        denoiser: object = None,
        sigma: float | None = None,
    ) -> None:
        self.current_latent, self.nmask, self.init_latent = current_latent, nmask, init_latent
        self.mask, self.blended_latent = mask, blended_latent
        self.denoiser, self.is_final_blend, self.sigma = denoiser, denoiser is None, sigma


class PostSampleArgs:
    """The latents after the last step, to be replaced in `samples`."""

    def __init__(self, samples: Tensor) -> None:
        self.samples = samples


class PostprocessImageArgs:
    """One picture, to be replaced in `image`."""

    def __init__(self, image: Image, index: int = 0) -> None:
        self.image, self.index = image, index


class PostProcessMaskOverlayArgs:
    """What inpainting lays over picture `index`."""

    def __init__(self, index: int, mask_for_overlay: Image, overlay_image: Image) -> None:
        self.index, self.mask_for_overlay, self.overlay_image = index, mask_for_overlay, overlay_image


class PostprocessBatchListArgs:
    """A batch's pictures as tensors [3, H, W] of 0 to 1, in a list that may change its length."""

    def __init__(self, images: list[Tensor]) -> None:
        self.images = images


@dataclass
class OnComponent:
    """A component of the page that a script asked for."""

    component: GradioComponent


class Script:
    """One script. What is not overridden does nothing."""

    name: str | None = None
    section: str | None = None
    filename: str | None = None
    args_from: int | None = None
    args_to: int | None = None
    alwayson = False
    is_txt2img = False
    is_img2img = False
    tabname: str | None = None
    group: GradioComponent = None
    create_group = True
    infotext_fields: list[GradioComponent] | None = None
    paste_field_names: list[str] | None = None
    api_info: object = None
    on_before_component_elem_id: list[tuple[str, ExtensionFunction]] | None = None
    on_after_component_elem_id: list[tuple[str, ExtensionFunction]] | None = None
    setup_for_ui_only = False
    controls: list[GradioComponent] | None = None

    def title(self) -> str:
        """The name in the list of scripts."""
        raise NotImplementedError

    def ui(self, is_img2img: bool) -> Sequence[GradioComponent] | None:
        """Draw the script's controls; those returned are its arguments, in that order."""

    def show(self, is_img2img: bool) -> object:
        """Whether it is there on this tab."""
        return True

    def run(self, p: StableDiffusionProcessing, *args: ScriptArgument) -> Processed | None:
        """Make the pictures of `p`, if this script is the selected one. Returns a Processed."""

    def setup(self, p: StableDiffusionProcessing, *args: ScriptArgument) -> None:
        """Called when `p` is made, before anything else."""

    def before_process(self, p: StableDiffusionProcessing, *args: ScriptArgument) -> None:
        """Before anything is decided."""

    def process(self, p: StableDiffusionProcessing, *args: ScriptArgument) -> None:
        """Once prompts and seeds of all pictures are decided."""

    def before_process_batch(
        self, p: StableDiffusionProcessing, *args: ScriptArgument, **kwargs: ScriptArgument
    ) -> None:
        """Before a batch's prompts are read for networks; `batch_number`, `prompts`, `seeds`, `subseeds`."""

    def after_extra_networks_activate(
        self, p: StableDiffusionProcessing, *args: ScriptArgument, **kwargs: ScriptArgument
    ) -> None:
        """Once a batch's networks are in force; also `extra_network_data`."""

    def process_before_every_sampling(
        self, p: StableDiffusionProcessing, *args: ScriptArgument, **kwargs: ScriptArgument
    ) -> None:
        """Before each sampling: `x`, `noise`, `c`, `uc`."""

    def process_batch(self, p: StableDiffusionProcessing, *args: ScriptArgument, **kwargs: ScriptArgument) -> None:
        """Before a batch's prompts are encoded; the same as `before_process_batch`."""

    def postprocess_batch(self, p: StableDiffusionProcessing, *args: ScriptArgument, **kwargs: ScriptArgument) -> None:
        """After a batch was decoded; `images` [B, 3, H, W], `batch_number`."""

    def postprocess_batch_list(
        self,
        p: StableDiffusionProcessing,
        pp: PostprocessBatchListArgs,
        *args: ScriptArgument,
        **kwargs: ScriptArgument,
    ) -> None:
        """The same with a list, which may change its length."""

    def on_mask_blend(self, p: StableDiffusionProcessing, mba: MaskBlendArgs, *args: ScriptArgument) -> None:
        """When inpainting mixes kept and new latents."""

    def post_sample(self, p: StableDiffusionProcessing, ps: PostSampleArgs, *args: ScriptArgument) -> None:
        """After the last step, before the VAE."""

    def postprocess_image(self, p: StableDiffusionProcessing, pp: PostprocessImageArgs, *args: ScriptArgument) -> None:
        """After each picture was made."""

    def postprocess_maskoverlay(
        self, p: StableDiffusionProcessing, ppmo: PostProcessMaskOverlayArgs, *args: ScriptArgument
    ) -> None:
        """Before the kept part of the source is laid over a picture."""

    def postprocess_image_after_composite(
        self, p: StableDiffusionProcessing, pp: PostprocessImageArgs, *args: ScriptArgument
    ) -> None:
        """Called for each picture after it was laid over the original."""

    def postprocess(self, p: StableDiffusionProcessing, processed: Processed, *args: ScriptArgument) -> None:
        """Called once all pictures are made; `processed` may be changed."""

    def before_component(self, component: GradioComponent, **kwargs: ScriptArgument) -> None:
        """Before each component of the page is made."""

    def after_component(self, component: GradioComponent, **kwargs: ScriptArgument) -> None:
        """After each component of the page was made."""

    def on_before_component(self, callback: ExtensionFunction, *, elem_id: str) -> None:
        """Call `callback(OnComponent)` before the component with this id is made."""
        self.on_before_component_elem_id = [*(self.on_before_component_elem_id or ()), (elem_id, callback)]

    def on_after_component(self, callback: ExtensionFunction, *, elem_id: str) -> None:
        """Call `callback(OnComponent)` after the component with this id was made."""
        self.on_after_component_elem_id = [*(self.on_after_component_elem_id or ()), (elem_id, callback)]

    def concerns(self, request: GenerationRequest) -> bool:
        """Easel's own: whether a run of this GenerationRequest needs the script. A run that needs none has no `p`."""
        return True

    def describe(self) -> str:
        """A sentence for the list of scripts."""
        return ""

    def elem_id(self, item_id: str) -> str:
        """An id for a control of this script on its tab."""
        on_both = self.show(True) == self.show(False)
        tab = ("img2img_" if self.is_img2img else "txt2img_") if on_both else ""
        title = re.sub(r"[^a-z_0-9]", "", re.sub(r"\s", "_", self.title().lower()))
        return f"script_{tab}{title}_{item_id}"

    def before_hr(self, p: StableDiffusionProcessing, *args: ScriptArgument) -> None:
        """Before the second pass of hires fix."""


class ScriptBuiltinUI(Script):
    """A part of the page that is written as a script."""

    setup_for_ui_only = True

    def elem_id(self, item_id: str) -> str:
        """An id without the script's title."""
        return f"{self.tabname}_{item_id}" if self.tabname else item_id

    def show(self, is_img2img: bool) -> object:
        """A script is shown on both tabs unless it says otherwise."""
        return AlwaysVisible


@dataclass
class ScriptClassData:
    """A class of script that was found in a file."""

    script_class: type[ComponentValue]
    path: str
    basedir: str
    module: ModuleType


@dataclass
class ScriptFile:
    """A file of an extension."""

    basedir: str
    filename: str
    path: str


def overrides(script: Script, method: str) -> bool:
    """Whether a script has a method of its own, on its class or set on the object."""
    own = getattr(script, method, None)
    return own is not None and getattr(own, "__func__", own) is not getattr(Script, method, None)
