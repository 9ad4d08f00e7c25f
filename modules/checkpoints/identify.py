"""Which family a checkpoint belongs to, told from names and shapes alone."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from modules.checkpoints.architectures.architecture import Architecture
from modules.checkpoints.architectures.family import Family
from modules.checkpoints.declared import Declared, read_declared, with_markers
from modules.checkpoints.families import FamilyRegistry
from modules.checkpoints.tensors import Shapes, TensorSource
from modules.checkpoints.unsupported import unsupported_kind
from modules.foundation.errors import CheckpointError, UnknownArchitecture


def identify(source: TensorSource, path: Path, families: FamilyRegistry | None = None) -> Architecture:
    """The architecture of an open model file; without `families`, Easel's own are asked.

    Raises UnknownArchitecture with each family's reason, CheckpointError for a file that lacks something it needs.
    """
    families, shapes, reasons = families or FamilyRegistry(), source.shapes, list[str]()
    try:
        declared = with_markers(read_declared(source.metadata, path.with_suffix(".yaml")), shapes)
        found = _claimed(families.added, shapes, declared, reasons)
        if found is None and (what := unsupported_kind(shapes)) is not None:
            raise UnknownArchitecture(f"{path} is {what}")
        found = found or _claimed(families.built_in, shapes, declared, reasons)
    except UnknownArchitecture:
        raise
    except CheckpointError as error:
        raise CheckpointError(f"{path} is not a usable checkpoint: {error}.") from error
    except IndexError as error:
        reason = "some of its tensors have fewer dimensions than those of any known family"
        raise CheckpointError(f"{path} is not a usable checkpoint: {reason}.") from error
    if found is not None:
        return found
    raise UnknownArchitecture(
        f"{path} is not a checkpoint that Easel can run ({'; '.join(reasons)}). "
        "If it belongs to something else, move it to a folder of its own."
    )


def _claimed(families: Iterable[Family], shapes: Shapes, declared: Declared, reasons: list[str]) -> Architecture | None:
    """The answer of the first family that claims the file; the reasons of those that do not go to `reasons`."""
    for family in families:
        answer = family.claim(shapes, declared)
        if isinstance(answer, Architecture):
            return answer
        reasons.append(f"not {family}, because {answer.reason}")
    return None
