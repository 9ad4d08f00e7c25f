from __future__ import annotations

import copy
import math
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import save_file
from torch import Tensor
from transformers import CLIPTextModel

from modules.foundation.errors import CheckpointError, PromptError, RequestError, UnknownName
from modules.text_encoders.aesthetic_embeddings import AestheticFolder, read_aesthetic
from modules.text_encoders.aesthetic_gradients import AestheticEncoder, AestheticOptions, slerp
from modules.text_encoders.clip import ClipEncoder
from modules.text_encoders.conditioner import SingleTextEncoder
from modules.text_encoders.prompt_conditioning import EncodingOptions

PROMPT = "a photo of a cat"
TARGET = torch.nn.functional.normalize(torch.randn(12, generator=torch.Generator().manual_seed(3)), dim=0)
PROJECTION = torch.randn(16, 12, generator=torch.Generator().manual_seed(4)) / 4


def encode(encoder: ClipEncoder, options: AestheticOptions, *, negative: bool = False, text: str = PROMPT) -> Tensor:
    led = AestheticEncoder(SingleTextEncoder(encoder), TARGET, {encoder.name: PROJECTION}, options)
    with torch.inference_mode():  # as within a run
        return led([text], EncodingOptions(), {}, negative=negative).cross_attention


def ids_of(encoder: ClipEncoder, text: str) -> Tensor:
    words = encoder.tokenizer.encode(text)
    return torch.tensor([[49406, *words, *[49407] * (76 - len(words))]])


@pytest.mark.parametrize(("weight", "steps"), [(1.0, 1), (1.0, 5), (0.3, 4)])
def test_the_encoder_learns_as_a_plain_loop_over_transformers_model_does(
    encoder: ClipEncoder, model: CLIPTextModel, weight: float, steps: int
):
    learner = copy.deepcopy(model).requires_grad_(True)
    optimiser = torch.optim.Adam(learner.parameters(), lr=1e-3)
    ids = ids_of(encoder, PROMPT)
    end = int((ids[0] == 49407).int().argmax())
    before = model(ids).last_hidden_state
    for _ in range(steps):
        optimiser.zero_grad()
        vector = learner(ids).last_hidden_state[0, end] @ PROJECTION
        (-torch.cosine_similarity(vector, TARGET, dim=0)).backward()
        optimiser.step()
    with torch.no_grad():
        expected = (1 - weight) * before + weight * learner(ids).last_hidden_state
    made = encode(encoder, AestheticOptions(weight=weight, steps=steps, learning_rate=1e-3))
    torch.testing.assert_close(made, expected, atol=1e-5, rtol=1e-5)


def test_the_prompts_vector_comes_nearer_to_the_pictures(encoder: ClipEncoder):
    ends = len(encoder.tokenizer.encode(PROMPT)) + 1

    def nearness(hidden: Tensor) -> float:
        return float(torch.cosine_similarity(hidden[0, ends] @ PROJECTION, TARGET, dim=0))

    near = [
        nearness(encode(encoder, AestheticOptions(weight=1.0, steps=steps, learning_rate=1e-3))) for steps in (0, 3, 9)
    ]
    assert near == sorted(near)
    assert near[2] > near[0] + 0.01


def test_the_model_is_bit_for_bit_what_it_was_and_negative_prompts_are_untouched(encoder: ClipEncoder):
    model, before = encoder.model, {name: each.clone() for name, each in encoder.model.state_dict().items()}
    plain = encoder.encode([PROMPT])
    options = AestheticOptions(steps=3, learning_rate=0.01)
    assert not torch.equal(encode(encoder, options), plain)
    assert encoder.model is model
    assert all(torch.equal(each, before[name]) for name, each in model.state_dict().items())
    assert not any(each.requires_grad for each in model.parameters())
    assert torch.equal(encode(encoder, options, negative=True), plain)
    assert torch.equal(encoder.encode([PROMPT]), plain)


@pytest.mark.parametrize("options", [AestheticOptions(steps=0), AestheticOptions(weight=0.0)])
def test_without_steps_or_weight_the_prompt_is_what_it_was(encoder: ClipEncoder, options: AestheticOptions):
    assert torch.equal(encode(encoder, options), encoder.encode([PROMPT]))


