"""Stable Diffusion 1.x: epsilon prediction, CLIP ViT-L/14 text encoder, UNet with 8 heads and conv projections.

Its inpainting and InstructPix2Pix models take more channels. Dimensions come from the shapes, so narrower models of the
same topology load too.
"""

from __future__ import annotations

from modules.checkpoints.architectures.architecture import Architecture, Refusal, TextComponent
from modules.checkpoints.architectures.configs import clip_config
from modules.checkpoints.architectures.family import Family, FolderConfigs, FolderForm, NetworkTraces, SmallVaeFiles
from modules.checkpoints.architectures.ldm import NO_UNET, architecture_of
from modules.checkpoints.declared import Declared
from modules.checkpoints.layout import clip_layout, has_unet, unet_layout
from modules.checkpoints.tensors import Shapes
from modules.sampling.latent_space import LatentSpace, LinearDecoder

UNET_HEADS = 8

# Some trainers saved the encoder one level down, some left out the class's own name.
CLIP_PREFIXES = ("cond_stage_model.transformer.text_model.", "cond_stage_model.transformer.")

PREVIEW = LinearDecoder(
    factors=((0.149, 0.1035, 0.104), (0.0935, 0.143, 0.0865), (-0.079, 0.0945, 0.132), (-0.092, -0.1355, -0.2365)),
    bias=(0.5, 0.5, 0.5),
)
"""Kevin Turner 2022, "Decoding latents to RGB without upscaling" (Hugging Face forum)."""

LATENTS = LatentSpace(channels=4, pixels=8, scale=0.18215, preview=PREVIEW)
"""Those of Stable Diffusion 1 and 2."""

ALIGN_YOUR_STEPS = (14.615, 6.475, 3.861, 2.697, 1.886, 1.396, 0.963, 0.652, 0.399, 0.152, 0.029)
"""Sabour et al. 2024, "Align Your Steps": the levels for ten steps."""

SMALL_VAES = SmallVaeFiles(decoder="taesd_decoder", encoder="taesd_encoder", approximation="model")


def claim(shapes: Shapes, declared: Declared) -> Architecture | Refusal:
    """SD1's answer to a checkpoint. Raises CheckpointError for one that is SD1's but incomplete."""
    if not has_unet(shapes):
        return NO_UNET
    unet = unet_layout(shapes)
    if unet.vector_width:
        return Refusal("its UNet takes a pooled vector, as SDXL's does")
    if any(key.startswith("cond_stage_model.model.") for key in shapes):
        return Refusal("its text encoder is OpenCLIP, as in SD2")
    if unet.linear_projection:
        return Refusal("its UNet projects with linear layers, as SD2's does")

    def text_encoders() -> tuple[TextComponent, ...]:
        prefix = next((each for each in CLIP_PREFIXES if f"{each}embeddings.token_embedding.weight" in shapes), "")
        clip = clip_layout(shapes, prefix or CLIP_PREFIXES[0])
        return (TextComponent(name="clip_l", prefixes=(prefix,), config=clip_config(clip, declared), modules={}),)

    return architecture_of(
        FAMILY, shapes, declared, unet=unet, heads=lambda width: UNET_HEADS, text_encoders=text_encoders
    )


def is_plain(configs: FolderConfigs) -> bool:
    """Whether a UNet in diffusers' form takes no vector beside the text."""
    return not configs.unet.get("class_embed_type") and not configs.unet.get("addition_embed_type")


def has_openclip(configs: FolderConfigs) -> bool:
    """Whether the first text encoder is OpenCLIP's, which computes with another activation."""
    return configs.text.get("hidden_act", "quick_gelu") == "gelu"


FAMILY = Family(
    name="SD1",
    claim=claim,
    latents=LATENTS,
    align_your_steps=ALIGN_YOUR_STEPS,
    small_vaes=SMALL_VAES,
    traces=NetworkTraces(
        trained_as=("stable-diffusion-v1", "sd_v1"),
        base_model="sd_v1",
        modelspec="stable-diffusion-v1",
        context_width=768,
        embedding_width=768,
    ),
    folder=FolderForm(
        claims=lambda configs: is_plain(configs) and not has_openclip(configs),
        encoders={"text_encoder": "clip_l"},
    ),
)
