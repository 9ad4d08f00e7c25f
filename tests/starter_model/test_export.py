"""The exported file: its keys, what the product's loader makes of it, and going on from it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, cast

import pytest
import torch
from safetensors import safe_open

from modules.checkpoints.info import CheckpointInfo
from modules.checkpoints.load import load_checkpoint
from modules.hardware.device import HardwareOptions, choose_hardware
from starter_model import unet
from starter_model.export import TEXT, UNET, VAE, export, fill_unknown_rows, load_exported, start_from
from starter_model.networks import Autoencoder
from starter_model.tokens import UNKNOWN, Words
from starter_model.unet import load_unet
from tests.starter_model.test_training import TINY, make_workdir

SHIPPED = Path(__file__).parents[2] / "models" / "Stable-diffusion" / "easel-starter.safetensors"


@pytest.fixture(scope="module")
def words() -> Words:
    return Words()


@pytest.fixture(scope="module")
def workdir(tmp_path_factory: pytest.TempPathFactory, words: Words) -> Path:
    torch.set_num_threads(1)
    folder = make_workdir(tmp_path_factory.mktemp("export") / "run", words)
    plan = unet.Plan(
        steps=3, workers=1, meet_steps=1, warmup=1, batch={128: 2}, mixture=((0.0, {128: 1.0}),), rate=1e-2
    )
    unet.train(folder, plan)
    return folder


@pytest.fixture(scope="module")
def exported(workdir: Path, words: Words) -> Path:
    path = workdir / "out" / "model.safetensors"
    export(workdir, path, words)
    return path


def test_the_file_has_the_keys_shapes_and_types_of_a_single_file_sd1_checkpoint(exported: Path) -> None:
    with safe_open(exported, framework="pt") as file:
        names = set(file.keys())
        shapes = {name: file.get_slice(name).get_shape() for name in names}
        kinds = {file.get_slice(name).get_dtype() for name in names}
        metadata = file.metadata()
    assert shapes[UNET + "input_blocks.0.0.weight"] == [16, 4, 3, 3]
    assert shapes[UNET + "output_blocks.7.0.skip_connection.weight"] == [16, 32, 1, 1]
    assert shapes[UNET + "middle_block.1.transformer_blocks.0.attn2.to_k.weight"] == [16, 8]
    assert shapes[VAE + "decoder.up.3.upsample.conv.weight"] == [16, 16, 3, 3]
    assert shapes[VAE + "post_quant_conv.weight"] == [4, 4, 1, 1]
    assert shapes[TEXT + "text_model.embeddings.token_embedding.weight"] == [49408, 8]
    assert shapes["alphas_cumprod"] == [1000]
    assert UNET + "input_blocks.1.1.proj_in.weight" not in names
    assert kinds <= {"F16", "F32", "I64"}
    assert json.loads(metadata["easel.architecture"]) == TINY.architecture()
    assert metadata["modelspec.license"] == "Apache-2.0"


def test_the_products_loader_computes_what_training_computes(exported: Path, words: Words) -> None:
    mine = load_exported(exported, words)
    hardware = choose_hardware(HardwareOptions())
    theirs = load_checkpoint(CheckpointInfo(path=exported, name=exported.name), hardware)
    torch.manual_seed(1)
    x, t, context = torch.randn(2, 4, 16, 16), torch.tensor([20, 800]), torch.randn(2, 77, 8)
    tokens = torch.tensor([mine.conditioner.tokens((("a red circle", 1.0),))[0]])
    with torch.no_grad():
        pairs = [
            (mine.unet(x, t, context), theirs.unet.float()(x, t, encoder_hidden_states=context).sample),
            (mine.vae.decode(x[:1]), cast(Any, theirs.vae.float()).decode(x[:1]).sample),
            (mine.conditioner.encoder(tokens), theirs.text_encoder.float()(tokens).last_hidden_state),
        ]
        picture = torch.rand(1, 3, 64, 64) * 2 - 1
        pairs.append((mine.vae.moments(picture)[0], cast(Any, theirs.vae).encode(picture).latent_dist.mean))
    for own, product in pairs:
        assert torch.allclose(own, product, atol=2e-2 * own.abs().max().item())
    assert theirs.latents.scale == Autoencoder.SCALE
    assert theirs.prediction == "epsilon"


def test_words_that_training_never_used_get_the_vector_of_the_meaningless_word() -> None:
    rows = torch.randn(49408, 4)
    known = torch.zeros(49408, dtype=torch.bool)
    known[[5, UNKNOWN]] = True
    filled = fill_unknown_rows(rows, known)
    assert torch.equal(filled[5], rows[5])
    assert torch.allclose(filled[100], rows[UNKNOWN], atol=1.0)
    assert not torch.equal(filled[100], filled[101])


def test_training_goes_on_from_an_exported_file(exported: Path, workdir: Path, words: Words, tmp_path: Path) -> None:
    again = tmp_path / "again"
    start_from(exported, again, words)
    first, second = load_unet(workdir), load_unet(again)
    for a, b in zip(first.parameters(), second.parameters(), strict=True):
        assert torch.allclose(a, b, atol=2e-3 * max(1.0, a.abs().max().item()))
    with pytest.raises(FileExistsError, match="already holds training"):
        start_from(exported, again, words)


def test_weights_that_are_not_finite_are_not_written(workdir: Path, words: Words, tmp_path: Path) -> None:
    saved = torch.load(workdir / "vae.pt", weights_only=True)
    broken = tmp_path / "broken"
    broken.mkdir()
    for name in ("shape.json", "text.pt", "unet.pt"):
        (broken / name).write_bytes((workdir / name).read_bytes())
    saved["quant_conv.bias"][0] = 1e6
    torch.save(saved, broken / "vae.pt")
    with pytest.raises(ValueError, match=r"quant_conv\.bias"):
        export(broken, tmp_path / "model.safetensors", words)
    assert not (tmp_path / "model.safetensors").exists()