def test_a_text_moves_what_the_prompt_is_led_to(encoder: ClipEncoder):
    made = [
        encode(encoder, AestheticOptions(learning_rate=0.01, angle=angle, text=text, text_is_negative=negative))
        for text, negative, angle in (("", False, 0.5), ("dog", False, 0.5), ("dog", True, 0.5), ("dog", False, 0.0))
    ]
    assert torch.equal(made[0], made[3])
    assert not any(torch.equal(made[a], made[b]) for a, b in ((0, 1), (0, 2), (1, 2)))


def test_a_long_prompt_is_led_with_all_its_chunks(encoder: ClipEncoder):
    assert encode(encoder, AestheticOptions(steps=1), text="dog " * 90).shape == (1, 154, 16)


def test_learning_that_goes_astray_says_what_to_lower_and_leaves_the_model(encoder: ClipEncoder):
    model = encoder.model
    led = AestheticEncoder(SingleTextEncoder(encoder), TARGET * math.nan, {"clip_l": PROJECTION}, AestheticOptions())
    with pytest.raises(PromptError, match="Lower the aesthetic learning rate"):
        led([PROMPT], EncodingOptions(), {})
    assert encoder.model is model


@given(st.floats(0, 1), st.integers(0, 1000))
def test_slerp_keeps_the_length_and_divides_the_angle(share: float, seed: int):
    start, end = torch.nn.functional.normalize(
        torch.randn(2, 8, generator=torch.Generator().manual_seed(seed)).double(), dim=-1
    )
    between, whole = slerp(start, end, share), torch.acos((start * end).sum())
    assert abs(float(between.norm()) - 1) < 1e-6
    assert abs(float(torch.acos((start * between).sum().clamp(-1, 1)) - share * whole)) < 1e-5


def test_slerp_of_parallel_vectors_is_straight():
    vector = torch.ones(3)
    torch.testing.assert_close(slerp(vector, 2 * vector, 0.5), 1.5 * vector)


@pytest.mark.parametrize("rows", [(), (1,), (5,)])
def test_a_file_gives_the_mean_direction_of_its_vectors(tmp_path: Path, rows: tuple[int, ...]):
    vectors = torch.randn(*rows, 12, generator=torch.Generator().manual_seed(1))
    torch.save(vectors, tmp_path / "a.pt")
    save_file({"emb": vectors}, tmp_path / "b.safetensors")
    torch.save({"emb": vectors.half()}, tmp_path / "c.pt")
    each = vectors.reshape(-1, 12)
    mean = (each / each.norm(dim=1, keepdim=True)).mean(dim=0)
    for name, tolerance in (("a.pt", 1e-6), ("b.safetensors", 1e-6), ("c.pt", 1e-2)):
        torch.testing.assert_close(read_aesthetic(tmp_path / name), mean / mean.norm(), atol=tolerance, rtol=0)


@pytest.mark.parametrize(
    "content",
    [torch.zeros(3), torch.ones(2, 2, 2), torch.full((4,), math.nan), torch.ones(4, dtype=torch.int64), [1, 2], {}],
    ids=["zeros", "3d", "nan", "whole numbers", "list", "empty"],
)
def test_a_file_without_vectors_is_named(tmp_path: Path, content: object):
    torch.save(content, tmp_path / "bad.pt")
    with pytest.raises(CheckpointError, match=r"bad\.pt"):
        read_aesthetic(tmp_path / "bad.pt")


def test_damaged_files_are_named(tmp_path: Path):
    for name in ("cut.pt", "cut.safetensors"):
        (tmp_path / name).write_bytes(b"\x80\x02nothing")
        with pytest.raises(CheckpointError, match=name.replace(".", r"\.")):
            read_aesthetic(tmp_path / name)


def test_embeddings_are_found_by_name_and_folders_named_where_there_is_none(tmp_path: Path):
    folder = AestheticFolder([tmp_path / "own", tmp_path / "other"])
    with pytest.raises(RequestError, match="own"):
        folder.find("fantasy")
    (tmp_path / "other").mkdir()
    torch.save(torch.ones(3), tmp_path / "other" / "Fantasy.pt")
    assert folder.find("fantasy.pt").stem == "Fantasy"
    with pytest.raises(UnknownName, match="Fantasy"):
        folder.find("fantazy")
