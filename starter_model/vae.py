"""Training of the autoencoder: a start that already passes colours through, then sharpening by regression."""

from __future__ import annotations

import csv
import json
import math
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
import torch.multiprocessing as mp
from torch import Tensor, nn
from torch.nn import functional

from starter_model.averaging import Meeting
from starter_model.draw import render
from starter_model.networks import Autoencoder, Decoder, Encoder, VaeShape
from starter_model.world import scene_of_seed

_SYNC_SECONDS = 5.0
_CONSTANT = 2.0
_RGB = (0, 4, 8)


def picture_tensor(seed: int, pixels: int) -> Tensor:
    """The training picture of a seed as uint8 [3, pixels, pixels]."""
    return torch.from_numpy(np.asarray(render(scene_of_seed(seed), pixels)).copy()).permute(2, 0, 1)


def to_signed(pictures: Tensor) -> Tensor:
    """uint8 0..255 to float -1..1."""
    return pictures.float() / 127.5 - 1.0


def _constants(width: int, groups: int, known: int) -> list[int]:
    """First channel of a (+, -) pair of constants in each norm group that lies above the first `known` channels."""
    size = width // groups
    return [(g + 1) * size - 2 for g in range(groups) if g * size >= known]


@torch.no_grad()
def _set_pair(bias: Tensor, channels: list[int]) -> None:
    for channel in channels:
        bias[channel], bias[channel + 1] = _CONSTANT, -_CONSTANT


@torch.no_grad()
def _set_eye(conv: nn.Conv2d, mean_of_four: bool = False) -> None:
    inside, outside = conv.weight.shape[1], conv.weight.shape[0]
    both = min(inside, outside)
    conv.weight.mul_(0.1)
    conv.weight[:both] = 0
    if conv.bias is not None:
        conv.bias.zero_()
    for channel in range(both):
        if mean_of_four:
            conv.weight[channel, channel, 0:2, 0:2] = 0.25
        else:
            centre = conv.weight.shape[-1] // 2
            conv.weight[channel, channel, centre, centre] = 1.0


@torch.no_grad()
def _quiet_branches(net: Autoencoder) -> None:
    """Let every residual branch begin small."""
    for module in net.modules():
        last = getattr(module, "conv2", None) or getattr(module, "proj_out", None)
        if isinstance(last, nn.Conv2d):
            last.weight.mul_(0.1)
            last.bias.zero_()


@torch.no_grad()
def _carry_colours(conv: nn.Conv2d, pairs: list[int]) -> None:
    """A first convolution: three inputs to the colour channels, constants in `pairs`, the rest small noise."""
    conv.weight.mul_(0.3)
    conv.bias.zero_()
    for colour, channel in enumerate(_RGB):
        conv.weight[channel] = 0
        conv.weight[channel, colour, 1, 1] = 1.0
    for channel in pairs:
        conv.weight[channel : channel + 2] = 0
    assert conv.bias is not None
    _set_pair(conv.bias, pairs)


@torch.no_grad()
def _start_encoder(encoder: Encoder, shape: VaeShape) -> None:
    _carry_colours(encoder.conv_in, _constants(shape.widths[0], shape.groups, 0))
    for level in cast("Iterable[Any]", encoder.down):
        block = level.block[0]
        if hasattr(block, "nin_shortcut"):
            outside, inside = block.nin_shortcut.weight.shape[:2]
            _set_eye(block.nin_shortcut)
            fresh = _constants(outside, shape.groups, inside)
            for channel in fresh:
                block.nin_shortcut.weight[channel : channel + 2] = 0
            _set_pair(block.nin_shortcut.bias, fresh)
        if hasattr(level, "downsample"):
            _set_eye(level.downsample.conv, mean_of_four=True)


@torch.no_grad()
def _start_decoder(decoder: Decoder, shape: VaeShape) -> None:
    every = {c for width in shape.widths for c in _constants(width, shape.groups, 0)}
    _carry_colours(decoder.conv_in, sorted(every))
    for level in cast("Iterable[Any]", decoder.up):
        for block in level.block:
            if hasattr(block, "nin_shortcut"):
                _set_eye(block.nin_shortcut)
        if hasattr(level, "upsample"):
            _set_eye(level.upsample.conv)


@torch.no_grad()
def start_well(net: Autoencoder, probe: Tensor) -> None:
    """Initialise so that colours already survive the round trip (encoder: box means, decoder: nearest repeat).

    Group normalisation erases flat colour unless something else sets its scale, hence a constant pair per group.
    The last convolutions are fitted by least squares on the `probe` pictures [n, 3, h, w] in -1..1.
    """
    _quiet_branches(net)
    _start_encoder(net.encoder, net.shape)
    _start_decoder(net.decoder, net.shape)
    for conv in (net.quant_conv, net.post_quant_conv):
        conv.weight.copy_(torch.eye(len(conv.weight))[:, :, None, None])
        conv.bias.zero_()
    _fit_latents(net, probe)
    decoded = net.decoder.features(net.post_quant_conv(net.moments(probe)[0]))
    _fit(net.decoder.conv_out, decoded, probe)


