"""Which family a checkpoint belongs to, told from names and shapes alone."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from modules.checkpoints.architectures import sd1, sd2, sdxl, sdxl_refiner
from modules.checkpoints.architectures.architecture import Architecture, Refusal
from modules.checkpoints.declared import Declared, read_declared, with_markers
from modules.checkpoints.strangers import stranger
from modules.checkpoints.tensors import Shapes, TensorSource
from modules.foundation.errors import CheckpointError, UnknownArchitecture

FAMILIES: tuple[Callable[[Shapes, Declared], Architecture | Refusal], ...] = (
    sd1.claim,
    sd2.claim,
    sdxl.claim,
    sdxl_refiner.claim,
)


def identify(source: TensorSource, path: Path) -> Architecture:
    """The architecture of an open model file.

    Raises UnknownArchitecture with each family's reason, CheckpointError for a file that lacks something it needs.
    """
    shapes = source.shapes
    if (what := stranger(shapes)) is not None:
        raise UnknownArchitecture(f"{path} is {what}")
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
    except IndexError as error:
        reason = "some of its tensors have fewer dimensions than those of any known family"
        raise CheckpointError(f"{path} is not a usable checkpoint: {reason}.") from error
    raise UnknownArchitecture(
        f"{path} is not a checkpoint that Easel can run ({'; '.join(reasons)}). "
        "If it belongs to something else, move it to a folder of its own."
    )
