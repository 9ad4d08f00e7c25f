"""What a family says about a checkpoint it claims."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from modules.foundation.plain import JsonMapping
from modules.sampling.latent_space import LatentSpace
from modules.sampling.parameterisation import Prediction

if TYPE_CHECKING:
    from torch import nn

    from modules.checkpoints.architectures.family import Family

OPENCLIP_ENCODERS = frozenset({"clip_h", "clip_g"})
"""OpenCLIP ViT-H of SD2 and ViT-bigG of SDXL; "clip_l" is CLIP ViT-L of SD1 and SDXL."""

ImageInput = Literal["none", "edit", "inpainting"]
"""What a UNet gets beside the latent: nothing, the picture to edit, or a mask and the picture without what it hides."""

FurtherInput = Literal["inpainting", "instruct-pix2pix"]
VARIANTS: Mapping[ImageInput, FurtherInput] = {"edit": "instruct-pix2pix", "inpainting": "inpainting"}
"""What lists and merged files call models with an image input."""

OTHER_INPUTS = {
    "depth models do; their depth map comes from MiDaS, a network that Easel does not have": 1,
    "the x4 upscaler does": 3,
}
"""What takes this many channels more than a latent has."""


def image_inputs(latent_channels: int) -> Mapping[int, ImageInput]:
    """By a network's input channels.

    InstructPix2Pix (Brooks et al. 2023) takes a second latent, Stable Diffusion's inpainting models that and a mask.
    """
    return {latent_channels: "none", 2 * latent_channels: "edit", 2 * latent_channels + 1: "inpainting"}


def further_inputs(latent_channels: int) -> Mapping[int, FurtherInput]:
    """The same, in the words of lists, for those that take more than the latent."""
    return {channels: VARIANTS[what] for channels, what in image_inputs(latent_channels).items() if what in VARIANTS}


@dataclass(frozen=True, kw_only=True)
class Component:
    """One network of a checkpoint: where its tensors are and the configuration of the class that runs them.

    `prefixes` are tried in order on each tensor name; the first that matches is taken off. `modules` maps what is
    left to the class's own names; an empty map means the names are the same. `build` makes the module of `config`;
    None is the class of diffusers or transformers for this part.
    """

    prefixes: tuple[str, ...]
    config: JsonMapping
    modules: Mapping[str, str]
    build: Callable[[JsonMapping], nn.Module] | None = None


@dataclass(frozen=True, kw_only=True)
class TextComponent(Component):
    """A text encoder. Those of OpenCLIP have names of their own, see `openclip_keys`."""

    name: str

    @property
    def is_openclip(self) -> bool:
        """Whether its tensors are named, and its prompts read, in OpenCLIP's manner."""
        return self.name in OPENCLIP_ENCODERS


@dataclass(frozen=True, kw_only=True)
class Architecture:
    """A checkpoint's family and the networks in it.

    `prediction` is None where only the weights can tell. `latents` are the family's, with this checkpoint's scale.
    `zero_terminal_snr` says that the last time step of its training was pure noise.
    """

    family: Family
    prediction: Prediction | None
    latents: LatentSpace
    unet: Component
    vae: Component
    text_encoders: tuple[TextComponent, ...]
    image_input: ImageInput = "none"
    zero_terminal_snr: bool = False


@dataclass(frozen=True)
class Refusal:
    """Why a checkpoint is not of a family; one clause that completes "it is not SD1: ..."."""

    reason: str


def unknown_input(channels: int, latent_channels: int) -> str:
    """The reason for refusing a network whose input channels are none of `image_inputs`."""
    what = next((what for what, more in OTHER_INPUTS.items() if channels == latent_channels + more), None)
    *others, last = image_inputs(latent_channels)
    return (
        f"its UNet takes {channels} channels{f' ({what})' if what else ''}, not {', '.join(map(str, others))} or {last}"
    )
