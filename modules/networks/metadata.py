"""What trainers write into the header of a network file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, cast

from modules.checkpoints.architectures.family import NetworkTraces
from modules.checkpoints.families import FamilyRegistry
from modules.foundation.json_text import parse_json
from modules.foundation.plain import JsonObject

COVERS = "ssmd_cover_images"
"""The entry that holds pictures, as a list in base64."""


def family_of(metadata: Mapping[str, str], traces: Mapping[str, NetworkTraces] | None = None) -> str | None:
    """The family of models that a file says it was trained for, or None where it does not tell.

    `traces` are those of the families there are; without them, Easel's own are known.
    """
    traces = FamilyRegistry().traces() if traces is None else traces
    architecture = metadata.get("modelspec.architecture", "").casefold()
    version = metadata.get("ss_base_model_version", "").casefold()
    for family, known in traces.items():
        if known.trained_as and (architecture.startswith(known.trained_as) or version.startswith(known.trained_as)):
            return family
    for family, known in traces.items():
        if known.metadata and known.metadata.items() <= metadata.items():
            return family
    return None


def tag_counts(metadata: Mapping[str, str]) -> Mapping[str, int]:
    """How often each tag stood beside the pictures of the training (`ss_tag_frequency`), over all folders."""
    try:
        folders = parse_json(metadata.get("ss_tag_frequency", ""))
    except ValueError:
        return {}
    counts: Counter[str] = Counter()
    for tags in cast("JsonObject", folders).values() if isinstance(folders, dict) else ():
        for tag, count in cast("JsonObject", tags).items() if isinstance(tags, dict) else ():
            if isinstance(count, int):
                counts[tag.strip()] += count
    return counts


def cover_list(metadata: Mapping[str, str]) -> Sequence[Any]:
    """The pictures that the header carries, each in base64 if all is well."""
    try:
        covers = parse_json(metadata.get(COVERS, ""))
    except ValueError:
        return ()
    return cast("list[object]", covers) if isinstance(covers, list) else ()


def unpacked(text: str) -> Any:
    """A value of the header; objects, which trainers write as JSON text, as objects."""
    if not text.startswith("{"):
        return text
    try:
        return parse_json(text)
    except ValueError:
        return text
