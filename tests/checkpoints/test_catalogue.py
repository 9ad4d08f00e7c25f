from __future__ import annotations

import hashlib
import os
import unicodedata
from pathlib import Path
from typing import Literal

import pytest

from modules.checkpoints.catalogue import Catalogue
from modules.foundation.errors import CheckpointError, UnknownName
from modules.library.library import Library


class Files:
    def __init__(self, root: Path, library: Library) -> None:
        self.library = library
        self.root = root
        self.folder = root / "models" / "Stable-diffusion"
        self.starter = root / "program" / "easel-starter.safetensors"
        self.folder.mkdir(parents=True)

    def add(self, name: str, content: bytes = b"x") -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return path

    def catalogue(self, *files: Path) -> Catalogue:
        return Catalogue(self.library, lambda: [self.folder], files, self.starter)


@pytest.fixture
def library(tmp_path: Path, model_library: Library) -> Files:
    return Files(tmp_path, model_library)


def test_files_are_listed_by_name_with_their_folders_and_without_vaes_and_strangers(library: Files) -> None:
    for name in ("b.safetensors", "A.ckpt", "anime/c.safetensors", "b.vae.safetensors", "b.yaml", "b.png"):
        library.add(name)
    assert [info.name for info in library.catalogue().all()] == ["A.ckpt", "anime/c.safetensors", "b.safetensors"]


def test_a_diffusers_folder_is_one_checkpoint(library: Files) -> None:
    library.add("pipe/model_index.json", b"{}")
    library.add("pipe/unet/diffusion_pytorch_model.safetensors")
    assert [info.name for info in library.catalogue().all()] == ["pipe"]


def test_the_starter_comes_last_and_is_the_default_only_when_alone(library: Files) -> None:
    library.starter.parent.mkdir()
    library.starter.write_bytes(b"starter")
    assert library.catalogue().default().is_starter
    library.add("zebra.safetensors")
    catalogue = library.catalogue()
    assert [info.name for info in catalogue.all()] == ["zebra.safetensors", "easel-starter.safetensors"]
    assert catalogue.default().name == "zebra.safetensors"


@pytest.mark.parametrize(
    "name",
    [
        "anime/c.safetensors",
        "anime/c",
        "anime_c",
        "c.safetensors",
        "c",
        "C.SafeTensors",
        "anime/c.safetensors [2d711642b7]",
        "2d711642b7",
        "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881",
        "anime/c.safetensors [0000000000]",
    ],
)
def test_a_checkpoint_is_found_by_every_name_that_people_use(library: Files, name: str) -> None:
    path = library.add("anime/c.safetensors", b"x")
    library.add("other.safetensors", b"other")
    catalogue = library.catalogue()
    catalogue.hashes.compute(path)
    assert catalogue.find(name).path == path


def test_an_unknown_name_is_answered_with_near_ones(library: Files) -> None:
    library.add("dreamshaper_8.safetensors")
    with pytest.raises(UnknownName, match=r"dreamshaper_8\.safetensors"):
        library.catalogue().find("dreamshapr_8.safetensors")


def test_a_file_added_later_is_found_without_a_restart(library: Files) -> None:
    catalogue = library.catalogue()
    assert catalogue.all() == ()
    library.add("new.safetensors")
    assert catalogue.find("new").name == "new.safetensors"


def test_no_checkpoint_at_all_says_where_to_put_one(library: Files) -> None:
    with pytest.raises(CheckpointError, match="Stable-diffusion"):
        library.catalogue().default()


def test_a_single_file_named_on_the_command_line_is_listed_once(library: Files, tmp_path: Path) -> None:
    outside = tmp_path / "elsewhere.safetensors"
    outside.write_bytes(b"x")
    inside = library.add("inside.safetensors")
    names = [info.name for info in library.catalogue(outside, inside).all()]
    assert names == ["elsewhere.safetensors", "inside.safetensors"]


@pytest.mark.skipif(os.name == "nt", reason="links need rights there")
def test_a_file_is_found_by_another_way_to_it(library: Files, tmp_path: Path) -> None:
    library.add("a.safetensors")
    library.add("b.safetensors", b"y")
    link = tmp_path / "link"
    link.symlink_to(library.folder, target_is_directory=True)
    assert library.catalogue().find(str(link / "b.safetensors")).name == "b.safetensors"


