"""How the tensors of network files are called, and which of a model's modules they mean."""

from __future__ import annotations

import itertools
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from torch import nn

from modules.checkpoints.ldm_keys import RES_PARTS, UNET_ENDS

TAILS: Mapping[str, str] = {
    "lora_up.weight": "up",
    "lora_down.weight": "down",
    "lora_mid.weight": "mid",
    "lora_up.bias": "up_bias",
    "lora_B.weight": "up",
    "lora_A.weight": "down",
    "lora_B.default.weight": "up",
    "lora_A.default.weight": "down",
    "lora_B.bias": "up_bias",
    "lora.up.weight": "up",
    "lora.down.weight": "down",
    "lora_linear_layer.up.weight": "up",
    "lora_linear_layer.down.weight": "down",
    "lora_magnitude_vector": "dora_scale",
    "lora_magnitude_vector.weight": "dora_scale",
    "lora_magnitude_vector.default.weight": "dora_scale",
    "a1.weight": "a1",
    "a2.weight": "a2",
    "b1.weight": "b1",
    "b2.weight": "b2",
    "bm.weight": "bm",
} | {
    name: name
    for name in (
        *("alpha", "scale", "dora_scale", "rescale", "oft_blocks", "oft_diag", "weight", "on_input"),
        *("hada_w1_a", "hada_w1_b", "hada_w2_a", "hada_w2_b", "hada_t1", "hada_t2"),
        *("lokr_w1", "lokr_w1_a", "lokr_w1_b", "lokr_w2", "lokr_w2_a", "lokr_w2_b", "lokr_t1", "lokr_t2"),
        *("diff", "diff_b", "w_norm", "b_norm", "bias_indices", "bias_values", "bias_size"),
    )
}
"""How a tensor's name may end, after the layer's own name and a dot, and what `Parts` calls it."""

# diffusers' attention processors: "attn1.processor.to_q_lora.down.weight" belongs to "attn1.to_q".
_PROCESSOR = re.compile(r"^(.*?)(?:\.processor)?\.(\w+?)_lora\.(up|down)\.weight$")

# The beginnings of layer names, longest first, with the part of the model that they mean.
_HEADS = (
    ("base_model.model.text_encoder.", "te"),
    ("base_model.model.unet.", "unet"),
    ("base_model.model.", "unet"),
    ("model.diffusion_model.", "unet"),
    ("diffusion_model.", "unet"),
    ("cond_stage_model.transformer.", "te"),
    ("text_encoder_2.", "te2"),
    ("text_encoder.", "te"),
    ("lora_unet_", "unet"),
    ("lora_te1_", "te1"),
    ("lora_te2_", "te2"),
    ("lora_te_", "te"),
    ("oft_unet_", "unet"),
    ("oft_te1_", "te1"),
    ("oft_te2_", "te2"),
    ("oft_te_", "te"),
    ("lycoris_unet_", "unet"),
    ("lycoris_te1_", "te1"),
    ("lycoris_te2_", "te2"),
    ("lycoris_te_", "te"),
    ("lora_prior_unet_", "unet"),
    ("unet.", "unet"),
    ("clip_l.", "te1"),
    ("clip_g.", "te2"),
)


@dataclass(frozen=True)
class LayerName:
    """A layer: the part of the model ("unet", "te", "te1", "te2") and its name there with underscores for dots."""

    part: str
    name: str

    def __str__(self) -> str:
        return f"{self.part}: {self.name}"


def split_key(key: str) -> tuple[LayerName, str] | None:
    """Which layer a tensor of a network file belongs to and what it is to it; None for a name of no known form."""
    if (match := _PROCESSOR.match(key)) is not None:
        # The last projection of diffusers' attention is the first member of a list.
        inner = "to_out.0" if match[2] == "to_out" else match[2]
        layer = _layer(f"{match[1]}.{inner}")
        return None if layer is None else (layer, match[3])
    parts = key.split(".")
    for length in (3, 2, 1):
        tail = ".".join(parts[-length:])
        if len(parts) > length and tail in TAILS:
            layer = _layer(".".join(parts[:-length]))
            return None if layer is None else (layer, TAILS[tail])
    return None


