"""SDXL (Podell et al. 2023): CLIP ViT-L and OpenCLIP ViT-bigG side by side, and a vector of text and sizes.

Pruned forms (SSD-1B, Vega) have fewer transformer blocks or none in the middle; their shapes say so.
"""

from __future__ import annotations

from modules.checkpoints.architectures.architecture import Architecture, Refusal, TextComponent
from modules.checkpoints.architectures.configs import (
    VECTOR_SINUSOIDS,
    clip_config,
    heads_of_64_channels,
    openclip_config,
)
from modules.checkpoints.architectures.family import (
    Family,
    FolderConfigs,
    FolderForm,
    NetworkTraces,
    PictureFacts,
    SizeNumbers,
    SmallVaeFiles,
)
from modules.checkpoints.architectures.ldm import NO_UNET, architecture_of
from modules.checkpoints.declared import Declared
from modules.checkpoints.layout import clip_layout, has_unet, openclip_layout, unet_layout
from modules.checkpoints.tensors import Shapes
from modules.foundation.errors import CheckpointError
from modules.sampling.latent_space import LatentSpace, LinearDecoder

CLIP = "conditioner.embedders.0.transformer.text_model."
OPENCLIP = "conditioner.embedders.1.model."
SIZES = 6
"""How many numbers `sizes` gives."""

CONTINUOUS = ("edm_vpred.sigma_max", "edm_mean")
"""Markers of models trained on continuous noise levels (CosXL, Playground 2.5)."""

PREVIEW = LinearDecoder(
    factors=(
        (60 / 255, 60 / 255, 60 / 255),
        (-60 / 255, -5 / 255, 10 / 255),
        (25 / 255, 15 / 255, -5 / 255),
        (-70 / 255, -50 / 255, -35 / 255),
    ),
    bias=(150 / 255, 140 / 255, 130 / 255),
)
"""Timothy Alexis Vass 2023, "Explaining the SDXL latent space" (Hugging Face blog)."""

LATENTS = LatentSpace(channels=4, pixels=8, scale=0.13025, preview=PREVIEW)
"""Those of SDXL and its refiner."""

ALIGN_YOUR_STEPS = (14.615, 6.315, 3.771, 2.181, 1.342, 0.862, 0.555, 0.380, 0.234, 0.113, 0.029)
"""Sabour et al. 2024, "Align Your Steps": the levels for ten steps."""

SMALL_VAES = SmallVaeFiles(decoder="taesdxl_decoder", encoder="taesdxl_encoder", approximation="vaeapprox-sdxl")


def claim(shapes: Shapes, declared: Declared) -> Architecture | Refusal:
    """SDXL's answer to a checkpoint. Raises CheckpointError for one that is SDXL's but incomplete."""
    if not has_unet(shapes):
        return NO_UNET
    unet = unet_layout(shapes)
    if not unet.vector_width:
        return Refusal("its UNet takes no pooled vector")
    for prefix, key in ((CLIP, "embeddings.token_embedding.weight"), (OPENCLIP, "token_embedding.weight")):
        if prefix + key not in shapes:
            return Refusal(f"there is no text encoder under {prefix!r}")
    if any(key in shapes for key in CONTINUOUS):
        return Refusal("it was trained on continuous noise levels (EDM), which Easel does not sample yet")

    def text_encoders() -> tuple[TextComponent, ...]:
        first, second = clip_layout(shapes, CLIP), openclip_layout(shapes, OPENCLIP)
        wanted = (second.projection + SIZES * VECTOR_SINUSOIDS, first.width + second.width)
        if (unet.vector_width, unet.context_width) != wanted:
            raise CheckpointError("its text encoders do not fit its UNet")
        return (
            TextComponent(name="clip_l", prefixes=(CLIP,), config=clip_config(first, declared), modules={}),
            TextComponent(name="clip_g", prefixes=(OPENCLIP,), config=openclip_config(second, declared), modules={}),
        )

    return architecture_of(
        FAMILY, shapes, declared, unet=unet, heads=heads_of_64_channels(unet), text_encoders=text_encoders
    )


def sizes(facts: PictureFacts) -> SizeNumbers:
    """Height and width of the original, top and left of the crop, height and width of the target."""
    numbers = (*(facts.original or facts.size), *facts.crop, *facts.size)
    return numbers, numbers


def takes_sizes(configs: FolderConfigs) -> bool:
    """Whether a UNet in diffusers' form takes a vector of text and sizes."""
    return configs.unet.get("addition_embed_type") == "text_time"


FAMILY = Family(
    name="SDXL",
    claim=claim,
    latents=LATENTS,
    native_side=1024,
    pooled_text=True,
    sizes=sizes,
    align_your_steps=ALIGN_YOUR_STEPS,
    small_vaes=SMALL_VAES,
    traces=NetworkTraces(
        trained_as=("stable-diffusion-xl", "sdxl"),
        base_model="sdxl_base_v1-0",
        modelspec="stable-diffusion-xl-v1-base",
        keys=("lora_te2_",),
        context_width=2048,
        embedding_width=768 + 1280,
    ),
    folder=FolderForm(
        claims=lambda configs: takes_sizes(configs) and "text_encoder" in configs.parts,
        encoders={"text_encoder": "clip_l", "text_encoder_2": "clip_g"},
    ),
)
