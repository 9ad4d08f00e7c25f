"""Training of the UNet: several workers, weights averaged every few seconds, resumable at any time."""

from __future__ import annotations

import csv
import json
import math
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
import torch.multiprocessing as mp
from torch import Tensor, nn

from starter_model.averaging import BrokenBarrierError, Meeting, flatten, unflatten
from starter_model.captions import caption
from starter_model.conditioning import Conditioner, token_row, with_strange_words
from starter_model.dataset import Pool, open_pool, pool_path
from starter_model.networks import TextEncoder, TextShape, UNet, UNetShape
from starter_model.schedule import alphas_cumprod, draw_timesteps, loss_weight
from starter_model.tokens import Words
from starter_model.world import kind_of, scene_of_seed


@dataclass(frozen=True, kw_only=True)
class Plan:
    """How to train. `seconds` (training time over all resumptions) or `steps` (per worker) is the schedule's length.

    `mixture` lists (progress at which it begins, {picture size: share of steps}); `kinds` are shares of pictures.
    """

    seconds: float | None = None
    steps: int | None = None
    workers: int = 2
    device: str = "cpu"
    rate: float = 1e-3
    warmup: int = 150
    batch: dict[int, int] = field(default_factory=lambda: {128: 24, 256: 8, 384: 4, 512: 2})
    mixture: tuple[tuple[float, dict[int, float]], ...] = ((0.0, {128: 1.0}), (0.08, {256: 1.0}))
    kinds: dict[str, float] = field(default_factory=lambda: {"figure": 0.75, "pair": 0.06, "view": 0.19})
    uniform_times: float = 0.25
    low_noise: float = 0.5
    dropout: float = 0.1
    second_chunk: float = 0.03
    clip_skip: float = 0.1
    strange: float = 0.06
    offset_noise: float = 0.1
    meet_seconds: float = 5.0
    meet_steps: int | None = None
    save_seconds: float = 120.0
    ema_steps: float = 250.0
    pause_steps: int | None = None
    """Save and return after so many steps of a worker, wherever the schedule is then."""


def load_conditioner(workdir: Path, words: Words, device: str = "cpu") -> Conditioner:
    """The frozen text encoder of a work folder."""
    encoder = TextEncoder(TextShape(**json.loads((workdir / "shape.json").read_text())["text"]))
    saved = torch.load(workdir / "text.pt", weights_only=True)
    encoder.load_state_dict(saved["encoder"])
    return Conditioner(encoder.to(device), words, saved["known"], device)


def load_unet(workdir: Path, *, ema: bool = True) -> UNet:
    """The UNet of a work folder as it is now."""
    net = UNet(UNetShape(**json.loads((workdir / "shape.json").read_text())["unet"]))
    saved = torch.load(workdir / "unet.pt", weights_only=True)
    unflatten(saved["ema" if ema else "weights"], net.parameters())
    return net.eval().requires_grad_(False).to(memory_format=torch.channels_last)


def _by_kind(pool: Pool) -> dict[str, np.ndarray]:
    """The pictures of a pool that are a figure, a pair, a view."""
    kinds = np.asarray([kind_of(scene_of_seed(pool.first + i)) for i in range(len(pool.latents))])
    return {kind: np.flatnonzero(kinds == kind) for kind in ("figure", "pair", "view")}


class _Examples:
    """Draws batches: scaled latents with the hidden states of fresh captions."""

    def __init__(self, plan: Plan, workdir: Path, conditioner: Conditioner, rng: np.random.Generator) -> None:
        self.plan, self.conditioner, self.rng = plan, conditioner, rng
        sizes = {pixels for _, shares in plan.mixture for pixels in shares}
        self.pools: dict[int, Pool] = {s: open_pool(workdir, s) for s in sizes if pool_path(workdir, s).exists()}
        self.by_kind = {pixels: _by_kind(pool) for pixels, pool in self.pools.items()}

    def size_now(self, progress: float) -> int:
        shares = [m for start, m in self.plan.mixture if progress >= start][-1]
        sizes = [s for s in shares if s in self.pools]
        chances = np.asarray([shares[s] for s in sizes])
        return int(self.rng.choice(sizes, p=chances / chances.sum()))

    def _row(self, seed: int) -> tuple[list[int], list[float]]:
        if self.rng.random() < self.plan.dropout:
            return token_row((), self.conditioner.words)
        tokens, weights = self.conditioner.tokens(caption(scene_of_seed(seed), self.rng))
        if self.rng.random() < self.plan.strange and all(w == 1.0 for w in weights):
            tokens = with_strange_words(tokens, self.rng)
        return tokens, weights

    def draw(self, pixels: int) -> tuple[Tensor, Tensor]:
        pool = self.pools[pixels]
        kinds = [k for k in self.plan.kinds if len(self.by_kind[pixels][k])]
        shares = np.asarray([self.plan.kinds[k] for k in kinds])
        chosen = self.rng.choice(kinds, size=self.plan.batch[pixels], p=shares / shares.sum())
        picks = [self.rng.choice(self.by_kind[pixels][kind]) for kind in chosen]
        latents = torch.from_numpy(np.stack([pool.latents[int(i)] for i in picks])).float()
        skip = 2 if self.rng.random() < self.plan.clip_skip else 1
        context = self.conditioner.encode([self._row(pool.first + int(i)) for i in picks], skip)
        if self.rng.random() < self.plan.second_chunk:
            empty = self.conditioner.encode([token_row((), self.conditioner.words)], skip)
            context = torch.cat([context, empty.expand(len(picks), -1, -1)], 1)
        return latents.to(self.plan.device), context


