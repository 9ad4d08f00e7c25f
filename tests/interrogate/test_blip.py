from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from modules.foundation.errors import CheckpointError
from modules.interrogate.blip import Blip
from modules.interrogate.options import InterrogateOptions
from tests.interrogate import tiny

CPU = torch.device("cpu")
OPTIONS = InterrogateOptions(least_length=8, most_length=16)


def loaded(path: Path) -> Blip:
    return Blip(path, path.parent / "vocab.txt", CPU, torch.float32)


def by_transformers(model: Any, **more: Any) -> list[int]:
    """The caption's ids by transformers' own processing and module."""
    from transformers import BlipImageProcessor

    processor = BlipImageProcessor(size={"height": 32, "width": 32}, resample=Image.Resampling.BICUBIC)
    pixels = processor(tiny.picture(), return_tensors="pt")["pixel_values"]
    words = [tiny.BERT.index(word) for word in ("a", "picture", "of")]
    asked = torch.tensor([[len(tiny.BERT), *words, tiny.BERT.index("[SEP]")]])
    made = model.generate(pixels, input_ids=asked, min_length=8, max_length=16, do_sample=False, **more)
    return [int(each) for each in made[0]]


def by_words(ids: list[int]) -> str:
    """The text of some ids, put together by hand."""
    words = [tiny.BERT[each] for each in ids if each < len(tiny.BERT)]
    special = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
    return " ".join(word for word in words if word not in special).replace(" ##", "").strip()


@pytest.mark.parametrize("beams", [1, 3])
def test_a_folder_and_the_original_checkpoint_give_the_ids_of_transformers_own_module(
    tmp_path: Path, beams: int
) -> None:
    model = tiny.blip()
    wanted = by_transformers(model, num_beams=beams)
    folder = tiny.write_blip_folder(tmp_path / "folder", model)
    original = tiny.write_blip_checkpoint(tmp_path / "original", model)
    tiny.write_words(original.parent)
    options = InterrogateOptions(least_length=8, most_length=16, beams=beams)
    for path in (folder, original):
        assert loaded(path).caption_ids(tiny.picture(), options) == wanted


def test_pictures_are_prepared_as_transformers_does() -> None:
    from transformers import BlipImageProcessor

    from modules.interrogate.pictures import CLIP_MEAN, CLIP_STD, normalised, stretched

    processor = BlipImageProcessor(size={"height": 32, "width": 32}, resample=Image.Resampling.BICUBIC)
    theirs = processor(tiny.picture(300, 200), return_tensors="pt")["pixel_values"]
    ours = normalised(stretched(tiny.picture(300, 200), 32), CLIP_MEAN, CLIP_STD)
    assert (ours - theirs).abs().max() < 1e-6


def test_the_caption_goes_without_its_beginning_and_within_its_lengths(tmp_path: Path) -> None:
    model = tiny.blip()
    blip = loaded(tiny.write_blip_folder(tmp_path, model))
    ids = blip.caption_ids(tiny.picture(), OPTIONS)
    assert 8 <= len(ids) <= 16
    text = blip.caption(tiny.picture(), OPTIONS)
    assert not text.startswith("a picture of")
    assert text == by_words(ids[4:])


def test_lengths_that_contradict_each_other_are_brought_together(tmp_path: Path) -> None:
    blip = loaded(tiny.write_blip_folder(tmp_path, tiny.blip()))
    ids = blip.caption_ids(tiny.picture(), InterrogateOptions(least_length=128, most_length=1))
    assert len(ids) <= 6


def test_a_picture_of_any_kind_is_described(tmp_path: Path) -> None:
    blip = loaded(tiny.write_blip_folder(tmp_path, tiny.blip()))
    deep = Image.fromarray(np.arange(0, 60000, 75, dtype=np.uint16).reshape(20, 40))
    for image in (tiny.picture().convert("RGBA"), tiny.picture().convert("P"), deep, Image.new("L", (1, 1))):
        assert isinstance(blip.caption(image, OPTIONS), str)


def test_a_file_that_lacks_tensors_and_one_of_another_kind_are_named(tmp_path: Path) -> None:
    path = tiny.write_blip_checkpoint(tmp_path, tiny.blip())
    tiny.write_words(tmp_path)
    content = torch.load(path)
    del content["model"]["text_decoder.bert.encoder.layer.1.output.dense.weight"]
    torch.save(content, path)
    with pytest.raises(CheckpointError, match=r"model_base_caption_capfilt_large\.pth .* lacks 1 tensors"):
        loaded(path)
    torch.save({"weight": torch.zeros(3)}, path)
    with pytest.raises(CheckpointError, match=r"model_base_caption_capfilt_large\.pth .*no captioning model of BLIP"):
        loaded(path)


def test_a_vocabulary_of_something_else_is_named(tmp_path: Path) -> None:
    path = tiny.write_blip_folder(tmp_path, tiny.blip())
    (tmp_path / "vocab.txt").write_text("one\ntwo\n")
    with pytest.raises(CheckpointError, match=r"vocab\.txt is no vocabulary of BERT"):
        loaded(path)
    (tmp_path / "tokenizer.json").write_text('{"model": {"vocab": []}}')
    with pytest.raises(CheckpointError, match=r"tokenizer\.json is no vocabulary of BERT"):
        Blip(path, tmp_path / "tokenizer.json", CPU, torch.float32)


def test_the_vocabulary_may_be_in_a_tokenizer_of_the_newer_form(tmp_path: Path) -> None:
    path = tiny.write_blip_folder(tmp_path, tiny.blip())
    vocabulary = {word: number for number, word in enumerate(tiny.BERT)}
    (tmp_path / "tokenizer.json").write_text(json.dumps({"model": {"type": "WordPiece", "vocab": vocabulary}}))
    newer = Blip(path, tmp_path / "tokenizer.json", CPU, torch.float32)
    assert newer.caption(tiny.picture(), OPTIONS) == loaded(path).caption(tiny.picture(), OPTIONS)
