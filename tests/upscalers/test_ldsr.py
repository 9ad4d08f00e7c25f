"""LDSR on a tiny random checkpoint in the original layout, against diffusers' own pipeline of the same networks."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from diffusers import DDIMScheduler, LDMSuperResolutionPipeline, UNet2DModel, VQModel
from PIL import Image
from safetensors.torch import save_file
from torch import Tensor

from modules.foundation.errors import CheckpointError, Interrupted, RequestError
from modules.hardware.device import Hardware
from modules.settings.model import Settings
from modules.upscalers.cache import Upscalers
from modules.upscalers.catalogue import UpscalerCatalogue, UpscalerInfo
from modules.upscalers.ldsr import load_ldsr
from modules.upscalers.ldsr_keys import LINEAR_END, LINEAR_START

HEAD = 16
PROJECT = f"""
model:
  params:
    linear_start: {LINEAR_START}
    linear_end: {LINEAR_END}
    unet_config:
      params:
        num_head_channels: {HEAD}
"""


def networks() -> tuple[UNet2DModel, VQModel]:
    torch.manual_seed(0)
    unet = UNet2DModel(
        in_channels=6,
        out_channels=3,
        block_out_channels=(32, 64),
        layers_per_block=2,
        down_block_types=("DownBlock2D", "AttnDownBlock2D"),
        up_block_types=("AttnUpBlock2D", "UpBlock2D"),
        attention_head_dim=HEAD,
    )
    vq = VQModel(
        block_out_channels=(32, 32, 64),
        layers_per_block=1,
        down_block_types=("DownEncoderBlock2D",) * 3,
        up_block_types=("UpDecoderBlock2D",) * 3,
        latent_channels=3,
        num_vq_embeddings=64,
        vq_embed_dim=3,
    )
    with torch.no_grad():
        vq.quantize.embedding.weight.normal_()
    return unet.eval().requires_grad_(False), vq.eval().requires_grad_(False)


RES = {"norm1": "in_layers.0", "conv1": "in_layers.2", "time_emb_proj": "emb_layers.1", "norm2": "out_layers.0"}
RES |= {"conv2": "out_layers.3", "conv_shortcut": "skip_connection"}
PLACES = {
    "down_blocks.0.resnets.0": "input_blocks.1.0",
    "down_blocks.0.resnets.1": "input_blocks.2.0",
    "down_blocks.0.downsamplers.0.conv": "input_blocks.3.0.op",
    "down_blocks.1.resnets.0": "input_blocks.4.0",
    "down_blocks.1.attentions.0": "input_blocks.4.1",
    "down_blocks.1.resnets.1": "input_blocks.5.0",
    "down_blocks.1.attentions.1": "input_blocks.5.1",
    "mid_block.resnets.0": "middle_block.0",
    "mid_block.attentions.0": "middle_block.1",
    "mid_block.resnets.1": "middle_block.2",
    **{f"up_blocks.0.resnets.{n}": f"output_blocks.{n}.0" for n in range(3)},
    **{f"up_blocks.0.attentions.{n}": f"output_blocks.{n}.1" for n in range(3)},
    "up_blocks.0.upsamplers.0.conv": "output_blocks.2.2.conv",
    **{f"up_blocks.1.resnets.{n}": f"output_blocks.{n + 3}.0" for n in range(3)},
    "conv_in": "input_blocks.0.0",
    "conv_norm_out": "out.0",
    "conv_out": "out.2",
    "time_embedding.linear_1": "time_embed.0",
    "time_embedding.linear_2": "time_embed.2",
}


def original_unet(unet: UNet2DModel) -> dict[str, Tensor]:
    """The UNet under its original names; each head keeps its query, key and value together."""
    state, found = dict(unet.state_dict()), dict[str, Tensor]()
    for name, tensor in state.items():
        ours = max((each for each in PLACES if name.startswith(f"{each}.")), key=len)
        part, _, kind = name.removeprefix(f"{ours}.").rpartition(".")
        place = PLACES[ours]
        if ".attentions." not in name:
            found[".".join(each for each in (place, RES.get(part, part), kind) if each)] = tensor.clone()
        elif part == "group_norm":
            found[f"{place}.norm.{kind}"] = tensor.clone()
        elif part == "to_out.0":
            found[f"{place}.proj_out.{kind}"] = tensor[..., None].clone() if kind == "weight" else tensor.clone()
        elif part == "to_q":
            parts = [state[f"{ours}.to_{letter}.{kind}"] for letter in "qkv"]
            heads = tensor.shape[0] // HEAD
            joined = torch.cat([each[h * HEAD : (h + 1) * HEAD] for h in range(heads) for each in parts])
            found[f"{place}.qkv.{kind}"] = joined[..., None] if kind == "weight" else joined
    return {f"model.diffusion_model.{name}": tensor for name, tensor in found.items()}


def original_vq(vq: VQModel) -> dict[str, Tensor]:
    found: dict[str, Tensor] = {}
    for name, tensor in vq.state_dict().items():
        ours = name
        for level in range(3):
            for index in range(2):
                ours = ours.replace(
                    f"encoder.down_blocks.{level}.resnets.{index}", f"encoder.down.{level}.block.{index}"
                )
                ours = ours.replace(
                    f"decoder.up_blocks.{level}.resnets.{index}", f"decoder.up.{2 - level}.block.{index}"
                )
            ours = ours.replace(f"encoder.down_blocks.{level}.downsamplers.0", f"encoder.down.{level}.downsample")
            ours = ours.replace(f"decoder.up_blocks.{level}.upsamplers.0", f"decoder.up.{2 - level}.upsample")
        for theirs, there in (("mid_block.resnets.0", "mid.block_1"), ("mid_block.resnets.1", "mid.block_2")):
            ours = ours.replace(theirs, there)
        for theirs, there in (
            ("group_norm", "norm"),
            ("to_q", "q"),
            ("to_k", "k"),
            ("to_v", "v"),
            ("to_out.0", "proj_out"),
        ):
            ours = ours.replace(f"mid_block.attentions.0.{theirs}", f"mid.attn_1.{there}")
        ours = ours.replace("conv_norm_out", "norm_out").replace("conv_shortcut", "nin_shortcut")
        wide = "attn_1" in ours and tensor.ndim == 2
        found[f"first_stage_model.{ours}"] = tensor[..., None, None].clone() if wide else tensor.clone()
    return found


def write(folder: Path, *, name: str = "model.ckpt", change: Mapping[str, Tensor | None] | None = None) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    unet, vq = networks()
    tensors: dict[str, Any] = {**original_unet(unet), **original_vq(vq), **(change or {})}
    tensors = {key: tensor for key, tensor in tensors.items() if tensor is not None}
    path = folder / name
    if path.suffix == ".safetensors":
        save_file({key: tensor.contiguous() for key, tensor in tensors.items()}, path)
    else:
        torch.save({"state_dict": tensors, "global_step": 1}, path)
    (folder / "project.yaml").write_text(PROJECT)
    return path


def info_of(path: Path) -> UpscalerInfo:
    return UpscalerInfo(name="LDSR", family="LDSR", path=path)


@pytest.mark.parametrize("name", ["model.ckpt", "model.safetensors"])
def test_latents_and_pixels_are_those_of_diffusers_pipeline(tmp_path: Path, cpu: Hardware, name: str) -> None:
    model: Any = load_ldsr(info_of(write(tmp_path, name=name)), cpu)
    unet, vq = networks()
    scheduler = DDIMScheduler(
        beta_schedule="scaled_linear",
        beta_start=LINEAR_START,
        beta_end=LINEAR_END,
        clip_sample=False,
        set_alpha_to_one=False,
        steps_offset=1,
    )
    pipeline: Any = LDMSuperResolutionPipeline(vqvae=vq, unet=unet, scheduler=scheduler)
    pipeline.set_progress_bar_config(disable=True)
    picture = torch.rand(1, 3, 32, 32, generator=torch.Generator().manual_seed(3)) * 2 - 1
    expected = pipeline(picture, num_inference_steps=5, generator=torch.Generator().manual_seed(7), output_type="pt")
    start = torch.randn(1, 3, 32, 32, generator=torch.Generator().manual_seed(7))
    with torch.inference_mode():
        latents = model.sample(start, picture, 5, eta=0.0)
        made = model.vq.decode(latents).sample.clamp(-1, 1) / 2 + 0.5
    torch.testing.assert_close(made, expected.images, atol=2e-4, rtol=1e-3)


def test_averages_of_the_weights_are_used_where_there_are_some(tmp_path: Path, cpu: Hardware) -> None:
    averaged = {"model_ema.diffusion_modelout2bias": torch.full((3,), 5.0)}
    model: Any = load_ldsr(info_of(write(tmp_path, change=averaged)), cpu)
    assert float(model.unet.conv_out.bias[0]) == 5.0


@pytest.fixture
def upscalers(tmp_path: Path, cpu: Hardware) -> Upscalers:
    write(tmp_path / "LDSR")
    return Upscalers(UpscalerCatalogue({"LDSR": tmp_path / "LDSR"}), cpu)


def noise(width: int, height: int) -> Image.Image:
    return Image.effect_noise((width, height), 60).convert("RGB")


def test_a_picture_of_any_size_is_enlarged_the_same_each_time(upscalers: Upscalers) -> None:
    settings, picture = Settings(ldsr_steps=2), noise(37, 26)
    one, other = (upscalers.upscale(picture, 4, "LDSR", settings) for _ in range(2))
    assert one.size == (144, 104)
    assert np.array_equal(np.asarray(one), np.asarray(other))
    assert upscalers.upscale(picture, 2, "ldsr", settings).size == (72, 48)


def test_more_steps_give_another_picture(upscalers: Upscalers) -> None:
    picture = noise(32, 32)
    few, many = (np.asarray(upscalers.upscale(picture, 4, "LDSR", Settings(ldsr_steps=n))) for n in (1, 6))
    assert not np.array_equal(few, many)


def test_the_model_stays_in_memory_only_where_the_setting_says_so(upscalers: Upscalers) -> None:
    path = next(iter(upscalers.catalogue.folders.values())) / "model.ckpt"
    upscalers.upscale(noise(16, 16), 4, "LDSR", Settings(ldsr_steps=1))
    assert path not in upscalers._loaded
    upscalers.upscale(noise(16, 16), 4, "LDSR", Settings(ldsr_steps=1, ldsr_cached=True))
    assert path in upscalers._loaded


class Stopping:
    """A control that stops at the n-th question."""

    def __init__(self, after: int) -> None:
        self.left, self.tiles = after, list[tuple[int, int]]()

    def check(self) -> None:
        self.left -= 1
        if self.left < 0:
            raise Interrupted

    def at_tile(self, done: int, total: int) -> None:
        self.tiles.append((done, total))


def test_it_stops_between_two_steps(upscalers: Upscalers) -> None:
    control = Stopping(3)
    with pytest.raises(Interrupted):
        upscalers.upscale(noise(16, 16), 4, "LDSR", Settings(ldsr_steps=50), control)
    assert control.tiles == []


def test_a_large_picture_goes_in_tiles_from_file_to_file(upscalers: Upscalers, tmp_path: Path) -> None:
    noise(200, 40).save(tmp_path / "wide.png")
    control = Stopping(10_000)
    size = upscalers.upscale_file(
        tmp_path / "wide.png", tmp_path / "out.png", 4, "LDSR", Settings(ldsr_steps=1), control=control
    )
    with Image.open(tmp_path / "out.png") as made:
        assert size == made.size == (800, 160)
    assert control.tiles[-1] == (len(control.tiles), len(control.tiles))
    assert len(control.tiles) > 1


def test_a_missing_file_is_named_with_its_folder_and_address(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match=r"model\.ckpt \(https://heibox.*project\.yaml.*LDSR"):
        UpscalerCatalogue({"LDSR": tmp_path / "LDSR"}).find("LDSR")


@pytest.mark.parametrize(
    "gone",
    [
        "first_stage_model.quantize.embedding.weight",
        "model.diffusion_model.input_blocks.4.0.out_layers.3.weight",
        "model.diffusion_model.middle_block.1.qkv.weight",
        "first_stage_model.decoder.conv_out.bias",
    ],
)
def test_a_checkpoint_with_a_hole_is_named(tmp_path: Path, cpu: Hardware, gone: str) -> None:
    path = write(tmp_path, change={gone: None})
    with pytest.raises(CheckpointError, match=r"model\.ckpt is not a usable upscaler"):
        load_ldsr(info_of(path), cpu)


def test_a_configuration_that_is_none_is_named(tmp_path: Path, cpu: Hardware) -> None:
    path = write(tmp_path)
    for text in (
        "[1, 2",
        "model: 3",
        "model:\n  params:\n    unet_config:\n      params:\n        num_head_channels: x",
    ):
        (tmp_path / "project.yaml").write_text(text)
        with pytest.raises(CheckpointError, match=r"project\.yaml"):
            load_ldsr(info_of(path), cpu)
