"""What the catalogue tells of embeddings, found out from names and shapes where the file has them apart."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

from modules.checkpoints.families import FamilyRegistry
from modules.checkpoints.restricted_unpickler import TensorStub, named, read_pickle, scalar_text
from modules.checkpoints.safetensors_header import read_header
from modules.checkpoints.sniff import mismatch
from modules.foundation.errors import EaselError
from modules.library.facts import NOTHING, Facts
from modules.text_encoders.textual_inversion import IMAGE_SUFFIXES, NO_EMBEDDING


def describe_embedding(path: Path, families: FamilyRegistry | None = None) -> Facts:
    """Family, number and length of the vectors, or why the file cannot be used."""
    traces = (families or FamilyRegistry()).traces()
    try:
        facts = _describe_picture(path) if path.suffix.casefold() in IMAGE_SUFFIXES else _describe_tensors(path)
        width = facts.details.get("width")
        family = next((name for name, known in traces.items() if str(known.embedding_width) == width), None)
        return replace(facts, family=family)
    except EaselError as error:
        return Facts(problem=str(error))
    except OSError as error:
        return Facts(problem=f"{path} cannot be read: {error.strerror}.")


def _describe_tensors(path: Path) -> Facts:
    is_safetensors = path.suffix.casefold() == ".safetensors"
    reason = mismatch(path, "safetensors" if is_safetensors else "torch")
    if reason is not None:
        return Facts(problem=f"{path} is not a usable embedding: {reason}.")
    if is_safetensors:
        header = read_header(path)
        return _facts(path, header.shapes, {}, header.metadata)
    content = read_pickle(path)
    if isinstance(content, TensorStub):
        return _facts(path, {"": content.shape}, {})
    table = cast("dict[Any, Any]", content) if isinstance(content, dict) else {}
    vectors = table.get("string_to_param", table)
    vectors = cast("dict[Any, Any]", vectors) if isinstance(vectors, dict) else {}
    shapes = {key: each.shape for key, each in named(vectors) if isinstance(each, TensorStub)}
    return _facts(path, shapes, table)


def _facts(
    path: Path,
    shapes: Mapping[str, tuple[int, ...]],
    said: Mapping[object, object],
    metadata: Mapping[str, str] = NOTHING,
) -> Facts:
    for_encoders = {key: shapes[key] for key in ("clip_l", "clip_g") if key in shapes}
    vectors = list((for_encoders if len(for_encoders) == 2 else shapes).values())
    if not vectors or (len(vectors) > 1 and len(for_encoders) != 2) or any(len(each) not in (1, 2) for each in vectors):
        return Facts(problem=f"{path} is not a usable embedding: it holds no vectors.", metadata=metadata)
    width = sum(each[-1] for each in vectors)
    count = max(each[0] if len(each) == 2 else 1 for each in vectors)
    details = {"vectors": str(count), "width": str(width)}
    names = ("step", "sd_checkpoint", "sd_checkpoint_name")
    details |= {key: text for key in names if said.get(key) and (text := scalar_text(said[key]))}
    return Facts(details=details, metadata=metadata)


def _describe_picture(path: Path) -> Facts:
    from modules.text_encoders.embedding_files import read_embedding

    found = read_embedding(path)
    if found is None:
        return Facts(details={NO_EMBEDDING: "yes"})
    return Facts(
        alias=found.name,
        details={"vectors": str(found.vectors), "width": str(found.width)},
    )
