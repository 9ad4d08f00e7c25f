"""A loaded checkpoint, ready to compute: the callables that the stages use, and what goes to the device when."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import logging
from collections.abc import Callable, Generator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from modules.checkpoints.assembly import encoder_format
from modules.checkpoints.depth_model import DepthModel, load_depth_model
from modules.checkpoints.image_embedder import ImageEmbedder, load_image_embedder
from modules.checkpoints.load import LoadedCheckpoint
from modules.checkpoints.load_vae import load_vae
from modules.checkpoints.small_vae import LatentNetwork
from modules.checkpoints.vae_files import VaeInfo
from modules.foundation.errors import CheckpointError
from modules.hardware.device import Hardware
from modules.hardware.fp8 import AS_READ
from modules.hardware.memory import release
from modules.hardware.packing import forget_packed_weights
from modules.pipeline.picture_models import PictureModelFolders
from modules.pipeline.small_vaes import SmallVaeKind, SmallVaes
from modules.pipeline.unet_call import predict_with_unet
from modules.sampling.conditioning import CondBatch
from modules.sampling.latent_space import LinearDecoder
from modules.sampling.model_schedule import ModelSchedule, rescale_zero_terminal_snr, scaled_linear_alphas_cumprod
from modules.sampling.preview import fit_linear
from modules.text_encoders.conditioner import text_encoder_of
from modules.text_encoders.tokenizer import ClipTokenizer, Manner

if TYPE_CHECKING:
    from diffusers import AutoencoderKL

log = logging.getLogger(__name__)

PREVIEW_SAMPLES = 12
PATCHES, PATCH = 4, 4
"""A preview is fitted to pictures of so many patches on a side, each of so many cells on a side."""


class LoadedModel:
    """One loaded checkpoint on one machine."""

    def __init__(
        self, checkpoint: LoadedCheckpoint, hardware: Hardware, tokenizers: Mapping[Manner, ClipTokenizer]
    ) -> None:
        self.checkpoint = checkpoint
        self.hardware = hardware
        self.vae: VaeInfo | None = None
        self.small_vaes: SmallVaes | None = None
        self.picture_models: PictureModelFolders | None = None
        self.remarks: list[str] = []
        self.storage = AS_READ
        self._vae_stamp: tuple[int, int] | None = None
        self._own_vae = checkpoint.vae
        self.schedule = _schedule(checkpoint)
        self.text_encoder = text_encoder_of(checkpoint, tokenizers)
        self._stamp = _stamp(checkpoint.info.path)
        self._parked = False

    @property
    def is_current(self) -> bool:
        """Whether the file is still the one that was loaded."""
        now = _stamp(self.checkpoint.info.path)
        # A file that is gone (a disk was unplugged) does not make the loaded model any worse.
        return now is None or now == self._stamp

    def predict(self, x: Tensor, t: Tensor, cond: CondBatch) -> Tensor:
        """The network: scaled latents x [B, C, h, w] at times t [B] -> its prediction, float32 [B, C, h, w]."""
        if cond.image_cond is not None:
            x = torch.cat([x, cond.image_cond], dim=1)
        x = x.to(self.hardware.unet_dtype).contiguous(memory_format=self.hardware.memory_format)
        predict = self.checkpoint.family.predict or predict_with_unet
        return predict(self.checkpoint.unet, x, t, cond).float()

    def decode(self, latents: Tensor) -> Tensor:
        """Scaled latents [B, C, h, w] -> pictures [B, 3, H, W], float32, about -1..1."""
        vae: Any = self.checkpoint.vae
        unscaled = self.checkpoint.latents.unscaled(latents).to(vae.dtype)
        unscaled = unscaled.contiguous(memory_format=self.hardware.memory_format)
        return vae.decode(unscaled, return_dict=False)[0].float()

    def encode_moments(self, pictures: Tensor) -> tuple[Tensor, Tensor]:
        """Pictures [B, 3, H, W] in -1..1 -> mean and standard deviation of their latents [B, C, h, w], float32."""
        vae: Any = self.checkpoint.vae
        pictures = pictures.to(vae.dtype).contiguous(memory_format=encoder_format(self.hardware))
        posterior = vae.encode(pictures).latent_dist
        return posterior.mean.float(), posterior.std.float()

    def use_vae(self, vae: VaeInfo | None, read: Callable[[Path], AutoencoderKL] | None = None) -> None:
        """Compute with the VAE in a file from now on; with None with the checkpoint's own again, which was kept.

        `read` gives the network in a file, where it may have been kept. Raises CheckpointError for a file that cannot
        be used; the VAE in use then stays.
        """
        stamp = None if vae is None else _stamp(vae.path)
        if (vae, stamp) == (self.vae, self._vae_stamp):
            return
        read = read or functools.partial(load_vae, hardware=self.hardware)
        network = self._own_vae if vae is None else read(vae.path)
        channels, own = (int(each.config["latent_channels"]) for each in (network, self._own_vae))
        if channels != own:
            raise CheckpointError(
                f"{self.checkpoint.info.name} has latents of {own} channels, but {vae.name if vae else 'its VAE'} has "
                f"{channels}. Choose another VAE."
            )
        self.checkpoint = dataclasses.replace(self.checkpoint, vae=network)
        self.vae, self._vae_stamp = vae, stamp
        self.__dict__.pop("preview_decoder", None)

    @functools.cached_property
    def depth_model(self) -> DepthModel:
        """What tells depth from pictures, for checkpoints that take it; read from its file at the first call.

        Raises RequestError where there is no such file, CheckpointError for one that cannot be used.
        """
        folders = self.picture_models.depth if self.picture_models else ()
        return load_depth_model(self.checkpoint.info.path, folders, self.hardware)

    @functools.cached_property
    def image_embedder(self) -> ImageEmbedder:
        """What makes vectors of pictures, for checkpoints that take them; raises as `depth_model` does."""
        folders = self.picture_models.statistics if self.picture_models else ()
        return load_image_embedder(self.checkpoint.info.path, folders, self.hardware)

    def park(self) -> None:
        """Wait in host memory for `unpark`, with the checkpoint's own VAE and without what can be read again."""
        if not self._parked:
            for part in ("depth_model", "image_embedder"):
                self.__dict__.pop(part, None)
            self.use_vae(None)
            forget_packed_weights(self.checkpoint.unet)
            self._move("cpu")
            self._parked = True

    def unpark(self) -> None:
        """Be on the device again, unless parts of models only go there to compute."""
        if self._parked:
            if not self.hardware.offload:
                self._move(self.hardware.device)
            self._parked = False

    def _move(self, device: torch.device | str) -> None:
        for part in (self.checkpoint.unet, self._own_vae, *self.checkpoint.text_models):
            _put(part, device)

    def use_vae_precision(self, dtype: torch.dtype) -> None:
        """Compute the VAE in `dtype` from now on, since it gave NaN before."""
        name = str(dtype).removeprefix("torch.")
        self.remark(f"The VAE of {self.checkpoint.info.name} gave NaN; it computes in {name} from now on.")
        _put(self.checkpoint.vae, dtype)

    def remark(self, sentence: str) -> None:
        """Note something for the user: it goes into the result's warnings, and into the log at once."""
        log.warning("%s", sentence)
        self.remarks.append(sentence)

    def taken_remarks(self) -> list[str]:
        """What was noted since this was asked last."""
        taken, self.remarks = self.remarks, []
        return taken

    def small_vae(self, kind: SmallVaeKind) -> LatentNetwork | None:
        """A small stand-in for the VAE, where the user has its file."""
        return self.small_vaes.get(kind, self.checkpoint.family) if self.small_vaes else None

    def small_vae_missing(self, kind: SmallVaeKind) -> str:
        """Which file a stand-in needs, and where."""
        return self.small_vaes.missing(kind, self.checkpoint.family) if self.small_vaes else "There is no TAESD here."

    @functools.cached_property
    def preview_decoder(self) -> LinearDecoder:
        """What previews are made with: the published map for VAEs of the official size, else one fitted to this VAE."""
        family, space = self.checkpoint.family, self.checkpoint.latents
        published = space.preview
        if published is not None and tuple(self.checkpoint.vae.config["block_out_channels"]) == family.official_vae:
            return published
        generator = torch.Generator().manual_seed(0)
        # Patches of one colour each, as in pictures; white noise would decode to grey.
        patches = torch.randn(PREVIEW_SAMPLES, space.channels, PATCHES, PATCHES, generator=generator)
        latents = patches.repeat_interleave(PATCH, 2).repeat_interleave(PATCH, 3).to(self.hardware.device)
        with self.on_device(self.checkpoint.vae):
            pictures = torch.cat([self.decode(latent[None]) for latent in latents])
        return fit_linear(latents, ((pictures + 1) / 2).clamp(0, 1).nan_to_num(0.5))

    @contextlib.contextmanager
    def on_device(self, *parts: nn.Module) -> Generator[None]:
        """Have `parts` on the device within the block; with offloading they are on the host otherwise."""
        if not self.hardware.offload:
            yield
            return
        for part in parts:
            _put(part, self.hardware.device)
        try:
            yield
        finally:
            for part in parts:
                _put(part, "cpu")
            release(self.hardware.device)


@torch.inference_mode(False)  # what was moved within a run must take networks in the next one
def _put(part: Any, where: torch.device | torch.dtype | str) -> None:
    part.to(where)


def _schedule(checkpoint: LoadedCheckpoint) -> ModelSchedule:
    if checkpoint.family.schedule is not None:
        return checkpoint.family.schedule(checkpoint)
    alphas = checkpoint.alphas_cumprod
    schedule = ModelSchedule.of(
        scaled_linear_alphas_cumprod() if alphas is None else alphas, prediction=checkpoint.prediction
    )
    return rescale_zero_terminal_snr(schedule) if checkpoint.zero_terminal_snr else schedule


def _stamp(path: Path) -> tuple[int, int] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_size, status.st_mtime_ns
