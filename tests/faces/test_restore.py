from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from modules.faces.catalogue import RestorerCatalogue
from modules.faces.detect import Face
from modules.faces.restore import FaceRestorers, restore_faces
from modules.foundation.errors import CheckpointError, Interrupted, RequestError, UnknownName
from modules.generation.progress import RunControl
from modules.hardware.device import HardwareOptions, choose_hardware
from tests.faces.test_align import placed_at, waves

CPU = choose_hardware(HardwareOptions(use_cpu=frozenset({"all"}), full_precision=True))


def face_at(x: float, y: float, side: float) -> Face:
    return Face(np.array([x - side / 2, y - side / 2, x + side / 2, y + side / 2]), placed_at(x, y, side), 0.99)


def inverted(face: Tensor) -> Tensor:
    return -face


def test_faces_are_restored_and_the_rest_is_untouched() -> None:
    picture = waves(600, 400)
    restored = restore_faces(picture, [face_at(150, 200, 160), face_at(450, 200, 160)], inverted)
    assert restored.faces == 2
    before, after = np.asarray(picture), np.asarray(restored.image)
    for x in (150, 450):
        assert np.abs(255.0 - before[200, x] - after[200, x]).max() <= 3
    assert np.array_equal(before[:, 260:340], after[:, 260:340])


def test_transparency_is_kept() -> None:
    picture = waves(300, 300)
    picture.putalpha(Image.linear_gradient("L").resize((300, 300)))
    restored = restore_faces(picture, [face_at(150, 150, 160)], inverted).image
    assert restored.mode == "RGBA"
    assert np.array_equal(np.asarray(restored)[:, :, 3], np.asarray(picture)[:, :, 3])


def test_a_face_that_gives_no_numbers_stays_as_it_was() -> None:
    picture = waves(300, 300)
    restored = restore_faces(picture, [face_at(150, 150, 160)], lambda face: face * torch.nan)
    assert restored.faces == 0
    assert np.array_equal(np.asarray(restored.image), np.asarray(picture))


def test_restoring_stops_between_two_faces() -> None:
    control = RunControl()

    def restore(face: Tensor) -> Tensor:
        control.interrupt()
        return face

    with pytest.raises(Interrupted):
        restore_faces(waves(300, 300), [face_at(100, 100, 90), face_at(200, 200, 90)], restore, control)


def test_what_is_missing_is_said_by_file_and_folder(tmp_path: Path) -> None:
    catalogue = RestorerCatalogue([tmp_path / "GFPGAN"], [tmp_path / "Codeformer"])
    codeformer, gfpgan = catalogue.all()
    assert "put GFPGANv1.4.pth" in (gfpgan.problem or "")
    assert str(tmp_path / "GFPGAN") in (gfpgan.problem or "")
    assert "detection_Resnet50_Final.pth" in (gfpgan.problem or "")
    assert "pip install spandrel_extra_arches" in (codeformer.problem or "")
    with pytest.raises(RequestError, match="GFPGAN cannot be used"):
        catalogue.find("GFPGAN")
    with pytest.raises(UnknownName, match="GFPGAN"):
        catalogue.find("GFPGAM")


def test_files_that_come_later_are_found(tmp_path: Path, gfpgan_file: Path, detector_file: Path) -> None:
    catalogue = RestorerCatalogue([tmp_path / "GFPGAN", tmp_path / "more"], [tmp_path / "Codeformer"])
    for path, folder in ((gfpgan_file, "more"), (detector_file, "Codeformer")):
        (tmp_path / folder).mkdir()
        shutil.copyfile(path, tmp_path / folder / path.name)
    info = catalogue.find("gfpgan")
    assert info.weights == tmp_path / "more" / "GFPGANv1.4.pth"
    assert info.detector == tmp_path / "Codeformer" / "detection_Resnet50_Final.pth"


def test_weights_of_something_else_are_refused(tmp_path: Path, detector_file: Path) -> None:
    torch.save({"some.weight": torch.zeros(2, 2)}, tmp_path / "GFPGANv1.3.pth")
    shutil.copyfile(detector_file, tmp_path / detector_file.name)
    restorers = FaceRestorers(RestorerCatalogue([tmp_path], [tmp_path / "none"]), CPU)
    with pytest.raises(CheckpointError, match=r"GFPGANv1\.3\.pth"):
        restorers.restore(Image.new("RGB", (640, 640)), "GFPGAN")
