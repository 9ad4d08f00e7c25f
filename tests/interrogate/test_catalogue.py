from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from modules.foundation.errors import RequestError, UnknownName
from modules.interrogate import catalogue
from modules.interrogate.catalogue import AddedCaptioner, CaptionerCatalogue, CaptionerFolders
from tests.interrogate import tiny


def folders(tmp_path: Path) -> CaptionerFolders:
    return CaptionerFolders(
        blip=[tmp_path / "BLIP", tmp_path / "more"],
        clip=[tmp_path / "CLIP"],
        deepdanbooru=[tmp_path / "torch_deepdanbooru"],
        wd14=[tmp_path / "WD14"],
        categories=[tmp_path / "interrogate"],
    )


def test_whoever_lacks_a_file_is_told_its_name_its_folder_and_where_it_is_published(tmp_path: Path) -> None:
    known = CaptionerCatalogue(folders(tmp_path))
    for name, folder, address in (
        ("clip", tmp_path / "BLIP", "huggingface.co/Salesforce/blip-image-captioning-base"),
        ("blip", tmp_path / "BLIP", "huggingface.co/Salesforce/blip-image-captioning-base"),
        ("deepdanbooru", tmp_path / "torch_deepdanbooru", "model-resnet_custom_v3.pt (https://github.com/"),
        ("wd14-vit-v3", tmp_path / "WD14" / "wd-vit-tagger-v3", "huggingface.co/SmilingWolf/wd-vit-tagger-v3"),
    ):
        with pytest.raises(RequestError) as caught:
            known.find(name, "model")
        assert str(folder) in str(caught.value)
        assert address in str(caught.value)
        assert caught.value.field == "model"
    with pytest.raises(UnknownName, match="wd14-vit-v3"):
        known.find("wd14-vit-v4")


def test_blip_needs_its_vocabulary_beside_it(tmp_path: Path) -> None:
    known = CaptionerCatalogue(folders(tmp_path))
    path = tiny.write_blip_checkpoint(tmp_path / "BLIP", tiny.blip())
    with pytest.raises(RequestError, match=r"put vocab\.txt .* beside model_base_caption_capfilt_large\.pth"):
        known.find("blip")
    tiny.write_words(tmp_path / "BLIP")
    assert known.find("BLIP").files == {"blip": path, "words": tmp_path / "BLIP" / "vocab.txt"}
    folder = tmp_path / "BLIP" / "blip-image-captioning-base"
    inside = tiny.write_blip_folder(folder, tiny.blip())
    assert known.find("blip").files["blip"] == inside
    shutil.rmtree(tmp_path / "BLIP")
    tiny.write_blip_folder(tmp_path / "more" / "base", tiny.blip())
    assert known.find("blip").files["blip"].parent == tmp_path / "more" / "base"


def test_clip_is_wanted_only_where_there_are_words_to_rank(tmp_path: Path) -> None:
    known = CaptionerCatalogue(folders(tmp_path))
    tiny.write_blip_folder(tmp_path / "BLIP", tiny.blip())
    with pytest.raises(RequestError, match=r"clip-vit-large-patch14 .*CLIP, or take the model blip"):
        known.find("clip")
    tiny.write_clip_folder(tmp_path / "CLIP" / "clip-vit-large-patch14", tiny.clip())
    assert set(known.find("clip").files) == {"blip", "words", "clip"}


def test_taggers_are_known_by_their_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(catalogue.PACKAGES, ".onnx", "json")
    monkeypatch.setitem(catalogue.PACKAGES, ".safetensors", "no_such_package")
    known = CaptionerCatalogue(folders(tmp_path))
    folder = tmp_path / "WD14" / "wd-v1-4-moat-tagger-v2"
    tags = tiny.write_tag_list(folder, [("1girl", 0)])
    with pytest.raises(RequestError, match="Its weights are missing"):
        known.find("wd14-moat-v2")
    (folder / "config.json").write_text("{}")
    (folder / "model.safetensors").touch()
    with pytest.raises(RequestError, match="pip install no_such_package"):
        known.find("wd14-moat-v2")
    (folder / "model.onnx").touch()
    info = known.find("wd14-moat-v2")
    assert info.files == {"weights": folder / "model.onnx", "tags": tags}
    assert known.find("wd-v1-4-moat-tagger-v2") == info
    tags.unlink()
    with pytest.raises(RequestError, match=r"selected_tags\.csv"):
        known.find("wd14-moat-v2")
    mine = tmp_path / "WD14" / "mine"
    tiny.write_tag_list(mine, [("1girl", 0)])
    (mine / "anything.onnx").touch()
    assert known.find("wd14-mine").files["weights"] == mine / "anything.onnx"
    names = [info.name for info in known.all()]
    assert len(names) == len(set(names))
    assert names.count("wd14-vit-v3") == 1


def test_captioners_can_be_added(tmp_path: Path) -> None:
    known = CaptionerCatalogue(folders(tmp_path))
    known.added.register("my plug-in", AddedCaptioner(name="size", describe=lambda image, options: str(image.size)))
    assert known.find("Size").kind == "added"
    known.added.unregister("my plug-in")
    with pytest.raises(UnknownName):
        known.find("size")
