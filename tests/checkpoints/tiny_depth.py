"""Tiny depth models, random, and depth checkpoints of Stable Diffusion 2, in the published layouts."""

from __future__ import annotations

import functools
import json
import re
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from tests.tiny_models import make_tiny_checkpoint

FIRST = "model.diffusion_model.input_blocks.0.0.weight"
IN_CHECKPOINTS = "depth_model.model."

RENAMED = (
    (r"^dpt\.embeddings\.(cls_token)$", r"pretrained.model.\1"),
    (r"^dpt\.embeddings\.position_embeddings$", "pretrained.model.pos_embed"),
    (r"^dpt\.embeddings\.projection\.", "pretrained.model.patch_embed.proj."),
    (r"^dpt\.embeddings\.backbone\.bit\.embedder\.convolution\.", "pretrained.model.patch_embed.backbone.stem.conv."),
    (r"^dpt\.embeddings\.backbone\.bit\.embedder\.norm\.", "pretrained.model.patch_embed.backbone.stem.norm."),
    (
        r"^dpt\.embeddings\.backbone\.bit\.encoder\.stages\.(\d)\.layers\.",
        r"pretrained.model.patch_embed.backbone.stages.\1.blocks.",
    ),
    (r"^dpt\.encoder\.layer\.", "pretrained.model.blocks."),
    (r"^dpt\.layernorm\.", "pretrained.model.norm."),
    (r"\.layernorm_before\.", ".norm1."),
    (r"\.layernorm_after\.", ".norm2."),
    (r"\.attention\.output\.dense\.", ".attn.proj."),
    (r"\.intermediate\.dense\.", ".mlp.fc1."),
    (r"(blocks\.\d+)\.output\.dense\.", r"\1.mlp.fc2."),
    (r"^neck\.reassemble_stage\.readout_projects\.2\.0\.", "pretrained.act_postprocess3.0.project.0."),
    (r"^neck\.reassemble_stage\.readout_projects\.3\.0\.", "pretrained.act_postprocess4.0.project.0."),
    (r"^neck\.reassemble_stage\.layers\.2\.projection\.", "pretrained.act_postprocess3.3."),
    (r"^neck\.reassemble_stage\.layers\.3\.projection\.", "pretrained.act_postprocess4.3."),
    (r"^neck\.reassemble_stage\.layers\.3\.resize\.", "pretrained.act_postprocess4.4."),
    *((rf"^neck\.convs\.{n}\.", f"scratch.layer{n + 1}_rn.") for n in range(4)),
    *((rf"^neck\.fusion_stage\.layers\.{n}\.", f"scratch.refinenet{4 - n}.") for n in range(4)),
    (r"refinenet(\d)\.projection\.", r"refinenet\1.out_conv."),
    (r"\.residual_layer(\d)\.convolution(\d)\.", r".resConfUnit\1.conv\2."),
    (r"^head\.head\.", "scratch.output_conv."),
)
"""transformers' names, and those of MiDaS in their place."""


def depth_model(seed: int = 0, layers: int = 4) -> Any:
    from transformers import DPTConfig, DPTForDepthEstimation

    config = DPTConfig(
        is_hybrid=True,
        hidden_size=32,
        num_hidden_layers=layers,
        num_attention_heads=1,
        intermediate_size=64,
        layer_norm_eps=1e-6,
        image_size=384,
        backbone_out_indices=[0, 1, layers * 2 // 3, layers - 1],
        reassemble_factors=[1, 1, 1, 0.5],
        neck_hidden_sizes=[128, 128, 32, 32],
        fusion_hidden_size=32,
        backbone_featmap_shape=[1, 128, 24, 24],
        backbone_config={
            "model_type": "bit",
            "global_padding": "same",
            "layer_type": "bottleneck",
            "depths": [1, 1, 2],
            "hidden_sizes": [128, 128, 128],
            "embedding_size": 32,
            "out_features": ["stage1", "stage2", "stage3"],
            "embedding_dynamic_padding": True,
        },
    )
    torch.manual_seed(seed)
    model: Any = DPTForDepthEstimation(config).eval()
    for name, parameter in model.named_parameters():
        torch.nn.init.normal_(parameter, std=0.15)
        if "norm" in name and name.endswith("weight"):
            parameter.data += 1
    model.head.head[4].bias.data += 3  # above what the last ReLU takes away
    return model.requires_grad_(False)


def original_tensors(model: Any, prefix: str = "") -> dict[str, Tensor]:
    """The tensors of a depth model as MiDaS names them; query, key and value are one."""
    state, found = dict(model.state_dict()), dict[str, Tensor]()
    for name, tensor in state.items():
        head, inner, kind = name.partition(".attention.attention.")
        if inner:
            part, _, end = kind.partition(".")
            if part == "query":
                parts = [state[f"{head}{inner}{each}.{end}"] for each in ("query", "key", "value")]
                found[original_name(f"{head}.attn.qkv.{end}")] = torch.cat(parts)
        else:
            found[original_name(name)] = tensor.clone()
    return {prefix + name: tensor for name, tensor in found.items()}


def original_name(name: str) -> str:
    return functools.reduce(lambda text, pair: re.sub(pair[0], pair[1], text), RENAMED, name)


def write_midas(path: Path, model: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    torch.save(original_tensors(model), path)
    return path


def write_depth_folder(folder: Path, model: Any) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    save_file({name: tensor.clone() for name, tensor in model.state_dict().items()}, folder / "model.safetensors")
    (folder / "config.json").write_text(json.dumps({**model.config.to_dict(), "model_type": "dpt"}))
    return folder


def make_depth_checkpoint(path: Path, model: Any | None) -> Path:
    """A tiny SD2 whose UNet takes a fifth channel, with its depth model inside, or without."""
    tensors = load_file(make_tiny_checkpoint(path, "sd2-v"))
    widest = torch.randn(*tensors[FIRST].shape[:1], 1, 3, 3, generator=torch.Generator().manual_seed(9)) * 0.3
    tensors[FIRST] = torch.cat([tensors[FIRST], widest], dim=1)
    save_file({**tensors, **({} if model is None else original_tensors(model, IN_CHECKPOINTS))}, path)
    return path
