"""A tiny Alt-Diffusion, random, in the layout in which the real ones are published, and a tokenizer beside it."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from torch import Tensor

from tests.tiny_models import make_tiny_checkpoint

LETTERS = "abcdefghijklmnopqrstuvwxyz犬猫の写真кошка"
WIDTH = {"m9": 48, "m18": 64}
"""The length of the vectors that the UNets of the two forms take: SD1's and SD2's."""


def write_tokenizer(path: Path) -> Path:
    """A tokenizer of XLM-R's kind with a small vocabulary; special tokens have XLM-R's places."""
    words = ["▁a", "▁photo", "▁of", "▁cat", "▁dog", "▁猫", ",", "▁", *dict.fromkeys(LETTERS)]
    pieces = [("<s>", 0.0), ("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0), *((word, -2.0) for word in words)]
    tokenizer = Tokenizer(models.Unigram(pieces, unk_id=3))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(replacement="▁", prepend_scheme="always")
    tokenizer.decoder = decoders.Metaspace()
    tokenizer.add_special_tokens(["<s>", "<pad>", "</s>"])
    path.parent.mkdir(parents=True, exist_ok=True)
    tokenizer.save(str(path))
    return path


def write_sentencepiece(path: Path) -> Path:
    """The same vocabulary as `write_tokenizer` writes, in SentencePiece's own form."""
    words = ["▁a", "▁photo", "▁of", "▁cat", "▁dog", "▁猫", ",", "▁", *dict.fromkeys(LETTERS)]
    pieces = [("<unk>", 0.0, 2), ("<s>", 0.0, 3), ("</s>", 0.0, 3), *((word, -2.0, 1) for word in words)]
    messages: list[bytes] = []
    for word, score, kind in pieces:
        text = word.encode()
        message = b"\x0a" + bytes([len(text)]) + text + b"\x15" + struct.pack("<f", score) + b"\x18" + bytes([kind])
        messages.append(b"\x0a" + bytes([len(message)]) + message)
    trainer = b"\x12\x02\x20\x05"
    normalizer = b"\x1a\x02\x18\x01"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"".join(messages) + trainer + normalizer)
    return path


def series_model(form: str = "m9", seed: int = 0) -> Any:
    """diffusers' own text encoder of Alt-Diffusion, with random weights."""
    from diffusers.pipelines.deprecated.alt_diffusion.modeling_roberta_series import (
        RobertaSeriesConfig,
        RobertaSeriesModelWithTransformation,
    )

    torch.manual_seed(seed)
    config = RobertaSeriesConfig(
        hidden_size=32,
        intermediate_size=48,
        num_hidden_layers=3,
        num_attention_heads=4,
        vocab_size=64,
        max_position_embeddings=130,
        type_vocab_size=1,
        layer_norm_eps=1e-5,
        project_dim=WIDTH[form],
    )
    config.has_pre_transformation = form == "m18"
    model = RobertaSeriesModelWithTransformation(config).eval().requires_grad_(False)
    for name, parameter in model.named_parameters():
        torch.nn.init.normal_(parameter, std=0.3)
        if "orm.weight" in name or name == "pre_LN.weight":
            parameter.data += 1
    return model


def make_alt_checkpoint(path: Path, model: Any, form: str = "m9") -> Path:
    """The UNet and VAE of SD1 (or SD2 for 18 languages) with this text encoder, without a tokenizer."""
    tensors: dict[str, Tensor] = load_file(make_tiny_checkpoint(path, "sd1" if form == "m9" else "sd2-v"))
    tensors = {name: tensor for name, tensor in tensors.items() if not name.startswith("cond_stage_model.")}
    tensors |= {f"cond_stage_model.{name}": tensor.clone() for name, tensor in model.state_dict().items()}
    # What training leaves in files.
    tensors["cond_stage_model.roberta.embeddings.position_ids"] = torch.arange(130)[None]
    tensors["cond_stage_model.roberta.pooler.dense.weight"] = torch.zeros(32, 32)
    save_file(tensors, path)
    return path
