from __future__ import annotations

import math
from dataclasses import replace
from typing import Any, cast

import pytest
import torch
from torch import Tensor, nn
from transformers import CLIPTextConfig, CLIPTextModel

from modules.checkpoints.openclip_keys import to_transformers
from modules.foundation.errors import CheckpointError
from modules.text_encoders.clip import ClipEncoder
from modules.text_encoders.conditioner import PooledTextEncoder, SingleTextEncoder, size_vector
from modules.text_encoders.embeddings import EmbeddingTable
from modules.text_encoders.openclip import OpenClipEncoder
from modules.text_encoders.prompt_conditioning import EncodingOptions, Timing, encode_prompt, used_in
from modules.text_encoders.textual_inversion import TextualInversion
from modules.text_encoders.tokenizer import ClipTokenizer

WIDTH, LAYERS, HEADS, PROJECTION = 16, 3, 2, 6
OPTIONS = EncodingOptions()


def layer_of_openclip() -> nn.ModuleDict:
    return nn.ModuleDict(
        {
            "ln_1": nn.LayerNorm(WIDTH),
            "attn": nn.MultiheadAttention(WIDTH, HEADS, batch_first=True),
            "ln_2": nn.LayerNorm(WIDTH),
            "mlp": nn.ModuleDict({"c_fc": nn.Linear(WIDTH, 32), "c_proj": nn.Linear(32, WIDTH)}),
        }
    )


class OpenClip(nn.Module):
    """The text transformer written with torch's own attention, under the names that its checkpoints use."""

    def __init__(self) -> None:
        super().__init__()
        self.token_embedding = nn.Embedding(49408, WIDTH)
        self.positional_embedding = nn.Parameter(torch.randn(77, WIDTH) * 0.1)
        self.transformer = nn.ModuleDict({"resblocks": nn.ModuleList(layer_of_openclip() for _ in range(LAYERS))})
        self.ln_final = nn.LayerNorm(WIDTH)
        self.text_projection = nn.Parameter(torch.randn(WIDTH, PROJECTION))
        self.logit_scale = nn.Parameter(torch.tensor(4.6))

    def forward(self, tokens: Tensor) -> tuple[Tensor, Tensor]:
        """The last layer but one, and the projected vector of the end token."""
        mask = torch.full((77, 77), -math.inf).triu(1)
        x = self.token_embedding(tokens) + self.positional_embedding
        states = []
        for layer in cast(Any, self.transformer)["resblocks"]:
            states.append(x)
            y = layer["ln_1"](x)
            x = x + layer["attn"](y, y, y, attn_mask=mask, need_weights=False)[0]
            x = x + layer["mlp"]["c_proj"](nn.functional.gelu(layer["mlp"]["c_fc"](layer["ln_2"](x))))
        pooled = self.ln_final(x)[torch.arange(len(tokens)), tokens.argmax(dim=-1)] @ self.text_projection
        return states[-1], pooled


@pytest.fixture(scope="module")
def original() -> OpenClip:
    torch.manual_seed(1)
    model = OpenClip().eval().requires_grad_(False)
    model.ln_final.bias.add_(0.3)
    return model


@pytest.fixture(scope="module")
def second(original: OpenClip) -> OpenClipEncoder:
    config = CLIPTextConfig(
        hidden_size=WIDTH,
        intermediate_size=32,
        num_hidden_layers=LAYERS,
        num_attention_heads=HEADS,
        hidden_act="gelu",
        vocab_size=49408,
        max_position_embeddings=77,
    )
    model = CLIPTextModel(config).eval().requires_grad_(False)
    tensors, projection = to_transformers(original.state_dict())
    model.load_state_dict(tensors)
    return OpenClipEncoder(model, ClipTokenizer("openclip"), projection)


def padded(encoder: ClipEncoder, text: str) -> Tensor:
    words = encoder.tokenizer.encode(text)
    return torch.tensor([[49406, *words, 49407, *[0] * (75 - len(words))]])


def test_the_weights_of_openclip_give_its_results_in_transformers(original: OpenClip, second: OpenClipEncoder):
    hidden, pooled = original(padded(second, "a photo of a cat"))
    chunks = second.chunk("a photo of a cat").chunks
    found, found_pooled = second.with_pooled(chunks)
    torch.testing.assert_close(found, hidden)
    torch.testing.assert_close(found_pooled, pooled)


