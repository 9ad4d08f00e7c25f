from __future__ import annotations

import threading
from pathlib import Path

import pytest
import torch

from modules.foundation.errors import Interrupted, PromptError
from modules.text_encoders.cache import ConditioningCache
from modules.text_encoders.clip import ClipEncoder, interruptible
from modules.text_encoders.conditioner import SingleTextEncoder
from modules.text_encoders.embeddings import EmbeddingTable, hashes_text
from modules.text_encoders.prompt_conditioning import (
    EncodingOptions,
    Timing,
    conditioning_key,
    encode_prompt,
    new_cache,
    size_in_bytes,
)
from modules.text_encoders.textual_inversion import TextualInversion

OPTIONS = EncodingOptions()


def test_each_part_has_its_weight_and_its_conditions(encoder: ClipEncoder):
    prompt = "a [cat:dog:0.5] :1.2 AND fish"
    conditioning = encode_prompt(prompt, SingleTextEncoder(encoder), Timing(steps=10), OPTIONS)
    first, second = conditioning.parts
    assert (first.weight, second.weight) == (1.2, 1.0)
    assert [condition.until_step for condition in first.conditions] == [5, 10]
    torch.testing.assert_close(first.conditions[0].cond, encoder.encode(["a cat"])[0])
    torch.testing.assert_close(first.conditions[1].cond, encoder.encode(["a dog"])[0])
    torch.testing.assert_close(second.conditions[0].cond, encoder.encode([" fish"])[0])


def test_a_step_sees_the_condition_that_reaches_it(encoder: ClipEncoder):
    part = encode_prompt("[cat:dog:5]", SingleTextEncoder(encoder), Timing(steps=10), OPTIONS).parts[0]
    assert [part.at(step).until_step for step in (0, 5, 6, 9, 99)] == [5, 5, 10, 10, 10]


@pytest.mark.parametrize(
    ("prompt", "has_brackets"),
    [("a cat", False), ("(a) cat", True), ("a [cat]", True), ("[a:b:5]", False), ("[a:(b):5]", True), (r"\(a\)", True)],
)
def test_brackets_of_emphasis_are_noticed_and_those_of_schedules_are_not(
    encoder: ClipEncoder, prompt: str, has_brackets: bool
):
    conditioning = encode_prompt(prompt, SingleTextEncoder(encoder), Timing(steps=10), OPTIONS)
    assert conditioning.has_brackets is has_brackets


def test_a_negative_prompt_is_not_composed(encoder: ClipEncoder):
    conditioning = encode_prompt("a AND b", SingleTextEncoder(encoder), Timing(steps=5), OPTIONS, composable=False)
    assert len(conditioning.parts) == 1
    torch.testing.assert_close(conditioning.parts[0].conditions[0].cond, encoder.encode(["a AND b"])[0])


def test_the_second_pass_has_a_schedule_of_its_own(encoder: ClipEncoder):
    timing = Timing(steps=10, hires_steps=4)
    part = encode_prompt("[cat:dog:1.5]", SingleTextEncoder(encoder), timing, OPTIONS).parts[0]
    assert [condition.until_step for condition in part.conditions] == [2, 4]


def test_the_embeddings_that_were_used_are_told_once_for_each_part(encoder: ClipEncoder):
    word = TextualInversion(
        name="zz:word", tensors={"": torch.zeros(2, 16)}, path=Path("w.pt"), digest="0123456789abcdef"
    )
    embeddings = {"clip_l": EmbeddingTable([word], encoder.tokenizer)}
    conditioning = encode_prompt(
        "[zz:word|a zz:word] AND zz:word, cat",
        SingleTextEncoder(encoder),
        Timing(steps=4),
        OPTIONS,
        embeddings=embeddings,
    )
    assert conditioning.used == (word, word)
    assert hashes_text(conditioning.used[:1]) == "zzword: 0123456789ab"


