from __future__ import annotations

import hashlib
from pathlib import Path

from safetensors.torch import save_file

from modules.library.digests import addnet_hash
from modules.library.library import Library
from modules.networks.catalogue import NetworkCatalogue
from modules.networks.hashes import label
from tests.networks.conftest import randn


def test_the_hash_is_that_of_the_tensor_data_whatever_the_metadata(tmp_path: Path) -> None:
    tensors = {"a": randn(3, 4), "b": randn(5)}
    save_file(tensors, tmp_path / "plain.safetensors")
    save_file(tensors, tmp_path / "told.safetensors", {"ss_output_name": "a name"})
    data = b"".join(tensors[name].numpy().tobytes() for name in sorted(tensors))
    assert addnet_hash(tmp_path / "plain.safetensors") == hashlib.sha256(data).hexdigest()
    assert addnet_hash(tmp_path / "told.safetensors") == addnet_hash(tmp_path / "plain.safetensors")


def test_other_files_are_hashed_as_a_whole(tmp_path: Path) -> None:
    (tmp_path / "old.pt").write_bytes(b"some bytes" * 1000)
    assert addnet_hash(tmp_path / "old.pt") == hashlib.sha256(b"some bytes" * 1000).hexdigest()


def test_a_hash_in_the_metadata_spares_reading_the_file(tmp_path: Path, model_library: Library) -> None:
    save_file({"a": randn(2)}, tmp_path / "told.safetensors", {"sshs_model_hash": "abc123"})
    catalogue = NetworkCatalogue(model_library, {"lora": lambda: [tmp_path]})
    (info,) = catalogue.all("lora")
    assert catalogue.known_hash(info) == catalogue.hash(info) == "abc123"


def test_hashes_are_remembered_and_networks_found_by_them(tmp_path: Path, model_library: Library) -> None:
    path = tmp_path / "mine.safetensors"
    save_file({"a": randn(2)}, path, {"ss_output_name": "alias"})
    catalogue = NetworkCatalogue(model_library, {"lora": lambda: [tmp_path]})
    (info,) = catalogue.all("lora")
    assert catalogue.known_hash(info) is None
    digest = catalogue.hash(info)
    assert digest == addnet_hash(path)
    second_start = Library(tmp_path / "cache")
    again = NetworkCatalogue(second_start, {"lora": lambda: [tmp_path]})
    assert again.by_hash(digest[:12]) == info
    assert again.name_by_hash(digest[:10].upper()) == "alias"
    assert again.by_hash("") is None
    assert again.name_by_hash("0" * 12) is None
    second_start.close()


def test_labels_lose_what_separates_entries() -> None:
    assert label("a: b, c") == "a b c"