def diffusion_loss(
    net: nn.Module, latents: Tensor, context: Tensor, alphas: Tensor, plan: Plan
) -> tuple[Tensor, Tensor, Tensor]:
    """Weighted squared error of the predicted noise (scalar), with the plain error and timestep of each sample."""
    device = latents.device
    t = draw_timesteps(len(latents), plan.uniform_times, str(device))
    noise = torch.randn_like(latents)
    noise = noise + plan.offset_noise * torch.randn(len(latents), latents.shape[1], 1, 1, device=device)
    alpha = alphas[t][:, None, None, None]
    noisy = (alpha.sqrt() * latents + (1 - alpha).sqrt() * noise).contiguous(memory_format=torch.channels_last)
    with torch.autocast(device.type, torch.bfloat16):
        said = net(noisy, t, context)
    error = (said.float() - noise).square().mean((1, 2, 3))
    return (error * loss_weight(alphas[t], plan.low_noise)).mean(), error.detach(), t


def rate_at(progress: float, step: int, plan: Plan) -> float:
    """Linear warm-up over the first steps, then half a cosine to nothing."""
    return plan.rate * min(1.0, (step + 1) / plan.warmup) * 0.5 * (1 + math.cos(math.pi * min(progress, 1.0)))


@dataclass
class _Worker:
    rank: int
    plan: Plan
    workdir: Path
    words: Words
    meeting: Meeting

    def prepare(self) -> None:
        plan, folder = self.plan, self.workdir
        torch.manual_seed(1000 + self.rank)
        self.rng = np.random.default_rng(2000 + self.rank)
        self.net = UNet(UNetShape(**json.loads((folder / "shape.json").read_text())["unet"]))
        start = folder / "unet.pt"
        self.step, self.seconds, self.seen = 0, 0.0, 0
        saved = torch.load(start, weights_only=True) if start.exists() else None
        if saved is not None:
            unflatten(saved["weights"], self.net.parameters())
            self.seconds, self.seen = saved["seconds"], saved["seen"]
        self.net = cast(Any, self.net).to(plan.device, memory_format=torch.channels_last)
        self.parameters = list(self.net.parameters())
        self.optimiser = torch.optim.AdamW(self.parameters, lr=plan.rate, betas=(0.9, 0.99), weight_decay=0.0)
        self.ema = saved["ema"].clone() if saved is not None else None
        conditioner = load_conditioner(folder, self.words, plan.device)
        self.examples = _Examples(plan, folder, conditioner, self.rng)
        self.alphas = alphas_cumprod().to(plan.device)
        own = folder / f"unet-worker{self.rank}.pt"
        if saved is not None and own.exists():
            state: dict[str, Any] = torch.load(own, weights_only=False)
            self.optimiser.load_state_dict(state["optimiser"])
            self.step = state["step"]
            self.rng.bit_generator.state = state["numpy"]
            torch.set_rng_state(state["torch"])  # last, for building networks draws random numbers

    def progress(self, since: float) -> float:
        if self.plan.steps is not None:
            return self.step / self.plan.steps
        assert self.plan.seconds is not None
        return (self.seconds + since) / self.plan.seconds

    def one_step(self, progress: float) -> dict[str, float]:
        rate = rate_at(progress, self.step, self.plan)
        for group in self.optimiser.param_groups:
            group["lr"] = rate
        pixels = self.examples.size_now(progress)
        latents, context = self.examples.draw(pixels)
        loss, error, t = diffusion_loss(self.net, latents, context, self.alphas, self.plan)
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(self.parameters, 1.0)
        self.optimiser.step()
        self.step += 1
        self.seen += len(latents)
        high = t > 850
        alpha = self.alphas[t]
        picture = error * (1 - alpha) / alpha
        return {
            "loss": loss.item(),
            "error": error.mean().item(),
            "picture": picture[high].mean().item() if bool(high.any()) else math.nan,
            "pixels": float(pixels),
        }

    def save(self, mean: Tensor, seconds: float, seen: float) -> None:
        if self.rank == 0:
            saved = {"weights": mean, "ema": self.ema, "seconds": seconds, "seen": int(seen)}
            torch.save(saved, self.workdir / "unet.pt.new")
            (self.workdir / "unet.pt.new").replace(self.workdir / "unet.pt")
        own = {
            "optimiser": self.optimiser.state_dict(),
            "step": self.step,
            "numpy": self.rng.bit_generator.state,
            "torch": torch.get_rng_state(),
        }
        path = self.workdir / f"unet-worker{self.rank}.pt"
        torch.save(own, path.with_suffix(".new"))
        path.with_suffix(".new").replace(path)

    def run(self) -> None:
        plan = self.plan
        began = met = saved = time.monotonic()
        first_step, first_seen, met_step = self.step, self.seen, self.step
        tally: list[dict[str, float]] = []
        stop_file = self.workdir / "stop"
        while True:
            progress = self.progress(time.monotonic() - began)
            if progress < 1.0:
                tally.append(self.one_step(progress))
            due = time.monotonic() - met > plan.meet_seconds
            if plan.meet_steps is not None:
                due = self.step - met_step >= plan.meet_steps
            ended = self.progress(time.monotonic() - began) >= 1.0
            ended = ended or (plan.pause_steps is not None and self.step - first_step >= plan.pause_steps)
            if not (due or ended):
                continue
            wants_save = time.monotonic() - saved > plan.save_seconds
            note = [float(np.mean([x[k] for x in tally])) if tally else math.nan for k in ("loss", "error")]
            high = [x["picture"] for x in tally if not math.isnan(x["picture"])]
            stop = ended or stop_file.exists()
            note += [float(np.mean(high)) if high else math.nan, tally[-1]["pixels"] if tally else 0.0]
            note += [float(stop), float(wants_save), float(self.seen - first_seen), float(self.step - first_step)]
            mean, notes = self.meeting.average(self.rank, self.parameters, note)
            steps_since = self.step - met_step
            met, met_step, tally = time.monotonic(), self.step, []
            seconds, seen = self.seconds + met - began, first_seen + float(notes[:, 6].sum())
            if self.rank == 0:
                keep = math.exp(-steps_since / min(plan.ema_steps, max(1.0, self.step / 3)))
                self.ema = mean.clone() if self.ema is None else self.ema.lerp_(mean, 1 - keep)
                self.log(seconds, notes, seen)
            if notes[:, 4].any() or notes[0, 5]:
                self.save(mean, seconds, seen)
                saved = time.monotonic()
            if notes[:, 4].any():
                return

    def log(self, seconds: float, notes: Tensor, seen: float) -> None:
        path = self.workdir / "unet.csv"
        fresh = not path.exists()
        with path.open("a", newline="") as file:
            writer = csv.writer(file)
            if fresh:
                writer.writerow(["seconds", "pictures", "loss", "error", "picture_error_high_noise", "pixels"])
            values = [round(float(notes[:, i].nanmean()), 5) for i in range(3)]
            writer.writerow([round(seconds, 1), int(seen), *values, int(notes[:, 3].max())])


