"""The text encoder as a module of torch: what extensions hang on it changes the prompts of a run."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import numpy
import pytest
import torch
from torch import nn

from tests.a1111.conftest import Stage
from tests.a1111.seams import alike, here, pixels
from tests.tiny_models import make_tiny_checkpoint

__all__ = ["here"]


@pytest.fixture
def encoder(here: Stage) -> Any:
    here.make()
    view = here.dialect.shared.sd_model.cond_stage_model
    yield view
    view.restore()


def test_it_is_the_same_module_whenever_it_is_asked_for(here: Stage, encoder: Any) -> None:
    assert isinstance(encoder, nn.Module)
    assert here.dialect.shared.sd_model.cond_stage_model is encoder


def test_a_hook_sees_the_texts_and_changes_what_is_made_of_them(here: Stage, encoder: Any) -> None:
    plain, seen = pixels(here, prompt="a red cat"), list[Any]()

    def hook(module: Any, given: Any, output: Any) -> Any:
        seen.append((list(given[0]), tuple(output.shape), getattr(given[0], "is_negative_prompt", False)))
        return output if given[0] == [""] else output * 0.5

    handle = encoder.register_forward_hook(hook)
    assert not alike(pixels(here, prompt="a red cat"), plain)
    assert seen[0] == (["a red cat"], (1, 77, 48), False)
    assert [""] in [texts for texts, _, _ in seen]
    handle.remove()
    assert numpy.array_equal(pixels(here, prompt="a red cat"), plain)


def test_a_hook_may_have_other_texts_encoded_by_the_module(here: Stage, encoder: Any) -> None:
    other, inside = pixels(here, prompt="a blue dog"), list[bool]()

    def hook(module: Any, given: Any, output: Any) -> Any:
        if inside or given[0] == [""]:
            return None
        inside.append(True)
        try:
            return module(["a blue dog"] * len(given[0]))
        finally:
            inside.clear()

    encoder.register_forward_hook(hook)
    assert alike(pixels(here, prompt="a red cat"), other)


def test_its_forward_may_be_replaced(here: Stage, encoder: Any) -> None:
    plain, original = pixels(here, prompt="a red cat"), encoder.forward
    encoder.forward = lambda texts: original([*texts]) * 0.5
    assert not alike(pixels(here, prompt="a red cat"), plain)
    encoder.restore()
    assert numpy.array_equal(pixels(here, prompt="a red cat"), plain)


def test_words_and_ids_are_told_by_the_names_of_transformers(here: Stage, encoder: Any) -> None:
    tokenizer = encoder.wrapped.tokenizer
    number = tokenizer._convert_token_to_id("cat</w>")
    assert tokenizer.convert_ids_to_tokens(number) == "cat</w>"
    assert encoder.tokenize(["cat"]) == [[number]]
    assert tokenizer.convert_tokens_to_ids(["cat</w>", "no such word"]) == [number, tokenizer.eos_token_id]
    assert encoder.hijack.embedding_db.find_embedding_at_position([number], 0) == (None, None)


def test_sdxls_encoders_are_hooked_as_one(tmp_path: Path) -> None:
    stage = Stage(tmp_path, {"some.py": LISTENS})
    make_tiny_checkpoint(tmp_path / "models" / "Stable-diffusion" / "xl.safetensors", "sdxl")
    stage.application.catalogue.refresh()
    try:
        asked = {"override_settings": {"sd_model_checkpoint": "xl"}}
        plain = pixels(stage, **asked)
        encoder: Any = stage.dialect.shared.sd_model.cond_stage_model
        unet: Any = stage.dialect.shared.sd_model.model.diffusion_model
        assert encoder is stage.dialect.shared.sd_model.conditioner
        assert len(unet.label_emb) == 1
        assert numpy.array_equal(pixels(stage, **asked), plain)
        seen: list[Any] = []

        def hook(module: Any, given: Any, output: Any) -> Any:
            seen.append((list(given[0]["txt"]), sorted(output)))
            return {**output, "crossattn": torch.zeros_like(output["crossattn"])}

        encoder.register_forward_hook(hook)
        assert not alike(pixels(stage, **asked), plain)
        assert seen[0] == (["a cat"], ["crossattn", "vector"])
    finally:
        stage.close()


LISTENS = """
from modules import scripts

class Listens(scripts.Script):
    def title(self): return "Listens"
    def show(self, is_img2img): return scripts.AlwaysVisible
    def process(self, p): pass
"""


def test_extensions_ask_for_the_very_class_of_an_encoder(here: Stage, encoder: Any) -> None:
    embedders = importlib.import_module("modules.sd_hijack_clip")
    attention = importlib.import_module("ldm.modules.attention")
    assert type(encoder) == embedders.FrozenCLIPEmbedderWithCustomWords  # noqa: E721 - so it is asked
    assert type(encoder) != embedders.FrozenXlmrEmbedderWithCustomWords  # noqa: E721
    assert len({attention.CrossAttention, attention.CrossAttention}) == 1
    assert (attention.default(None, 3), attention.default(0, 3), attention.exists(None)) == (3, 0, False)
