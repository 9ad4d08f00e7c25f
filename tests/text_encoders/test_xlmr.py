"""Alt-Diffusion's text encoder against diffusers' own module over transformers' XLM-RoBERTa."""

from __future__ import annotations

import contextlib
import tempfile
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from modules.checkpoints.identify import identify
from modules.checkpoints.info import CheckpointInfo
from modules.checkpoints.load import load_checkpoint
from modules.checkpoints.tensors import open_tensors
from modules.foundation.errors import CheckpointError
from modules.hardware.device import Hardware, HardwareOptions, choose_hardware
from modules.text_encoders.chunks import chunk_prompt
from modules.text_encoders.conditioner import text_encoder_of
from modules.text_encoders.prompt_conditioning import EncodedTexts, EncodingOptions
from modules.text_encoders.sentencepiece_file import read_sentencepiece
from modules.text_encoders.textual_inversion import TextualInversion
from modules.text_encoders.xlmr import XlmrEncoder, XlmrTokenizer, tokenizer_beside
from tests.text_encoders.tiny_xlmr import WIDTH, make_alt_checkpoint, series_model, write_sentencepiece, write_tokenizer


@pytest.fixture(scope="module")
def cpu() -> Hardware:
    return choose_hardware(HardwareOptions(use_cpu=frozenset({"all"}), full_precision=True))


def info_of(path: Path) -> CheckpointInfo:
    return CheckpointInfo(name=path.name, path=path)


def encoded(path: Path, cpu: Hardware, texts: list[str], **options: Any) -> EncodedTexts:
    encoder = text_encoder_of(load_checkpoint(info_of(path), cpu), {})
    return encoder(texts, EncodingOptions(**options), {})


def expected(model: Any, tokenizer: XlmrTokenizer, text: str) -> Tensor:
    words = tokenizer.encode(text)
    ids = torch.tensor([[0, *words, 2, *[1] * (75 - len(words))]])
    return model(input_ids=ids, attention_mask=(ids != 1).long(), return_dict=True).projection_state


