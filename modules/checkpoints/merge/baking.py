"""A VAE file's tensors under the names that a whole checkpoint gives them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from modules.checkpoints.layout import VaeLayout, diffusers_vae_layout
from modules.checkpoints.ldm_keys import KeyMap, current_attention_name, vae_modules
from modules.checkpoints.load_vae import PREFIXES
from modules.checkpoints.merge.arithmetic import pieces_of, stored_as
from modules.checkpoints.tensors import TensorSource
from modules.checkpoints.vae_files import VaeInfo
from modules.checkpoints.writing import Output
from modules.foundation.errors import CheckpointError

if TYPE_CHECKING:
    import torch
    from torch import Tensor

_PARTS = ("encoder.", "decoder.", "quant_conv.", "post_quant_conv.")


def vae_outputs(
    info: VaeInfo, source: TensorSource, kept_as: Callable[[str, torch.dtype], torch.dtype]
) -> dict[str, Output]:
    """The tensors of an open VAE file as `first_stage_model.*`, whichever form of names the file has.

    Raises CheckpointError for a file that holds no VAE.
    """
    shapes = source.shapes
    prefix = next((each for each in PREFIXES if f"{each}decoder.conv_in.weight" in shapes), None)
    if prefix is None:
        raise CheckpointError(f"{info.path} holds no VAE; choose another one to bake in.")
    own = {key.removeprefix(prefix): key for key in shapes if key.startswith(prefix)}
    own = {name: key for name, key in own.items() if name.startswith(_PARTS)}
    if f"{prefix}decoder.mid_block.resnets.0.conv1.weight" in shapes:
        own = _ldm_names(own, diffusers_vae_layout(shapes, prefix))
    result: dict[str, Output] = {}
    for name, key in own.items():
        target = f"first_stage_model.{name}"
        result[target] = _output(target, key, source, kept_as(target, source.dtype(key)))
    return result


def _ldm_names(own: dict[str, str], layout: VaeLayout) -> dict[str, str]:
    back = KeyMap((diffusers, ldm) for ldm, diffusers in vae_modules(layout))
    return {ldm: key for name, key in own.items() if (ldm := back(current_attention_name(name))) is not None}


def _output(target: str, key: str, source: TensorSource, stored: torch.dtype) -> Output:
    shape = source.shapes[key]
    if ".attn_1." in target and target.endswith(".weight") and len(shape) == 2:
        shape = (*shape, 1, 1)  # diffusers has linear layers where LDM has convolutions of one pixel

    def pieces() -> Iterator[Tensor]:
        for (piece,) in pieces_of(source.borrow(key)):
            yield stored_as(piece, stored, target)

    return Output(key=target, dtype=stored, shape=shape, pieces=pieces)
