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

EncoderKind = Literal["clip", "openclip", "xlmr"]
_KINDS: Mapping[str, EncoderKind] = {"clip_h": "openclip", "clip_g": "openclip", "xlmr": "xlmr"}
"""OpenCLIP ViT-H of SD2 and ViT-bigG of SDXL, XLM-R of Alt-Diffusion; "clip_l" is CLIP ViT-L of SD1 and SDXL."""


def kind_of_encoder(name: str) -> EncoderKind:
    """Of which kind the text encoder of that name is."""
    return _KINDS.get(name, "clip")


ImageInput = Literal["none", "edit", "inpainting", "depth", "embedding"]
"""What a UNet gets beside the latent: nothing, the picture to edit, a mask and the picture without what it hides, how
deep the picture is, or CLIP's vector of the picture."""

FurtherInput = Literal["inpainting", "instruct-pix2pix", "depth"]
_FURTHER: Mapping[ImageInput, FurtherInput] = {"edit": "instruct-pix2pix", "inpainting": "inpainting", "depth": "depth"}
VARIANTS: Mapping[ImageInput, str] = {**_FURTHER, "embedding": "unclip"}
"""What lists and merged files call models with an image input."""

OTHER_INPUTS = {"the x4 upscaler does": 3}
"""What takes this many channels more than a latent has."""


def image_inputs(latent_channels: int) -> Mapping[int, ImageInput]:
    """By a network's input channels.

    InstructPix2Pix (Brooks et al. 2023) takes a second latent, Stable Diffusion's inpainting models that and a mask,
    the depth model of Stable Diffusion 2 a map of depth.
    """
    return {
        latent_channels: "none",
        latent_channels + 1: "depth",
        2 * latent_channels: "edit",
        2 * latent_channels + 1: "inpainting",
    }


def further_inputs(latent_channels: int) -> Mapping[int, FurtherInput]:
    """The same, in the words of lists, for those that take more than the latent."""
    return {channels: _FURTHER[what] for channels, what in image_inputs(latent_channels).items() if what in _FURTHER}


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
    def kind(self) -> EncoderKind:
        """By whose rules its tensors are named and its prompts read."""
        return kind_of_encoder(self.name)


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
