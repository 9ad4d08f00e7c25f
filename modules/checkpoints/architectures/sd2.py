"""Stable Diffusion 2.x: OpenCLIP ViT-H text encoder, UNet with 64 channels a head and linear projections.

The unCLIP models of 2.1 take CLIP's vector of a picture beside the prompt, the depth model of 2.0 a map of depth.

The models for 512 pixels predict noise, those for 768 predict v, and their tensors are the same in name and shape:
where neither a sidecar nor a marker says which, the weights have to be asked.
"""

from __future__ import annotations

from dataclasses import replace

from modules.checkpoints.architectures.architecture import Architecture, Refusal, TextComponent
from modules.checkpoints.architectures.configs import heads_of_64_channels, openclip_config
from modules.checkpoints.architectures.family import Family, FolderForm, NetworkTraces, takes_embedding
from modules.checkpoints.architectures.ldm import NO_UNET, architecture_of
from modules.checkpoints.architectures.sd1 import ALIGN_YOUR_STEPS, LATENTS, SMALL_VAES, has_openclip, is_plain
from modules.checkpoints.declared import Declared
from modules.checkpoints.layout import has_unet, openclip_layout, unet_layout
from modules.checkpoints.tensors import Shapes

OPENCLIP = "cond_stage_model.model."


def claim(shapes: Shapes, declared: Declared) -> Architecture | Refusal:
    """SD2's answer to a checkpoint. Raises CheckpointError for one that is SD2's but incomplete."""
    if not has_unet(shapes):
        return NO_UNET
    if f"{OPENCLIP}token_embedding.weight" not in shapes:
        return Refusal(f"there is no OpenCLIP text encoder under {OPENCLIP!r}")
    unet = unet_layout(shapes)

    def text_encoders() -> tuple[TextComponent, ...]:
        config = openclip_config(openclip_layout(shapes, OPENCLIP), declared)
        return (TextComponent(name="clip_h", prefixes=(OPENCLIP,), config=config, modules={}),)

    found = architecture_of(
        FAMILY, shapes, declared, unet=unet, heads=heads_of_64_channels(unet), text_encoders=text_encoders
    )
    return _with_picture_vector(found) if unet.vector_width and isinstance(found, Architecture) else found


def _with_picture_vector(architecture: Architecture) -> Architecture:
    """The vector of unCLIP's UNet goes to the time embedding as it is, with no sizes beside it as in SDXL."""
    unet = architecture.unet
    config = {name: value for name, value in unet.config.items() if not name.startswith("addition_")}
    modules = {key: name.replace("add_embedding", "class_embedding") for key, name in unet.modules.items()}
    unet = replace(unet, config={**config, "class_embed_type": "projection"}, modules=modules)
    return replace(architecture, unet=unet, image_input="embedding")


FAMILY = Family(
    name="SD2",
    claim=claim,
    latents=LATENTS,
    prediction=None,
    native_side=768,
    align_your_steps=ALIGN_YOUR_STEPS,
    small_vaes=SMALL_VAES,
    traces=NetworkTraces(
        trained_as=("stable-diffusion-v2", "sd_v2"),
        base_model="sd_v2",
        modelspec="stable-diffusion-v2-768-v",
        metadata={"ss_v2": "True"},
        context_width=1024,
        embedding_width=1024,
    ),
    folder=FolderForm(
        claims=lambda configs: (is_plain(configs) or takes_embedding(configs)) and has_openclip(configs),
        encoders={"text_encoder": "clip_h"},
        lacks_last_layer=True,
    ),
)
