"""Whole pictures of every family, against pictures recorded from A1111 1.10.1 with the same tiny checkpoints."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file

from modules.foundation.errors import CheckpointError
from modules.generation.result import FinishedImage, GenerationResult
from modules.infotext.parse import parse
from tests.parity import make_tiny
from tests.pipeline.conftest import Studio
from tests.tiny_models import make_tiny_checkpoint

RECORDED = Path(__file__).parents[1] / "parity" / "pictures"


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Studio]:
    studio = Studio(tmp_path_factory.mktemp("library"))
    folder = studio.data / "models" / "Stable-diffusion"
    make_tiny_checkpoint(folder / "tiny-sd1.safetensors", "sd1")
    make_tiny_checkpoint(folder / "tiny-inpaint.safetensors", "sd1-inpaint")
    make_tiny_checkpoint(folder / "tiny-sd2.safetensors", "sd2-v")
    make_tiny_checkpoint(folder / "tiny-sdxl.safetensors", "sdxl")
    made = make_tiny.B(106)
    make_tiny.vae(made, "", 32, make_tiny.MULT)
    make_tiny.write(str(studio.data / "models" / "VAE" / "other-vae.safetensors"), made.sd)
    yield studio
    studio.application.close()


def _make(library: Studio, checkpoint: str, vae: str = "Automatic", **changes: Any) -> GenerationResult:
    override = {"sd_model_checkpoint": checkpoint, "sd_vae": vae, **changes.pop("override_settings", {})}
    asked = {"prompt": "a photo of a cat", "steps": 8, "cfg_scale": 7.0, "save_images": False, **changes}
    return library.make(**asked, override_settings=override)


def _pixels(image: FinishedImage) -> np.ndarray:
    return np.asarray(image.image, dtype=np.int32)


@pytest.mark.parametrize(
    ("name", "request_"),
    [
        ("sd2v-DDIM", {"checkpoint": "tiny-sd2", "sampler": "DDIM"}),
        ("sdxl-neg", {"checkpoint": "tiny-sdxl", "negative_prompt": "ugly"}),
        ("ckpt-inpaint", {"checkpoint": "tiny-inpaint"}),
        ("vae", {"checkpoint": "tiny-sd1", "vae": "other-vae.safetensors"}),
    ],
)
def test_a_picture_is_the_recorded_one(library: Studio, name: str, request_: dict[str, Any]) -> None:
    found = _pixels(_make(library, **request_).samples[0])
    expected = np.asarray(Image.open(RECORDED / f"{name}.png").convert("RGB"), dtype=np.int32)
    difference = np.abs(found - expected)
    assert difference.max() <= 1
    assert (difference > 0).mean() <= 0.002


def test_a_vae_file_stands_in_the_parameters_and_leaves_no_trace(library: Studio) -> None:
    before = _make(library, "tiny")
    with_file = _make(library, "tiny", "other-vae")
    after = _make(library, "tiny", "None")
    fields = parse(with_file.samples[0].infotext).fields
    assert (fields["VAE"], fields["VAE hash"]) == ("other-vae.safetensors", "2053cf6a17")
    assert (with_file.info["sd_vae_name"], with_file.info["sd_vae_hash"]) == ("other-vae.safetensors", "2053cf6a17")
    assert not np.array_equal(_pixels(with_file.samples[0]), _pixels(before.samples[0]))
    assert np.array_equal(_pixels(after.samples[0]), _pixels(before.samples[0]))
    assert "VAE" not in parse(after.samples[0].infotext).fields
    assert after.info["sd_vae_name"] is None


def test_a_replaced_vae_file_is_read_again(library: Studio) -> None:
    folder = library.data / "models" / "VAE"
    path = folder / "changing.safetensors"
    tensors = load_file(folder / "other-vae.safetensors")
    save_file(tensors, path)
    before = _make(library, "tiny", "changing", steps=2).samples[0]
    save_file({**tensors, "decoder.conv_out.bias": torch.ones(3), "note": torch.zeros(1)}, path)
    after = _make(library, "tiny", "changing", steps=2).samples[0]
    assert _pixels(after).mean() > _pixels(before).mean() + 20


def test_an_unknown_vae_is_told_and_the_checkpoint_s_own_used(library: Studio) -> None:
    result = _make(library, "tiny", "vae-of-somebody-else.pt")
    assert any("vae-of-somebody-else.pt" in warning for warning in result.warnings)
    assert np.array_equal(_pixels(result.samples[0]), _pixels(_make(library, "tiny").samples[0]))


def test_a_broken_vae_is_an_error_that_names_it_and_the_next_picture_is_made(library: Studio) -> None:
    broken = library.data / "models" / "VAE" / "broken.safetensors"
    save_file({"decoder.conv_in.weight": torch.zeros(1)}, broken)
    with pytest.raises(CheckpointError, match=r"broken\.safetensors is not a usable VAE"):
        _make(library, "tiny", "broken.safetensors")
    assert _make(library, "tiny").samples


def test_a_vae_with_other_latents_is_refused(library: Studio) -> None:
    made = make_tiny.B(1)
    make_tiny.vae(made, "", 32, [1, 2], z=16)
    make_tiny.write(str(library.data / "models" / "VAE" / "wide.safetensors"), made.sd)
    with pytest.raises(CheckpointError, match="latents of 4 channels"):
        _make(library, "tiny", "wide.safetensors")


def test_an_inpainting_checkpoint_says_so(library: Studio) -> None:
    result = _make(library, "tiny-inpaint")
    assert parse(result.samples[0].infotext).fields["Conditional mask weight"] == "1.0"
    assert result.info["is_using_inpainting_conditioning"] is True
    assert _make(library, "tiny").info["is_using_inpainting_conditioning"] is False


def test_an_inpainting_checkpoint_sees_the_picture_as_much_as_the_setting_shows_of_it(library: Studio) -> None:
    colours = np.linspace(0, 255, 64 * 64 * 3).reshape(64, 64, 3).astype(np.uint8)
    request: dict[str, Any] = {"init_images": (Image.fromarray(colours),), "denoising_strength": 0.9}
    hidden, shown = (
        _make(library, "tiny-inpaint", **request, override_settings={"inpainting_mask_weight": weight})
        for weight in (1.0, 0.0)
    )
    assert np.abs(_pixels(hidden.samples[0]) - _pixels(shown.samples[0])).max() > 8


def test_a_picture_of_an_inpainting_batch_is_that_of_its_seed_alone(library: Studio) -> None:
    batch = _make(library, "tiny-inpaint", seed=3, batch_size=2)
    alone = _make(library, "tiny-inpaint", seed=4)
    assert np.abs(_pixels(batch.samples[1]) - _pixels(alone.samples[0])).max() <= 2


def test_an_editing_checkpoint_makes_pictures_from_nothing_and_from_pictures(library: Studio) -> None:
    path = library.data / "models" / "Stable-diffusion" / "tiny-edit.safetensors"
    make_tiny.write(str(path), make_tiny.sd1(103, cin=8))
    assert _make(library, "tiny-edit", steps=2).samples
    grey, white = (Image.new("RGB", (64, 64), colour) for colour in ("#808080", "white"))
    one, other = (
        _make(library, "tiny-edit", steps=2, init_images=(picture,), denoising_strength=1.0)
        for picture in (grey, white)
    )
    assert not np.array_equal(_pixels(one.samples[0]), _pixels(other.samples[0]))
    request: dict[str, Any] = {"steps": 2, "init_images": (white,), "denoising_strength": 1.0}
    guided, plain = (_make(library, "tiny-edit", **request, image_cfg_scale=scale).samples[0] for scale in (2.5, 1.0))
    assert not np.array_equal(_pixels(guided), _pixels(other.samples[0]))
    assert np.array_equal(_pixels(plain), _pixels(other.samples[0]))
    assert "CFG scale: 7.0, Image CFG scale: 2.5, Seed:" in guided.infotext
    assert "Image CFG scale" not in _make(library, "tiny", **request, image_cfg_scale=2.5).samples[0].infotext


@pytest.mark.parametrize("setting", ["sdxl_crop_top", "sdxl_crop_left"])
def test_sdxl_is_told_where_its_picture_was_cropped(library: Studio, setting: str) -> None:
    plain, cropped = (
        _make(library, "tiny-sdxl", steps=2, override_settings={setting: value}).samples[0] for value in (0, 300)
    )
    assert not np.array_equal(_pixels(plain), _pixels(cropped))


def test_clip_skip_reaches_sdxl_only_when_asked_to(library: Studio) -> None:
    def picture(**settings: object) -> np.ndarray:
        return _pixels(_make(library, "tiny-sdxl", steps=2, override_settings=settings).samples[0])

    usual = picture()
    assert np.array_equal(picture(CLIP_stop_at_last_layers=3), usual)
    assert not np.array_equal(picture(CLIP_stop_at_last_layers=3, sdxl_clip_l_skip=True), usual)


def test_a_refiner_makes_pictures_of_its_own_and_is_told_how_pretty_they_should_be(library: Studio) -> None:
    made = make_tiny.B(7)
    config = {"mc": 32, "mult": [1, 2, 4], "ctx": 80, "depth": [0, 2, 0], "mid_depth": 2, "linear": True}
    make_tiny.unet(made, "model.diffusion_model.", {**config, "adm": 80 + 5 * 256})
    make_tiny.vae(made, "first_stage_model.", 32, make_tiny.MULT)
    make_tiny.open_clip(made, "conditioner.embedders.0.model.", 80, 4, 320, 80)
    make_tiny.write(str(library.data / "models" / "Stable-diffusion" / "refiner.safetensors"), made.sd)
    usual, plain = (
        _make(library, "refiner", steps=2, override_settings={"sdxl_refiner_high_aesthetic_score": score}).samples[0]
        for score in (6.0, 1.0)
    )
    assert not np.array_equal(_pixels(usual), _pixels(plain))


def test_a_marker_for_zero_terminal_snr_changes_where_sampling_begins(library: Studio) -> None:
    path = library.data / "models" / "Stable-diffusion" / "marked.safetensors"
    source = library.data / "models" / "Stable-diffusion" / "tiny-sdxl.safetensors"
    save_file({**load_file(source), "ztsnr": torch.tensor([])}, path)
    assert _make(library, "marked", steps=1).samples
    model = library.application.engine.model
    assert model is not None
    assert model.schedule.sigma_max > 4000


def test_going_back_and_forth_between_families_leaves_no_trace(library: Studio) -> None:
    names = ("tiny-sd2", "tiny-sdxl", "tiny-inpaint")
    first, second = ([_pixels(_make(library, name, steps=2).samples[0]) for name in names] for _ in range(2))
    assert all(np.array_equal(before, after) for before, after in zip(first, second, strict=True))
