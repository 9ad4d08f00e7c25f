"""What the catalogue tells of networks, found out from names, shapes and free text alone."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

from modules.checkpoints.architectures.family import NetworkTraces
from modules.checkpoints.describe import Names, read_names
from modules.checkpoints.families import FamilyRegistry
from modules.checkpoints.restricted_unpickler import read_pickle, scalar_text
from modules.checkpoints.sniff import mismatch
from modules.checkpoints.tensors import Shapes
from modules.foundation.errors import CheckpointError
from modules.library.facts import Facts
from modules.networks.look_for_nan import tensor_with_nan
from modules.networks.metadata import family_of, tag_counts

MAX_WORDS = 300
"""Letters of the most frequent tags by which a search finds a network."""

# The text's width enters the keys of cross-attention; what a factor is called depends on the trainer.
_CROSS_ATTENTION = re.compile(
    r"attn2[._]to_k[._](lora_down\.weight|lora_A\.weight|lora\.down\.weight|hada_w1_b|lora_A\.default\.weight)$"
)


def describe_lora(path: Path, families: FamilyRegistry | None = None) -> Facts:
    """Family, alias and hash of a low-rank network as its header has them, or why it cannot be used."""
    traces = (families or FamilyRegistry()).traces()
    try:
        names = read_names(path)
    except CheckpointError as error:
        return Facts(problem=str(error))
    metadata = names.metadata
    if not names.shapes:
        return Facts(problem=f"{path} is not a usable network: it is empty.", metadata=metadata)
    return Facts(
        problem=_problem(path, names),
        family=family_of(metadata, traces) or family_of_shapes(names.shapes, traces),
        alias=metadata.get("ss_output_name") or None,
        told_hash=metadata.get("sshs_model_hash") or None,
        words=_words(metadata),
        metadata=metadata,
    )


def _problem(path: Path, names: Names) -> str | None:
    try:
        name = tensor_with_nan(path, names.places)
    except OSError as error:
        return f"{path} cannot be read: {error.strerror}."
    if name is None:
        return None
    return f"{path} is damaged: its tensor {name!r} contains values that are not numbers (NaN or infinity)."


def describe_hypernetwork(path: Path) -> Facts:
    """The name that a hypernetwork was given and the steps of its training, or why it cannot be used."""
    try:
        reason = mismatch(path, "torch")
        content: object = None if reason else read_pickle(path)
    except CheckpointError as error:
        return Facts(problem=str(error))
    except OSError as error:
        return Facts(problem=f"{path} cannot be read: {error.strerror}.")
    if reason or not isinstance(content, dict):
        return Facts(problem=f"{path} is not a usable hypernetwork: {reason or 'it holds no table of layers'}.")
    table = cast("dict[Any, Any]", content)
    if not any(isinstance(key, int) for key in table):
        return Facts(problem=f"{path} is not a usable hypernetwork: it has no layers.")
    details = {
        key: text for key in ("step", "sd_checkpoint_name") if table.get(key) and (text := scalar_text(table[key]))
    }
    return Facts(alias=scalar_text(table.get("name")) or None, details=details)


def family_of_shapes(shapes: Shapes, traces: Mapping[str, NetworkTraces] | None = None) -> str | None:
    """The family of models that a low-rank network fits, by what it is shaped like; None where that does not tell.

    `traces` are those of the families there are; without them, Easel's own are known.
    """
    traces = FamilyRegistry().traces() if traces is None else traces
    for key, shape in shapes.items():
        for family, known in traces.items():
            if known.keys and key.startswith(known.keys):
                return family
        if _CROSS_ATTENTION.search(key) and len(shape) > 1:
            return next((family for family, known in traces.items() if known.context_width == shape[1]), None)
    return None


def _words(metadata: Mapping[str, str]) -> str | None:
    tags = tag_counts(metadata)
    text = " ".join(sorted(tags, key=lambda tag: -tags[tag])[:50])
    return text[:MAX_WORDS].casefold() or None
