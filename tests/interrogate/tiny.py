"""Tiny models that describe pictures, random, in the layouts in which the real ones are published."""

from __future__ import annotations

import functools
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from safetensors.torch import save_file
from torch import Tensor

WORDS = ["a", "picture", "of", "red", "blue", "cat", "dog", "hill", "sky", "tree", "##s", "on", "the", "by", "sea"]
BERT = ["[PAD]", *(f"[unused{n}]" for n in range(99)), "[UNK]", "[CLS]", "[SEP]", "[MASK]", *WORDS]
"""Special words where BERT's vocabulary has them."""


def picture(width: int = 40, height: int = 30) -> Image.Image:
    gradient = Image.linear_gradient("L").resize((width, height))
    return Image.merge(
        "RGB", (gradient, gradient.rotate(90).resize((width, height)), Image.new("L", (width, height), 90))
    )


def blip(seed: int = 0) -> Any:
    from transformers import BlipConfig, BlipForConditionalGeneration

    size = {"hidden_size": 128, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2}
    config = BlipConfig(
        text_config={
            **size,
            "encoder_hidden_size": 128,
            "vocab_size": len(BERT) + 2,
            "bos_token_id": len(BERT),
            "max_position_embeddings": 64,
        },
        vision_config={**size, "image_size": 32, "patch_size": 16, "layer_norm_eps": 1e-6},
    )
    torch.manual_seed(seed)
    model = BlipForConditionalGeneration(config).eval()
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.2)
    return model


def write_blip_folder(folder: Path, model: Any) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    save_file({name: tensor.clone() for name, tensor in model.state_dict().items()}, folder / "model.safetensors")
    (folder / "config.json").write_text(json.dumps(model.config.to_dict()))
    write_words(folder)
    return folder / "model.safetensors"


def write_words(folder: Path) -> Path:
    path = folder / "vocab.txt"
    path.write_text("\n".join(BERT) + "\n")
    return path


ORIGINAL = (
    (".layer_norm1.", ".norm1."),
    (".layer_norm2.", ".norm2."),
    (".self_attn.qkv.", ".attn.qkv."),
    (".self_attn.projection.", ".attn.proj."),
    ("vision_model.embeddings.class_embedding", "visual_encoder.cls_token"),
    ("vision_model.embeddings.position_embedding", "visual_encoder.pos_embed"),
    ("vision_model.embeddings.patch_embedding", "visual_encoder.patch_embed.proj"),
    ("vision_model.post_layernorm", "visual_encoder.norm"),
)
"""transformers' names, and those that the original checkpoints have in their place."""


def write_blip_checkpoint(folder: Path, model: Any) -> Path:
    """The original layout: a table "model", the vision transformer under timm's names, unknown halves beside it."""
    renamed: dict[str, Tensor] = {"visual_encoder.pos_drop_note": torch.zeros(1)}
    for key, tensor in model.state_dict().items():
        name = key.replace("vision_model.encoder.layers.", "visual_encoder.blocks.")
        renamed[functools.reduce(lambda text, pair: text.replace(*pair), ORIGINAL, name)] = tensor.clone()
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "model_base_caption_capfilt_large.pth"
    torch.save({"model": renamed}, path)
    return path


def clip(seed: int = 0) -> Any:
    from transformers import CLIPConfig, CLIPModel

    size = {"hidden_size": 128, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2}
    config = CLIPConfig(
        text_config={**size, "vocab_size": 49408},
        vision_config={**size, "image_size": 32, "patch_size": 16},
        projection_dim=24,
    )
    torch.manual_seed(seed)
    model = CLIPModel(config).eval()
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.1)
    return model


def write_clip_folder(folder: Path, model: Any) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    save_file({name: tensor.clone() for name, tensor in model.state_dict().items()}, folder / "model.safetensors")
    (folder / "config.json").write_text(json.dumps(model.config.to_dict()))
    return folder / "model.safetensors"


