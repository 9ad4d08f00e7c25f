"""One picture through a VAE: in bands, after NaN, and by the small networks that stand in for it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from modules.checkpoints.architectures import sd1
from modules.generation.request import HiresRequest
from modules.generation.result import FinishedImage
from modules.pipeline.model import LoadedModel
from modules.pipeline.small_vaes import SmallVaes
from modules.pipeline.vae import decode_latent, encode_moments
from tests.pipeline.conftest import Studio


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Studio]:
    studio = Studio(tmp_path_factory.mktemp("vae"))
    studio.application.settings.change({"live_previews_enable": False}, save=False)
    yield studio
    studio.application.close()


def _pixels(image: FinishedImage) -> np.ndarray:
    return np.asarray(image.image, dtype=np.int32)


def _make(studio: Studio, **settings: Any) -> FinishedImage:
    return studio.make(save_images=False, override_settings=settings).samples[0]


class _Planned:
    """As much of a plan as the VAE's stage reads."""

    def __init__(self, studio: Studio, **settings: Any) -> None:
        self.settings = studio.application.settings.current.changed(settings)
        self.seeds = (1,)


def _model(studio: Studio) -> LoadedModel:
    engine = studio.application.engine
    return engine.load(studio.application.catalogue.find("tiny"))


def test_in_bands_the_starter_model_makes_the_same_picture(studio: Studio) -> None:
    """Decoded and encoded: the second pass goes through both."""
    starter = {"sd_model_checkpoint": "easel-starter"}
    pictures = [
        studio.make(
            prompt="a red circle",
            width=128,
            height=128,
            steps=1,
            hires=HiresRequest(scale=1.5, upscaler="Lanczos", steps=1),
            denoising_strength=0.3,
            save_images=False,
            override_settings={**starter, "vae_in_bands": wish},
        ).samples[0]
        for wish in ("Never", "Always")
    ]
    assert np.abs(_pixels(pictures[0]) - _pixels(pictures[1])).max() <= 1


def test_a_vae_that_gives_nan_is_asked_again_in_another_type_and_the_user_is_told(studio: Studio) -> None:
    model = _model(studio)
    vae: Any = model.checkpoint.vae
    kept = vae.decoder.conv_in.weight.detach().clone()
    latent = torch.randn(1, 4, 8, 8, generator=torch.Generator().manual_seed(0))
    try:
        with torch.inference_mode():
            vae.decoder.conv_in.weight.mul_(5e3)
            wanted = model.decode(latent)
            vae.to(torch.float16)
            assert model.decode(latent).isnan().any()
            plan: Any = _Planned(studio, auto_vae_precision_bfloat16=True)
            assert not decode_latent(latent, plan, model).isnan().any()
            assert vae.dtype == torch.bfloat16
            vae.to(torch.float16)
            plan = _Planned(studio)
            assert torch.allclose(decode_latent(latent, plan, model), wanted, atol=0.2)
            assert vae.dtype == torch.float32
        told = model.taken_remarks()
        assert [sentence.rsplit(" in ", 1)[1].split()[0] for sentence in told] == ["bfloat16", "float32"]
        assert model.taken_remarks() == []
    finally:
        vae.to(torch.float32)
        vae.decoder.conv_in.weight.data.copy_(kept)


def _write_taesd(folder: Path) -> Any:
    """TAESD with random weights, under the names of its own files."""
    from diffusers import AutoencoderTiny

    torch.manual_seed(1)
    tiny = AutoencoderTiny()
    folder.mkdir(parents=True, exist_ok=True)
    for part, offset in (("encoder", 0), ("decoder", 1)):
        weights: dict[str, Any] = {}
        for key, value in getattr(tiny, part).state_dict().items():
            _, index, rest = key.split(".", 2)
            weights[f"{int(index) + offset}.{rest}"] = value
        torch.save(weights, folder / f"taesd_{part}.pth")
    return tiny.eval()


def test_taesd_is_used_where_its_files_are_and_named_where_they_are_missing(studio: Studio) -> None:
    model = _model(studio)
    full = _make(studio)
    missing = studio.make(save_images=False, override_settings={"sd_vae_decode_method": "TAESD"})
    assert np.array_equal(_pixels(missing.samples[0]), _pixels(full))
    assert any("taesd_decoder.pth" in warning and "VAE-taesd" in warning for warning in missing.warnings)
    tiny = _write_taesd(studio.data / "models" / "VAE-taesd")
    image = _make(studio, sd_vae_decode_method="TAESD")
    assert not np.array_equal(_pixels(image), _pixels(full))
    assert "VAE Decoder: TAESD" in image.infotext
    plan: Any = _Planned(studio, sd_vae_decode_method="TAESD", sd_vae_encode_method="TAESD")
    with torch.inference_mode():
        latent, picture = torch.randn(1, 4, 8, 8), torch.rand(1, 3, 64, 64) * 2 - 1
        assert torch.allclose(decode_latent(latent, plan, model), tiny.decoder(latent), atol=1e-5)
        mean, deviation = encode_moments(picture, plan, model)
        assert torch.allclose(model.checkpoint.latents.scaled(mean), tiny.encoder(picture), atol=1e-5)
        assert not deviation.any()


def test_previews_are_made_by_the_method_of_the_settings(studio: Studio) -> None:
    _write_taesd(studio.data / "models" / "VAE-taesd")
    folder = studio.data / "models" / "VAE-approx"
    folder.mkdir(exist_ok=True)
    sizes = ((4, 8, 7), (8, 16, 3), (16, 3, 3))
    torch.manual_seed(2)
    weights = {f"conv{index}.weight": torch.randn(to, of, k, k) * 0.1 for index, (of, to, k) in enumerate(sizes, 1)}
    weights |= {f"conv{index}.bias": torch.zeros(to) for index, (_, to, _) in enumerate(sizes, 1)}
    torch.save(weights, folder / "model.pt")
    network = SmallVaes(studio.data / "models", studio.application.engine.hardware).get("approximation", sd1.FAMILY)
    assert network is not None
    assert network(torch.randn(2, 4, 8, 6)).shape == (2, 3, 16, 12)
    seen: list[bytes] = []
    for method, side in (("Full", 64), ("Approx NN", 16), ("Approx cheap", 8), ("TAESD", 64)):
        settings = {
            "live_previews_enable": True,
            "show_progress_every_n_steps": 1,
            "show_progress_type": method,
        }
        job = studio.submit(save_images=False, override_settings=settings)
        job.wait(120)
        _, preview = job.control.preview
        assert preview is not None
        assert preview.size == (side, side)
        seen.append(preview.tobytes())
    assert len(set(seen)) == 4
