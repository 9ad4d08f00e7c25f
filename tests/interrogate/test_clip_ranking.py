from __future__ import annotations

from pathlib import Path

import pytest
import torch

from modules.foundation.errors import CheckpointError, Interrupted
from modules.generation.progress import RunControl
from modules.interrogate.clip_ranking import ClipRanking, WordFeatures
from modules.interrogate.pictures import CLIP_MEAN, CLIP_STD, middle_square, normalised
from modules.text_encoders.tokenizer import ClipTokenizer
from tests.interrogate import tiny

CPU = torch.device("cpu")
WORDS = ("a cat", "two dogs on a hill", "sea", "an oil painting of nothing at all", "x " * 200)


def loaded(path: Path, features: WordFeatures | None = None) -> ClipRanking:
    return ClipRanking(path, CPU, torch.float32, features or WordFeatures())


def test_a_folder_and_openais_layout_rank_as_transformers_own_module_does(tmp_path: Path) -> None:
    model = tiny.clip()
    tokenizer = ClipTokenizer()
    rows = [[tokenizer.start, *tokenizer.encode(word)[:75], tokenizer.end] for word in WORDS]
    ids = torch.tensor([[*row, *[tokenizer.end] * (77 - len(row))] for row in rows])
    pixels = normalised(middle_square(tiny.picture(), 32), CLIP_MEAN, CLIP_STD)
    with torch.no_grad():
        answer = model(input_ids=ids, pixel_values=pixels)
    similarities = answer.image_embeds @ answer.text_embeds.T
    shares = (100 * similarities).softmax(dim=-1)[0]
    files = (tiny.write_clip_folder(tmp_path / "folder", model), tiny.write_openai_clip(tmp_path / "ViT.pt", model))
    for path in files:
        clip = loaded(path)
        features = clip.image_features(tiny.picture())
        assert torch.allclose(features, answer.image_embeds, atol=1e-6)
        ranked = clip.rank(features, WORDS, 3)
        best = shares.topk(3)
        assert [word for word, _ in ranked] == [WORDS[int(index)] for index in best.indices]
        assert [share for _, share in ranked] == pytest.approx(best.values.tolist(), rel=1e-4)


def test_pictures_are_cut_as_transformers_does() -> None:
    from transformers import CLIPImageProcessor

    processor = CLIPImageProcessor(size={"shortest_edge": 32}, crop_size={"height": 32, "width": 32})
    for size in ((300, 200), (90, 203), (64, 64), (20, 30)):
        theirs = processor(tiny.picture(*size), return_tensors="pt")["pixel_values"]
        ours = normalised(middle_square(tiny.picture(*size), 32), CLIP_MEAN, CLIP_STD)
        assert (ours - theirs).abs().max() < 1e-6


def test_more_words_than_there_are_cannot_be_had(tmp_path: Path) -> None:
    clip = loaded(tiny.write_clip_folder(tmp_path, tiny.clip()))
    ranked = clip.rank(clip.image_features(tiny.picture()), ("a cat",), 5)
    assert ranked == [("a cat", pytest.approx(1.0))]


def test_vectors_of_words_outlive_the_model_and_interrupting_leaves_none(tmp_path: Path) -> None:
    path, kept = tiny.write_clip_folder(tmp_path, tiny.clip()), WordFeatures()
    control = RunControl()
    control.interrupt()
    with pytest.raises(Interrupted):
        loaded(path, kept).text_features(WORDS, control)
    first = loaded(path, kept).text_features(WORDS, RunControl())
    assert loaded(path, kept).text_features(WORDS, RunControl()) is first


def test_a_file_of_another_model_is_named(tmp_path: Path) -> None:
    path = tmp_path / "ViT-L-14.pt"
    torch.save({"visual.layer1.0.conv1.weight": torch.zeros(3, 3)}, path)
    with pytest.raises(CheckpointError, match=r"ViT-L-14\.pt .*no CLIP with a vision transformer"):
        loaded(path)
