"""From an infotext to the values of controls: what is missing is what the program did when the field did not exist."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from modules.foundation.plain import JsonObject
from modules.infotext.labels import SAME_CHECKPOINT, SAME_SAMPLER, SAME_SCHEDULE
from modules.infotext.network_names import IsHere, NetworkByHash, added_networks, with_local_names
from modules.infotext.parse import Infotext
from modules.infotext.versions import STYLES_IN_HIRES, backward_compatible, parse_version

StylesMode = Literal["Ignore", "Apply", "Discard", "Apply if any"]

ExtractStyles = Callable[[str, str], tuple[list[str], str, str]]

_WHEN_MISSING: JsonObject = {
    "Clip skip": "1",
    "Hires resize-1": 0,
    "Hires resize-2": 0,
    "Hires sampler": SAME_SAMPLER,
    "Hires schedule type": SAME_SCHEDULE,
    "Hires checkpoint": SAME_CHECKPOINT,
    "Hires prompt": "",
    "Hires negative prompt": "",
    "Mask mode": "Inpaint masked",
    "Masked content": "original",
    "Inpaint area": "Whole picture",
    "Masked area padding": 32,
    "RNG": "GPU",
    "Schedule type": "Automatic",
    "Schedule max sigma": 0,
    "Schedule min sigma": 0,
    "Schedule rho": 0,
    "VAE Encoder": "Full",
    "VAE Decoder": "Full",
    "FP8 weight": "Disable",
    "Refiner switch by sampling steps": False,
}


@dataclass(frozen=True, kw_only=True)
class RestoreOptions:
    """What restoring needs to know from elsewhere.

    extract_styles takes both prompts and gives the names found and the prompts without them; styles are looked for
    only if it is there. uses_emphasis tells whether a prompt weights anything. network_by_hash gives the name under
    which a network with that short hash can be mentioned here; network_is_here whether one keeps its name. skip names
    fields to leave out.
    """

    extract_styles: ExtractStyles | None = None
    styles_mode: StylesMode = "Apply if any"
    uses_emphasis: Callable[[str], bool] = lambda _: False
    network_by_hash: NetworkByHash = lambda _: None
    network_is_here: IsHere = lambda name, digest: False
    auto_backcompat: bool = True
    use_old_hires_fix_width_height: bool = False
    skip: frozenset[str] = frozenset()


def restore(infotext: Infotext, options: RestoreOptions) -> JsonObject:
    """Every value that the infotext says or implies, by label, "Prompt" and "Negative prompt" among them.

    Sizes are taken apart ("Size-1" is the width). "Styles array" appears where styles were found and are to be set.
    """
    values: JsonObject = dict(infotext.parts)
    prompt, negative_prompt = _take_out_styles(values, infotext.prompt, infotext.negative_prompt, options)
    if any(options.uses_emphasis(text) for text in (prompt, negative_prompt)):
        values.setdefault("Emphasis", "Original")
    if hypernetwork := values.get("Hypernet"):  # had a field of its own before it became a tag
        prompt += f"<hypernet:{hypernetwork}:{values.get('Hypernet strength', '1.0')}>"
    prompt = with_local_names(
        prompt, str(values.get("Lora hashes", "")), options.network_by_hash, options.network_is_here
    )
    if (added := added_networks(values)) and added not in prompt:
        prompt = f"{prompt}\n{added}".strip()
    values["Prompt"], values["Negative prompt"] = prompt, negative_prompt
    _restore_hires_size(values, options.use_old_hires_fix_width_height)
    if options.auto_backcompat:
        values |= backward_compatible({key: str(value) for key, value in values.items()}, prompt)
    for key, value in _WHEN_MISSING.items():
        values.setdefault(key, value)
    if values["FP8 weight"] != "Disable":
        values.setdefault("Cache FP16 weight for LoRA", False)
    return {key: value for key, value in values.items() if key not in options.skip}


def _take_out_styles(values: JsonObject, prompt: str, negative_prompt: str, options: RestoreOptions) -> tuple[str, str]:
    """Look for styles in the prompts and, if it was written with them, in the prompts of the second pass."""
    if options.extract_styles is None or options.styles_mode == "Ignore":
        return prompt, negative_prompt
    found, plain, plain_negative = options.extract_styles(prompt, negative_prompt)
    version = parse_version(values.get("Version"))
    if ("Hires prompt" in values or "Hires negative prompt" in values) and (
        version is None or version > STYLES_IN_HIRES
    ):
        hires = values.get("Hires prompt", prompt), values.get("Hires negative prompt", negative_prompt)
        hires_found, hires_plain, hires_plain_negative = options.extract_styles(*hires)
        if hires_found != found:
            return prompt, negative_prompt
        values["Hires prompt"] = "" if hires_plain == plain else hires_plain
        values["Hires negative prompt"] = "" if hires_plain_negative == plain_negative else hires_plain_negative
    if options.styles_mode == "Apply" or (options.styles_mode == "Apply if any" and found):
        values["Styles array"] = found
    return plain, plain_negative


def _restore_hires_size(values: JsonObject, old_meaning: bool) -> None:
    """Turn the "First pass size" of early versions, and the old meaning of the sizes, into today's fields."""
    hires = _integer(values.get("Hires resize-1")), _integer(values.get("Hires resize-2"))
    if old_meaning:
        if all(hires):
            values["Size-1"], values["Size-2"] = hires
        return
    if "First pass size-1" not in values or "First pass size-2" not in values:
        return
    first = _integer(values["First pass size-1"]), _integer(values["First pass size-2"])
    size = _integer(values.get("Size-1", 512)), _integer(values.get("Size-2", 512))
    values["Size-1"], values["Size-2"] = first if all(first) else old_first_pass_size(*size)
    values["Hires resize-1"], values["Hires resize-2"] = size


def old_first_pass_size(width: int, height: int) -> tuple[int, int]:
    """The size of the first pass that early versions chose: about 512x512 pixels, in multiples of 64."""
    scale = math.sqrt(512 * 512 / max(1, width * height))
    return math.ceil(scale * width / 64) * 64, math.ceil(scale * height / 64) * 64


def _integer(value: object) -> int:
    try:
        return int(str(value))
    except ValueError:
        return 0
