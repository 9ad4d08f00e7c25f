from __future__ import annotations

import json
from itertools import groupby
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from modules.prompts.styles import Style, read_styles
from modules.text_encoders.chunks import CHUNK_LENGTH, chunk_prompt, empty_chunk
from modules.text_encoders.embeddings import EmbeddingTable
from modules.text_encoders.textual_inversion import TextualInversion
from modules.text_encoders.token_counter import count_tokens
from modules.text_encoders.tokenizer import ClipTokenizer

TABLES = Path(__file__).parents[1] / "parity/tables"
TABLE = json.loads((TABLES / "tokens.json").read_text(encoding="utf-8"))
STYLES = {style.name: style for style in read_styles(json.loads((TABLES / "styles.json").read_text("utf-8"))["csv"])}

# One tokenizer for all rows: hypothesis does not mix with fixtures of a test's own.
TOKENIZER = ClipTokenizer()


def inversion(name: str, vectors: int = 2) -> TextualInversion:
    return TextualInversion(name=name, tensors={"": torch.zeros(vectors, 4)})


@pytest.fixture(scope="module")
def embeddings() -> EmbeddingTable:
    return EmbeddingTable([inversion("tiny-ti-pt"), inversion("tiny-ti-st")], TOKENIZER)


@pytest.mark.parametrize(
    "row", TABLE["chunks"], ids=[f"{row['text'][-40:]!r} {row['comma_padding_backtrack']}" for row in TABLE["chunks"]]
)
def test_a_prompt_is_chunked_as_recorded(row: dict, embeddings: EmbeddingTable):
    prompt = chunk_prompt(
        row["text"],
        TOKENIZER,
        dialect="none" if row["emphasis"] == "None" else "A1111",
        comma_backtrack=row["comma_padding_backtrack"],
        embeddings=embeddings,
    )
    assert prompt.token_count == row["token_count"]
    assert [
        {
            "tokens": list(chunk.tokens),
            "multipliers_rle": [[value, len(list(run))] for value, run in groupby(chunk.multipliers)],
            "embeddings": [[place.offset, place.embedding.name] for place in chunk.embeddings],
        }
        for chunk in prompt.chunks
    ] == row["chunks"]


@pytest.mark.parametrize("row", TABLE["chunks"], ids=[repr(row["text"][-40:]) for row in TABLE["chunks"]])
def test_the_counter_agrees_with_the_chunks(row: dict, embeddings: EmbeddingTable):
    arguments = {
        "dialect": "none" if row["emphasis"] == "None" else "A1111",
        "comma_backtrack": row["comma_padding_backtrack"],
        "embeddings": embeddings,
    }
    assert list(count_tokens(row["text"], TOKENIZER, **arguments)) == row["ui_counter"]
    assert list(count_tokens(row["text"], TOKENIZER, is_negative=True, **arguments)) == row["ui_counter_negative"]


@pytest.mark.parametrize(
    "row",
    TABLE["ui_counter_edit"] + TABLE["ui_counter_styles"],
    ids=[f"{row['text']!r} {row['positive']}" for row in TABLE["ui_counter_edit"] + TABLE["ui_counter_styles"]],
)
def test_the_counter_counts_the_longest_text_with_its_styles(row: dict):
    styles: list[Style] = [STYLES[name] for name in row.get("styles", [])]
    count = count_tokens(
        row["text"], TOKENIZER, steps=row.get("steps", 20), is_negative=not row["positive"], styles=styles
    )
    assert list(count) == row["counter"]


SYNTAX = st.lists(st.sampled_from(["(", ")", "[a:b:3]", ",", " ", "cat ", "BREAK ", "x" * 30, "日本"]), max_size=120)


