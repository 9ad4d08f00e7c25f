"""LDSR: pictures made larger by latent diffusion (Rombach et al. 2022, section 4.4), with diffusers' networks."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol, cast

import numpy as np
import torch
from torch import Tensor

from modules.checkpoints.assembly import Assembly, naming_the_file, vae_tensors, without_numbers
from modules.checkpoints.tensors import open_tensors
from modules.foundation.errors import EaselError, OutOfMemory
from modules.foundation.importing import importing
from modules.hardware.device import Hardware
from modules.hardware.memory import release
from modules.imaging.tiles import Pixels
from modules.upscalers.catalogue import UpscalerInfo
from modules.upscalers.ldsr_keys import (
    CONFIGURATION,
    ldsr_layout,
    read_config,
    unet_config,
    unet_names,
    unet_tensors,
    vq_config,
    vq_names,
)
from modules.upscalers.upscale import Enlarges, UpscaleProgress

if TYPE_CHECKING:
    from diffusers import UNet2DModel, VQModel

log = logging.getLogger(__name__)

FAMILY = "LDSR"
TRAINING_STEPS = 1000
MARGIN = 16
"""Pixels next to a cut that are thrown away; the UNet sees farther, but what it adds there is texture."""

NOISE_SEED = 0
"""Every tile begins with the same noise, so that a picture comes out the same each time."""


class LdsrSettings(Protocol):
    """The part of the settings that is about LDSR."""

    ldsr_steps: int
    ldsr_cached: bool


class LdsrModel:
    """The loaded networks. `alphas_cumprod` [1000] is the noise schedule they were trained on."""

    align = 8
    margin = MARGIN

    def __init__(
        self, unet: UNet2DModel, vq: VQModel, alphas_cumprod: Tensor, info: UpscalerInfo, hardware: Hardware
    ) -> None:
        self.unet, self.vq, self.info, self._hardware = unet, vq, info, hardware
        self.alphas_cumprod = alphas_cumprod.double()
        self.scale = 2 ** (len(vq.config["block_out_channels"]) - 1)
        self._multiple = 2 ** (len(unet.config["block_out_channels"]) - 1)

    @property
    def bytes(self) -> int:
        """Bytes of the weights in memory."""
        return sum(tensor.nbytes for part in (self.unet, self.vq) for tensor in part.state_dict().values())

    def for_run(self, settings: object, control: UpscaleProgress | None) -> Enlarges:
        """This with the steps that `settings` (a `modules.settings.model.Settings`) want; `control` may stop it."""
        steps = cast("LdsrSettings", settings).ldsr_steps
        return LdsrRun(self, steps, (lambda: None) if control is None else control.check)

    def stays(self, settings: object) -> bool:
        """Whether `settings` want it kept in memory."""
        return cast("LdsrSettings", settings).ldsr_cached

    def enlarge(self, pixels: Pixels, steps: int, check: Callable[[], None]) -> Pixels:
        """`pixels` (rows, columns, RGB) larger by `scale`. Raises OutOfMemory, EaselError, and what `check` does."""
        height, width = pixels.shape[:2]
        below, right = (-length % self._multiple for length in (height, width))
        filled = np.pad(pixels, ((0, below), (0, right), (0, 0)), mode="edge")
        vq: Any = self.vq
        device, dtype = self._hardware.device, self.unet.dtype
        picture = torch.from_numpy(np.ascontiguousarray(filled.transpose(2, 0, 1)))[None].to(device).float() / 127.5 - 1
        try:
            with torch.inference_mode():
                noise = torch.randn(picture.shape, generator=torch.Generator().manual_seed(NOISE_SEED))
                latents = self.sample(noise.to(device), picture, steps, check=check)
                made: Tensor = vq.decode(latents.to(dtype), return_dict=False)[0].float()
        except torch.OutOfMemoryError as error:
            release(device)
            raise OutOfMemory(
                f"{self._hardware.name} has no room for LDSR with a tile of {width}x{height} pixels. Unload the "
                "checkpoint, choose a smaller upscaler, or start with --use-cpu all."
            ) from error
        if not bool(torch.isfinite(made).all()):
            raise EaselError(
                f"LDSR gives no numbers (NaN) here. Start with --no-half, or download {self.info.path} again."
            )
        levels = ((made[0] + 1) * 127.5).round().clamp(0, 255).byte().permute(1, 2, 0).cpu().numpy()
        return levels[: height * self.scale, : width * self.scale]

    def sample(
        self,
        latents: Tensor,
        picture: Tensor,
        steps: int,
        *,
        eta: float = 1.0,
        check: Callable[[], None] = lambda: None,
    ) -> Tensor:
        """DDIM (Song et al. 2021, equation 12) from noise to latents, both [1, 3, h, w], beside the picture itself.

        `eta` 1 draws new noise at each step, as the model's authors do.
        """
        every = TRAINING_STEPS // steps
        times = torch.arange(0, TRAINING_STEPS, every) + 1
        times = times[times < TRAINING_STEPS]
        now = self.alphas_cumprod[times]
        before = torch.cat([self.alphas_cumprod[:1], now[:-1]])
        spread = eta * ((1 - before) / (1 - now) * (1 - now / before)).sqrt()
        generator = torch.Generator().manual_seed(NOISE_SEED + 1)
        unet: Any = self.unet
        for index in reversed(range(len(times))):
            check()
            beside = torch.cat([latents, picture], dim=1).to(unet.dtype)
            noise = unet(beside, int(times[index]), return_dict=False)[0].float()
            level, next_level, sigma = (float(each[index]) for each in (now, before, spread))
            clean = (latents - (1 - level) ** 0.5 * noise) / level**0.5
            latents = next_level**0.5 * clean + max(1 - next_level - sigma**2, 0.0) ** 0.5 * noise
            if eta:
                latents = latents + sigma * torch.randn(latents.shape, generator=generator).to(latents)
        return latents


class LdsrRun:
    """A loaded model with a number of steps, as something that enlarges."""

    def __init__(self, model: LdsrModel, steps: int, check: Callable[[], None]) -> None:
        self._model, self._steps, self._check = model, steps, check
        self.scale, self.align, self.margin = model.scale, model.align, model.margin

    def enlarge(self, pixels: Pixels) -> Pixels:
        """`pixels` larger by `scale`; stops between steps where it should."""
        return self._model.enlarge(pixels, self._steps, self._check)


def load_ldsr(info: UpscalerInfo, hardware: Hardware) -> LdsrModel:
    """Read LDSR's checkpoint. Raises CheckpointError naming the file and the reason."""
    with importing("diffusers.models.unets.unet_2d", "diffusers.models.autoencoders.vq_model"):
        from diffusers.models.autoencoders.vq_model import VQModel
        from diffusers.models.unets.unet_2d import UNet2DModel

    assert info.path is not None
    config = read_config(info.path.parent / CONFIGURATION)
    dtype = torch.float16 if hardware.unet_dtype == torch.float16 else torch.float32
    with open_tensors(info.path) as source, naming_the_file(info.path, "upscaler"):
        shapes = source.shapes
        layout = ldsr_layout(shapes)
        unet = Assembly(
            what="UNet",
            module=without_numbers(lambda: UNet2DModel(**unet_config(layout.unet, config))),
            keys=[(source, unet_names(shapes, layout.unet))],
            dtype=dtype,
            rename=lambda tensors: unet_tensors(tensors, config.head_channels),
        )
        vq = Assembly(
            what="VQ autoencoder",
            module=without_numbers(lambda: VQModel(**vq_config(layout))),
            keys=[(source, vq_names(shapes, layout.vae))],
            dtype=dtype,
            rename=vae_tensors,
        )
        for part in (unet, vq):
            part.check()
        alphas = source.read("alphas_cumprod") if "alphas_cumprod" in shapes else None
        if alphas is None or alphas.shape != (TRAINING_STEPS,):
            ends = config.linear_start**0.5, config.linear_end**0.5
            alphas = (1 - torch.linspace(*ends, TRAINING_STEPS, dtype=torch.float64) ** 2).cumprod(0)
        return LdsrModel(_on(hardware, unet), _on(hardware, vq), alphas, info, hardware)


@torch.inference_mode(False)
def _on(hardware: Hardware, assembly: Assembly[Any]) -> Any:
    return assembly.read(hardware)[0].to(hardware.device)