def _layer(name: str) -> LayerName | None:
    for head, part in _HEADS:
        if name.startswith(head):
            return LayerName(part, plain(name.removeprefix(head)))
    return None


def plain(name: str) -> str:
    """A module's name as network files have it: underscores, and nothing said of the class around a text encoder."""
    return name.replace(".", "_").removeprefix("text_model_")


class ModuleIndex:
    """Finds a model's modules by the names that network files give them."""

    def __init__(self, unet: nn.Module, text_encoders: Sequence[nn.Module]) -> None:
        self._modules: dict[LayerName, nn.Module] = {}
        ldm = dict(_ldm_names({path for path, _ in unet.named_modules()}))
        for path, module in _with_weight(unet):
            self._modules[LayerName("unet", plain(path))] = module
            if (other := _renamed(path, ldm)) is not None:
                self._modules.setdefault(LayerName("unet", plain(other)), module)
        for number, encoder in enumerate(text_encoders, start=1):
            for path, module in _with_weight(encoder):
                self._modules[LayerName(f"te{number}", plain(path))] = module

    def find(self, layer: LayerName) -> nn.Module | None:
        """The module of that name, or None."""
        part = "te1" if layer.part == "te" else layer.part
        return self._modules.get(LayerName(part, layer.name))


def ldm_paths(unet: nn.Module) -> dict[str, str]:
    """For each module of a diffusers UNet the path that it has in an original checkpoint."""
    paths = {path for path, _ in unet.named_modules()}
    names = dict(_ldm_names(paths))
    return {path: _renamed(path, names) or path for path in paths}


def _with_weight(module: nn.Module) -> list[tuple[str, nn.Module]]:
    return [
        (path, each) for path, each in module.named_modules() if isinstance(getattr(each, "weight", None), nn.Parameter)
    ]


def _ldm_names(paths: Collection[str]) -> Iterator[tuple[str, str]]:
    """Pairs (diffusers name, LDM name) of the blocks of a UNet that has modules at these paths."""
    yield from ((diffusers, ldm) for ldm, diffusers in UNET_ENDS.items())
    block = 1
    for level in _counted("down_blocks.{}", paths):
        for index in _counted(f"{level}.resnets.{{}}", paths):
            yield from _res_names(index, f"input_blocks.{block}.0")
            yield index.replace("resnets", "attentions"), f"input_blocks.{block}.1"
            block += 1
        if f"{level}.downsamplers.0.conv" in paths:
            yield f"{level}.downsamplers.0.conv", f"input_blocks.{block}.0.op"
            block += 1
    yield from _res_names("mid_block.resnets.0", "middle_block.0")
    yield "mid_block.attentions.0", "middle_block.1"
    yield from _res_names("mid_block.resnets.1", "middle_block.2")
    block = 0
    for level in _counted("up_blocks.{}", paths):
        for index in _counted(f"{level}.resnets.{{}}", paths):
            yield from _res_names(index, f"output_blocks.{block}.0")
            attention = index.replace("resnets", "attentions")
            yield attention, f"output_blocks.{block}.1"
            # The upsampler stands behind the level's last transformer, or in its place where there is none.
            yield f"{level}.upsamplers.0.conv", f"output_blocks.{block}.{2 if attention in paths else 1}.conv"
            block += 1


def _counted(form: str, paths: Collection[str]) -> Iterator[str]:
    """`form` filled with 0, 1, ... for as long as there is such a path."""
    return itertools.takewhile(lambda path: path in paths, (form.format(number) for number in itertools.count()))


def _res_names(diffusers: str, ldm: str) -> Iterator[tuple[str, str]]:
    for ldm_part, part in RES_PARTS.items():
        yield f"{diffusers}.{part}", f"{ldm}.{ldm_part}"


def _renamed(path: str, names: Mapping[str, str]) -> str | None:
    """`path` with the longest of its beginnings that has another name replaced by it, or None."""
    parts = path.split(".")
    for length in range(len(parts), 0, -1):
        if (other := names.get(".".join(parts[:length]))) is not None:
            return ".".join([other, *parts[length:]])
    return None
