from __future__ import annotations

import pytest
import torch
from transformers import CLIPTextModel

from modules.foundation.errors import PromptError
from modules.text_encoders.clip import ClipEncoder
from modules.text_encoders.embeddings import EmbeddingTable
from modules.text_encoders.emphasis import apply_emphasis
from modules.text_encoders.textual_inversion import TextualInversion


def plain_ids(encoder: ClipEncoder, text: str) -> torch.Tensor:
    words = encoder.tokenizer.encode(text)
    return torch.tensor([[49406, *words, *[49407] * (76 - len(words))]])


def test_a_prompt_is_encoded_as_transformers_encodes_it(encoder: ClipEncoder, model: CLIPTextModel):
    expected = model(plain_ids(encoder, "a photo of a cat")).last_hidden_state
    torch.testing.assert_close(encoder.encode(["a photo of a cat"]), expected)


@pytest.mark.parametrize("clip_skip", [1, 2, 3, 4])
def test_clip_skip_takes_an_earlier_layer_through_the_final_norm(
    encoder: ClipEncoder, model: CLIPTextModel, clip_skip: int
):
    states = model(plain_ids(encoder, "a cat"), output_hidden_states=True).hidden_states
    expected = model.final_layer_norm(states[-clip_skip])
    torch.testing.assert_close(encoder.encode(["a cat"], clip_skip=clip_skip), expected)


@pytest.mark.parametrize("clip_skip", [0, 5, 12])
def test_a_clip_skip_deeper_than_the_model_is_refused(encoder: ClipEncoder, clip_skip: int):
    with pytest.raises(PromptError, match="has only 3 layers"):
        encoder.encode(["a cat"], clip_skip=clip_skip)


def test_long_prompts_are_encoded_chunk_by_chunk_and_short_ones_filled_up(encoder: ClipEncoder):
    long = "dog " * 80
    both = encoder.encode([long, "cat"])
    assert both.shape == (2, 154, 16)
    torch.testing.assert_close(both[1:, :77], encoder.encode(["cat"]))
    torch.testing.assert_close(both[1:, 77:], encoder.encode([""]))
    torch.testing.assert_close(both[:1], encoder.encode([long]))


def test_break_gives_the_chunks_of_its_sides(encoder: ClipEncoder):
    sides = torch.cat([encoder.encode(["a cat"]), encoder.encode(["a dog"])], dim=1)
    torch.testing.assert_close(encoder.encode(["a cat BREAK a dog"]), sides)


def test_without_norm_each_vector_is_multiplied_by_its_weight(encoder: ClipEncoder):
    plain, weighted = (encoder.encode([text], emphasis="No norm") for text in ("a red cat", "a (red:1.4) cat"))
    torch.testing.assert_close(weighted[0, 2], plain[0, 2] * 1.4)
    torch.testing.assert_close(weighted[0, 3:], plain[0, 3:])


def test_original_emphasis_restores_the_mean(encoder: ClipEncoder):
    plain, weighted = encoder.encode(["a red cat"]), encoder.encode(["a (red:1.4) cat"])
    torch.testing.assert_close(weighted.mean(), plain.mean())
    assert not torch.equal(weighted, plain)


def test_original_emphasis_takes_the_mean_over_the_batch_unless_told_otherwise(encoder: ClipEncoder):
    texts = ["a (red:1.4) cat", "dog"]
    together = encoder.encode(texts)
    apart = torch.cat([encoder.encode([text]) for text in texts])
    assert not torch.allclose(together, apart)
    torch.testing.assert_close(encoder.encode(texts, mean_per_prompt=True), apart)


def test_ignored_emphasis_is_read_but_has_no_effect(encoder: ClipEncoder):
    assert torch.equal(encoder.encode(["a (red:1.4) cat"], emphasis="Ignore"), encoder.encode(["a red cat"]))


def test_no_emphasis_encodes_the_brackets(encoder: ClipEncoder):
    assert not torch.equal(encoder.encode(["(red:1.4)"], emphasis="None"), encoder.encode(["red"]))


def test_weights_of_one_change_nothing_at_all():
    hidden = torch.randn(2, 77, 4)
    for emphasis in ("Original", "No norm"):
        assert torch.equal(apply_emphasis(hidden, torch.ones(2, 77), emphasis), hidden)


def test_equal_texts_of_a_batch_come_out_equal(encoder: ClipEncoder):
    encoded = encoder.encode(["a", "b", "a", "(a:1.2)"], emphasis="No norm")
    assert torch.equal(encoded[0], encoded[2])
    torch.testing.assert_close(encoded[3, 1], encoded[0, 1] * 1.2)


def test_textual_inversion_vectors_replace_token_embeddings(encoder: ClipEncoder, model: CLIPTextModel):
    table = model.embeddings.token_embedding.weight
    vectors = torch.stack([table[736], table[2368]])  # "red", "cat"
    embeddings = EmbeddingTable([TextualInversion(name="zzword", tensors={"": vectors})], encoder.tokenizer)
    found = encoder.encode(["a (zzword:1.2), dog"], embeddings=embeddings)
    torch.testing.assert_close(found, encoder.encode(["a (red cat:1.2), dog"]))


def test_vectors_reach_to_the_end_of_a_chunk_and_leave_the_end_token(encoder: ClipEncoder, model: CLIPTextModel):
    vectors = model.embeddings.token_embedding.weight[1929].repeat(75, 1)  # "dog"
    embeddings = EmbeddingTable([TextualInversion(name="zzword", tensors={"": vectors})], encoder.tokenizer)
    torch.testing.assert_close(encoder.encode(["zzword"], embeddings=embeddings), encoder.encode(["dog " * 75]))


def test_an_encoded_batch_can_take_part_in_a_gradient(encoder: ClipEncoder):
    scale = torch.ones((), requires_grad=True)
    (encoder.encode(["a cat"]) * scale).sum().backward()
    assert scale.grad is not None
