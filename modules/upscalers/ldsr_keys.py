"""LDSR's original checkpoint (latent diffusion, Rombach et al. 2022, section 4.4): its dimensions and its names.

The names are those of Stable Diffusion's UNet and VAE, with plain attention instead of transformers and a codebook.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

from modules.checkpoints.declared import MAX_SIDECAR
from modules.checkpoints.layout import UNET, VAE, UNetLayout, VaeLayout, vae_layout
from modules.checkpoints.ldm_keys import KeyMap, unet_modules, vae_modules
from modules.checkpoints.tensors import Shapes
from modules.foundation.errors import CheckpointError
from modules.foundation.plain import JsonObject
from modules.foundation.text_files import decode_text, open_file

CODEBOOK = f"{VAE}quantize.embedding.weight"
AVERAGES = "model_ema."
"""Running averages of the UNet's weights, under its names without dots; the paper samples with them."""

HEAD_CHANNELS = 32
LINEAR_START, LINEAR_END = 0.0015, 0.0155
CONFIGURATION = "project.yaml"


@dataclass(frozen=True, kw_only=True)
class LdsrLayout:
    """Dimensions of the two networks. `unet.depths` are 1 on levels with attention."""

    unet: UNetLayout
    vae: VaeLayout
    codes: int


@dataclass(frozen=True, kw_only=True)
class LdsrConfig:
    """What shapes do not tell: channels of an attention head, and the ends of the noise schedule."""

    head_channels: int = HEAD_CHANNELS
    linear_start: float = LINEAR_START
    linear_end: float = LINEAR_END


def read_config(path: Path) -> LdsrConfig:
    """What `project.yaml` says, or the published values where there is no such file. Raises CheckpointError."""
    import yaml

    if not path.is_file():
        return LdsrConfig()
    try:
        with open_file(path) as file:
            params = yaml.safe_load(decode_text(file.read(MAX_SIDECAR))[0])["model"]["params"]
        unet = params["unet_config"]["params"]
        return LdsrConfig(
            head_channels=int(unet.get("num_head_channels", HEAD_CHANNELS)),
            linear_start=float(params.get("linear_start", LINEAR_START)),
            linear_end=float(params.get("linear_end", LINEAR_END)),
        )
    except (OSError, yaml.YAMLError, TypeError, LookupError, ValueError, AttributeError, RecursionError) as error:
        raise CheckpointError(
            f"{path} is not LDSR's configuration (model: params: unet_config: ...). Download it again, or remove it."
        ) from error


def ldsr_layout(shapes: Shapes) -> LdsrLayout:
    """Read both networks off the names. Raises CheckpointError where they are another model's."""
    try:
        return LdsrLayout(unet=_unet(shapes), vae=vae_layout(shapes), codes=shapes[CODEBOOK][0])
    except (KeyError, IndexError, ValueError) as error:
        raise CheckpointError(
            f"it is not the checkpoint of LDSR: it has no whole UNet and VQ autoencoder ({error})"
        ) from error


def _unet(shapes: Shapes) -> UNetLayout:
    """The UNet by its blocks; levels run from the finest."""
    levels: list[list[tuple[int, int]]] = [[]]
    block = 1
    while True:
        key = f"{UNET}input_blocks.{block}."
        if f"{key}0.op.weight" in shapes:
            levels.append([])
        elif (convolution := shapes.get(f"{key}0.out_layers.3.weight")) is not None:
            levels[-1].append((convolution[0], int(f"{key}1.qkv.weight" in shapes)))
        else:
            break
        block += 1
    res_blocks = len(levels[0])
    if not res_blocks or any(len(level) != res_blocks for level in levels):
        raise ValueError("its UNet has levels of different length")
    first, last = shapes[f"{UNET}input_blocks.0.0.weight"], shapes[f"{UNET}out.2.weight"]
    depths = tuple(tuple(depth for _, depth in level) for level in levels)
    return UNetLayout(
        in_channels=first[1],
        out_channels=last[0],
        channels=tuple(level[0][0] for level in levels),
        res_blocks=res_blocks,
        depths=depths,
        up_depths=tuple((level[0],) * (res_blocks + 1) for level in depths),
        middle_depth=1,
        context_width=0,
        linear_projection=False,
    )


def unet_config(layout: UNetLayout, config: LdsrConfig) -> JsonObject:
    """Arguments of diffusers' UNet2DModel."""
    attention = [any(level) for level in layout.depths]
    return {
        "in_channels": layout.in_channels,
        "out_channels": layout.out_channels,
        "block_out_channels": layout.channels,
        "layers_per_block": layout.res_blocks,
        "down_block_types": tuple("AttnDownBlock2D" if each else "DownBlock2D" for each in attention),
        "up_block_types": tuple("AttnUpBlock2D" if each else "UpBlock2D" for each in reversed(attention)),
        "attention_head_dim": config.head_channels,
    }


def vq_config(layout: LdsrLayout) -> JsonObject:
    """Arguments of diffusers' VQModel."""
    levels = len(layout.vae.channels)
    return {
        "block_out_channels": layout.vae.channels,
        "layers_per_block": layout.vae.res_blocks,
        "down_block_types": ("DownEncoderBlock2D",) * levels,
        "up_block_types": ("UpDecoderBlock2D",) * levels,
        "latent_channels": layout.vae.latent_channels,
        "num_vq_embeddings": layout.codes,
        "vq_embed_dim": layout.vae.latent_channels,
    }


def unet_names(shapes: Shapes, layout: UNetLayout) -> dict[str, str]:
    """The UNet's tensors: their names in the file, averages before the last ones, and those `unet_tensors` takes."""
    translate = KeyMap(unet_modules(layout))
    found: dict[str, str] = {}
    for key in shapes:
        if key.startswith(UNET) and (name := translate(key.removeprefix(UNET))) is not None:
            averaged = AVERAGES + key.removeprefix("model.").replace(".", "")
            found[averaged if averaged in shapes else key] = name
    return found


def vq_names(shapes: Shapes, layout: VaeLayout) -> dict[str, str]:
    """The autoencoder's tensors: their names in the file and in diffusers."""
    translate = KeyMap(iter([*vae_modules(layout), ("quantize.embedding", "quantize.embedding")]))
    inside = {key: translate(key.removeprefix(VAE)) for key in shapes if key.startswith(VAE)}
    return {key: name for key, name in inside.items() if name is not None}


def unet_tensors(tensors: Mapping[str, Tensor], head_channels: int) -> dict[str, Tensor]:
    """Attention under diffusers' names: the original keeps query, key and value of each head together."""
    found: dict[str, Tensor] = {}
    for name, tensor in tensors.items():
        owner, _, inner = name.rpartition(".attentions.")
        index, _, part = inner.partition(".")
        place = f"{owner}.attentions.{index}"
        if not owner:
            found[name] = tensor
        elif part.startswith("qkv."):
            heads = max(tensor.shape[0] // 3 // head_channels, 1)
            parts = tensor.reshape(heads, 3, -1, *tensor.shape[1:]).unbind(1)
            for letter, each in zip("qkv", parts, strict=True):
                flat = each.reshape(tensor.shape[0] // 3, -1)
                found[f"{place}.to_{letter}.{part[4:]}"] = flat if part == "qkv.weight" else flat[:, 0]
        elif part.startswith("proj_out."):
            found[f"{place}.to_out.0.{part[9:]}"] = tensor[..., 0] if tensor.ndim == 3 else tensor
        else:
            found[f"{place}.{part.replace('norm.', 'group_norm.')}"] = tensor
    return found