@settings(deadline=None)
@given(st.text(max_size=300) | SYNTAX.map("".join), st.integers(0, 74))
def test_any_text_becomes_chunks_of_77(text: str, backtrack: int):
    prompt = chunk_prompt(text, TOKENIZER, comma_backtrack=backtrack)
    assert prompt.chunks
    for chunk in prompt.chunks:
        assert len(chunk.tokens) == len(chunk.multipliers) == CHUNK_LENGTH + 2
        assert (chunk.tokens[0], chunk.tokens[-1]) == (TOKENIZER.start, TOKENIZER.end)
    assert prompt.room in (len(prompt.chunks) * CHUNK_LENGTH, CHUNK_LENGTH)


@settings(deadline=None)
@given(st.integers(0, 400))
def test_n_words_need_n_75ths_chunks(words: int):
    prompt = chunk_prompt("dog " * words, TOKENIZER)
    assert prompt.token_count == words
    assert len(prompt.chunks) == max(1, -(-words // CHUNK_LENGTH))


def test_the_empty_chunk_is_the_empty_prompt():
    assert empty_chunk(TOKENIZER) == chunk_prompt("", TOKENIZER).chunks[0]


def test_an_embedding_stays_behind_when_a_comma_moves_its_tokens_on():
    embeddings = EmbeddingTable([inversion("tiny-ti-st")], TOKENIZER)
    first, second = chunk_prompt("cat, " * 36 + "tiny-ti-st dog dog", TOKENIZER, embeddings=embeddings).chunks
    assert [place.offset for place in first.embeddings] == [72]
    assert second.embeddings == ()
    assert second.tokens[1:5] == (0, 0, 1929, 1929)


def test_an_embedding_longer_than_a_chunk_is_cut():
    embeddings = EmbeddingTable([inversion("huge", vectors=200)], TOKENIZER)
    prompt = chunk_prompt("cat huge dog", TOKENIZER, embeddings=embeddings)
    assert prompt.token_count == 151
    assert [len(chunk.embeddings) for chunk in prompt.chunks] == [0, 1, 0]


def test_of_two_embeddings_the_longer_name_wins():
    embeddings = EmbeddingTable([inversion("bad"), inversion("bad hands v4")], TOKENIZER)
    chunk = chunk_prompt("bad hands v4, bad hands", TOKENIZER, embeddings=embeddings).chunks[0]
    assert [place.embedding.name for place in chunk.embeddings] == ["bad hands v4", "bad"]


@pytest.mark.parametrize(
    "name", ["EasyNegative", "ng_deepnegative_v1_75t", "日本", "a b, c", "v1.5 (final)", "BREAKcore"]
)
def test_a_file_name_of_any_kind_can_stand_in_a_prompt(name: str):
    embeddings = EmbeddingTable([inversion(name)], TOKENIZER)
    escaped = name.replace("(", r"\(").replace(")", r"\)")
    chunk = chunk_prompt(f"a cat, {escaped} , dog", TOKENIZER, embeddings=embeddings).chunks[0]
    assert [place.embedding.name for place in chunk.embeddings] == [name]


def test_curly_quotes_and_full_width_letters_are_the_plain_ones():
    assert TOKENIZER.encode("it’s ＡＢＣ") == TOKENIZER.encode("it's abc")


def test_openclip_resolves_entities_and_has_other_special_words():
    tokenizer = ClipTokenizer("openclip")
    assert tokenizer.encode("a cat") == TOKENIZER.encode("a cat")
    assert tokenizer.encode("<b> &amp;amp; c") == TOKENIZER.encode("<b> & c")
    assert tokenizer.encode("a <end_of_text>")[-1] == tokenizer.end
    assert len(tokenizer.encode("<|endoftext|>")) > 1
    assert (tokenizer.pad, TOKENIZER.pad) == (0, 49407)


def test_special_words_count_in_any_case():
    assert TOKENIZER.encode("a <|EndOfText|>") == [320, 49407]


def test_half_a_surrogate_pair_is_tokenised_as_an_unknown_sign():
    assert TOKENIZER.encode("a \ud83d") == TOKENIZER.encode("a \ufffd")


def test_ids_are_words_again():
    assert TOKENIZER.decode(TOKENIZER.encode("a cat, dog")) == ["a</w>", "cat</w>", ",</w>", "dog</w>"]
