from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
from transformers import CLIPTextConfig, CLIPTextModel

from modules.checkpoints.architectures import sd1, sd2, sdxl, sdxl_refiner
from modules.checkpoints.architectures.family import Family
from modules.checkpoints.load import TextModel
from modules.generation.conditioning import Conditioning, Sizes
from modules.text_encoders.conditioner import PooledTextEncoder, SingleTextEncoder, size_vector, text_encoder_of
from modules.text_encoders.openclip import OpenClipEncoder
from modules.text_encoders.prompt_conditioning import EncodingOptions, Timing, encode_prompt
from modules.text_encoders.tokenizer import ClipTokenizer

TOKENIZERS = {"clip": ClipTokenizer(), "openclip": ClipTokenizer("openclip")}


@dataclass(frozen=True)
class Info:
    """As much of what is known of a checkpoint as concerns its text encoders: tokenizers may lie beside it."""

    path: Path = Path("tiny.safetensors")


@dataclass(frozen=True)
class Loaded:
    """As much of a loaded checkpoint as concerns its text encoders."""

    family: Family
    text_encoders: tuple[TextModel, ...]
    info: Info = Info()


def _model(width: int, seed: int) -> CLIPTextModel:
    torch.manual_seed(seed)
    config = CLIPTextConfig(
        hidden_size=width,
        intermediate_size=width * 2,
        num_hidden_layers=3,
        num_attention_heads=2,
        vocab_size=49408,
        max_position_embeddings=77,
    )
    return CLIPTextModel(config).eval().requires_grad_(False)


@pytest.fixture(scope="module")
def clip_l() -> TextModel:
    return TextModel(name="clip_l", model=_model(8, 0))


@pytest.fixture(scope="module")
def clip_g() -> TextModel:
    return TextModel(name="clip_g", model=_model(12, 1), projection=torch.randn(12, 6))


def test_each_family_has_its_arrangement(clip_l: TextModel, clip_g: TextModel) -> None:
    first = text_encoder_of(Loaded(sd1.FAMILY, (clip_l,)), TOKENIZERS)  # type: ignore[arg-type]
    assert isinstance(first, SingleTextEncoder)
    assert first.widths == {"clip_l": 8}
    clip_h = TextModel(name="clip_h", model=clip_g.model)
    second = text_encoder_of(Loaded(sd2.FAMILY, (clip_h,)), TOKENIZERS)  # type: ignore[arg-type]
    assert isinstance(second.encoders[0], OpenClipEncoder)
    assert second.widths == {"clip_h": 12}
    pooled = text_encoder_of(Loaded(sdxl.FAMILY, (clip_l, clip_g)), TOKENIZERS)  # type: ignore[arg-type]
    assert isinstance(pooled, PooledTextEncoder)
    assert [encoder.tokenizer.manner for encoder in pooled.encoders] == ["clip", "openclip"]


def test_the_refiner_has_openclip_s_vectors_alone_and_its_vector_of_the_text(
    clip_l: TextModel, clip_g: TextModel
) -> None:
    both = text_encoder_of(Loaded(sdxl.FAMILY, (clip_l, clip_g)), TOKENIZERS)  # type: ignore[arg-type]
    refiner = text_encoder_of(Loaded(sdxl_refiner.FAMILY, (clip_g,)), TOKENIZERS)  # type: ignore[arg-type]
    base, alone = (encoder(["a cat"], EncodingOptions(), {}) for encoder in (both, refiner))
    assert torch.equal(alone.cross_attention, base.cross_attention[..., 8:])
    assert alone.pooled is not None
    assert base.pooled is not None
    assert torch.equal(alone.pooled, base.pooled)
    assert alone.pooled.shape == (1, 6)


def test_a_model_saved_without_its_last_layer_gives_what_the_whole_one_gives(clip_g: TextModel) -> None:
    whole = SingleTextEncoder(OpenClipEncoder(clip_g.model, TOKENIZERS["openclip"], name="clip_h"))
    cut = _model(12, 1)
    del cut.encoder.layers[-1]
    short = TextModel(name="clip_h", model=cut, layers=2)
    loaded = text_encoder_of(Loaded(sd2.FAMILY, (short,)), TOKENIZERS)  # type: ignore[arg-type]
    expected = whole(["a cat"], EncodingOptions(), {}).cross_attention
    assert torch.equal(loaded(["a cat"], EncodingOptions(), {}).cross_attention, expected)


def test_sizes_follow_the_vector_of_the_text_and_differ_for_negative_prompts(
    clip_l: TextModel, clip_g: TextModel
) -> None:
    encoder = text_encoder_of(Loaded(sdxl.FAMILY, (clip_l, clip_g)), TOKENIZERS)  # type: ignore[arg-type]
    prompt, negative = (
        encode_prompt(text, encoder, Timing(steps=2), EncodingOptions(), composable=composable)
        for text, composable in (("a cat AND a dog", True), ("", False))
    )
    sizes = Sizes(positive=size_vector((6.0,), width=4), negative=size_vector((2.5,), width=4))
    conds = Conditioning(positive=(prompt,), negative=(negative,), sizes=sizes).at(0)
    (cat, _), (dog, _) = conds.positive[0]
    for cond, own in ((cat, sizes.positive), (dog, sizes.positive), (conds.negative[0], sizes.negative)):
        assert cond.vector is not None
        assert cond.vector.shape == (10,)
        assert torch.equal(cond.vector[6:], own)
    assert not torch.equal(cat.vector[:6], dog.vector[:6])  # type: ignore[index]
    assert not conds.negative[0].vector[:6].any()  # type: ignore[index]
    bare = Conditioning(positive=(prompt,), negative=(negative,)).at(0)
    assert bare.positive[0][0][0].vector is not None
    assert bare.positive[0][0][0].vector.shape == (6,)