def test_hashes_are_computed_once_and_survive_a_restart(library: Files) -> None:
    path = library.add("a.safetensors", b"content")
    digest = hashlib.sha256(b"content").hexdigest()
    assert library.catalogue().all()[0].sha256 is None
    assert library.catalogue().hashes.compute(path) == digest
    info = library.catalogue().all()[0]
    assert info.title == f"a.safetensors [{digest[:10]}]"


def test_a_changed_file_is_hashed_anew(library: Files) -> None:
    path = library.add("a.safetensors", b"content")
    hashes = library.catalogue().hashes
    hashes.compute(path)
    path.write_bytes(b"other content")
    assert hashes.known(path) is None
    assert hashes.compute(path) == hashlib.sha256(b"other content").hexdigest()


@pytest.mark.skipif(os.name == "nt", reason="links need rights there")
@pytest.mark.parametrize("link", ["b.safetensors", "sub/b.safetensors", "sub/a.safetensors"])
@pytest.mark.parametrize("relative", [False, True])
def test_a_link_beside_or_below_its_target_is_a_checkpoint_too(library: Files, link: str, relative: bool) -> None:
    target, path = library.add("a.safetensors"), library.folder / link
    path.parent.mkdir(exist_ok=True)
    path.symlink_to(os.path.relpath(target, path.parent) if relative else target)
    catalogue = library.catalogue()
    assert [info.name for info in catalogue.all()] == sorted(["a.safetensors", link])
    assert catalogue.find(link).path == path
    assert catalogue.find(link.removesuffix(".safetensors")).path == path


@pytest.mark.skipif(os.name == "nt", reason="links need rights there")
def test_a_link_to_the_starter_model_is_one_of_the_users_own(library: Files) -> None:
    library.starter.parent.mkdir()
    library.starter.write_bytes(b"starter")
    (library.folder / "mine.safetensors").symlink_to(library.starter)
    found = {info.name: info.is_starter for info in library.catalogue().all()}
    assert found == {"mine.safetensors": False, library.starter.name: True}


WRITTEN_ELSEWHERE = [
    "people\\zo\u00eb.safetensors",
    "people\\zo\u00eb.safetensors [0123456789]",
    "people/zoe\u0308.safetensors",
    "People\\ZO\u00cb.safetensors [0123456789]",
    "people\\zo\u00eb",
    "people_zo\u00eb",
    " people\\zo\u00eb.safetensors ",
    "zoe\u0308.safetensors",
]


@pytest.mark.parametrize("form", ["NFC", "NFD"])
@pytest.mark.parametrize("name", WRITTEN_ELSEWHERE)
def test_a_name_that_was_written_on_another_system_is_found(
    library: Files, name: str, form: Literal["NFC", "NFD"]
) -> None:
    path = library.add(unicodedata.normalize(form, "people/zo\u00eb.safetensors"))
    library.add("zoe.safetensors", b"y")
    assert library.catalogue().find(name).path == path


@pytest.mark.skipif(os.name == "nt", reason="a backslash separates folders there")
def test_a_file_that_is_really_called_so_goes_before_other_spellings(library: Files) -> None:
    below, strange = library.add("a/b.safetensors"), library.add("a\\b.safetensors", b"y")
    catalogue = library.catalogue()
    assert catalogue.find("a\\b.safetensors").path == strange
    assert catalogue.find("a/b.safetensors").path == below


def test_a_blank_at_either_end_of_a_name_belongs_to_it(library: Files) -> None:
    path = library.add(" a .safetensors")
    for name in (" a .safetensors", "a .safetensors", " a ", "a"):
        assert library.catalogue().find(name).path == path


def test_a_title_whose_name_is_gone_is_found_by_its_hash(library: Files) -> None:
    path = library.add("renamed.safetensors", b"content")
    catalogue = library.catalogue()
    digest = catalogue.hashes.compute(path)
    assert catalogue.find(f"old\\name.ckpt [{digest[:10]}]").path == path
