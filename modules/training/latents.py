"""The pictures of a training as latents: encoded once, kept in host memory."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional

from modules.foundation.errors import RequestError
from modules.foundation.picture_file import UNREADABLE
from modules.pipeline.model import LoadedModel
from modules.sampling.latent_space import LatentSpace
from modules.training.dataset import BatchEntry, Dataset, TrainingPicture, skipped_sentence, unpacked
from modules.training.draws import generator
from modules.training.options import LatentSampling


@dataclass(frozen=True, kw_only=True, eq=False)
class EncodedPicture:
    """What the VAE made of a picture: mean and deviation [C, h, w], float32, on the CPU.

    `weight` [1, h, w] is what the loss of each cell counts, of mean 1; None counts all the same. `mirrored` is the
    same of the mirrored picture, where that is wanted.
    """

    picture: TrainingPicture
    mean: Tensor
    deviation: Tensor
    weight: Tensor | None = None
    mirrored: EncodedPicture | None = None


@torch.inference_mode(False)
@torch.no_grad()
def encode_dataset(
    dataset: Dataset,
    model: LoadedModel,
    *,
    weights: bool,
    flip: bool,
    on_progress: Callable[[int], None],
    pinned: bool = False,
) -> tuple[list[EncodedPicture], tuple[str, ...]]:
    """Every picture through the VAE, and a sentence for each that could not be unpacked after all.

    `on_progress` is told how many are done; it may raise Interrupted. Raises RequestError where nothing is left.
    """
    encoded: list[EncodedPicture] = []
    skipped: list[str] = []
    with model.on_device(model.checkpoint.vae):
        for number, picture in enumerate(dataset.pictures, start=1):
            try:
                pixels = unpacked(picture)
            except UNREADABLE as error:
                skipped.append(skipped_sentence(picture.path, error))
                continue
            encoded.append(_encoded(picture, pixels, model, weights=weights, flip=flip, pinned=pinned))
            on_progress(number)
    if not encoded:
        raise RequestError(f"None of the {len(dataset.pictures)} pictures can be read. {skipped[0]}", "data_root")
    return encoded, tuple(skipped)


def _encoded(
    picture: TrainingPicture, pixels: Image.Image, model: LoadedModel, *, weights: bool, flip: bool, pinned: bool
) -> EncodedPicture:
    colours = np.asarray(pixels.convert("RGB"), np.float32) / 127.5 - 1
    tensor = torch.from_numpy(colours).permute(2, 0, 1)[None].to(model.hardware.device)
    mean, deviation = (part[0].cpu() for part in model.encode_moments(tensor))
    weight = alpha_weight(pixels, (mean.shape[1], mean.shape[2])) if weights and pixels.mode == "RGBA" else None
    other = None
    if flip:
        turned = pixels.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        other = _encoded(picture, turned, model, weights=weights, flip=False, pinned=pinned)
    if pinned and model.hardware.device.type == "cuda":
        mean, deviation = mean.pin_memory(), deviation.pin_memory()
    return EncodedPicture(picture=picture, mean=mean, deviation=deviation, weight=weight, mirrored=other)


def alpha_weight(picture: Image.Image, cells: tuple[int, int]) -> Tensor | None:
    """What each cell [1, h, w] counts by the alpha channel of the picture, of mean 1; None where all is opaque."""
    alpha = torch.from_numpy(np.array(picture.getchannel("A"), np.float32))[None, None]
    weight = functional.adaptive_avg_pool2d(alpha, cells)[0]
    mean = float(weight.mean())
    if mean <= 0 or float(weight.min()) == 255.0:  # a wholly transparent picture has nothing that could count more
        return None
    return weight / mean


def batch_latents(
    pictures: Sequence[EncodedPicture],
    places: Sequence[BatchEntry],
    space: LatentSpace,
    *,
    sampling: LatentSampling,
    seed: int,
    number: int,
) -> tuple[Tensor, Tensor | None]:
    """Scaled latents [B, C, h, w] of batch `number`, and the weights of their cells [B, 1, h, w] if any has some.

    "deterministic" takes the VAE's mean, "once" one draw for each picture, "random" a new draw at every use.
    """
    latents: list[Tensor] = []
    weights: list[Tensor | None] = []
    for row, place in enumerate(places):
        encoded = pictures[place.number]
        encoded = encoded.mirrored if place.mirrored and encoded.mirrored is not None else encoded
        value = encoded.mean
        if sampling != "deterministic":
            purpose = ("latent", place.number) if sampling == "once" else ("latent", number, row)
            noise = torch.randn(value.shape, generator=generator(seed, *purpose))
            value = value + encoded.deviation * noise
        latents.append(space.scaled(value))
        weights.append(encoded.weight)
    if all(weight is None for weight in weights):
        return torch.stack(latents), None
    full = [torch.ones(1, *latents[0].shape[1:]) if weight is None else weight for weight in weights]
    return torch.stack(latents), torch.stack(full)
