"""What is to be merged and how, and what the merged file says about it."""

from __future__ import annotations

import enum
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from modules.checkpoints.architectures.architecture import FurtherInput
from modules.checkpoints.declared import METADATA_KEY, MODELSPEC_KEY
from modules.checkpoints.info import CheckpointInfo
from modules.checkpoints.vae_files import VaeInfo
from modules.foundation.json_text import parse_json
from modules.foundation.plain import JsonObject
from modules.library.digests import old_hash

Format = Literal["safetensors", "ckpt"]

RECIPE_KEY, MODELS_KEY = "sd_merge_recipe", "sd_merge_models"
"""The metadata entries in which A1111 and those who read its files look for the recipe."""


class MergeMethod(enum.Enum):
    """How the models are combined; M is the multiplier, and the values are A1111's names."""

    NO_INTERPOLATION = "No interpolation"
    """A as it is: to convert, prune or give it a VAE."""
    WEIGHTED_SUM = "Weighted sum"
    """A * (1 - M) + B * M."""
    ADD_DIFFERENCE = "Add difference"
    """A + (B - C) * M."""

    @property
    def models(self) -> int:
        """How many models it takes."""
        return {MergeMethod.NO_INTERPOLATION: 1, MergeMethod.WEIGHTED_SUM: 2, MergeMethod.ADD_DIFFERENCE: 3}[self]


class ConfigSource(enum.IntEnum):
    """Whose sidecar .yaml and declared architecture the result gets. The numbers are A1111's."""

    FIRST_FOUND = 0
    B = 1
    C = 2
    NONE = 3


@dataclass(frozen=True, kw_only=True)
class MergeRecipe:
    """A merge. `secondary` and `tertiary` are None where the method does not take them.

    `name` is the result's, without suffix; an empty one is made of the others. `discard` is a regular expression:
    tensors whose name it is found in are left out. `half` stores float32 weights as float16. `metadata` are further
    entries for the file; `copy_metadata` takes over those of the models, the primary's last word first.
    """

    primary: CheckpointInfo
    secondary: CheckpointInfo | None = None
    tertiary: CheckpointInfo | None = None
    method: MergeMethod = MergeMethod.WEIGHTED_SUM
    multiplier: float = 0.3
    name: str = ""
    format: Format = "safetensors"
    half: bool = False
    vae: VaeInfo | None = None
    config_source: ConfigSource = ConfigSource.FIRST_FOUND
    discard: str = ""
    save_metadata: bool = True
    add_recipe: bool = True
    copy_metadata: bool = True
    metadata: Mapping[str, str] = field(default_factory=dict[str, str])

    @property
    def models(self) -> tuple[CheckpointInfo, ...]:
        """The models that the method takes, in order; shorter where one is missing."""
        sources = (self.primary, self.secondary, self.tertiary)[: self.method.models]
        return tuple(model for model in sources if model is not None)

    def file_name(self, image_input: FurtherInput | None) -> str:
        """The result's name with its suffix; that of a model with further input channels says so."""
        stem = self.name.strip() or self._made_up_name()
        kind = f".{image_input}" if image_input else ""
        return f"{stem}{kind}.{self.format}"

    def _made_up_name(self) -> str:
        names = [model.model_name for model in self.models]
        share, rest = round(self.multiplier, 2), round(1 - self.multiplier, 2)
        if self.method is MergeMethod.WEIGHTED_SUM:
            return f"{rest}({names[0]}) + {share}({names[1]})"
        if self.method is MergeMethod.ADD_DIFFERENCE:
            return f"{names[0]} + {share}({names[1]} - {names[2]})"
        return names[0]


def metadata_of(
    recipe: MergeRecipe,
    carried: Mapping[Path, Mapping[str, str]],
    sha256: Callable[[Path], str],
    image_input: FurtherInput | None,
) -> dict[str, str]:
    """The free text of the result. `carried` is that of each model's file, `sha256` the hash of a file.

    What tells the architecture goes with the config source, whether or not metadata is wanted otherwise: without it
    the result could not be loaded.
    """
    found: dict[str, str] = {"format": "pt"}
    if recipe.save_metadata and recipe.copy_metadata:
        for model in recipe.models:
            found |= carried[model.path]
    if recipe.save_metadata:
        found |= recipe.metadata
    for key in (METADATA_KEY, MODELSPEC_KEY):
        found.pop(key, None)
    source = config_model(recipe, lambda model: METADATA_KEY in carried[model.path])
    if source is not None:
        found |= {
            key: carried[source.path][key] for key in (METADATA_KEY, MODELSPEC_KEY) if key in carried[source.path]
        }
    if recipe.save_metadata and recipe.add_recipe:
        found |= _recipe_entries(recipe, carried, sha256, image_input)
    return found


def config_model(recipe: MergeRecipe, has_config: Callable[[CheckpointInfo], bool]) -> CheckpointInfo | None:
    """The model whose configuration the result gets; by default the first that has one, else the primary."""
    if recipe.config_source is ConfigSource.NONE:
        return None
    if recipe.config_source is ConfigSource.FIRST_FOUND:
        return next(filter(has_config, recipe.models), recipe.primary)
    index = int(recipe.config_source)
    return recipe.models[index] if index < len(recipe.models) else None


def _recipe_entries(
    recipe: MergeRecipe,
    carried: Mapping[Path, Mapping[str, str]],
    sha256: Callable[[Path], str],
    image_input: FurtherInput | None,
) -> dict[str, str]:
    hashes = [sha256(model.path) for model in recipe.models]
    padded = [*hashes, None, None][:3]
    said = {
        "type": "webui",
        "primary_model_hash": padded[0],
        "secondary_model_hash": padded[1],
        "tertiary_model_hash": padded[2],
        "interp_method": recipe.method.value,
        "multiplier": recipe.multiplier,
        "save_as_half": recipe.half,
        "custom_name": recipe.name,
        "config_source": int(recipe.config_source),
        "bake_in_vae": recipe.vae.name if recipe.vae else "None",
        "discard_weights": recipe.discard,
        "is_inpainting": image_input == "inpainting",
        "is_instruct_pix2pix": image_input == "instruct-pix2pix",
    }
    models: JsonObject = {}
    for model, digest in zip(recipe.models, hashes, strict=True):
        own = carried[model.path]
        models[digest] = {
            "name": model.name,
            "legacy_hash": old_hash(model.path),
            RECIPE_KEY: _json(own.get(RECIPE_KEY)),
        }
        # What the models were made of is remembered, too, however often they are merged again.
        earlier = _json(own.get(MODELS_KEY))
        models |= {key: value for key, value in (earlier or {}).items() if key not in models}
    return {RECIPE_KEY: json.dumps(said), MODELS_KEY: json.dumps(models)}


def _json(text: str | None) -> JsonObject | None:
    try:
        value = parse_json(text) if text else None
    except ValueError:
        return None
    return value if isinstance(value, dict) else None