@pytest.mark.parametrize("clip_skip", [1, 2, 12])
def test_alone_it_gives_the_last_layer_but_one_through_the_final_norm(
    original: OpenClip, second: OpenClipEncoder, clip_skip: int
):
    hidden, _ = original(padded(second, "a cat"))
    found = SingleTextEncoder(second)(["a cat"], EncodingOptions(clip_skip=clip_skip), {})
    torch.testing.assert_close(found.cross_attention, original.ln_final(hidden))


@pytest.mark.parametrize("name", ["visual.conv1.weight", "transformer.resblocks.0.ls_1.gamma"])
def test_a_tensor_that_openclip_does_not_have_is_named(name: str):
    with pytest.raises(CheckpointError, match=name.rpartition("resblocks.0.")[2]):
        to_transformers({name: torch.zeros(1)})


@pytest.fixture(scope="module")
def both(encoder: ClipEncoder, second: OpenClipEncoder) -> PooledTextEncoder:
    return PooledTextEncoder(encoder, pooling=second)


def test_two_encoders_stand_side_by_side(
    both: PooledTextEncoder, model: CLIPTextModel, original: OpenClip, encoder: ClipEncoder, second: OpenClipEncoder
):
    text = "a photo of a cat"
    words = encoder.tokenizer.encode(text)
    ids = torch.tensor([[49406, *words, *[49407] * (76 - len(words))]])
    hidden, pooled = original(padded(second, text))
    expected = torch.cat([model(ids, output_hidden_states=True).hidden_states[-2], hidden], dim=-1)
    found = both([text], OPTIONS, {})
    torch.testing.assert_close(found.cross_attention, expected)
    torch.testing.assert_close(found.pooled, pooled)
    assert both.widths == {"clip_l": 16, "clip_g": 16}


def test_the_vector_of_a_long_text_is_that_of_its_first_chunk(both: PooledTextEncoder, second: OpenClipEncoder):
    long = "dog " * 100
    found = both([long, "cat"], OPTIONS, {})
    assert found.cross_attention.shape == (2, 154, 32)
    _, pooled = second.with_pooled([second.chunk(long).chunks[0], second.chunk("cat").chunks[0]])
    torch.testing.assert_close(found.pooled, pooled)


def test_an_empty_negative_prompt_is_zeros_and_an_empty_positive_one_is_not(both: PooledTextEncoder):
    negative = encode_prompt("", both, Timing(steps=2), OPTIONS, composable=False).parts[0].conditions[0]
    positive = encode_prompt("", both, Timing(steps=2), OPTIONS).parts[0].conditions[0]
    assert negative.pooled is not None
    assert not negative.cond.any()
    assert not negative.pooled.any()
    assert positive.cond.all()


def test_clip_skip_acts_on_the_first_encoder_only_when_asked_to(both: PooledTextEncoder, encoder: ClipEncoder):
    deep, usual = EncodingOptions(clip_skip=3), both(["a cat"], OPTIONS, {}).cross_attention
    assert torch.equal(both(["a cat"], deep, {}).cross_attention, usual)
    skipped = both(["a cat"], replace(deep, sdxl_clip_l_skip=True), {}).cross_attention
    assert not torch.allclose(skipped[..., :16], usual[..., :16])
    assert torch.equal(skipped[..., 16:], usual[..., 16:])


def test_an_embedding_for_both_is_used_by_both(both: PooledTextEncoder):
    word = TextualInversion(name="zzword", tensors={"clip_l": torch.ones(2, 16), "clip_g": torch.zeros(2, 16)})
    tables = {encoder.name: EmbeddingTable([word], encoder.tokenizer) for encoder in both.encoders}
    conditioning = encode_prompt("zzword cat", both, Timing(steps=2), OPTIONS, embeddings=tables)
    assert conditioning.used == (word, word)
    other = encode_prompt("dog", both, Timing(steps=2), OPTIONS, embeddings=tables)
    assert used_in([conditioning, conditioning], [other]) == (word, word)
    assert used_in([other], [conditioning]) == (word, word)


def test_sizes_become_sinusoids_with_the_cosines_first():
    vector = size_vector((512, 768, 0, 0, 512, 768), width=4)
    assert vector.shape == (24,)
    torch.testing.assert_close(vector[:4], torch.tensor([512.0, 5.12, 512.0, 5.12]).cos() * torch.tensor([1, 1, 0, 0.0])
        + torch.tensor([512.0, 5.12, 512.0, 5.12]).sin() * torch.tensor([0, 0, 1, 1.0]))  # fmt: skip
    assert vector[8:12].tolist() == [1, 1, 0, 0]
