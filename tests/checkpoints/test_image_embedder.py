from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from diffusers import DDPMScheduler, UNet2DConditionModel
from diffusers.models.embeddings import get_timestep_embedding
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file
from torch import Tensor

from modules.checkpoints.identify import identify
from modules.checkpoints.image_embedder import (
    CLIP_MEAN,
    CLIP_STD,
    STATISTICS_FILE,
    ImageEmbedder,
    cosine_alphas_cumprod,
    load_image_embedder,
    square,
)
from modules.checkpoints.load import load_checkpoint
from modules.checkpoints.tensors import open_tensors
from modules.foundation.errors import CheckpointError, RequestError
from modules.hardware.device import Hardware
from tests.checkpoints import official
from tests.checkpoints.test_families import _info
from tests.checkpoints.tiny_unclip import UNET, VISION, WIDTH, make_unclip_checkpoint, vision_model


@pytest.fixture(scope="module")
def model() -> Any:
    return vision_model()


def pictures(side: int = 32) -> Tensor:
    return torch.rand(2, 3, side, side, generator=torch.Generator().manual_seed(1)) * 2 - 1


def expected_vectors(model: Any) -> Tensor:
    mean, deviation = (torch.tensor(each).view(1, 3, 1, 1) for each in (CLIP_MEAN, CLIP_STD))
    return model(((pictures() + 1) / 2 - mean) / deviation).image_embeds


def test_a_checkpoint_s_encoder_gives_the_vectors_that_transformers_gives(
    model: Any, tmp_path: Path, cpu: Hardware
) -> None:
    statistics = torch.linspace(-1, 1, WIDTH), torch.linspace(1, 2, WIDTH)
    path = make_unclip_checkpoint(tmp_path / "unclip.safetensors", model, statistics)
    embedder = load_image_embedder(path, [], cpu)
    with torch.inference_mode():
        torch.testing.assert_close(embedder(pictures()), expected_vectors(model), atol=1e-5, rtol=1e-5)
    assert torch.equal(embedder.mean, statistics[0])
    assert torch.equal(embedder.deviation, statistics[1])


def test_a_folder_of_diffusers_gives_the_same(model: Any, tmp_path: Path, cpu: Hardware) -> None:
    encoder, normalizer = tmp_path / "image_encoder", tmp_path / "image_normalizer"
    for folder in (encoder, normalizer):
        folder.mkdir()
    save_file({name: each.clone() for name, each in model.state_dict().items()}, encoder / "model.safetensors")
    (encoder / "config.json").write_text(json.dumps(model.config.to_dict()))
    save_file({"mean": torch.zeros(1, WIDTH), "std": torch.ones(1, WIDTH)}, normalizer / "model.safetensors")
    embedder = load_image_embedder(tmp_path, [], cpu)
    with torch.inference_mode():
        torch.testing.assert_close(embedder(pictures()), expected_vectors(model), atol=1e-5, rtol=1e-5)
    assert (float(embedder.mean.abs().max()), float(embedder.deviation.min())) == (0, 1)


def test_vectors_of_openai_s_clip_need_their_statistics(tmp_path: Path, cpu: Hardware) -> None:
    model = vision_model(768)
    path = make_unclip_checkpoint(tmp_path / "unclip-l.safetensors", model)
    with pytest.raises(RequestError, match=rf"unclip-l.*{STATISTICS_FILE}.*karlo"):
        load_image_embedder(path, [tmp_path / "karlo"], cpu)
    (tmp_path / "karlo").mkdir()
    file = tmp_path / "karlo" / STATISTICS_FILE
    torch.save((torch.full((768,), 0.5), torch.full((768,), 2.0)), file)
    embedder = load_image_embedder(path, [tmp_path / "karlo"], cpu)
    assert (float(embedder.mean[0]), float(embedder.deviation[0])) == (0.5, 2.0)
    with torch.inference_mode():
        torch.testing.assert_close(embedder(pictures()), expected_vectors(model), atol=1e-5, rtol=1e-5)
    torch.save({"mean": torch.zeros(768)}, file)
    with pytest.raises(CheckpointError, match=STATISTICS_FILE):
        load_image_embedder(path, [tmp_path / "karlo"], cpu)


