"""Alt-Diffusion (Ye et al. 2023): Stable Diffusion with a text encoder for 2, 9 or 18 languages.

The UNet is that of Stable Diffusion 1, in the model for 18 languages that of Stable Diffusion 2.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from modules.checkpoints.architectures.architecture import Architecture, Refusal, TextComponent
from modules.checkpoints.architectures.configs import heads_of_64_channels
from modules.checkpoints.architectures.family import Family, FolderForm, NetworkTraces
from modules.checkpoints.architectures.ldm import NO_UNET, architecture_of
from modules.checkpoints.architectures.sd1 import ALIGN_YOUR_STEPS, LATENTS, SMALL_VAES, UNET_HEADS
from modules.checkpoints.declared import Declared
from modules.checkpoints.layout import has_unet, unet_layout
from modules.checkpoints.tensors import Shapes
from modules.checkpoints.xlmr_layout import PROJECTION, xlmr_config, xlmr_folder_config
from modules.foundation.errors import CheckpointError
from modules.foundation.plain import JsonMapping

if TYPE_CHECKING:
    from torch import nn

PREFIX = "cond_stage_model."
MODEL_CLASS = "RobertaSeriesModelWithTransformation"
"""The class of the text encoder in diffusers' form."""

MARKER = f"{PREFIX}roberta.embeddings.word_embeddings.weight"


def claim(shapes: Shapes, declared: Declared) -> Architecture | Refusal:
    """Alt-Diffusion's answer to a checkpoint. Raises CheckpointError for one that is its own but incomplete."""
    if not has_unet(shapes):
        return NO_UNET
    if MARKER not in shapes:
        return Refusal("there is no XLM-R text encoder")
    unet = unet_layout(shapes)

    def text_encoders() -> tuple[TextComponent, ...]:
        config = xlmr_config(shapes, PREFIX)
        if config[PROJECTION] != unet.context_width:
            raise CheckpointError("its text encoder does not fit its UNet")
        return (TextComponent(name="xlmr", prefixes=(PREFIX,), config=config, modules={}, build=_text_encoder),)

    heads = heads_of_64_channels(unet) if unet.linear_projection else lambda width: UNET_HEADS
    return architecture_of(FAMILY, shapes, declared, unet=unet, heads=heads, text_encoders=text_encoders)


def _text_encoder(config: JsonMapping) -> nn.Module:
    from modules.checkpoints.xlmr import ProjectedXlmRoberta

    return ProjectedXlmRoberta(config)


FAMILY = Family(
    name="Alt-Diffusion",
    claim=claim,
    latents=LATENTS,
    # The form for 18 languages was trained like Stable Diffusion 2, whose shapes do not tell.
    prediction=None,
    align_your_steps=ALIGN_YOUR_STEPS,
    small_vaes=SMALL_VAES,
    folder=FolderForm(
        claims=lambda configs: MODEL_CLASS in (configs.text.get("architectures") or ()),
        encoders={"text_encoder": "xlmr"},
        build=lambda config: _text_encoder(xlmr_folder_config(config)),
    ),
    traces=NetworkTraces(base_model="alt_diffusion", modelspec="alt-diffusion"),
)
