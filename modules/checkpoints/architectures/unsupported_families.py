"""Families that Easel does not run, by the traces their LoRA files have."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from modules.checkpoints.architectures.family import NetworkTraces

UNSUPPORTED_FAMILIES: Mapping[str, NetworkTraces] = MappingProxyType(
    {
        "SD3": NetworkTraces(trained_as=("stable-diffusion-3", "sd3"), keys=("lora_unet_joint_blocks_",)),
        "Flux": NetworkTraces(
            trained_as=("flux",),
            keys=(
                "lora_unet_double_blocks_",
                "lora_transformer_single_transformer_blocks_",
                "transformer.single_transformer_blocks.",
            ),
        ),
    }
)