def test_without_its_encoder_a_checkpoint_is_named(model: Any, tmp_path: Path, cpu: Hardware) -> None:
    bare = make_unclip_checkpoint(tmp_path / "bare.safetensors", None)
    with pytest.raises(CheckpointError, match=r"bare\.safetensors.*no image encoder"):
        load_image_embedder(bare, [], cpu)
    path = make_unclip_checkpoint(tmp_path / "holed.safetensors", model)
    tensors = load_file(path)
    for gone in ("proj", "ln_post.bias", "transformer.resblocks.0.mlp.c_fc.weight"):
        save_file({key: each for key, each in tensors.items() if key != VISION + gone}, path)
        with pytest.raises(CheckpointError, match=r"holed\.safetensors is not a usable checkpoint"):
            load_image_embedder(path, [], cpu)


@settings(deadline=None)
@given(st.integers(0, 999), st.integers(0, 100))
def test_vectors_are_noised_as_diffusers_noises_them(level: int, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    vectors, noise = torch.randn(2, 2, WIDTH, generator=generator)
    mean, deviation = torch.randn(WIDTH, generator=generator), torch.rand(WIDTH, generator=generator) + 0.5
    scheduler: Any = DDPMScheduler(beta_schedule="squaredcos_cap_v2")
    unused: Any = None
    expected = scheduler.add_noise((vectors - mean) / deviation, noise, torch.tensor([level]))
    told = get_timestep_embedding(torch.tensor([level]), WIDTH, flip_sin_to_cos=True, downscale_freq_shift=0)
    made = ImageEmbedder(unused, mean, deviation).noised(vectors, level, noise)
    torch.testing.assert_close(made[:, :WIDTH], expected * deviation + mean, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(made[:, WIDTH:], told.expand(2, -1), atol=1e-4, rtol=1e-4)


def test_the_schedule_of_vectors_is_the_squared_cosine() -> None:
    theirs = DDPMScheduler(beta_schedule="squaredcos_cap_v2").alphas_cumprod
    torch.testing.assert_close(cosine_alphas_cumprod().float(), theirs, atol=1e-6, rtol=1e-4)


@pytest.mark.parametrize("size", [(32, 32), (64, 48), (40, 200), (20, 30)])
def test_pictures_become_squares_and_keep_their_brightness(size: tuple[int, int]) -> None:
    flat = torch.full((1, 3, *size), 0.25)
    torch.testing.assert_close(square(flat, 32), torch.full((1, 3, 32, 32), 0.25))
    ramp = torch.linspace(-1, 1, size[1]).expand(1, 3, *size)
    made = square(ramp, 32)[0, 0, 0]
    assert made.shape == (32,)
    assert bool((made.diff() > 0).all())


def test_the_family_is_told_by_the_header_alone(model: Any, tmp_path: Path, cpu: Hardware) -> None:
    path = make_unclip_checkpoint(tmp_path / "unclip.safetensors", model)
    with open_tensors(path) as source:
        architecture = identify(source, path)
    assert (architecture.family.name, architecture.image_input, architecture.prediction) == (
        "SD2",
        "embedding",
        "v_prediction",
    )
    unet = load_checkpoint(_info(path), cpu).unet
    plain = UNet2DConditionModel(**architecture.unet.config)
    plain.load_state_dict(unet.state_dict())
    x, text = torch.randn(1, 4, 8, 8), torch.randn(1, 77, 64)
    vector = torch.randn(1, 2 * WIDTH)
    ours = unet(x, 10, text, class_labels=vector).sample
    torch.testing.assert_close(ours, plain(x, 10, text, class_labels=vector).sample, atol=1e-5, rtol=1e-5)
    assert not torch.allclose(ours, unet(x, 10, text, class_labels=0 * vector).sample, atol=1e-3)


def test_what_an_unclip_model_predicts_is_asked_of_its_weights(model: Any, tmp_path: Path, cpu: Hardware) -> None:
    path = make_unclip_checkpoint(tmp_path / "unclip.safetensors", model)
    tensors = load_file(path)
    del tensors["v_pred"]
    save_file(tensors, path)
    assert load_checkpoint(_info(path), cpu).prediction == "v_prediction"


@pytest.mark.parametrize("width", [768, 1024])
def test_official_unclip_checkpoints_have_their_family(width: int) -> None:
    shapes = dict(official.sd21())
    shapes |= {f"{UNET}label_emb.0.{n}.weight": shape for n, shape in ((0, (1280, 2 * width)), (2, (1280, 1280)))}
    shapes |= {f"{UNET}label_emb.0.{n}.bias": (1280,) for n in (0, 2)}
    architecture = official.identified(shapes)
    assert (architecture.family.name, architecture.image_input) == ("SD2", "embedding")
    assert architecture.unet.config["projection_class_embeddings_input_dim"] == 2 * width
