"""Pictures and words: what is found in a folder, and in which batches it is learned from."""

from __future__ import annotations

import random
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from modules.foundation import user_pattern
from modules.foundation.errors import RequestError
from modules.text_encoders.embedding_files import read_embedding
from modules.training.buckets import bucket_sizes, cut_for, cut_picture, nearest_bucket
from modules.training.captions import caption_of, prompt_of, repeats_of, varied, word_pattern
from modules.training.dataset import Batches, read_dataset
from modules.training.options import DatasetOptions
from modules.training.picture_card import write_card
from tests.training.conftest import put_pictures

SIDES = st.integers(32, 2000)


@pytest.mark.parametrize(
    ("name", "pattern", "expected"),
    [
        ("12-red cat.png", "", "red cat"),
        ("0001 a dog.png", "", "a dog"),
        ("cat_dog_3.png", r"[a-z]+", "cat+dog"),
        ("cat.png", "", "cat"),
    ],
)
def test_a_file_name_gives_words(tmp_path: Path, name: str, pattern: str, expected: str) -> None:
    assert caption_of(tmp_path / name, words=word_pattern(pattern), join="+") == expected


def test_a_text_file_goes_before_the_folder_and_the_folder_before_the_name(tmp_path: Path) -> None:
    folder = tmp_path / "10_grey cat"
    folder.mkdir()
    assert caption_of(folder / "x.png") == "grey cat"
    (folder / "x.txt").write_text("one,\ntwo\n", "utf-8")
    assert caption_of(folder / "x.png") == "one, two"
    assert (repeats_of(folder), repeats_of(tmp_path), repeats_of(tmp_path / "0_x")) == (10, 1, 1)


@given(st.lists(st.sampled_from("abcdefgh"), min_size=1, unique=True), st.integers(0, 4), st.integers(0, 99))
def test_kept_tags_stay_in_front_and_none_is_lost_by_shuffling(tags: list[str], keep: int, seed: int) -> None:
    made = varied(",".join(tags), random.Random(seed), shuffle=True, dropout=0, keep=keep).split(", ")
    assert made[:keep] == tags[:keep]
    assert Counter(made) == Counter(tags)
    assert varied(",".join(tags), random.Random(seed), shuffle=False, dropout=1, keep=keep) == ", ".join(tags[:keep])


def test_a_template_names_the_word_and_the_picture() -> None:
    assert prompt_of(["a [name], [filewords]"], "red, sky", "zuvo", random.Random(1)) == "a zuvo, red, sky"
    assert prompt_of([], "red", "zuvo", random.Random(1)) == "red"


@given(SIDES, SIDES, st.sampled_from([256, 512, 768, 1024]))
def test_buckets_keep_the_area_and_nearly_the_shape(width: int, height: int, side: int) -> None:
    sizes = bucket_sizes(side, side)
    chosen = nearest_bucket((width, height), sizes)
    assert all(w % 64 == 0 and h % 64 == 0 and w * h <= side * side for w, h in sizes)
    assert (side, side) in sizes
    assert chosen in sizes
    distance = abs(np.log(width / height) - np.log(chosen[0] / chosen[1]))
    assert all(distance <= abs(np.log(width / height) - np.log(w / h)) + 1e-9 for w, h in sizes)


@given(st.integers(20, 300), st.integers(20, 300), st.sampled_from(["crop", "buckets", "own"]))
def test_every_picture_is_cut_to_what_its_fit_says(width: int, height: int, fit: str) -> None:
    cut = cut_for((width, height), fit, 128, 128, 8)  # pyright: ignore[reportArgumentType]
    assert cut_picture(Image.new("RGB", (width, height)), cut).size == cut.size
    assert all(side % 8 == 0 for side in cut.size)
    if fit == "crop":
        assert cut.size == (128, 128)


@given(
    st.lists(st.tuples(st.sampled_from([(64, 64), (64, 128)]), st.integers(1, 4)), min_size=1, max_size=8),
    st.integers(1, 5),
    st.integers(0, 9),
)
def test_a_round_has_every_picture_as_often_as_it_repeats(
    pictures: list[tuple[tuple[int, int], int]], batch_size: int, seed: int
) -> None:
    sizes, repeats = [size for size, _ in pictures], [count for _, count in pictures]
    batches = Batches(sizes, repeats, batch_size, seed)
    for turn in range(2):
        made = [batches.at(turn * batches.count + number) for number in range(batches.count)]
        assert Counter(entry.number for batch in made for entry in batch) == Counter(dict(enumerate(repeats)))
        assert all(len({sizes[entry.number] for entry in batch}) == 1 for batch in made)
        assert all(1 <= len(batch) <= batch_size for batch in made)
    assert Batches(sizes, repeats, batch_size, seed).at(batches.count) == batches.at(batches.count)


def test_a_folder_is_read_with_its_sub_folders(tmp_path: Path) -> None:
    put_pictures(tmp_path / "3_a cat", 2)
    put_pictures(tmp_path, 1)
    (tmp_path / "broken.webp").write_bytes(b"nothing")
    found = read_dataset(DatasetOptions(folder=str(tmp_path), width=64, height=64), 8)
    assert len(found.pictures) == 3
    assert found.folders["3_a cat"] == (3, 2)
    assert found.tag_frequency()["3_a cat"]["red cat"] == 2
    assert "broken.webp" in found.skipped[0]


@given(st.integers(1, 12), st.integers(0, 5))
def test_an_embedding_comes_back_out_of_the_pixels_of_its_card(
    tmp_path_factory: pytest.TempPathFactory, vectors: int, seed: int
) -> None:
    import torch

    folder = tmp_path_factory.mktemp("card")
    wanted = torch.randn(vectors, 32, generator=torch.Generator().manual_seed(seed))
    content = {"string_to_param": {"*": wanted}, "name": "word", "step": 3}
    noise = np.random.default_rng(seed).integers(0, 255, (96, 64, 3), np.uint8)
    write_card(folder / "card.png", Image.fromarray(noise), content, ("<word>", "model", "3 steps"))
    with Image.open(folder / "card.png") as picture:
        Image.fromarray(np.asarray(picture)).save(folder / "bare.png")  # without the text
    for name in ("card.png", "bare.png"):
        found = read_embedding(folder / name)
        assert found is not None
        assert found.step == 3
        assert torch.allclose(found.tensors[""], wanted)


def test_a_pattern_for_words_that_never_ends_is_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(user_pattern, "TIME_LIMIT", 0.05)
    with pytest.raises(RequestError, match="takes too long") as raised:
        caption_of(tmp_path / f"{'a' * 200}b.png", words=word_pattern("(a|aa)+$"))
    assert raised.value.field == "dataset_filename_word_regex"
    with pytest.raises(RequestError, match="no regular expression"):
        word_pattern("(")
