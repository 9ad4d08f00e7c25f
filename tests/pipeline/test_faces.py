"""Face restoration as part of a run, with networks of true shapes and planted weights."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from modules.generation.progress import RunControl
from modules.generation.request import GenerationRequest
from modules.pipeline.extras import ExtrasRequest, run_extras
from tests.faces.weights import write_detector, write_gfpgan
from tests.pipeline.conftest import Studio


@pytest.fixture
def weights(studio: Studio) -> Iterator[Path]:
    folder = studio.data / "models" / "GFPGAN"
    folder.mkdir(parents=True, exist_ok=True)
    files = (write_detector(folder), write_gfpgan(folder))
    yield folder
    for path in files:
        path.unlink()


def test_faces_are_restored_where_a_request_says_so(studio: Studio, weights: Path, tmp_path: Path) -> None:
    settings = {
        "face_restoration_model": "GFPGAN",
        "save_images_before_face_restoration": True,
        "outdir_txt2img_samples": str(tmp_path),
        "save_to_dirs": False,
    }
    plain = studio.make(save_images=False).samples[0]
    result = studio.make(restore_faces=True, override_settings=settings)
    restored = result.samples[0]
    assert result.warnings == ()
    before, after = np.asarray(plain.image, dtype=int), np.asarray(restored.image, dtype=int)
    assert (np.abs(after - 128).max(axis=2) <= 1).any()  # the grey of the planted restorer
    assert (before == after).all(axis=2).any()  # what lies outside of the face
    assert "Face restoration: GFPGAN, Size: 64x64" in restored.infotext
    assert result.info["restore_faces"] is True
    assert result.info["face_restoration_model"] == "GFPGAN"
    assert sorted(path.name for path in tmp_path.iterdir())[0].endswith("-before-face-restoration.png")

    _in_extras(studio)

    assert len(studio.application.engine.faces.loaded) == 2
    studio.make(save_images=False, override_settings={"face_restoration_unload": True})
    assert studio.application.engine.faces.loaded == ()


def _in_extras(studio: Studio) -> None:
    """Extras asks the same restorer, before it enlarges or after; this face is too small for it."""
    picture = Image.new("RGB", (24, 24), (200, 40, 40))
    asked = ExtrasRequest(images=(picture,), gfpgan_visibility=0.5, upscaler="Nearest", scale=1)
    (done,) = run_extras(asked, studio.application.engine, RunControl())
    assert done.done == "GFPGAN visibility: 0.5, Postprocess upscale by: 1, Postprocess upscaler: Nearest"
    assert np.array_equal(np.asarray(done.image), np.asarray(picture))


def test_without_weights_the_picture_comes_with_the_reason(studio: Studio) -> None:
    result = studio.make(restore_faces=True, save_images=False)
    assert len(result.samples) == 1
    assert "Face restoration" not in result.samples[0].infotext
    (warning,) = [each for each in result.warnings if "Faces were not restored" in each]
    assert "codeformer.pth" in warning


def test_a_request_may_switch_off_what_the_settings_switch_on(studio: Studio) -> None:
    result = studio.make(restore_faces=False, save_images=False, override_settings={"face_restoration": True})
    assert result.warnings == ()
    assert result.info["restore_faces"] is False
    assert GenerationRequest().restore_faces is None
