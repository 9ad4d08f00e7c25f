from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import pytest
import torch
from diffusers import UNet2DConditionModel
from safetensors.torch import save_file
from torch import Tensor, nn
from transformers import CLIPTextConfig, CLIPTextModel

from modules.networks.file import Network, read_network
from modules.networks.info import NetworkInfo
from modules.networks.keys import ModuleIndex

WriteNetwork = Callable[..., Network]


@dataclass(frozen=True)
class Parts:
    """A very small UNet and text encoder of Stable Diffusion 1's classes, with random weights."""

    unet: UNet2DConditionModel
    text: CLIPTextModel

    @property
    def index(self) -> ModuleIndex:
        return ModuleIndex(self.unet, [self.text])

    def digest(self) -> str:
        """A hash over names, types, strides and bytes of every tensor of the state dicts."""
        digest = hashlib.sha256()
        for part in (self.unet, self.text):
            for name, tensor in part.state_dict().items():
                digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)} {tensor.stride()}".encode())
                digest.update(
                    tensor.clone(memory_format=torch.contiguous_format).flatten().view(torch.uint8).numpy().tobytes()
                )
        return digest.hexdigest()


def make_parts(dtype: torch.dtype = torch.float32) -> Parts:
    torch.manual_seed(0)
    unet = UNet2DConditionModel(
        block_out_channels=(32, 64),
        down_block_types=("CrossAttnDownBlock2D", "DownBlock2D"),
        up_block_types=("UpBlock2D", "CrossAttnUpBlock2D"),
        layers_per_block=1,
        cross_attention_dim=48,
        attention_head_dim=8,
    )
    config = CLIPTextConfig(
        hidden_size=48,
        intermediate_size=96,
        num_hidden_layers=2,
        num_attention_heads=4,
        vocab_size=99,
        bos_token_id=97,
        eos_token_id=98,
        pad_token_id=98,
    )
    made: list[nn.Module] = [unet, CLIPTextModel(config)]
    for part in made:
        part.to(dtype).eval().requires_grad_(False)
    cast(Any, unet).to(memory_format=torch.channels_last)
    return Parts(unet, made[1])  # type: ignore[arg-type]


@pytest.fixture
def parts() -> Parts:
    return make_parts()


@pytest.fixture
def write_network(tmp_path: Path) -> WriteNetwork:
    """Write tensors as a network file, and read it."""

    def write(tensors: Mapping[str, Tensor], name: str = "some", metadata: dict[str, str] | None = None) -> Network:
        path = tmp_path / f"{name}.safetensors"
        save_file(dict(tensors), path, metadata)
        return read_network(info_of(path))

    return write


def info_of(path: Path) -> NetworkInfo:
    return NetworkInfo(path=path, folder=path.parent, kind="lora")


def randn(*shape: int, seed: int = 1) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def lora(layer: str, out: int, into: int, *, rank: int = 4, alpha: float = 2.0, seed: int = 1) -> dict[str, Tensor]:
    """A LoRA for one linear layer in Kohya's form."""
    return {
        f"{layer}.lora_up.weight": randn(out, rank, seed=seed),
        f"{layer}.lora_down.weight": randn(rank, into, seed=seed + 1),
        f"{layer}.alpha": torch.tensor(alpha),
    }
