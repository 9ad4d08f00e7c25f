"""From a VAE file to the network."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from modules.checkpoints.architectures.configs import vae_config
from modules.checkpoints.declared import read_declared
from modules.checkpoints.diffusers_folder import current_attention_names
from modules.checkpoints.layout import diffusers_vae_layout, vae_layout
from modules.checkpoints.ldm_keys import KeyMap, vae_modules
from modules.checkpoints.load import build_vae, naming_the_file, place
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
        parts = [f"{prefix}{part}" for part in ("encoder.", "decoder.", "quant_conv.", "post_quant_conv.")]
        translate = KeyMap(iter(vae_modules(layout)))
        tensors = {}
        for key in shapes:
            name = key.removeprefix(prefix)
            target = name if is_diffusers else translate(name)
            if target is not None and key.startswith(tuple(parts)):
                tensors[target] = place(source.read(key), hardware.vae_dtype, hardware)
        config = vae_config(layout, read_declared(source.metadata))
        return build_vae(config, current_attention_names(tensors), hardware)
