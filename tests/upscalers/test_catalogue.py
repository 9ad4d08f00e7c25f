from __future__ import annotations

import os
import subprocess
import sys
import unicodedata
import zipfile
from pathlib import Path
from typing import Literal

import pytest

from modules.foundation.errors import RequestError, UnknownName
from modules.upscalers.catalogue import UpscalerCatalogue, scale_in


def put(path: Path, content: bytes = b"\x80\x02 as torch wrote it before it wrote archives") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def catalogue_of(tmp_path: Path) -> UpscalerCatalogue:
    return UpscalerCatalogue({name: tmp_path / name for name in ("ESRGAN", "RealESRGAN", "SwinIR", "DAT", "ScuNET")})


def names(catalogue: UpscalerCatalogue) -> list[str]:
    return [info.name for info in catalogue.usable()]


def test_files_go_by_their_stems_after_the_built_in_ones(tmp_path: Path) -> None:
    put(tmp_path / "SwinIR" / "sub" / "zeta_x2.pth")
    put(tmp_path / "ESRGAN" / "4x-Ultra.pth")
    put(tmp_path / "ESRGAN" / "notes.txt")
    put(tmp_path / "ESRGAN" / ".hidden.pth")
    catalogue = catalogue_of(tmp_path)
    assert names(catalogue) == ["None", "Lanczos", "Nearest", "4x-Ultra", "zeta_x2"]
    assert [info.scale for info in catalogue.usable()] == [4, 4, 4, 4, 2]


def test_well_known_files_go_by_the_names_people_use(tmp_path: Path) -> None:
    path = put(tmp_path / "RealESRGAN" / "RealESRGAN_x2plus.pth")
    catalogue = catalogue_of(tmp_path)
    assert "R-ESRGAN 2x+" in names(catalogue)
    for name in ("R-ESRGAN 2x+", "r-esrgan 2x+", "RealESRGAN_x2plus", "RealESRGAN_x2plus.pth"):
        assert catalogue.find(name).path == path


def test_a_well_known_model_without_its_file_says_which_file_goes_where(tmp_path: Path) -> None:
    catalogue = catalogue_of(tmp_path)
    assert "R-ESRGAN 4x+" not in names(catalogue)
    assert "R-ESRGAN 4x+" in [info.name for info in catalogue.all()]
    with pytest.raises(RequestError, match=r"put RealESRGAN_x4plus\.pth \(https://.*\) into .*RealESRGAN"):
        catalogue.find("R-ESRGAN 4x+")
    put(tmp_path / "RealESRGAN" / "RealESRGAN_x4plus.pth")
    assert catalogue.find("R-ESRGAN 4x+").usable


def test_settings_say_which_missing_models_are_offered(tmp_path: Path) -> None:
    put(tmp_path / "RealESRGAN" / "RealESRGAN_x2plus.pth")
    enabled = {"realesrgan_enabled_models": ["R-ESRGAN 4x+"], "dat_enabled_models": []}
    offered = [info.name for info in catalogue_of(tmp_path).offered(enabled)]
    assert "R-ESRGAN 4x+" in offered
    assert "R-ESRGAN 2x+" in offered  # its file is there
    assert "R-ESRGAN AnimeVideo" not in offered
    assert "DAT x2" not in offered


def test_an_unknown_name_is_answered_with_the_nearest(tmp_path: Path) -> None:
    put(tmp_path / "ESRGAN" / "4x-UltraSharp.pth")
    with pytest.raises(UnknownName, match="Did you mean '4x-UltraSharp'") as caught:
        catalogue_of(tmp_path).find("4x-UltraShrp", "upscaler_1")
    assert caught.value.field == "upscaler_1"


def test_two_files_of_one_name_stay_apart(tmp_path: Path) -> None:
    put(tmp_path / "ESRGAN" / "model.pth")
    put(tmp_path / "SwinIR" / "model.pth")
    put(tmp_path / "SwinIR" / "sub" / "model.pth")
    found = [info for info in catalogue_of(tmp_path).usable() if info.path]
    assert len({info.name for info in found}) == len(found) == 3


