"""Pre-training of the text encoder: tell from a caption what is in its picture.

A throw-away probe with one learned query per question attends to the hidden states and answers: which figures in
which colours, which background, sky, ground and style, and the picture itself at 8x8 pixels. Afterwards every fact
can be read off the hidden states by one cross-attention, which is what the UNet then needs.
"""

from __future__ import annotations

import csv
import json
import math
import time
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from starter_model.captions import caption
from starter_model.conditioning import token_row, used_tokens, with_strange_words
from starter_model.draw import render
from starter_model.networks import TextEncoder, TextShape
from starter_model.tokens import UNKNOWN, Words
from starter_model.world import COLOURS, GROUNDS, SHAPES, SKIES, STYLES, THINGS, Scene, scene_of_seed

_NOTHING = "nothing"
QUESTIONS: dict[str, tuple[str, ...]] = {
    "first": (*SHAPES, *THINGS),
    "first colour": COLOURS,
    "second": (_NOTHING, *SHAPES),
    "second colour": (_NOTHING, *COLOURS),
    "background": (_NOTHING, *COLOURS),
    "sky": (_NOTHING, *SKIES),
    "ground": (_NOTHING, *GROUNDS),
    "ground colour": (_NOTHING, *COLOURS),
    "light": (_NOTHING, "light"),
    "style": STYLES,
}
HIDDEN_MEAN = -0.15
"""Mean of the hidden states after `settle`: far from 0, so that restoring the mean of weighted text divides by no 0."""


def answers(scene: Scene) -> list[int]:
    """The number of the right answer to each question."""
    view, first = scene.view, scene.figures[0]
    second = scene.figures[1] if len(scene.figures) > 1 else None
    said = {
        "first": first.name,
        "first colour": first.colour,
        "second": second.name if second else _NOTHING,
        "second colour": second.colour if second else _NOTHING,
        "background": scene.background or _NOTHING,
        "sky": view.sky if view else _NOTHING,
        "ground": view.ground if view else _NOTHING,
        "ground colour": view.ground_colour if view else _NOTHING,
        "light": "light" if view and view.has_light else _NOTHING,
        "style": scene.style,
    }
    return [options.index(said[question]) for question, options in QUESTIONS.items()]


class Probe(nn.Module):
    """Learned queries, one attention over the text, an answer per query."""

    def __init__(self, width: int) -> None:
        super().__init__()
        count = len(QUESTIONS)
        self.queries = nn.Parameter(torch.randn(count + 64, width) * 0.5)
        self.to_q, self.to_k, self.to_v = (nn.Linear(width, width, bias=False) for _ in range(3))
        self.mix = nn.Sequential(
            nn.LayerNorm(width), nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width)
        )
        self.heads = nn.ModuleList([nn.Linear(width, len(options)) for options in QUESTIONS.values()])
        self.colour = nn.Linear(width, 3)

    def forward(self, hidden: Tensor) -> tuple[list[Tensor], Tensor]:
        q, k, v = self.to_q(self.queries), self.to_k(hidden), self.to_v(hidden)
        h = torch.softmax(q @ k.transpose(1, 2) * q.shape[-1] ** -0.5, -1) @ v + self.queries
        h = h + self.mix(h)
        count = len(QUESTIONS)
        return [head(h[:, i]) for i, head in enumerate(self.heads)], self.colour(h[:, count:])


@torch.no_grad()
def settle(encoder: TextEncoder, rows: Tensor) -> None:
    """Give hidden states the mean `HIDDEN_MEAN` and unit spread by the final norm's own scale and bias."""
    norm = encoder.text_model.final_layer_norm
    hidden = encoder(rows)
    factor = 1.0 / hidden.std()
    norm.weight.mul_(factor)
    norm.bias.mul_(factor).add_(HIDDEN_MEAN - hidden.mean() * factor)


def _pool(count: int) -> tuple[list[Scene], Tensor, Tensor]:
    scenes = [scene_of_seed(10_000_000 + i) for i in range(count)]
    small = [
        np.asarray(render(scene, 64), np.float32).reshape(8, 8, 8, 8, 3).mean((1, 3)) / 127.5 - 1 for scene in scenes
    ]
    return scenes, torch.from_numpy(np.stack(small)).reshape(count, 64, 3), torch.tensor([answers(s) for s in scenes])


def train(
    workdir: Path, words: Words, seconds: float, *, batch: int = 48, scenes: int = 12_000, steps: int | None = None
) -> None:
    """Pre-train for a time, or for `steps` where given; writes `text.pt` (encoder, used tokens) and `text.csv`."""
    torch.set_num_threads(1)
    torch.manual_seed(7)
    rng = np.random.default_rng(7)
    encoder = TextEncoder(TextShape(**json.loads((workdir / "shape.json").read_text())["text"]))
    probe = Probe(encoder.shape.width)
    known = used_tokens(words)
    pool, small, right = _pool(scenes)
    parameters = [*encoder.parameters(), *probe.parameters()]
    optimiser = torch.optim.AdamW(parameters, lr=2e-3, betas=(0.9, 0.98), weight_decay=0.0)
    began, step = time.monotonic(), 0
    tally: list[list[float]] = []
    with (workdir / "text.csv").open("w", newline="", buffering=1) as file:
        log = csv.writer(file)
        log.writerow(["seconds", "step", "loss", "picture", *QUESTIONS])
        while (done := step / steps if steps else (time.monotonic() - began) / seconds) < 1.0:
            picks = rng.integers(len(pool), size=batch)
            rows = [token_row(caption(pool[int(i)], rng), words)[0] for i in picks]
            rows = [with_strange_words(row, rng) if rng.random() < 0.1 else row for row in rows]
            optimiser.param_groups[0]["lr"] = 2e-3 * min(1.0, (step + 1) / 100) * 0.5 * (1 + math.cos(math.pi * done))
            said, picture = probe(encoder(torch.tensor(rows), 2 if rng.random() < 0.15 else 1))
            truth = right[torch.from_numpy(picks)]
            loss_picture = functional.mse_loss(picture, small[torch.from_numpy(picks)])
            loss_answers = sum(functional.cross_entropy(s, truth[:, i]) for i, s in enumerate(said)) / len(said)
            loss = 2 * loss_picture + loss_answers
            optimiser.zero_grad(set_to_none=True)
            loss.backward()
            nn.utils.clip_grad_norm_(parameters, 1.0)
            optimiser.step()
            step += 1
            hits = [(s.argmax(-1) == truth[:, i]).float().mean().item() for i, s in enumerate(said)]
            tally.append([loss.item(), loss_picture.item(), *hits])
            if step % 50 == 0:
                mean = np.mean(tally, axis=0)
                log.writerow([round(time.monotonic() - began, 1), step, *(round(float(v), 4) for v in mean)])
                tally = []
    settle(encoder, torch.tensor([token_row(caption(pool[i], rng), words)[0] for i in range(min(256, scenes))]))
    known[UNKNOWN] = True
    torch.save({"encoder": encoder.state_dict(), "known": known}, workdir / "text.pt")
