"""Which family a checkpoint belongs to, told from names and shapes alone."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from modules.checkpoints.architectures import sd1
from modules.checkpoints.architectures.architecture import Architecture, Refusal
from modules.checkpoints.declared import Declared, read_declared
from modules.checkpoints.tensors import Shapes, TensorSource
from modules.foundation.errors import CheckpointError, UnknownArchitecture

FAMILIES: tuple[Callable[[Shapes, Declared], Architecture | Refusal], ...] = (sd1.claim,)

NOT_YET = {
    "double_blocks.0.img_attn.qkv.weight": "a Flux transformer",
    "model.diffusion_model.double_blocks.0.img_attn.qkv.weight": "a Flux transformer",
    "joint_blocks.0.x_block.attn.qkv.weight": "a Stable Diffusion 3 transformer",
    "model.diffusion_model.joint_blocks.0.x_block.attn.qkv.weight": "a Stable Diffusion 3 transformer",
    "conditioner.embedders.0.transformer.text_model.embeddings.token_embedding.weight": "an SDXL checkpoint",
    "conditioner.embedders.0.model.token_embedding.weight": "an SDXL refiner",
    "cond_stage_model.model.token_embedding.weight": "a Stable Diffusion 2 checkpoint",
}
"""Telling tensors of families that are recognised but not run."""


def identify(source: TensorSource, path: Path) -> Architecture:
    """The architecture of an open model file.

    Raises UnknownArchitecture with each family's reason, CheckpointError for a file that lacks something it needs.
    """
    shapes = source.shapes
    for key, what in NOT_YET.items():
        if key in shapes:
            raise UnknownArchitecture(f"{path} is {what}; Easel does not run it yet. Choose an SD1 checkpoint.")
    reasons: list[str] = []
    try:
        declared = read_declared(source.metadata, path.with_suffix(".yaml"))
        for family in FAMILIES:
            answer = family(shapes, declared)
            if isinstance(answer, Architecture):
                return answer
            reasons.append(f"not {answer.family}, because {answer.reason}")
    except CheckpointError as error:
        raise CheckpointError(f"{path} is not a usable checkpoint: {error}.") from error
    raise UnknownArchitecture(
        f"{path} is not a checkpoint that Easel can run ({'; '.join(reasons)}). "
        "If it is a LoRA, VAE or embedding, move it to its own folder."
    )