@pytest.mark.parametrize("form", ["m9", "m18"])
def test_both_forms_encode_as_diffusers_does(tmp_path: Path, cpu: Hardware, form: str) -> None:
    model = series_model(form)
    path = make_alt_checkpoint(tmp_path / "alt.safetensors", model, form)
    tokenizer = XlmrTokenizer(write_tokenizer(tmp_path / "tokenizer.json"))
    for text in ("a photo of a cat", "猫の写真", "", "кошка, a dog"):
        made = encoded(path, cpu, [text]).cross_attention
        assert made.shape == (1, 77, WIDTH[form])
        torch.testing.assert_close(made, expected(model, tokenizer, text), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("form", ["m9", "m18"])
def test_a_folder_of_diffusers_gives_the_same(tmp_path: Path, cpu: Hardware, form: str) -> None:
    model = series_model(form)
    path = make_alt_checkpoint(tmp_path / "alt.safetensors", model, form)
    write_tokenizer(tmp_path / "tokenizer.json")
    one = load_checkpoint(info_of(path), cpu)
    folder = tmp_path / "folder"
    one.unet.save_pretrained(folder / "unet")
    one.vae.save_pretrained(folder / "vae")
    model.save_pretrained(folder / "text_encoder")
    (folder / "scheduler").mkdir()
    (folder / "scheduler" / "scheduler_config.json").write_text("{}")
    (folder / "model_index.json").write_text('{"_class_name": "AltDiffusionPipeline"}')
    write_tokenizer(folder / "tokenizer" / "tokenizer.json")
    assert load_checkpoint(info_of(folder), cpu).family.name == "Alt-Diffusion"
    pairs = [encoded(each, cpu, ["a photo of a cat"]).cross_attention for each in (path, folder)]
    torch.testing.assert_close(pairs[0], pairs[1], atol=1e-6, rtol=1e-6)


def test_clip_skip_does_not_act_and_long_prompts_are_chunks(tmp_path: Path, cpu: Hardware) -> None:
    path = make_alt_checkpoint(tmp_path / "alt.safetensors", series_model())
    write_tokenizer(tmp_path / "alt.tokenizer.json")
    plain, skipped = (encoded(path, cpu, ["a cat"], clip_skip=skip).cross_attention for skip in (1, 2))
    assert torch.equal(plain, skipped)
    assert encoded(path, cpu, ["dog " * 90]).cross_attention.shape == (1, 154, WIDTH["m9"])


def test_textual_inversions_take_the_place_of_tokens(tmp_path: Path, cpu: Hardware) -> None:
    model = series_model()
    loaded = load_checkpoint(info_of(make_alt_checkpoint(tmp_path / "alt.safetensors", model)), cpu)
    tokenizer = XlmrTokenizer(write_tokenizer(tmp_path / "tokenizer.json"))
    encoder = XlmrEncoder(loaded.text_encoder, tokenizer)
    (cat,) = chunk_prompt("a cat", tokenizer).chunks
    (dog,) = chunk_prompt("a dog", tokenizer).chunks
    vector = model.roberta.embeddings.word_embeddings.weight[tokenizer.encode("dog")]
    inversion = TextualInversion(name="x", tensors={"": vector})

    class Lookup:
        def find(self, tokens: Any, position: int) -> Any:
            return (inversion, 1) if tokens[position] == tokenizer.encode("cat")[0] else None

    (replaced,) = chunk_prompt("a cat", tokenizer, embeddings=Lookup()).chunks
    assert replaced.embeddings
    made, plain, other = (encoder.hidden_states([each], 3) for each in (replaced, dog, cat))
    torch.testing.assert_close(made, plain, atol=1e-5, rtol=1e-5)
    assert not torch.allclose(made, other, atol=1e-3)


@pytest.mark.parametrize(("form", "heads"), [("m9", 8), ("m18", (2, 4, 8, 8))])
def test_the_family_is_told_by_the_header_alone(tmp_path: Path, form: str, heads: Any) -> None:
    path = make_alt_checkpoint(tmp_path / "alt.safetensors", series_model(form), form)
    with open_tensors(path) as source:
        architecture = identify(source, path)
    assert architecture.family.name == "Alt-Diffusion"
    assert [each.name for each in architecture.text_encoders] == ["xlmr"]
    found = architecture.unet.config["attention_head_dim"]
    assert found == (heads if isinstance(heads, tuple) else (heads,) * 4)


def test_a_missing_tokenizer_is_named_with_its_place_and_origin(tmp_path: Path, cpu: Hardware) -> None:
    path = make_alt_checkpoint(tmp_path / "alt.safetensors", series_model())
    with pytest.raises(CheckpointError, match=r"alt\.safetensors.*tokenizer\.json.*huggingface.*alt\.tokenizer\.json"):
        encoded(path, cpu, ["a"])
    for place in ("alt.tokenizer.json", "tokenizer.json", "tokenizer/", "xlm-roberta-large/"):
        file = write_tokenizer(tmp_path / f"{place}{'tokenizer.json' if place.endswith('/') else ''}")
        assert tokenizer_beside(path).key == str(file)
        file.unlink()


def test_both_forms_of_the_tokenizer_give_the_same_tokens(tmp_path: Path) -> None:
    one = XlmrTokenizer(write_tokenizer(tmp_path / "tokenizer.json"))
    other = XlmrTokenizer(write_sentencepiece(tmp_path / "sentencepiece.bpe.model"))
    for text in ("a photo of a cat", "猫の写真, a dog", "", "  кошка   cat ", "Ω"):
        assert one.encode(text) == other.encode(text)
    assert one.comma == other.comma
    assert tokenizer_beside(tmp_path / "alt.safetensors").key == one.key
    (tmp_path / "tokenizer.json").unlink()
    assert tokenizer_beside(tmp_path / "alt.safetensors").key == other.key


@given(st.binary(max_size=60), st.integers(0, 400))
def test_a_damaged_model_of_sentencepiece_is_refused(noise: bytes, cut: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        whole = write_sentencepiece(Path(folder) / "sentencepiece.bpe.model").read_bytes()
    for data in (noise, whole[:cut] + noise):
        with contextlib.suppress(ValueError):
            assert read_sentencepiece(data).pieces


@pytest.mark.parametrize("content", [b"", b"\xff" * 20, b"\x0a\x7f", b"\x0b\x01"])
def test_a_file_that_is_no_model_of_sentencepiece_is_named(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "sentencepiece.bpe.model").write_bytes(content)
    with pytest.raises(CheckpointError, match=r"sentencepiece\.bpe\.model"):
        tokenizer_beside(tmp_path / "alt.safetensors")


@pytest.mark.parametrize("content", ["", "{}", '{"model": 3}', "\x00\x01"])
def test_a_broken_tokenizer_is_named(tmp_path: Path, content: str) -> None:
    (tmp_path / "tokenizer.json").write_text(content)
    with pytest.raises(CheckpointError, match=r"tokenizer\.json"):
        tokenizer_beside(tmp_path / "alt.safetensors")


def test_another_model_s_tokenizer_is_refused(tmp_path: Path) -> None:
    from tokenizers import Tokenizer, models

    Tokenizer(models.Unigram([("a", 0.0), ("b", -1.0)], unk_id=0)).save(str(tmp_path / "tokenizer.json"))
    with pytest.raises(CheckpointError, match="not the tokenizer of XLM-R"):
        tokenizer_beside(tmp_path / "alt.safetensors")


@pytest.mark.parametrize(
    "gone",
    [
        "transformation.weight",
        "roberta.encoder.layer.0.intermediate.dense.weight",
        "roberta.encoder.layer.2.output.dense.bias",
    ],
)
def test_a_checkpoint_with_a_hole_is_named(tmp_path: Path, cpu: Hardware, gone: str) -> None:
    from safetensors.torch import load_file, save_file

    path = make_alt_checkpoint(tmp_path / "alt.safetensors", series_model())
    write_tokenizer(tmp_path / "tokenizer.json")
    save_file({k: v for k, v in load_file(path).items() if k != f"cond_stage_model.{gone}"}, path)
    with pytest.raises(CheckpointError, match=r"alt\.safetensors is not a usable checkpoint"):
        load_checkpoint(info_of(path), cpu)
