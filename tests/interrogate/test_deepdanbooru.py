from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional

from modules.foundation.errors import CheckpointError
from modules.imaging.resize import ResizeMode, resize
from modules.interrogate.deepdanbooru import DeepDanbooru, network_of, same_padding
from modules.interrogate.options import InterrogateOptions, TagOptions
from tests.interrogate import tiny


def written_out(tensors: dict[str, Tensor], x: Tensor) -> Tensor:
    """The tiny network, convolution by convolution."""

    def conv(number: int, x: Tensor, stride: int = 1) -> Tensor:
        weight, kernel = tensors[f"n_Conv_{number}.weight"], tensors[f"n_Conv_{number}.weight"].shape[-1]
        if kernel > 1:
            ends = {(7, 2): (2, 3), (3, 1): (1, 1), (3, 2): (0, 1)}[kernel, stride]
            x = functional.pad(x, (*ends, *ends))
        return functional.conv2d(x, weight, tensors.get(f"n_Conv_{number}.bias"), stride)

    x = conv(0, x, 2).relu()
    x = functional.max_pool2d(functional.pad(x, (0, 1, 0, 1), value=-1e30), 3, 2)
    for first, stride in ((1, 1), (8, 2)):
        inner = conv(first + 3, conv(first + 2, conv(first + 1, x).relu(), stride).relu())
        x = (conv(first, x, stride) + inner).relu()
        inner = conv(first + 6, conv(first + 5, conv(first + 4, x).relu()).relu())
        x = (x + inner).relu()
    return conv(15, x).mean(dim=(2, 3)).sigmoid()


def test_the_network_is_that_of_its_description() -> None:
    tensors = tiny.booru_tensors()
    pictures = torch.rand(2, 3, 64, 96)
    assert torch.allclose(network_of(tensors)(pictures), written_out(tensors, pictures), atol=1e-6)


def test_the_convolutions_of_the_published_model_are_understood() -> None:
    shapes = [(64, 3, 7)]
    before = 64
    for width, repeats in zip((256, 512, 1024, 1024, 2048, 4096), (2, 7, 19, 19, 2, 2), strict=True):
        inner = width // 4
        shapes += [(width, before, 1), (inner, before, 1), (inner, inner, 3), (width, inner, 1)]
        shapes += [(inner, width, 1), (inner, inner, 3), (width, inner, 1)] * repeats
        before = width
    shapes.append((9176, 4096, 1))
    assert len(shapes) == 179
    with torch.device("meta"):
        tensors = {f"n_Conv_{n}.weight": torch.empty(o, i, k, k) for n, (o, i, k) in enumerate(shapes)}
        network = network_of(tensors)
        assert len(network.blocks) == 57
        assert network(torch.empty(1, 3, 512, 512)).shape == (1, 9176)
        features = network.blocks(torch.empty(1, 64, 128, 128))
    assert features.shape == (1, 4096, 4, 4)


@pytest.mark.parametrize(
    ("length", "kernel", "stride", "ends"), [(512, 7, 2, (2, 3)), (7, 3, 2, (1, 1)), (6, 3, 1, (1, 1))]
)
def test_padding_is_tensorflows_same(length: int, kernel: int, stride: int, ends: tuple[int, int]) -> None:
    assert same_padding((1, 1, length, length), kernel, stride) == (*ends, *ends)


def test_probabilities_are_those_of_the_whole_picture_at_512(tmp_path: Path) -> None:
    path = tiny.write_booru(tmp_path)
    booru = DeepDanbooru(path, torch.device("cpu"), torch.float32)
    fitted = resize(tiny.picture(), 512, 512, ResizeMode.FILL)
    pixels = torch.from_numpy(np.asarray(fitted, dtype=np.float32) / 255).permute(2, 0, 1)[None]
    wanted = written_out(tiny.booru_tensors(), pixels)[0]
    found = booru.probabilities(tiny.picture())
    assert list(found) == tiny.BOORU_TAGS
    assert list(found.values()) == pytest.approx(wanted.tolist(), abs=1e-5)
    ordered = sorted((tag for tag in found if not tag.startswith("rating:")), key=lambda tag: -found[tag])
    options = InterrogateOptions(deepbooru_threshold=0, deepbooru_tags=TagOptions(spaces=False, escaped=False))
    assert booru.describe(tiny.picture(), options) == ", ".join(ordered)
    above = InterrogateOptions(deepbooru_threshold=sorted(found.values())[-1] + 1e-6)
    assert booru.describe(tiny.picture(), above) == ""


def test_files_that_cannot_be_used_are_named(tmp_path: Path) -> None:
    cpu = torch.device("cpu")
    path = tiny.write_booru(tmp_path, ["one"])
    with pytest.raises(CheckpointError, match=r"custom_v3\.pt .*1 tags for a network that knows 5"):
        DeepDanbooru(path, cpu, torch.float32)
    torch.save(tiny.booru_tensors(), path)
    with pytest.raises(CheckpointError, match=r"custom_v3\.pt .*no list .tags."):
        DeepDanbooru(path, cpu, torch.float32)
    torch.save({"tags": ["one"], "layer.0.weight": torch.zeros(3, 3, 3, 3)}, path)
    with pytest.raises(CheckpointError, match=r"custom_v3\.pt .*convolutions"):
        DeepDanbooru(path, cpu, torch.float32)
    shuffled = tiny.booru_tensors()
    shuffled["n_Conv_2.weight"], shuffled["n_Conv_3.weight"] = shuffled["n_Conv_3.weight"], shuffled["n_Conv_2.weight"]
    torch.save({**shuffled, "tags": tiny.BOORU_TAGS}, path)
    with pytest.raises(CheckpointError, match=r"custom_v3\.pt .*convolutions"):
        DeepDanbooru(path, cpu, torch.float32)
