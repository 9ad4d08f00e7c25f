"""What tensor shapes do not tell: head counts, norm groups, prediction type. A file's metadata or sidecar says them.

Two carriers are read. The metadata entry `easel.architecture` of a safetensors file is JSON of the form
`{"unet": {"num_heads": 2, "norm_num_groups": 8}, "vae": {"norm_num_groups": 4}, "text_encoder": {"num_heads": 4},
"openclip": {"num_heads": 4}, "prediction": "epsilon"}`, every part optional. A sidecar .yaml in the original LDM form
has the customary keys under model.params. Where both speak, the sidecar wins: it is the one a person put there. Some
trainers leave markers instead: empty tensors called "v_pred" and "ztsnr", or the entry `modelspec.prediction_type` of
the metadata.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from modules.checkpoints.tensors import Shapes
from modules.foundation.errors import CheckpointError
from modules.foundation.json_text import parse_json
from modules.foundation.plain import JsonMapping, JsonObject
from modules.foundation.text_files import decode_text, open_file
from modules.sampling.parameterisation import Prediction

METADATA_KEY = "easel.architecture"
MODELSPEC_KEY = "modelspec.prediction_type"
MODELSPEC_PREDICTIONS: Mapping[str, Prediction] = {"epsilon": "epsilon", "v": "v_prediction"}
MAX_SIDECAR = 100_000
"""Bytes of a sidecar .yaml; the longest of the customary ones have about 5,000."""

MAX_COUNT = 65_536
MARKER_V, MARKER_ZERO_SNR = "v_pred", "ztsnr"


@dataclass(frozen=True, kw_only=True)
class Declared:
    """What was said; None where nothing was."""

    unet_heads: int | None = None
    unet_head_channels: int | None = None
    unet_norm_groups: int | None = None
    vae_norm_groups: int | None = None
    text_heads: int | None = None
    openclip_heads: int | None = None
    prediction: Prediction | None = None
    latent_scale: float | None = None
    zero_terminal_snr: bool = False


def read_declared(metadata: Mapping[str, str], sidecar: Path | None = None) -> Declared:
    """What the file's metadata and the sidecar at `sidecar` (which need not exist) say.

    Raises CheckpointError naming the sidecar or the metadata entry when it cannot be understood.
    """
    said = _from_metadata(metadata[METADATA_KEY]) if METADATA_KEY in metadata else {}
    said["prediction"] = said.get("prediction") or MODELSPEC_PREDICTIONS.get(metadata.get(MODELSPEC_KEY, ""))
    if sidecar is not None and sidecar.is_file():
        said |= {key: value for key, value in _from_sidecar(sidecar).items() if value is not None}
    return Declared(**said)


def with_markers(declared: Declared, shapes: Shapes) -> Declared:
    """`declared` with what marker tensors say. A prediction that was declared in words stays."""
    marked: Prediction | None = "v_prediction" if MARKER_V in shapes else None
    return replace(declared, prediction=declared.prediction or marked, zero_terminal_snr=MARKER_ZERO_SNR in shapes)


def _from_metadata(text: str) -> JsonObject:
    try:
        said = parse_json(text)
        unet, vae, clip, openclip = (dict(said.get(part, {})) for part in ("unet", "vae", "text_encoder", "openclip"))
        return {
            "unet_heads": _count(unet, "num_heads"),
            "unet_head_channels": _count(unet, "num_head_channels"),
            "unet_norm_groups": _count(unet, "norm_num_groups"),
            "vae_norm_groups": _count(vae, "norm_num_groups"),
            "text_heads": _count(clip, "num_heads"),
            "openclip_heads": _count(openclip, "num_heads"),
            "prediction": _prediction(said.get("prediction")),
        }
    except (ValueError, TypeError, AttributeError) as error:
        raise CheckpointError(f"its metadata entry {METADATA_KEY} is malformed ({error})") from error


def _from_sidecar(path: Path) -> JsonObject:
    import yaml

    try:
        with open_file(path) as file:
            text = file.read(MAX_SIDECAR + 1)
        if len(text) > MAX_SIDECAR:
            raise ValueError("it is too long")
        params = yaml.safe_load(decode_text(text)[0])["model"]["params"]
        unet = _params(params, "unet_config") or _params(params, "network_config")
        return {
            # LDM writes -1 for "given by the other one of the pair".
            "unet_heads": _count(unet, "num_heads"),
            "unet_head_channels": _count(unet, "num_head_channels"),
            "prediction": _sidecar_prediction(params),
            "latent_scale": _scale(params.get("scale_factor")),
        }
    except (OSError, yaml.YAMLError, TypeError, LookupError, ValueError, AttributeError, RecursionError) as error:
        raise CheckpointError(f"its sidecar {path} is not a checkpoint configuration (model: params: ...)") from error


def _sidecar_prediction(params: JsonMapping) -> Prediction:
    """Both forms mean noise when they do not say otherwise."""
    scaling = _params(params, "denoiser_config").get("scaling_config") or {}
    target = scaling.get("target")
    says_v = params.get("parameterization") == "v" or (isinstance(target, str) and ".VScaling" in target)
    return "v_prediction" if says_v else "epsilon"


def _params(parent: JsonMapping, name: str) -> JsonMapping:
    part = parent.get(name)
    return part.get("params") or {} if isinstance(part, dict) else {}


def _count(part: JsonMapping, name: str) -> int | None:
    """A number of heads, channels or groups; None where it is not told. Raises ValueError for what is no number."""
    value = part.get(name)
    if value is None or (type(value) is int and value <= 0):
        return None
    if type(value) is not int or value > MAX_COUNT:
        raise ValueError(f"{name} is no number that a network can have")
    return value


def _prediction(value: object) -> Prediction | None:
    if value not in (None, "epsilon", "v_prediction"):
        raise ValueError("its prediction is neither epsilon nor v_prediction")
    return value


def _scale(value: object) -> float | None:
    if value is None:
        return None
    scale = float(value) if isinstance(value, (int, float)) else math.nan
    if not 0 < scale < math.inf:
        raise ValueError("its scale_factor is no number above 0")
    return scale