def write_openai_clip(path: Path, model: Any) -> Path:
    """OpenAI's names: query, key and value in one matrix, projections on the other side."""
    state: Mapping[str, Tensor] = model.state_dict()
    found: dict[str, Tensor] = {
        "visual.class_embedding": state["vision_model.embeddings.class_embedding"],
        "visual.positional_embedding": state["vision_model.embeddings.position_embedding.weight"],
        "visual.conv1.weight": state["vision_model.embeddings.patch_embedding.weight"],
        "visual.proj": state["visual_projection.weight"].T,
        "positional_embedding": state["text_model.embeddings.position_embedding.weight"],
        "token_embedding.weight": state["text_model.embeddings.token_embedding.weight"],
        "text_projection": state["text_projection.weight"].T,
        "logit_scale": state["logit_scale"],
    }
    norms = {"vision_model.pre_layrnorm": "visual.ln_pre", "vision_model.post_layernorm": "visual.ln_post"}
    for ours, theirs in {**norms, "text_model.final_layer_norm": "ln_final"}.items():
        found |= {f"{theirs}.{kind}": state[f"{ours}.{kind}"] for kind in ("weight", "bias")}
    for half, prefix in (("vision_model", "visual."), ("text_model", "")):
        for layer in range(2):
            ours, theirs = f"{half}.encoder.layers.{layer}", f"{prefix}transformer.resblocks.{layer}"
            pairs = {"layer_norm1": "ln_1", "layer_norm2": "ln_2", "self_attn.out_proj": "attn.out_proj"}
            pairs |= {"mlp.fc1": "mlp.c_fc", "mlp.fc2": "mlp.c_proj"}
            for kind in ("weight", "bias"):
                found |= {f"{theirs}.{b}.{kind}": state[f"{ours}.{a}.{kind}"] for a, b in pairs.items()}
                parts = [state[f"{ours}.self_attn.{part}_proj.{kind}"] for part in "qkv"]
                found[f"{theirs}.attn.in_proj_{kind}"] = torch.cat(parts)
    path.parent.mkdir(parents=True, exist_ok=True)
    torch.save({name: tensor.clone() for name, tensor in found.items()}, path)
    return path


BOORU_TAGS = ["1girl", "long_hair", "solo", "saber_(fate)", "rating:safe"]


def booru_shapes(tags: int = len(BOORU_TAGS)) -> Iterable[tuple[int, int, int]]:
    """(out, in, kernel) of each convolution: two stages of two blocks, the shortcut before the others."""
    yield 4, 3, 7
    for width, before in ((16, 4), (32, 16)):
        inner = width // 4
        yield from ((width, before, 1), (inner, before, 1), (inner, inner, 3), (width, inner, 1))
        yield from ((inner, width, 1), (inner, inner, 3), (width, inner, 1))
    yield tags, 32, 1


def booru_tensors(seed: int = 0, tags: int = len(BOORU_TAGS)) -> dict[str, Tensor]:
    torch.manual_seed(seed)
    shapes = list(booru_shapes(tags))
    found: dict[str, Tensor] = {}
    for number, (out, width, kernel) in enumerate(shapes):
        found[f"n_Conv_{number}.weight"] = torch.randn(out, width, kernel, kernel) / (width * kernel**2) ** 0.5
        if number < len(shapes) - 1:
            found[f"n_Conv_{number}.bias"] = torch.randn(out) * 0.1
    return found


def write_booru(folder: Path, tags: list[str] | None = None) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "model-resnet_custom_v3.pt"
    torch.save({**booru_tensors(), "tags": BOORU_TAGS if tags is None else tags}, path)
    return path


def write_tag_list(folder: Path, tags: list[tuple[str, int]]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "selected_tags.csv"
    lines = [f"{number},{name},{category},{1000 - number}" for number, (name, category) in enumerate(tags)]
    path.write_text("\n".join(["tag_id,name,category,count", *lines]) + "\n")
    return path
