"""MiDaS DPT-Hybrid (Ranftl et al. 2021) under its original names: its dimensions, and its names in transformers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from torch import Tensor

from modules.checkpoints.layout import count_layers
from modules.checkpoints.ldm_keys import KeyMap
from modules.checkpoints.tensors import Shapes
from modules.foundation.errors import CheckpointError
from modules.foundation.plain import JsonObject

PREFIXES = ("depth_model.model.", "")
"""Where the network stands in depth checkpoints of Stable Diffusion 2, and in the file of MiDaS alone."""

MARKER = "pretrained.model.cls_token"
PATCH = 16
NORM_EPS = 1e-6
HEAD_WIDTH = 64
_STAGES = 3
_VIT = "pretrained.model."
_BACKBONE = f"{_VIT}patch_embed.backbone."
_BIT = "dpt.embeddings.backbone.bit."


def depth_prefix(shapes: Shapes) -> str | None:
    """What stands before the network's names; None where it is not there."""
    return next((prefix for prefix in PREFIXES if f"{prefix}{MARKER}" in shapes), None)


def depth_config(shapes: Shapes, prefix: str) -> JsonObject:
    """Arguments of transformers' DPTConfig. Raises CheckpointError for names that do not form the network."""
    try:
        width = shapes[f"{prefix}{MARKER}"][-1]
        places = shapes[f"{prefix}{_VIT}pos_embed"][1] - 1
        layers = count_layers(shapes, f"{prefix}{_VIT}blocks.", ".norm1.weight")
        stages = [f"{prefix}{_BACKBONE}stages.{n}.blocks." for n in range(_STAGES)]
        depths = [count_layers(shapes, stage, ".conv1.weight") for stage in stages]
        widths = [shapes[f"{stage}0.conv3.weight"][0] for stage in stages]
        necks = [shapes[f"{prefix}scratch.layer{n}_rn.weight"] for n in (1, 2, 3, 4)]
        side = round(places**0.5)
        return {
            "is_hybrid": True,
            "hidden_size": width,
            "num_hidden_layers": layers,
            "num_attention_heads": max(width // HEAD_WIDTH, 1),
            "intermediate_size": shapes[f"{prefix}{_VIT}blocks.0.mlp.fc1.weight"][0],
            "layer_norm_eps": NORM_EPS,
            "image_size": side * PATCH,
            "patch_size": PATCH,
            # Of the transformer's twelve layers the ninth and the last go on; the first two are the backbone's.
            "backbone_out_indices": [0, 1, layers * 2 // 3, layers - 1],
            "reassemble_factors": [1, 1, 1, 0.5],
            "neck_hidden_sizes": [neck[1] for neck in necks],
            "fusion_hidden_size": necks[0][0],
            "backbone_featmap_shape": [1, widths[-1], side, side],
            "backbone_config": {
                "model_type": "bit",
                "global_padding": "same",
                "layer_type": "bottleneck",
                "depths": depths,
                "hidden_sizes": widths,
                "embedding_size": shapes[f"{prefix}{_BACKBONE}stem.conv.weight"][0],
                "out_features": [f"stage{n + 1}" for n in range(_STAGES)],
                "embedding_dynamic_padding": True,
            },
        }
    except (KeyError, IndexError) as error:
        raise CheckpointError(f"its depth model is not MiDaS DPT-Hybrid (there is no whole {error})") from error


def depth_names(shapes: Shapes, prefix: str) -> dict[str, str]:
    """The tensors of the network: their names in the file, and those that `to_transformers` knows."""
    translate = KeyMap(_modules(count_layers(shapes, f"{prefix}{_VIT}blocks.", ".norm1.weight")))
    found: dict[str, str] = {}
    for key in shapes:
        if key.startswith(prefix) and (name := translate(key.removeprefix(prefix))) is not None:
            found[key] = name
    return found


def to_transformers(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Query, key and value, which the original keeps in one matrix, each by itself."""
    found: dict[str, Tensor] = {}
    for name, tensor in tensors.items():
        head, joined, kind = name.partition(".qkv.")
        if joined:
            parts = zip(("query", "key", "value"), tensor.chunk(3), strict=True)
            found |= {f"{head}.{part}.{kind}": each for part, each in parts}
        else:
            found[name] = tensor
    return found


def _modules(layers: int) -> Iterator[tuple[str, str]]:
    """Pairs (name in MiDaS, name in transformers), both ending before the next dot."""
    yield f"{_VIT}cls_token", "dpt.embeddings.cls_token"
    yield f"{_VIT}pos_embed", "dpt.embeddings.position_embeddings"
    yield f"{_VIT}patch_embed.proj", "dpt.embeddings.projection"
    yield f"{_VIT}norm", "dpt.layernorm"
    yield f"{_BACKBONE}stem", f"{_BIT}embedder"
    yield f"{_BACKBONE}stem.conv", f"{_BIT}embedder.convolution"
    for stage in range(_STAGES):
        for block in range(64):
            yield f"{_BACKBONE}stages.{stage}.blocks.{block}", f"{_BIT}encoder.stages.{stage}.layers.{block}"
    for layer in range(layers):
        midas, name = f"{_VIT}blocks.{layer}", f"dpt.encoder.layer.{layer}"
        yield f"{midas}.norm1", f"{name}.layernorm_before"
        yield f"{midas}.norm2", f"{name}.layernorm_after"
        yield f"{midas}.attn.qkv", f"{name}.attention.attention.qkv"
        yield f"{midas}.attn.proj", f"{name}.attention.output.dense"
        yield f"{midas}.mlp.fc1", f"{name}.intermediate.dense"
        yield f"{midas}.mlp.fc2", f"{name}.output.dense"
    for place in (3, 4):
        midas, name = f"pretrained.act_postprocess{place}", "neck.reassemble_stage"
        yield f"{midas}.0.project.0", f"{name}.readout_projects.{place - 1}.0"
        yield f"{midas}.3", f"{name}.layers.{place - 1}.projection"
        yield f"{midas}.4", f"{name}.layers.{place - 1}.resize"
    for place in (1, 2, 3, 4):
        yield f"scratch.layer{place}_rn", f"neck.convs.{place - 1}"
        # The original counts its fusion layers from the finest, transformers from the coarsest.
        midas, name = f"scratch.refinenet{place}", f"neck.fusion_stage.layers.{4 - place}"
        yield f"{midas}.out_conv", f"{name}.projection"
        for unit in (1, 2):
            for convolution in (1, 2):
                part = f"residual_layer{unit}.convolution{convolution}"
                yield f"{midas}.resConfUnit{unit}.conv{convolution}", f"{name}.{part}"
    for place in (0, 2, 4):
        yield f"scratch.output_conv.{place}", f"head.head.{place}"
