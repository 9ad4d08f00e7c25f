"""Writing: prompt, negative prompt and one line of fields."""

from __future__ import annotations

from modules.foundation.plain import JsonMapping, JsonObject
from modules.infotext.quoting import in_line

FIRST_FIELDS = (
    "Steps",
    "Sampler",
    "Schedule type",
    "CFG scale",
    "Image CFG scale",
    "Seed",
    "Face restoration",
    "Size",
    "Model hash",
    "Model",
    "FP8 weight",
    "Cache FP16 weight for LoRA",
    "VAE hash",
    "VAE",
    "Variation seed",
    "Variation seed strength",
    "Seed resize from",
    "Denoising strength",
    "Conditional mask weight",
    "Clip skip",
    "ENSD",
    "Token merging ratio",
    "Token merging ratio hr",
    "Init image hash",
    "RNG",
    "Tiling",
)
"""The fields that have a place of their own. Any others follow in the order given, then `LAST_FIELDS`."""

LAST_FIELDS = ("Version", "User")


def write(prompt: str, negative_prompt: str, fields: JsonMapping) -> str:
    """The infotext of one picture.

    Values are printed as Python prints them (7.0 and 7 differ) and quoted where needed; a field that is None is left
    out, one whose value is its own name stands for itself. An empty negative prompt leaves no line.

    >>> write("a cat", "ugly", {"Seed": 1, "Steps": 20, "Note": "a: b"})
    'a cat\\nNegative prompt: ugly\\nSteps: 20, Seed: 1, Note: "a: b"'
    """
    present = ((key, value) for key, value in in_order(fields).items() if value is not None)
    line = ", ".join(key if key == value else f"{key}: {in_line(value)}" for key, value in present)
    negative = f"\nNegative prompt: {negative_prompt}" if negative_prompt else ""
    return f"{prompt}{negative}\n{line}".strip()


def in_order(fields: JsonMapping) -> JsonObject:
    """The fields in the order in which they are written."""
    placed = {*FIRST_FIELDS, *LAST_FIELDS}
    others = (key for key in fields if key not in placed)
    return {key: fields[key] for key in (*FIRST_FIELDS, *others, *LAST_FIELDS) if key in fields}
