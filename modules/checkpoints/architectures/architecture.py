"""What a family decides about a checkpoint it claims."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from modules.checkpoints.declared import Prediction

Family = Literal["SD1", "SD2", "SDXL", "SDXL refiner"]
"""Models of one family share networks, embeddings and the like; those that edit or inpaint are of their base's."""

EncoderName = Literal["clip_l", "clip_h", "clip_g"]
"""CLIP ViT-L of SD1 and SDXL, OpenCLIP ViT-H of SD2, OpenCLIP ViT-bigG of SDXL."""

ImageInput = Literal["none", "edit", "inpainting"]
"""What a UNet gets beside the latent: nothing, the picture to edit, or a mask and the picture without what it hides."""

IMAGE_INPUTS: Mapping[int, ImageInput] = {4: "none", 8: "edit", 9: "inpainting"}
"""By the UNet's input channels. InstructPix2Pix (Brooks et al. 2023) has 8, Stable Diffusion's inpainting models 9."""

OTHER_INPUTS = {
    5: "depth models do; their depth map comes from MiDaS, a network that Easel does not have",
    7: "the x4 upscaler does",
}


@dataclass(frozen=True, kw_only=True)
class Component:
    """One network of a checkpoint: where its tensors are and the configuration of the class that runs them.

    `prefixes` are tried in order on each tensor name; the first that matches is taken off. `modules` maps what is
    left to the class's own names; an empty map means the names are the same.
    """

    prefixes: tuple[str, ...]
    config: Mapping[str, Any]
    modules: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class TextComponent(Component):
    """A text encoder. Those of OpenCLIP have names of their own, see `openclip_keys`."""

    name: EncoderName

    @property
    def is_openclip(self) -> bool:
        """Whether its tensors are named, and its prompts read, in OpenCLIP's manner."""
        return self.name != "clip_l"


@dataclass(frozen=True, kw_only=True)
class Architecture:
    """A checkpoint's family and the networks in it.

    `prediction` is None where only the weights can tell. `latent_scale` is what VAE latents are multiplied with.
    `zero_terminal_snr` says that the last time step of its training was pure noise.
    """

    family: Family
    prediction: Prediction | None
    unet: Component
    vae: Component
    text_encoders: tuple[TextComponent, ...]
    latent_scale: float
    image_input: ImageInput = "none"
    zero_terminal_snr: bool = False


@dataclass(frozen=True)
class Refusal:
    """Why a checkpoint is not of a family; one clause that completes "it is not SD1: ..."."""

    family: str
    reason: str


def unknown_input(channels: int) -> str:
    """The reason for refusing a UNet whose input channels are none of `IMAGE_INPUTS`."""
    other = f" ({OTHER_INPUTS[channels]})" if channels in OTHER_INPUTS else ""
    return f"its UNet takes {channels} channels{other}, not 4, 8 or 9"