def test_a_cache_returns_what_it_knows_and_forgets_the_oldest():
    cache = ConditioningCache[str](10, len)
    made: list[str] = []

    def make(text: str) -> str:
        made.append(text)
        return text

    assert cache.get("a", lambda: make("12345")) == "12345"
    assert cache.get("b", lambda: make("6789")) == "6789"
    assert cache.get("a", lambda: make("never")) == "12345"
    cache.get("c", lambda: make("xy"))
    assert cache.bytes == 7
    cache.get("b", lambda: make("6789"))
    assert made == ["12345", "6789", "xy", "6789"]


def test_a_value_larger_than_the_cache_is_given_but_not_kept():
    cache = ConditioningCache[str](3, len)
    assert cache.get("a", lambda: "12345") == "12345"
    assert cache.bytes == 0
    cache.get("b", lambda: "12")
    cache.clear()
    assert cache.bytes == 0


def test_threads_share_a_cache():
    cache = ConditioningCache[int](50, lambda _: 1)

    def work() -> None:
        for number in range(2000):
            key = number % 70
            assert cache.get(key, lambda key=key: key) == key

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert cache.bytes <= 50


@pytest.mark.parametrize(
    "change",
    [
        {"prompt": "a dog"},
        {"timing": Timing(steps=11)},
        {"timing": Timing(steps=10, hires_steps=10)},
        {"options": EncodingOptions(clip_skip=2)},
        {"options": EncodingOptions(emphasis="No norm")},
        {"options": EncodingOptions(comma_backtrack=0)},
        {"options": EncodingOptions(dialect="NovelAI")},
        {"options": EncodingOptions(mean_per_prompt=True)},
        {"composable": False},
        {"model": "other"},
        {"networks": ("lora", 1.0)},
        {"embeddings": 2},
    ],
)
def test_everything_that_decides_a_conditioning_is_in_its_key(change: dict):
    known: dict = {"prompt": "a cat", "timing": Timing(steps=10), "options": OPTIONS, "composable": True, "model": "m"}
    assert conditioning_key(**known) == conditioning_key(**known)
    assert conditioning_key(**known) != conditioning_key(**{**known, **change})


def test_reading_a_prompt_is_left_at_any_text_and_the_encoder_forgets_who_asked(encoder: ClipEncoder):
    asked: list[None] = []

    def after_three() -> None:
        asked.append(None)
        if len(asked) > 3:
            raise Interrupted

    texts = SingleTextEncoder(encoder)
    with pytest.raises(Interrupted), interruptible([encoder], after_three):
        encode_prompt("[" + "|".join(f"a{n}" for n in range(50)) + "]", texts, Timing(steps=50), OPTIONS)
    assert len(asked) == 4
    assert encoder.check is None


@pytest.mark.parametrize(
    ("prompt", "steps", "why"),
    [("BREAK " * 2000, 1, r"2,000 chunks .* the most is 1,500"), ("[a|b]" + "BREAK " * 30, 1000, r"29 chunks .* 1000")],
)
def test_a_prompt_of_too_many_chunks_is_refused_before_it_is_computed(
    encoder: ClipEncoder, prompt: str, steps: int, why: str
):
    computed: list[None] = []
    with pytest.raises(PromptError, match=why), interruptible([encoder], lambda: computed.append(None)):
        encode_prompt(prompt, SingleTextEncoder(encoder), Timing(steps=steps), OPTIONS)
    assert len(computed) == 1, "more than the first text was read"


def test_shared_memory_counts_once(encoder: ClipEncoder):
    conditioning = encode_prompt("[a|b]", SingleTextEncoder(encoder), Timing(steps=4), OPTIONS)
    assert size_in_bytes(conditioning) == 4 * 77 * 16 * 4
    cache = new_cache(1 << 20)
    assert cache.get("key", lambda: conditioning) is conditioning
    assert cache.bytes == size_in_bytes(conditioning)
