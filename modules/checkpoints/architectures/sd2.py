"""Stable Diffusion 2.x: OpenCLIP ViT-H text encoder, UNet with 64 channels a head and linear projections.

The models for 512 pixels predict noise, those for 768 predict v, and their tensors are the same in name and shape:
where neither a sidecar nor a marker says which, the weights have to be asked.
"""

from __future__ import annotations

from modules.checkpoints.architectures.architecture import Architecture, Refusal, TextComponent
from modules.checkpoints.architectures.configs import heads_of_64_channels, openclip_config
from modules.checkpoints.architectures.family import Family, FolderForm, NetworkTraces
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
    if unet.vector_width:
        return Refusal("its UNet takes a vector of a whole picture, as unCLIP models' do")

    def text_encoders() -> tuple[TextComponent, ...]:
        config = openclip_config(openclip_layout(shapes, OPENCLIP), declared)
        return (TextComponent(name="clip_h", prefixes=(OPENCLIP,), config=config, modules={}),)

    return architecture_of(
        FAMILY, shapes, declared, unet=unet, heads=heads_of_64_channels(unet), text_encoders=text_encoders
    )


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
        claims=lambda configs: is_plain(configs) and has_openclip(configs),
        encoders={"text_encoder": "clip_h"},
        lacks_last_layer=True,
    ),
)