@torch.no_grad()
def _fit(conv: nn.Conv2d, features: Tensor, target: Tensor) -> None:
    """Least squares with a small ridge for a convolution that uses its centre tap only."""
    x = features.permute(0, 2, 3, 1).reshape(-1, features.shape[1]).double()
    y = target.permute(0, 2, 3, 1).reshape(-1, target.shape[1]).double()
    x = torch.cat([x, torch.ones_like(x[:, :1])], 1)
    gram = x.T @ x + 1e-3 * len(x) * torch.eye(x.shape[1], dtype=torch.float64) * 0.01
    solution = torch.linalg.solve(gram, x.T @ y).float()
    conv.weight[: y.shape[1]] *= 0.02
    conv.weight[: y.shape[1], :, 1, 1] = solution[:-1].T
    conv.bias[: y.shape[1]] = solution[-1]


@torch.no_grad()
def _fit_latents(net: Autoencoder, probe: Tensor) -> None:
    """Latents 0..2 begin as the colour of each 8x8 block, 3 as its left-right plus top-bottom difference."""
    blocks = functional.avg_pool2d(probe, 8)
    grey = probe.mean(1, keepdim=True)
    left, right = functional.avg_pool2d(grey, 4)[..., ::2], functional.avg_pool2d(grey, 4)[..., 1::2]
    top, low = functional.avg_pool2d(grey, 4)[..., ::2, :], functional.avg_pool2d(grey, 4)[..., 1::2, :]
    across = functional.avg_pool2d(left - right, (2, 1)) + functional.avg_pool2d(top - low, (1, 2))
    _fit(net.encoder.conv_out, net.encoder.features(probe), torch.cat([blocks, across], 1))
    net.encoder.conv_out.weight[4:] *= 0.01
    net.encoder.conv_out.bias[4:] = -5.0


def reconstruction_loss(made: Tensor, target: Tensor) -> Tensor:
    """L1 at full, half and quarter size plus the L1 of differences between neighbouring pixels."""
    loss = (made - target).abs().mean()
    for factor in (2, 4):
        loss = loss + 0.5 * (functional.avg_pool2d(made, factor) - functional.avg_pool2d(target, factor)).abs().mean()
    across = (made.diff(dim=-1) - target.diff(dim=-1)).abs().mean()
    down = (made.diff(dim=-2) - target.diff(dim=-2)).abs().mean()
    return loss + 0.5 * (across + down)


