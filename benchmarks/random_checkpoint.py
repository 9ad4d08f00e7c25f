"""Checkpoints of any size with random weights: they compute as long as trained ones do, without a download."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from torch import Tensor

POOL = 1 << 22


@dataclass(frozen=True, kw_only=True)
class Size:
    """Widths of the three networks of a Stable Diffusion 1 checkpoint. The defaults are those of SD 1.5."""

    unet: tuple[int, ...] = (320, 640, 1280, 1280)
    depths: tuple[int, ...] = (1, 1, 1, 0)
    unet_res_blocks: int = 2
    vae: tuple[int, ...] = (128, 256, 512, 512)
    vae_res_blocks: int = 2
    text_width: int = 768
    text_layers: int = 12


SD15 = Size()
TINY = Size(
    unet=(32, 32), depths=(1, 0), unet_res_blocks=1, vae=(32,) * 4, vae_res_blocks=1, text_width=32, text_layers=1
)


def write_random_checkpoint(path: Path, size: Size = SD15, seed: int = 0) -> Path:
    """Write a single-file checkpoint in the LDM key layout, float16, to `path`. The same seed gives the same file."""
    import torch
    from safetensors.torch import save_file

    pool = torch.randn(POOL, generator=torch.Generator().manual_seed(seed))
    tensors: dict[str, Tensor] = {}
    for name, shape in [*_unet(size), *_vae(size), *_text_encoder(size)]:
        tensors[name] = _fill(name, shape, pool, start=hash_of(name) % POOL)
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file(tensors, path, metadata={"format": "pt"})
    return path


def hash_of(name: str) -> int:
    """A number for `name` that is the same in every process."""
    import zlib

    return zlib.crc32(name.encode())


def _fill(name: str, shape: tuple[int, ...], pool: Tensor, start: int) -> Tensor:
    """Weights that keep activations finite: 1/sqrt(fan-in) for matrices, ones and zeros for norms and biases."""
    import torch

    if len(shape) < 2:
        return (torch.ones if name.endswith("weight") else torch.zeros)(shape, dtype=torch.float16)
    count = torch.Size(shape).numel()
    fan_in = count // shape[0]
    # The last layer is quiet, so that sampling neither grows nor collapses.
    gain = 0.1 if name.endswith("model.out.2.weight") else 0.02 * fan_in**0.5 if "embedding" in name else 0.7
    drawn = pool[start:] if start + count <= POOL else pool.repeat(count // POOL + 2)[start:]
    return (drawn[:count] * (gain / fan_in**0.5)).half().reshape(shape)


def _unet(size: Size) -> Iterator[tuple[str, tuple[int, ...]]]:
    from accelerate import init_empty_weights
    from diffusers import UNet2DConditionModel

    from modules.checkpoints.layout import UNET, UNetLayout
    from modules.checkpoints.ldm_keys import KeyMap, unet_modules

    with init_empty_weights():
        network = UNet2DConditionModel(
            block_out_channels=size.unet,
            layers_per_block=size.unet_res_blocks,
            down_block_types=tuple("CrossAttnDownBlock2D" if depth else "DownBlock2D" for depth in size.depths),
            up_block_types=tuple("CrossAttnUpBlock2D" if depth else "UpBlock2D" for depth in reversed(size.depths)),
            cross_attention_dim=size.text_width,
        )
    layout = UNetLayout(
        in_channels=4,
        out_channels=4,
        channels=size.unet,
        res_blocks=size.unet_res_blocks,
        depths=tuple((depth,) * size.unet_res_blocks for depth in size.depths),
        up_depths=tuple((depth,) * (size.unet_res_blocks + 1) for depth in size.depths),
        middle_depth=1,
        context_width=size.text_width,
        linear_projection=False,
    )
    translate = KeyMap((module, key) for key, module in unet_modules(layout))
    for name, tensor in network.state_dict().items():
        yield f"{UNET}{translate(name)}", tuple(tensor.shape)


def _vae(size: Size) -> Iterator[tuple[str, tuple[int, ...]]]:
    from accelerate import init_empty_weights
    from diffusers import AutoencoderKL

    from modules.checkpoints.layout import VAE, VaeLayout
    from modules.checkpoints.ldm_keys import KeyMap, vae_modules

    levels = len(size.vae)
    with init_empty_weights():
        network = AutoencoderKL(
            block_out_channels=cast(Any, size.vae),
            layers_per_block=size.vae_res_blocks,
            down_block_types=cast(Any, ("DownEncoderBlock2D",) * levels),
            up_block_types=cast(Any, ("UpDecoderBlock2D",) * levels),
            latent_channels=4,
        )
    layout = VaeLayout(channels=size.vae, res_blocks=size.vae_res_blocks, latent_channels=4, has_quant_conv=True)
    translate = KeyMap((module, key) for key, module in vae_modules(layout))
    for name, tensor in network.state_dict().items():
        shape = tuple(tensor.shape)
        # LDM's attention projects with 1x1 convolutions where diffusers has linear layers.
        yield f"{VAE}{translate(name)}", (*shape, 1, 1) if ".attentions." in name and len(shape) == 2 else shape


def _text_encoder(size: Size) -> Iterator[tuple[str, tuple[int, ...]]]:
    from accelerate import init_empty_weights
    from transformers import CLIPTextConfig, CLIPTextModel

    width = size.text_width
    config = CLIPTextConfig(
        hidden_size=width, intermediate_size=4 * width, num_hidden_layers=size.text_layers, num_attention_heads=4
    )
    with init_empty_weights():
        network = CLIPTextModel(config)
    for name, tensor in network.state_dict().items():
        inner = name.removeprefix("text_model.")
        if inner != "embeddings.position_ids":
            yield f"cond_stage_model.transformer.text_model.{inner}", tuple(tensor.shape)
