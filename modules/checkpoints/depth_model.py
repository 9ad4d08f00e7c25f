"""The network that tells depth from a picture, for checkpoints whose UNet takes a depth map: MiDaS, by transformers."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torch.nn import functional

from modules.checkpoints.assembly import Assembly, naming_the_file, without_numbers
from modules.checkpoints.depth_keys import depth_config, depth_names, depth_prefix, to_transformers
from modules.checkpoints.folder_configs import read_json
from modules.checkpoints.tensors import TensorSource, open_tensors
from modules.foundation.errors import CheckpointError, RequestError
from modules.foundation.importing import importing
from modules.foundation.plain import JsonMapping
from modules.hardware.device import Hardware

if TYPE_CHECKING:
    from transformers import DPTForDepthEstimation

SIDE = 384
"""The side in pixels that MiDaS was trained at; the other one follows the picture's shape."""

STEP = 32
"""Sides are multiples of this: the patches of the coarsest layer."""

FOLDER_PART = "depth_estimator"
"""The folder of the network in a checkpoint of diffusers' form."""

NEEDS = (
    "put dpt_hybrid-midas-501f0c75.pt (https://github.com/isl-org/DPT/releases/tag/1_0), or the folder "
    "dpt-hybrid-midas (https://huggingface.co/Intel/dpt-hybrid-midas: config.json and model.safetensors or "
    "pytorch_model.bin)"
)
_SUFFIXES = (".safetensors", ".pt", ".pth", ".ckpt", ".bin")


class DepthModel:
    """A loaded depth estimator, in float32: it runs once a picture, and its rounding would be seen as steps."""

    def __init__(self, model: DPTForDepthEstimation) -> None:
        self.model = model

    def __call__(self, pictures: Tensor) -> Tensor:
        """Inverse depth [B, 1, h, w], near is high, for pictures [B, 3, H, W] in -1..1 on the network's device."""
        model: Any = self.model
        height, width = depth_size(*pictures.shape[-2:])
        pixels = functional.interpolate(pictures.float(), size=(height, width), mode="bicubic")
        config = model.config
        embedded = model.dpt.embeddings(pixels, interpolate_pos_encoding=True) if config.is_hybrid else None
        if embedded is None:
            return model(pixels).predicted_depth[:, None]
        # transformers' own way from here to the neck takes squares alone.
        kept, hidden = list(embedded.intermediate_activations), embedded.last_hidden_states
        for index, layer in enumerate(model.dpt.encoder.layer):
            hidden = layer(hidden)
            if index in config.backbone_out_indices[2:]:
                kept.append(hidden)
        return model.head(model.neck(kept, height // config.patch_size, width // config.patch_size))[:, None]


def depth_size(height: int, width: int) -> tuple[int, int]:
    """The (height, width) in which MiDaS sees a picture: the side nearer to 384 becomes that, the shape is kept.

    >>> depth_size(512, 512), depth_size(512, 768), depth_size(64, 64)
    ((384, 384), (384, 576), (384, 384))
    """
    scales = (SIDE / height, SIDE / width)
    scale = min(scales, key=lambda each: abs(1 - each))
    return max(round(height * scale / STEP), 1) * STEP, max(round(width * scale / STEP), 1) * STEP


def depth_input(depth: Tensor, size: tuple[int, int]) -> Tensor:
    """Depth maps [B, 1, h, w] as a UNet takes them: in the size of the latents, from -1 far away to 1 near.

    A picture without depth is flat in the middle. Rombach et al. 2022, the depth model of Stable Diffusion 2.
    """
    small = functional.interpolate(depth, size=size, mode="bicubic", align_corners=False)
    low, high = (each(small, dim=(1, 2, 3), keepdim=True) for each in (torch.amin, torch.amax))
    spread = high - low
    return torch.where(spread > 0, 2 * (small - low) / spread.clamp_min(torch.finfo(spread.dtype).tiny) - 1, 0.0)


def load_depth_model(checkpoint: Path, folders: Sequence[Path], hardware: Hardware) -> DepthModel:
    """The depth estimator of a checkpoint: its own, or else one in `folders`.

    Raises RequestError that says what to put where, CheckpointError naming a file that cannot be used.
    """
    for path in (checkpoint / FOLDER_PART, checkpoint, *_candidates(folders)):
        if (made := _from_folder(path, hardware) if path.is_dir() else _from_file(path, hardware)) is not None:
            return made
    raise RequestError(
        f"{checkpoint.name} takes a depth map of the picture, and MiDaS, which makes it, is missing: {NEEDS} into "
        f"{folders[0] if folders else 'models/midas'}.",
        "init_images",
    )


def _candidates(folders: Sequence[Path]) -> list[Path]:
    inside = [path for folder in folders if folder.is_dir() for path in sorted(folder.iterdir())]
    return [path for path in inside if path.is_dir() or path.suffix.casefold() in _SUFFIXES]


def _from_folder(folder: Path, hardware: Hardware) -> DepthModel | None:
    """The network in a folder of transformers; None where there is none."""
    files = [folder / name for name in ("model.safetensors", "model.fp16.safetensors", "pytorch_model.bin")]
    path = next((each for each in files if each.is_file()), None)
    if path is None or not (folder / "config.json").is_file():
        return None
    config = read_json(folder / "config.json")
    if config.get("model_type") != "dpt":
        return None
    with naming_the_file(path, "depth model"), open_tensors(path) as source:
        return _read(source, config, {key: key for key in source.shapes}, hardware)


def _from_file(path: Path, hardware: Hardware) -> DepthModel | None:
    """The network in a file in the original layout; None where there is none."""
    if not path.is_file():
        return None
    with contextlib.ExitStack() as stack:
        source = stack.enter_context(open_tensors(path))
        prefix = depth_prefix(source.shapes)
        if prefix is None:
            return None
        with naming_the_file(path, "depth model"):
            return _read(source, depth_config(source.shapes, prefix), depth_names(source.shapes, prefix), hardware)


@torch.inference_mode(False)
def _read(source: TensorSource, config: JsonMapping, names: dict[str, str], hardware: Hardware) -> DepthModel:
    with importing("transformers.models.dpt.modeling_dpt"):
        from transformers import DPTConfig, DPTForDepthEstimation

    made = Assembly(
        what="depth model",
        module=without_numbers(lambda: DPTForDepthEstimation(DPTConfig(**config))),
        keys=[(source, names)],
        dtype=torch.float32,
        rename=to_transformers,
    )
    made.check()
    module, _ = made.read(hardware)
    if module.config.image_size is None or module.config.patch_size is None:
        raise CheckpointError("its configuration tells no size of pictures")
    return DepthModel(module)