def _crops(pool: Tensor, rng: np.random.Generator, count: int, side: int) -> Tensor:
    picks = rng.integers(len(pool), size=count)
    room = pool.shape[-1] - side
    out = []
    for pick in picks:
        y, x = (int(v) * 8 for v in rng.integers(room // 8 + 1, size=2))
        out.append(pool[int(pick), :, y : y + side, x : x + side])
    return torch.stack(out)


class _Worker:
    """One process: its own pictures, weights shared with the others every few seconds."""

    def __init__(self, rank: int, workdir: Path, seconds: float, *, resume: bool, only_decoder: bool) -> None:
        self.workdir, self.seconds, self.only_decoder = workdir, seconds, only_decoder
        torch.manual_seed(100 + rank)
        self.rng = np.random.default_rng(100 + rank + (1000 if resume else 0))
        first = 10_000_000 + 5000 * rank
        self.large = torch.stack([picture_tensor(first + i, 256) for i in range(900)])
        self.small = torch.stack([picture_tensor(1_000_000 + first + i, 128) for i in range(500)])
        net = Autoencoder(VaeShape(**json.loads((workdir / "shape.json").read_text())["vae"]))
        if resume:
            net.load_state_dict(torch.load(workdir / "vae.pt", weights_only=True))
        else:
            start_well(net, to_signed(torch.stack([picture_tensor(12_000_000 + i, 128) for i in range(24)])))
        self.net = net.to(memory_format=torch.channels_last)
        self.trained = list((net.decoder if only_decoder else net).parameters())
        self.optimiser = torch.optim.AdamW(self.trained, lr=1e-3, betas=(0.9, 0.99), weight_decay=1e-4)
        self.steps = 0

    def batch(self, done: float) -> Tensor:
        """Small crops first, whole pictures last."""
        turn = self.rng.random()
        if self.only_decoder or done > 0.85:
            return _crops(self.large, self.rng, 1, 256) if turn < 0.5 else _crops(self.small, self.rng, 4, 128)
        if done > 0.4:
            return _crops(self.large if turn < 0.6 else self.small, self.rng, 4, 128)
        return _crops(self.large if turn < 0.7 else self.small, self.rng, 12, 64)

    def round_trip(self, target: Tensor) -> tuple[Tensor, Tensor]:
        """Pictures made from slightly noisy latents, and the divergence of the latents from a normal distribution."""
        if self.only_decoder:
            with torch.no_grad():
                mean, _ = self.net.moments(target)
            spread = mean.std() * float(self.rng.choice([0.02, 0.06, 0.12]))
            return self.net.decode(mean + spread * torch.randn_like(mean)), torch.zeros(())
        mean, log_variance = (v.float() for v in self.net.moments(target))
        latents = mean + torch.randn_like(mean) * (0.5 * log_variance).exp()
        return self.net.decode(latents), 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance).mean()

    def step(self, done: float) -> float:
        """One step; returns the L1 error (-1..1)."""
        peak = 5e-4 if self.only_decoder else 1.2e-3
        rate = peak * 0.5 * (1 + math.cos(math.pi * min(done, 1.0)))
        self.optimiser.param_groups[0]["lr"] = min(rate, peak * (self.steps + 1) / 50)
        target = to_signed(self.batch(done)).contiguous(memory_format=torch.channels_last)
        with torch.autocast("cpu", torch.bfloat16):
            made, divergence = self.round_trip(target)
        loss = reconstruction_loss(made.float(), target) + 5e-4 * divergence
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(self.trained, 1.0)
        self.optimiser.step()
        self.steps += 1
        return (made.detach().float() - target).abs().mean().item()


def _run(rank: int, workdir: str, seconds: float, meeting: Meeting, options: dict[str, bool]) -> None:
    torch.set_num_threads(1)
    worker = _Worker(rank, Path(workdir), seconds, **options)
    began = met = time.monotonic()
    errors: list[float] = []
    ended = False
    while not ended:
        done = (time.monotonic() - began) / seconds
        errors.append(worker.step(done))
        if time.monotonic() - met < _SYNC_SECONDS and done < 1.0:
            continue
        _, notes = meeting.average(rank, worker.trained, [float(np.mean(errors)), float(done >= 1.0), worker.steps])
        met, errors, ended = time.monotonic(), [], bool(notes[:, 1].any())
        if rank == 0:
            with (Path(workdir) / "vae.csv").open("a", newline="") as file:
                row = [round(met - began, 1), int(notes[:, 2].sum()), round(float(notes[:, 0].mean()), 5)]
                csv.writer(file).writerow(row)
            if ended:
                torch.save(worker.net.state_dict(), Path(workdir) / "vae.pt")


def train(workdir: Path, seconds: float, workers: int, *, resume: bool = False, only_decoder: bool = False) -> None:
    """Train the autoencoder for a time; writes `vae.pt` and appends (seconds, steps, L1) rows to `vae.csv`."""
    context = mp.get_context("spawn")
    shape = VaeShape(**json.loads((workdir / "shape.json").read_text())["vae"])
    net = Autoencoder(shape)
    size = sum(p.numel() for p in (net.decoder if only_decoder else net).parameters())
    meeting = Meeting.of(workers, size, 3, context)
    options = {"resume": resume, "only_decoder": only_decoder}
    mp.spawn(_run, args=(str(workdir), seconds, meeting, options), nprocs=workers, join=True)


@torch.no_grad()
def normalise_latents(net: Autoencoder, pictures: Tensor) -> None:
    """Fold mean and scale of each latent channel into the 1x1 convolutions: scaled latents get unit variance."""
    mean, _ = net.moments(pictures)
    centre = mean.mean((0, 2, 3))
    factor = 1.0 / (mean.std((0, 2, 3)) * Autoencoder.SCALE)
    channels = net.shape.latent
    net.post_quant_conv.bias.add_(net.post_quant_conv.weight[:, :, 0, 0] @ centre)
    net.post_quant_conv.weight.div_(factor[None, :, None, None])
    net.quant_conv.weight[:channels].mul_(factor[:, None, None, None])
    net.quant_conv.bias[:channels] = (net.quant_conv.bias[:channels] - centre) * factor
    net.quant_conv.bias[channels:].add_(2 * factor.log())


@torch.no_grad()
def quality(net: Autoencoder, pixels: int = 256, count: int = 64, first: int = 20_000_000) -> float:
    """Mean peak signal-to-noise ratio in dB over pictures that training never saw."""
    ratios = []
    for i in range(0, count, 8):
        batch = to_signed(torch.stack([picture_tensor(first + i + j, pixels) for j in range(8)]))
        made = net.decode(net.moments(batch)[0]).clamp(-1, 1)
        error = ((made - batch) / 2).square().mean((1, 2, 3))
        ratios.extend((-10 * error.log10()).tolist())
    return float(np.mean(ratios))
