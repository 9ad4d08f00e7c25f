"""The WD14 taggers, versions 2 and 3 (SmilingWolf): tags of the danbooru site by ViT, SwinV2, ConvNeXt, EVA02.

They run as ONNX by onnxruntime, or as safetensors by timm, whichever is installed and lies in the tagger's folder.
"""

from __future__ import annotations

import csv
import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from modules.checkpoints.assembly import naming_the_file
from modules.foundation.errors import CheckpointError, OutOfMemory, reason_of
from modules.interrogate.options import InterrogateOptions
from modules.interrogate.pictures import normalised, padded_square
from modules.interrogate.tag_text import tags_to_text
from modules.interrogate.weights import read_config, read_tensors

if TYPE_CHECKING:
    from PIL import Image

GENERAL, CHARACTER = 0, 4
"""Danbooru's categories of tags. All others, ratings (9) among them, are not named."""

SIDE = 448
Probabilities = Callable[["Image.Image"], "np.ndarray[Any, Any]"]


@dataclass(frozen=True)
class WdTag:
    """A line of selected_tags.csv."""

    name: str
    category: int


class Wd14Tagger:
    """A loaded tagger with its tags."""

    def __init__(self, weights: Path, tags: Path, device: torch.device) -> None:
        """Read both files. Raises CheckpointError naming the one that cannot be used."""
        self.tags = read_tags(tags)
        self._probabilities = _by_onnx(weights, device) if weights.suffix == ".onnx" else _by_timm(weights, device)
        self._files = f"{weights} and {tags.name}"

    def probabilities(self, image: Image.Image) -> np.ndarray[Any, Any]:
        """The probability 0..1 of every tag, in the order of the list. Raises CheckpointError, OutOfMemory."""
        found = self._probabilities(image)
        if len(found) != len(self.tags):
            raise CheckpointError(
                f"{self._files} do not belong together: the network knows {len(found)} tags, the list {len(self.tags)}."
            )
        return found

    def describe(self, image: Image.Image, options: InterrogateOptions) -> str:
        """The names of characters first, then what else is to be seen."""
        by_category = chosen_tags(self.tags, self.probabilities(image), options)
        texts = (tags_to_text(by_category[category], options.wd14_tags) for category in (CHARACTER, GENERAL))
        return ", ".join(text for text in texts if text)


def chosen_tags(
    tags: list[WdTag], probabilities: np.ndarray[Any, Any], options: InterrogateOptions
) -> Mapping[int, dict[str, float]]:
    """The tags of each category that are more probable than its threshold."""
    least = {GENERAL: options.wd14_general_threshold, CHARACTER: options.wd14_character_threshold}
    chosen: dict[int, dict[str, float]] = {category: {} for category in least}
    for tag, value in zip(tags, probabilities, strict=True):
        if tag.category in least and value > least[tag.category]:
            chosen[tag.category][tag.name] = float(value)
    return chosen


def read_tags(path: Path) -> list[WdTag]:
    """The tags of selected_tags.csv, whose columns are tag_id, name, category, count. Raises CheckpointError."""
    try:
        with path.open(encoding="utf-8", newline="") as file:
            return [WdTag(row["name"], int(row["category"])) for row in csv.DictReader(file)]
    except (OSError, ValueError, KeyError, TypeError, csv.Error) as error:
        raise CheckpointError(
            f"{path} is no list of tags with the columns name and category ({reason_of(error)}). Download it again."
        ) from error


def _by_onnx(path: Path, device: torch.device) -> Probabilities:
    runtime: Any = importlib.import_module("onnxruntime")
    options: Any = runtime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    wanted = ["CUDAExecutionProvider"] if device.type == "cuda" else []
    available = [each for each in wanted if each in runtime.get_available_providers()]
    try:
        session: Any = runtime.InferenceSession(str(path), options, providers=[*available, "CPUExecutionProvider"])
    except _errors_of_onnxruntime() as error:
        raise CheckpointError(f"{path} is no ONNX model that onnxruntime can run ({reason_of(error)}).") from error
    entry = session.get_inputs()[0]
    if len(entry.shape) != 4:
        raise CheckpointError(f"{path} is no WD14 tagger: its input has the shape {entry.shape}.")
    side = entry.shape[1] if isinstance(entry.shape[1], int) else SIDE

    def probabilities(image: Image.Image) -> np.ndarray[Any, Any]:
        # Blue first, 0..255, as OpenCV reads pictures.
        pixels = np.ascontiguousarray(np.array(padded_square(image, side), dtype=np.float32)[None, :, :, ::-1])
        try:
            return session.run(None, {entry.name: pixels})[0][0]
        except _errors_of_onnxruntime() as error:
            raise CheckpointError(f"{path} could not be run by onnxruntime: {reason_of(error)}.") from error

    return probabilities


def _errors_of_onnxruntime() -> tuple[type[Exception], ...]:
    """What it raises for a model that it cannot run: classes without one in common."""
    state = importlib.import_module("onnxruntime.capi.onnxruntime_pybind11_state")
    return tuple(each for each in vars(state).values() if isinstance(each, type) and issubclass(each, Exception))


def _by_timm(path: Path, device: torch.device) -> Probabilities:
    timm: Any = importlib.import_module("timm")
    config = read_config(path.parent)
    trained: Any = config.get("pretrained_cfg") or config
    with naming_the_file(path, "tagger"):
        arguments: Any = config.get("model_args") or {}
        network = timm.create_model(config["architecture"], num_classes=config["num_classes"], **arguments)
        network.load_state_dict(read_tensors(path))
        network = network.to(device).eval().requires_grad_(False)
        side = int((trained.get("input_size") or (3, SIDE, SIDE))[-1])
        mean, std = tuple(trained.get("mean") or (0.5,) * 3), tuple(trained.get("std") or (0.5,) * 3)

    @torch.inference_mode()
    def probabilities(image: Image.Image) -> np.ndarray[Any, Any]:
        pixels: Tensor = normalised(padded_square(image, side), mean, std)[:, [2, 1, 0]]  # blue first
        try:
            return network(pixels.to(device))[0].float().sigmoid().cpu().numpy()
        except torch.OutOfMemoryError as error:
            raise OutOfMemory(f"There is no room for the tagger {path.parent.name}. Unload the checkpoint.") from error

    return probabilities
