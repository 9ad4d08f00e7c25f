"""Which family a checkpoint belongs to, told from names and shapes alone."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from modules.checkpoints.architectures import sd1, sd2, sdxl, sdxl_refiner
from modules.checkpoints.architectures.architecture import Architecture, Refusal
from modules.checkpoints.declared import Declared, read_declared, with_markers
from modules.checkpoints.tensors import Shapes, TensorSource
from modules.foundation.errors import CheckpointError, UnknownArchitecture

FAMILIES: tuple[Callable[[Shapes, Declared], Architecture | Refusal], ...] = (
    sd1.claim,
    sd2.claim,
    sdxl.claim,
    sdxl_refiner.claim,
)

NOT_YET = {
    "double_blocks.0.img_attn.qkv.weight": "a Flux transformer",
    "model.diffusion_model.double_blocks.0.img_attn.qkv.weight": "a Flux transformer",
    "joint_blocks.0.x_block.attn.qkv.weight": "a Stable Diffusion 3 transformer",
    "model.diffusion_model.joint_blocks.0.x_block.attn.qkv.weight": "a Stable Diffusion 3 transformer",
}
"""Telling tensors of families that are recognised but not run."""


def identify(source: TensorSource, path: Path) -> Architecture:
    """The architecture of an open model file.

    Raises UnknownArchitecture with each family's reason, CheckpointError for a file that lacks something it needs.
    """
    shapes = source.shapes
    for key, what in NOT_YET.items():
        if key in shapes:
            raise UnknownArchitecture(f"{path} is {what}; Easel does not run it yet. Choose an SD1, SD2 or SDXL one.")
    reasons: list[str] = []
    try:
        declared = with_markers(read_declared(source.metadata, path.with_suffix(".yaml")), shapes)
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