def _start(rank: int, plan: Plan, workdir: str, meeting: Meeting) -> None:
    if plan.workers > 1:
        torch.set_num_threads(1)
    worker = _Worker(rank, plan, Path(workdir), Words(), meeting)
    worker.prepare()
    try:
        worker.run()
    except BrokenBarrierError:
        raise SystemExit(f"worker {rank}: another worker is gone; start again to resume from the last save") from None


def train(workdir: Path, plan: Plan) -> None:
    """Train until the plan's end, or until a file named `stop` appears in the work folder; saves and can be resumed."""
    (workdir / "stop").unlink(missing_ok=True)
    (workdir / "plan.json").write_text(json.dumps(asdict(plan), indent=1))
    size = sum(
        p.numel() for p in UNet(UNetShape(**json.loads((workdir / "shape.json").read_text())["unet"])).parameters()
    )
    context = mp.get_context("spawn")
    meeting = Meeting.of(plan.workers, size, 8, context)
    if plan.workers == 1:
        _start(0, plan, str(workdir), meeting)
    else:
        mp.spawn(_start, args=(plan, str(workdir), meeting), nprocs=plan.workers, join=True)


__all__ = ["Plan", "diffusion_loss", "flatten", "load_conditioner", "load_unet", "rate_at", "train"]
