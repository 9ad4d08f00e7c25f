"""From a VAE file to the network."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from modules.checkpoints.architectures.configs import vae_config
from modules.checkpoints.assembly import (
    Assembly,
    naming_the_file,
    set_encoder_format,
    vae_tensors,
    vae_without_numbers,
)
from modules.checkpoints.declared import read_declared
from modules.checkpoints.layout import diffusers_vae_layout, vae_layout
from modules.checkpoints.ldm_keys import KeyMap, current_attention_name, vae_modules
from modules.checkpoints.tensors import open_tensors
from modules.foundation.errors import CheckpointError
from modules.hardware.device import Hardware

if TYPE_CHECKING:
    from diffusers import AutoencoderKL

PREFIXES = ("", "first_stage_model.", "vae.")
"""Bare, as VAE files are; as in a whole checkpoint, which may serve as one; as some converters write."""


def load_vae(path: Path, hardware: Hardware) -> AutoencoderKL:
    """Read a VAE with names of the original or of diffusers' form. Raises CheckpointError naming file and reason."""
    with open_tensors(path) as source, naming_the_file(path, "VAE"):
        shapes = source.shapes
        prefix = next((each for each in PREFIXES if f"{each}decoder.conv_in.weight" in shapes), None)
        if prefix is None:
            raise CheckpointError("it holds no VAE")
        is_diffusers = f"{prefix}decoder.mid_block.resnets.0.conv1.weight" in shapes
        layout = diffusers_vae_layout(shapes, prefix) if is_diffusers else vae_layout(shapes, prefix)
        parts = tuple(f"{prefix}{part}" for part in ("encoder.", "decoder.", "quant_conv.", "post_quant_conv."))
        translate = current_attention_name if is_diffusers else KeyMap(iter(vae_modules(layout)))
        names = {key: translate(key.removeprefix(prefix)) for key in shapes if key.startswith(parts)}
        assembly = Assembly(
            what="VAE",
            module=vae_without_numbers(vae_config(layout, read_declared(source.metadata))),
            keys=[(source, {key: name for key, name in names.items() if name is not None})],
            dtype=hardware.vae_dtype,
            rename=vae_tensors,
        )
        assembly.check()
        vae, _ = assembly.read(hardware)
        set_encoder_format(vae, hardware)
        return vae
