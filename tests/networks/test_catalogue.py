from __future__ import annotations

import logging
import os
import subprocess
import sys
import tempfile
import unicodedata
from pathlib import Path
from typing import Literal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.torch import save_file

from modules.library.library import Library
from modules.networks.catalogue import NetworkCatalogue
from modules.networks.info import NetworkInfo
from modules.networks.metadata import family_of
from modules.prompts.comments import strip_comments
from modules.prompts.networks import extract_networks
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
    assert names == {"last": "last", "first": "first", "epoch": "epoch-1", "other": "other"}
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


@pytest.mark.skipif(os.name == "nt", reason="links need rights there")
@pytest.mark.parametrize("link", ["b", "sub/b", "sub/a"])
def test_a_link_beside_or_below_its_target_can_be_mentioned(
    catalogue: NetworkCatalogue, tmp_path: Path, link: str
) -> None:
    target = put(tmp_path / "Lora", "a")
    path = tmp_path / "Lora" / f"{link}.safetensors"
    path.parent.mkdir(exist_ok=True)
    path.symlink_to(target)
    found = catalogue.find("lora", link)
    assert found is not None
    assert found.path.samefile(target)


@pytest.mark.parametrize("name", ["people\\zo\u00eb", "people/zoe\u0308", "PEOPLE\\zo\u00eb", "zoe\u0308"])
@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_a_network_is_found_as_another_system_writes_it(
    catalogue: NetworkCatalogue, tmp_path: Path, name: str, form: Literal["NFC", "NFD"]
) -> None:
    path = put(tmp_path / "Lora", unicodedata.normalize(form, "people/zo\u00eb"))
    found = catalogue.find("lora", name)
    assert found is not None
    assert found.path == path


ALIASES = st.text(st.characters(blacklist_categories=["Cs"]), min_size=1, max_size=12) | st.text(
    ":=<># ,ab\n", min_size=1, max_size=6
)
FILE_NAMES = st.text(st.characters(blacklist_categories=["Cs", "Cc"], blacklist_characters="/"), min_size=1) | st.text(
    ":=<># ,ab", min_size=1, max_size=6
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=120)
@given(
    files=st.dictionaries(
        FILE_NAMES.filter(lambda name: len(name.encode()) < 80 and not name.startswith(".")),
        ALIASES,
        min_size=1,
        max_size=4,
    ),
    preference=st.sampled_from(["Alias from file", "Filename"]),
)
def test_a_tag_names_the_file_that_it_is_written_for(
    model_library: Library, files: dict[str, str], preference: str
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        catalogue = NetworkCatalogue(model_library, {"lora": lambda: [Path(folder)], "hypernet": lambda: []})
        for name, alias in files.items():
            put(Path(folder), name, ss_output_name=alias)
        written: dict[str, NetworkInfo] = {}
        for info in catalogue.all("lora"):
            written[f"<lora:{catalogue.preferred_name(info, preference)}:1>"] = info
        for tag, info in written.items():
            rest, (read,) = extract_networks(strip_comments(tag))
            found = catalogue.find("lora", read.positional[0])
            assert (rest, read.positional[1]) == ("", "1")
            assert found is not None, (tag, info.name, files)
            assert found.path == info.path


def test_the_setting_decides_between_alias_and_file_name_where_both_can_be_written(
    catalogue: NetworkCatalogue, tmp_path: Path
) -> None:
    put(tmp_path / "Lora", "file", ss_output_name=" alias ")
    put(tmp_path / "Lora", "style: ink", ss_output_name="a=b")
    names = {
        preference: [catalogue.preferred_name(info, preference) for info in catalogue.all("lora")]
        for preference in ("Alias from file", "Filename")
    }
    assert names == {"Alias from file": ["alias", "style_ ink"], "Filename": ["file", "style_ ink"]}


def test_a_network_that_is_here_by_its_name_and_hash_keeps_its_name(
    catalogue: NetworkCatalogue, tmp_path: Path
) -> None:
    put(tmp_path / "Lora", "one", sshs_model_hash="aaaa" * 16, ss_output_name="alias")
    put(tmp_path / "Lora", "two", sshs_model_hash="aaaa" * 16, ss_output_name="other")
    put(tmp_path / "Lora", "three", sshs_model_hash="bbbb" * 16)
    assert catalogue.is_file_with("two", "aaaaaaaaaaaa")
    assert not catalogue.is_file_with("three", "aaaaaaaaaaaa")
    assert not catalogue.is_file_with("alias", "aaaaaaaaaaaa")
    assert catalogue.name_by_hash("aaaaaaaaaaaa") == "alias"
    assert catalogue.name_by_hash("aaaaaaaaaaaa", "Filename") == "one"
