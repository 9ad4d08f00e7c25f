"""Tiny unCLIP checkpoints of Stable Diffusion 2.1, random, in the layout in which the official ones are published."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from tests.parity import make_tiny
from tests.tiny_models import make_tiny_checkpoint

UNET, VISION = "model.diffusion_model.", "embedder.model.visual."
WIDTH = 64
"""The length of the vectors; those of OpenAI's ViT-L, whose statistics are a file of its own, have 768 numbers."""


def vision_model(width: int = WIDTH, seed: int = 0) -> Any:
    from transformers import CLIPVisionConfig, CLIPVisionModelWithProjection

    torch.manual_seed(seed)
    openai = width == 768
    hidden = 128 if openai else 160  # heads of 64 numbers, or of 80 as in OpenCLIP's ViT-H
    config = CLIPVisionConfig(
        hidden_size=hidden,
        intermediate_size=64,
        projection_dim=width,
        num_hidden_layers=2,
        num_attention_heads=2,
        image_size=32,
        patch_size=16,
        hidden_act="quick_gelu" if openai else "gelu",
    )
    model = CLIPVisionModelWithProjection(config)
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.15)
    return model.eval().requires_grad_(False)


def original_vision(model: Any) -> dict[str, Tensor]:
    """The tensors as OpenCLIP and OpenAI name them, without what stands before in checkpoints."""
    state = dict(model.state_dict())
    found: dict[str, Tensor] = {
        "class_embedding": state["vision_model.embeddings.class_embedding"],
        "positional_embedding": state["vision_model.embeddings.position_embedding.weight"],
        "conv1.weight": state["vision_model.embeddings.patch_embedding.weight"],
        "proj": state["visual_projection.weight"].T,
    }
    for kind in ("weight", "bias"):
        found[f"ln_pre.{kind}"] = state[f"vision_model.pre_layrnorm.{kind}"]
        found[f"ln_post.{kind}"] = state[f"vision_model.post_layernorm.{kind}"]
        for layer in range(2):
            ours, theirs = f"vision_model.encoder.layers.{layer}", f"transformer.resblocks.{layer}"
            pairs = {"layer_norm1": "ln_1", "layer_norm2": "ln_2", "self_attn.out_proj": "attn.out_proj"}
            pairs |= {"mlp.fc1": "mlp.c_fc", "mlp.fc2": "mlp.c_proj"}
            found |= {f"{theirs}.{b}.{kind}": state[f"{ours}.{a}.{kind}"] for a, b in pairs.items()}
            parts = [state[f"{ours}.self_attn.{part}_proj.{kind}"] for part in "qkv"]
            found[f"{theirs}.attn.in_proj_{kind}"] = torch.cat(parts)
    return {name: tensor.clone().contiguous() for name, tensor in found.items()}


def make_unclip_checkpoint(path: Path, model: Any | None, statistics: tuple[Tensor, Tensor] | None = None) -> Path:
    """A tiny SD2 whose UNet takes the vector of a picture, with what makes it inside unless `model` is None."""
    width = WIDTH if model is None else model.config.projection_dim
    tensors = load_file(make_tiny_checkpoint(path, "sd2-v"))
    made = make_tiny.B(104)
    config = {"mc": 32, "mult": make_tiny.MULT, "ctx": 64, "depth": [1, 1, 1, 0], "mid_depth": 1, "linear": True}
    make_tiny.unet(made, UNET, {**config, "adm": 2 * width, "passthrough": False})
    tensors |= {name: tensor.contiguous() for name, tensor in made.sd.items()}
    if model is not None:
        tensors |= {VISION + name: tensor for name, tensor in original_vision(model).items()}
        # What OpenCLIP's model has besides, once its text transformer is gone.
        tensors["embedder.model.token_embedding.weight"] = torch.zeros(4, 4)
    if statistics is not None:
        mean, deviation = statistics
        tensors |= {"noise_augmentor.data_mean": mean[None], "noise_augmentor.data_std": deviation[None]}
    tensors["v_pred"] = torch.zeros(1)
    save_file(tensors, path)
    return path
