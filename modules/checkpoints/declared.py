"""What tensor shapes do not tell: head counts, norm groups, prediction type. A file's metadata or sidecar says them.

Two carriers are read. The metadata entry `easel.architecture` of a safetensors file is JSON of the form
`{"unet": {"num_heads": 2, "norm_num_groups": 8}, "vae": {"norm_num_groups": 4}, "text_encoder": {"num_heads": 4},
"prediction": "epsilon"}`, every part optional. A sidecar .yaml in the original LDM form has the customary keys under
model.params. Where both speak, the sidecar wins: it is the one a person put there.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from modules.foundation.errors import CheckpointError

Prediction = Literal["epsilon", "v_prediction"]
METADATA_KEY = "easel.architecture"


@dataclass(frozen=True, kw_only=True)
class Declared:
    """What was said; None where nothing was."""

    unet_heads: int | None = None
    unet_head_channels: int | None = None
    unet_norm_groups: int | None = None
    vae_norm_groups: int | None = None
    text_heads: int | None = None
    prediction: Prediction | None = None
    latent_scale: float | None = None


def read_declared(metadata: Mapping[str, str], sidecar: Path) -> Declared:
    """What the file's metadata and the sidecar at `sidecar` (which need not exist) say.

    Raises CheckpointError naming the sidecar or the metadata entry when it cannot be understood.
    """
    said = _from_metadata(metadata[METADATA_KEY]) if METADATA_KEY in metadata else {}
    if sidecar.is_file():
        said |= {key: value for key, value in _from_sidecar(sidecar).items() if value is not None}
    return Declared(**said)


def _from_metadata(text: str) -> dict[str, Any]:
    try:
        said = json.loads(text)
        unet, vae, clip = (dict(said.get(part, {})) for part in ("unet", "vae", "text_encoder"))
    except (ValueError, TypeError, AttributeError) as error:
        raise CheckpointError(f"its metadata entry {METADATA_KEY} is malformed ({error})") from error
    return {
        "unet_heads": unet.get("num_heads"),
        "unet_head_channels": unet.get("num_head_channels"),
        "unet_norm_groups": unet.get("norm_num_groups"),
        "vae_norm_groups": vae.get("norm_num_groups"),
        "text_heads": clip.get("num_heads"),
        "prediction": said.get("prediction"),
    }


def _from_sidecar(path: Path) -> dict[str, Any]:
    import yaml

    try:
        config = yaml.safe_load(path.read_text(encoding="utf-8"))
        params = config["model"]["params"]
    except (OSError, yaml.YAMLError, TypeError, KeyError, UnicodeDecodeError) as error:
        raise CheckpointError(f"its sidecar {path} is not a checkpoint configuration (model: params: ...)") from error
    unet = _params(params, "unet_config") or _params(params, "network_config")
    heads = unet.get("num_heads")
    return {
        # LDM writes -1 for "given by the other one of the pair".
        "unet_heads": heads if heads and heads > 0 else None,
        "unet_head_channels": _positive(unet.get("num_head_channels")),
        "prediction": "v_prediction" if params.get("parameterization") == "v" else None,
        "latent_scale": params.get("scale_factor"),
    }


def _params(parent: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    part = parent.get(name)
    return part.get("params") or {} if isinstance(part, dict) else {}


def _positive(value: int | None) -> int | None:
    return value if value is not None and value > 0 else None
