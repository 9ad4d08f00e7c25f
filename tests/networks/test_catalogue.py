from __future__ import annotations

import logging
import subprocess
import sys
from pathlib import Path

import pytest
from safetensors.torch import save_file

from modules.library.library import Library
from modules.networks.catalogue import NetworkCatalogue
from modules.networks.metadata import family_of
from tests.networks.conftest import randn


def put(folder: Path, name: str, **metadata: str) -> Path:
    path = folder / f"{name}.safetensors"
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file({"x": randn(2)}, path, metadata or None)
    return path


@pytest.fixture
def catalogue(tmp_path: Path, model_library: Library) -> NetworkCatalogue:
    (tmp_path / "Lora").mkdir()
    return NetworkCatalogue(
        model_library,
        {"lora": lambda: [tmp_path / "Lora", tmp_path / "LyCORIS"], "hypernet": lambda: [tmp_path / "hypernetworks"]},
    )


def test_networks_of_all_folders_are_listed_by_name(catalogue: NetworkCatalogue, tmp_path: Path) -> None:
    put(tmp_path / "Lora", "people/Zoe")
    put(tmp_path / "LyCORIS", "anna")
    put(tmp_path / "Lora", ".hidden/mine")
    (tmp_path / "Lora" / "._anna.safetensors").write_bytes(b"what macOS leaves behind")
    (tmp_path / "hypernetworks").mkdir()
    (tmp_path / "hypernetworks" / "hyper.pt").write_bytes(b"")
    (tmp_path / "Lora" / "notes.txt").write_text("no network")
    assert [info.name for info in catalogue.all("lora")] == ["anna", "mine", "Zoe"]
    assert [info.relative_name for info in catalogue.all("lora")] == ["anna", ".hidden/mine", "people/Zoe"]
    assert [info.name for info in catalogue.all("hypernet")] == ["hyper"]


def test_a_network_is_found_by_name_path_alias_and_in_any_case(catalogue: NetworkCatalogue, tmp_path: Path) -> None:
    path = put(tmp_path / "Lora", "people/Zoe v1.5", ss_output_name="zoe")
    for name in ("Zoe v1.5", "people/Zoe v1.5", "zoe", "ZOE V1.5", " Zoe v1.5 "):
        found = catalogue.find("lora", name)
        assert found is not None
        assert found.path == path
    assert catalogue.find("hypernet", "zoe") is None


def test_a_name_goes_before_an_alias_and_an_ambiguous_alias_means_nothing(
    catalogue: NetworkCatalogue, tmp_path: Path
) -> None:
    put(tmp_path / "Lora", "last", ss_output_name="twice")
    put(tmp_path / "Lora", "first", ss_output_name="twice")
    real = put(tmp_path / "Lora", "epoch", ss_output_name="epoch-1")
    put(tmp_path / "Lora", "other", ss_output_name="epoch")
    found = catalogue.find("lora", "epoch")
    assert found is not None
    assert found.path == real
    assert catalogue.find("lora", "twice") is None
    names = {info.name: catalogue.preferred_name(info, "Alias from file") for info in catalogue.all("lora")}
    assert names == {"last": "last", "first": "first", "epoch": "epoch-1", "other": "epoch"}
    assert catalogue.preferred_name(catalogue.all("lora")[0], "Filename") == "epoch"


def test_a_missing_name_makes_it_look_again(catalogue: NetworkCatalogue, tmp_path: Path) -> None:
    assert catalogue.find("lora", "late") is None
    put(tmp_path / "Lora", "late")
    found = catalogue.find("lora", "late")
    assert found is not None
    assert found.name == "late"


def test_of_two_files_of_one_name_the_first_is_used_and_it_is_said(
    catalogue: NetworkCatalogue, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    first, second = put(tmp_path / "Lora", "a/same"), put(tmp_path / "Lora", "b/same")
    with caplog.at_level(logging.WARNING):
        assert [info.path for info in catalogue.all("lora")] == [first]
    assert str(first) in caplog.text
    assert str(second) in caplog.text


def test_a_changed_file_is_described_anew_and_a_broken_one_says_why(
    catalogue: NetworkCatalogue, tmp_path: Path
) -> None:
    path = put(tmp_path / "Lora", "one", ss_output_name="before", ss_base_model_version="sd_v1")
    info = catalogue.all("lora")[0]
    assert catalogue.alias(info) == "before"
    assert catalogue.facts(info).family == "SD1"
    put(tmp_path / "Lora", "one", ss_output_name="afterwards")
    assert catalogue.alias(info) == "afterwards"
    path.write_text("broken")
    problem = catalogue.facts(info).problem
    assert problem is not None
    assert "one.safetensors" in problem
    assert catalogue.alias(info) == "one"


@pytest.mark.parametrize(
    ("metadata", "family"),
    [
        ({"ss_base_model_version": "sd_v1"}, "SD1"),
        ({"ss_base_model_version": "sdxl_base_v1-0"}, "SDXL"),
        ({"ss_v2": "True"}, "SD2"),
        ({"ss_base_model_version": "sd_v2_v"}, "SD2"),
        ({"modelspec.architecture": "stable-diffusion-xl-v1-base/lora"}, "SDXL"),
        ({"modelspec.architecture": "flux-1-dev/lora"}, "Flux"),
        ({}, None),
    ],
)
def test_the_family_is_read_from_the_metadata(metadata: dict[str, str], family: str | None) -> None:
    assert family_of(metadata) == family


def test_listing_needs_no_torch() -> None:
    code = "import sys, modules.networks.catalogue; sys.exit('torch' in sys.modules)"
    root = Path(__file__).parents[2]
    assert subprocess.run([sys.executable, "-c", code], cwd=root, check=False, timeout=60).returncode == 0
