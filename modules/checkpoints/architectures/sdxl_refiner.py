"""SDXL's refiner (Podell et al. 2023): OpenCLIP ViT-bigG alone, and an aesthetic score among the sizes."""

from __future__ import annotations

from modules.checkpoints.architectures.architecture import Architecture, Refusal, TextComponent
from modules.checkpoints.architectures.configs import VECTOR_SINUSOIDS, heads_of_64_channels, openclip_config
from modules.checkpoints.architectures.family import Family, FolderForm, NetworkTraces, PictureFacts, SizeNumbers
from modules.checkpoints.architectures.ldm import NO_UNET, architecture_of
from modules.checkpoints.architectures.sdxl import ALIGN_YOUR_STEPS, LATENTS, SMALL_VAES, takes_sizes
from modules.checkpoints.declared import Declared
from modules.checkpoints.layout import has_unet, openclip_layout, unet_layout
from modules.checkpoints.tensors import Shapes
from modules.foundation.errors import CheckpointError

OPENCLIP = "conditioner.embedders.0.model."
SIZES = 5
"""How many numbers `sizes` gives."""


def claim(shapes: Shapes, declared: Declared) -> Architecture | Refusal:
    """The refiner's answer to a checkpoint. Raises CheckpointError for one that is a refiner but incomplete."""
    if not has_unet(shapes):
        return NO_UNET
    if f"{OPENCLIP}token_embedding.weight" not in shapes:
        return Refusal(f"there is no OpenCLIP text encoder under {OPENCLIP!r}")
    unet = unet_layout(shapes)

    def text_encoders() -> tuple[TextComponent, ...]:
        clip = openclip_layout(shapes, OPENCLIP)
        if (unet.vector_width, unet.context_width) != (clip.projection + SIZES * VECTOR_SINUSOIDS, clip.width):
            raise CheckpointError("its text encoder does not fit its UNet")
        config = openclip_config(clip, declared)
        return (TextComponent(name="clip_g", prefixes=(OPENCLIP,), config=config, modules={}),)

    return architecture_of(
        FAMILY, shapes, declared, unet=unet, heads=heads_of_64_channels(unet), text_encoders=text_encoders
    )


def sizes(facts: PictureFacts) -> SizeNumbers:
    """Height and width of the original, top and left of the crop, the aesthetic score."""
    return (*facts.size, *facts.crop, facts.high_score), (*facts.size, *facts.crop, facts.low_score)


FAMILY = Family(
    name="SDXL refiner",
    claim=claim,
    latents=LATENTS,
    native_side=1024,
    pooled_text=True,
    sizes=sizes,
    align_your_steps=ALIGN_YOUR_STEPS,
    small_vaes=SMALL_VAES,
    traces=NetworkTraces(context_width=1280),
    folder=FolderForm(
        claims=lambda configs: takes_sizes(configs) and "text_encoder" not in configs.parts,
        encoders={"text_encoder_2": "clip_g"},
    ),
)
