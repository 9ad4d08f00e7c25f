"""The example of a hook: residuals into a UNet change the picture, and without them it is the former."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from examples.residuals import EdgeResiduals, main
from modules.hooks.events import RunEvent
from modules.pipeline.network_additions import skip_connections
from modules.sampling.guidance_hooks import NetworkCall
from tests.pipeline.conftest import Studio


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Studio]:
    studio = Studio(tmp_path_factory.mktemp("studio"))
    yield studio
    studio.application.close()


@pytest.fixture
def edges() -> Image.Image:
    picture = Image.new("L", (64, 64))
    ImageDraw.Draw(picture).rectangle((8, 16, 40, 50), outline=255, width=3)
    return picture


def _pixels(studio: Studio, **asked: object) -> np.ndarray:
    return np.asarray(studio.make(save_images=False, **asked).samples[0].image, dtype=np.int32)


@pytest.mark.parametrize("asked", [{}, {"sampler": "DPM++ 2M"}, {"sampler": "DDIM"}, {"width": 104, "height": 72}])
def test_residuals_change_the_picture_and_detached_it_is_bit_for_bit_the_former(
    studio: Studio, edges: Image.Image, asked: dict[str, object]
) -> None:
    former = _pixels(studio, **asked)
    detach = EdgeResiduals(edges=edges, strength=3.0).attach(studio.application.hooks)
    changed = _pixels(studio, **asked)
    detach()
    assert np.abs(changed - former).max() > 8
    assert np.array_equal(_pixels(studio, **asked), former)
    assert not studio.application.hooks.network.failures


def test_residuals_of_no_strength_change_nothing_and_two_hooks_add_up(studio: Studio, edges: Image.Image) -> None:
    former = _pixels(studio)
    hooks = studio.application.hooks
    detach = EdgeResiduals(edges=edges, strength=0.0).attach(hooks)
    assert np.array_equal(_pixels(studio), former)
    detach()
    both = [EdgeResiduals(edges=edges, strength=strength).attach(hooks) for strength in (1.0, 2.0)]
    together = _pixels(studio)
    for each in both:
        each()
    detach = EdgeResiduals(edges=edges, strength=3.0).attach(hooks)
    alone = _pixels(studio)
    detach()
    assert np.abs(together - alone).max() <= 1


def test_residuals_outside_of_their_share_of_the_run_are_not_there(studio: Studio, edges: Image.Image) -> None:
    shares: list[tuple[float, bool]] = []

    def watch(call: NetworkCall, event: RunEvent) -> NetworkCall:
        shares.append((call.share_done, call.cond.additions is not None))
        return call

    hooks = studio.application.hooks
    both = [EdgeResiduals(edges=edges, start=0.25, end=0.75).attach(hooks), hooks.network.attach("test", watch)]
    _pixels(studio, steps=4)
    for each in both:
        each()
    assert shares == [(0.0, False), (0.25, True), (0.5, True), (0.75, False)]


def test_there_is_a_residual_for_each_skip_connection(studio: Studio, edges: Image.Image) -> None:
    _pixels(studio)
    model = studio.application.engine.model
    assert model is not None
    unet = model.checkpoint.unet
    import torch

    residuals = EdgeResiduals(edges=edges).residuals(unet, torch.zeros(1, 4, 9, 13))
    assert len(residuals) == skip_connections(unet) + 1


def test_the_example_makes_a_picture_by_itself(
    tmp_path: Path, edges: Image.Image, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tests.tiny_models import make_tiny_sd1

    make_tiny_sd1(tmp_path / "models" / "Stable-diffusion" / "tiny.safetensors")
    edges.save(tmp_path / "edges.png")
    from modules.settings.flags import parse_flags

    flags = parse_flags(["--data-dir", str(tmp_path), "--use-cpu", "all", "--ckpt", str(next(tmp_path.rglob("tiny*")))])
    monkeypatch.setattr("examples.residuals.parse_flags", lambda _: flags)
    main(str(tmp_path / "edges.png"), str(tmp_path / "result.png"), "a castle", steps=2)
    with Image.open(tmp_path / "result.png") as result:
        assert result.size == (512, 512)