def test_a_file_that_comes_later_is_found_without_asking_for_a_refresh(tmp_path: Path) -> None:
    catalogue = catalogue_of(tmp_path)
    assert names(catalogue) == ["None", "Lanczos", "Nearest"]
    put(tmp_path / "ESRGAN" / "new.pth")
    assert catalogue.find("new").usable


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "is empty"),
        (b"<!DOCTYPE html><html>", "is a web page"),
        (b"version https://git-lfs.github.com/spec/v1", "only a pointer"),
        (b"PK\x03\x04 and then nothing", "cut off or damaged"),
        (b"anything else", "does not begin like one"),
    ],
)
def test_a_broken_file_is_listed_with_the_reason(tmp_path: Path, content: bytes, reason: str) -> None:
    put(tmp_path / "ESRGAN" / "broken.pth", content)
    catalogue = catalogue_of(tmp_path)
    (info,) = [info for info in catalogue.all() if info.name == "broken"]
    assert info.problem is not None
    assert reason in info.problem
    assert "broken" not in names(catalogue)
    with pytest.raises(RequestError, match=reason):
        catalogue.find("broken")


def test_a_program_in_an_archive_is_listed_as_broken(tmp_path: Path) -> None:
    (tmp_path / "ESRGAN").mkdir()
    with zipfile.ZipFile(tmp_path / "ESRGAN" / "traced.pt", "w") as archive:
        archive.writestr("traced/code/__torch__.py", "import os")
        archive.writestr("traced/data.pkl", b"")
    with pytest.raises(RequestError, match="TorchScript"):
        catalogue_of(tmp_path).find("traced")


def test_a_repaired_file_is_looked_at_again(tmp_path: Path) -> None:
    path = put(tmp_path / "ESRGAN" / "model.pth", b"")
    catalogue = catalogue_of(tmp_path)
    with pytest.raises(RequestError):
        catalogue.find("model")
    put(path)
    assert catalogue.find("model").usable


@pytest.mark.parametrize(
    ("name", "scale"),
    [
        ("4x-UltraSharp", 4),
        ("2x_model", 2),
        ("RealESRGAN_x2plus", 2),
        ("model-x8", 8),
        ("plain", 4),
        ("s64w8", 4),
        ("1x_DeJPG", 1),
    ],
)
def test_the_scale_is_read_from_the_name(name: str, scale: float) -> None:
    assert scale_in(name) == scale


def test_folders_of_another_installation_count_by_their_names(tmp_path: Path) -> None:
    put(tmp_path / "ESRGAN" / "own.pth")
    path = put(tmp_path / "other" / "models" / "SwinIR" / "theirs.pth")
    further = [tmp_path / "ESRGAN", path.parent, tmp_path / "other" / "models" / "DAT"]
    catalogue = UpscalerCatalogue({"ESRGAN": tmp_path / "ESRGAN"}, lambda: further)
    assert names(catalogue) == ["None", "Lanczos", "Nearest", "own", "theirs"]
    assert catalogue.find("theirs").family == "SwinIR"


def test_listing_pays_for_no_torch(tmp_path: Path) -> None:
    put(tmp_path / "model.pth")
    code = (
        "import sys, pathlib; from modules.upscalers.catalogue import UpscalerCatalogue\n"
        f"UpscalerCatalogue({{'ESRGAN': pathlib.Path({str(tmp_path)!r})}}).all()\n"
        "assert not {'torch', 'spandrel', 'numpy'} & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.skipif(os.name == "nt", reason="links need rights there")
def test_links_are_upscalers_unless_they_lead_nowhere(tmp_path: Path) -> None:
    target = put(tmp_path / "ESRGAN" / "4x-Ultra.pth")
    (tmp_path / "ESRGAN" / "sub").mkdir()
    (tmp_path / "ESRGAN" / "sub" / "2x-Link.pth").symlink_to(target)
    (tmp_path / "ESRGAN" / "sub" / "4x-Ultra.pth").symlink_to(target)
    (tmp_path / "ESRGAN" / "sub" / "up").symlink_to(tmp_path / "ESRGAN", target_is_directory=True)
    (tmp_path / "ESRGAN" / "gone.pth").symlink_to(tmp_path / "nowhere.pth")
    assert names(catalogue_of(tmp_path)) == ["None", "Lanczos", "Nearest", "2x-Link", "4x-Ultra"]


@pytest.mark.parametrize("form", ["NFC", "NFD"])
@pytest.mark.parametrize("name", ["4x_scha\u0308rfer", "4X_Sch\u00e4rfer.pth"])
def test_an_upscaler_is_found_as_another_system_writes_it(
    tmp_path: Path, name: str, form: Literal["NFC", "NFD"]
) -> None:
    path = put(tmp_path / "ESRGAN" / unicodedata.normalize(form, "4x_sch\u00e4rfer.pth"))
    assert catalogue_of(tmp_path).find(name).path == path
