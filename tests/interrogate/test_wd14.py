from __future__ import annotations

import importlib
import json
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file

from modules.foundation.errors import CheckpointError
from modules.interrogate.options import InterrogateOptions, TagOptions
from modules.interrogate.wd14 import Wd14Tagger, WdTag, chosen_tags, read_tags
from tests.interrogate import tiny

TAGS = [("general", 9), ("1girl", 0), ("^_^", 0), ("long_hair", 0), ("saber_(fate)", 4), ("tohsaka_rin", 4)]
CPU = torch.device("cpu")


def test_each_category_has_its_threshold_and_ratings_are_not_named() -> None:
    tags = [WdTag(*tag) for tag in TAGS]
    chosen = chosen_tags(tags, np.array([0.99, 0.36, 0.9, 0.35, 0.84, 0.86]), InterrogateOptions())
    assert chosen == {0: {"1girl": 0.36, "^_^": 0.9}, 4: {"tohsaka_rin": 0.86}}


def test_a_list_without_its_columns_is_named(tmp_path: Path) -> None:
    path = tmp_path / "selected_tags.csv"
    for text in ("a,b\n1,2\n", "name,category\nx,y\n", "name,category\nx\n"):
        path.write_text(text)
        with pytest.raises(CheckpointError, match=r"selected_tags\.csv is no list of tags"):
            read_tags(path)
    path.write_bytes(b"name,category\n\xff\xfe,0\n")
    with pytest.raises(CheckpointError, match=r"selected_tags\.csv is no list of tags"):
        read_tags(path)


def varint(number: int) -> bytes:
    out = b""
    while number > 127:
        out, number = out + bytes([number & 127 | 128]), number >> 7
    return out + bytes([number])


def field(number: int, value: int | bytes | str) -> bytes:
    """One field of a protocol buffer."""
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    data = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(data)) + data


def value_info(name: str, shape: list[int]) -> bytes:
    dims = b"".join(field(1, field(1, length)) for length in shape)
    return field(1, name) + field(2, field(1, field(1, 1) + field(2, dims)))


def write_onnx(path: Path, weights: np.ndarray[Any, Any], side: int) -> None:
    """sigmoid(mean over pixels of the picture, times `weights` [3, tags]) as an ONNX file."""
    mean = field(1, "x") + field(2, "m") + field(4, "ReduceMean")
    mean += field(5, field(1, "axes") + field(8, 1) + field(8, 2) + field(20, 7))
    mean += field(5, field(1, "keepdims") + field(3, 0) + field(20, 2))
    product = field(1, "m") + field(1, "w") + field(2, "y") + field(4, "MatMul")
    sigmoid = field(1, "y") + field(2, "out") + field(4, "Sigmoid")
    tensor = b"".join(field(1, length) for length in weights.shape) + field(2, 1) + field(8, "w")
    tensor += field(9, struct.pack(f"<{weights.size}f", *weights.astype(np.float32).ravel()))
    graph = b"".join(field(1, node) for node in (mean, product, sigmoid)) + field(2, "g") + field(5, tensor)
    graph += field(11, value_info("x", [1, side, side, 3])) + field(12, value_info("out", [1, weights.shape[1]]))
    path.write_bytes(field(1, 8) + field(7, graph) + field(8, field(1, "") + field(2, 13)))


def test_onnx_gives_what_onnxruntime_alone_gives(tmp_path: Path) -> None:
    runtime: Any = pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")
    weights = np.random.default_rng(0).normal(size=(3, len(TAGS))) / 100
    write_onnx(tmp_path / "model.onnx", weights, 16)
    tagger = Wd14Tagger(tmp_path / "model.onnx", tiny.write_tag_list(tmp_path, TAGS), CPU)
    square = Image.new("RGB", (40, 40), "white")
    square.paste(tiny.picture(40, 30), (0, 5))
    pixels = np.asarray(square.resize((16, 16), Image.Resampling.BICUBIC), dtype=np.float32)[None, :, :, ::-1]
    session = runtime.InferenceSession(str(tmp_path / "model.onnx"), providers=["CPUExecutionProvider"])
    wanted = session.run(None, {"x": np.ascontiguousarray(pixels)})[0][0]
    assert np.array_equal(tagger.probabilities(tiny.picture(40, 30)), wanted)
    options = InterrogateOptions(
        wd14_general_threshold=0,
        wd14_character_threshold=0,
        wd14_tags=TagOptions(keeps_kaomoji=True, alphabetical=True),
    )
    assert tagger.describe(tiny.picture(), options) == r"saber \(fate\), tohsaka rin, 1girl, ^_^, long hair"


def test_a_network_and_a_list_that_do_not_belong_together_are_named(tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")
    write_onnx(tmp_path / "model.onnx", np.zeros((3, 4)), 16)
    tagger = Wd14Tagger(tmp_path / "model.onnx", tiny.write_tag_list(tmp_path, TAGS), CPU)
    with pytest.raises(CheckpointError, match=r"model\.onnx and selected_tags\.csv do not belong together.* 4 .* 6"):
        tagger.probabilities(tiny.picture())
    (tmp_path / "model.onnx").write_bytes(b"no model")
    with pytest.raises(CheckpointError, match=r"model\.onnx is no ONNX model"):
        Wd14Tagger(tmp_path / "model.onnx", tmp_path / "selected_tags.csv", CPU)


def test_safetensors_give_what_timm_alone_gives(tmp_path: Path) -> None:
    pytest.importorskip("timm", reason="timm is not installed")
    timm: Any = importlib.import_module("timm")
    arguments = {"img_size": 32, "patch_size": 16, "embed_dim": 32, "depth": 1, "num_heads": 2}
    torch.manual_seed(0)
    network = timm.create_model("vit_tiny_patch16_224", num_classes=len(TAGS), **arguments).eval()
    torch.nn.init.normal_(network.head.weight)
    save_file(dict(network.state_dict()), tmp_path / "model.safetensors")
    config = {"architecture": "vit_tiny_patch16_224", "num_classes": len(TAGS), "model_args": arguments}
    config["pretrained_cfg"] = {"input_size": [3, 32, 32], "mean": [0.5] * 3, "std": [0.5] * 3}
    (tmp_path / "config.json").write_text(json.dumps(config))
    tagger = Wd14Tagger(tmp_path / "model.safetensors", tiny.write_tag_list(tmp_path, TAGS), CPU)
    pixels = np.asarray(tiny.picture(32, 32), dtype=np.float32)[:, :, ::-1].copy()
    with torch.no_grad():
        wanted = network(torch.from_numpy(pixels).permute(2, 0, 1)[None] / 127.5 - 1)[0].sigmoid()
    assert np.allclose(tagger.probabilities(tiny.picture(32, 32)), wanted, atol=1e-6)
    config["architecture"] = "no_such_network"
    (tmp_path / "config.json").write_text(json.dumps(config))
    with pytest.raises(CheckpointError, match=r"model\.safetensors is not a usable tagger"):
        Wd14Tagger(tmp_path / "model.safetensors", tmp_path / "selected_tags.csv", CPU)
