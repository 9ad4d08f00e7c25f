"""The bar: held-out prompts, judged for both colours and for shape."""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Sequence
from typing import Any

import numpy as np

from starter_model.judge import judge
from starter_model.sheet import arrange
from starter_model.tokens import Words
from starter_model.world import SHAPES, held_out_triples

Triple = tuple[str, str, str]


def bar_prompts(count: int) -> list[tuple[Triple, str]]:
    """`count` held-out triples with their prompts, in a fixed random order."""
    triples = held_out_triples()
    order = np.random.default_rng(42).permutation(len(triples))
    chosen = [triples[int(order[i % len(order)])] for i in range(count)]
    return [((c, s, b), f"a {c} {s} on a {b} background") for c, s, b in chosen]


def score(pictures: Sequence[np.ndarray], triples: Sequence[Triple]) -> dict[str, Any]:
    """Shares of pictures that are right, in all and by shape."""
    verdicts = [judge(picture) for picture in pictures]
    pairs = list(zip(verdicts, triples, strict=True))
    colour = [v.colour == t[0] for v, t in pairs]
    background = [v.background == t[2] for v, t in pairs]
    shape = [v.shape == t[1] for v, t in pairs]

    def share(hits: Sequence[bool]) -> float:
        return round(float(np.mean(hits)), 4) if len(hits) else 0.0

    by_shape = {name: share([hit for hit, t in zip(shape, triples, strict=True) if t[1] == name]) for name in SHAPES}
    return {
        "pictures": len(pairs),
        "both_colours": share([a and b for a, b in zip(colour, background, strict=True)]),
        "object_colour": share(colour),
        "background_colour": share(background),
        "shape": share(shape),
        "everything": share([a and b and c for a, b, c in zip(colour, background, shape, strict=True)]),
        "by_shape": by_shape,
        "wrong": [
            f"{' '.join(t)} -> {v.colour} {v.shape} {v.background} ({v.overlap:.2f})"
            for v, t in pairs
            if (v.colour, v.shape, v.background) != t
        ],
    }


def table(figures: dict[str, Any]) -> str:
    """The figures as lines of text."""
    rows = [(k.replace("_", " "), v) for k, v in figures.items() if isinstance(v, float)]
    rows += [(f"  {name}", v) for name, v in figures["by_shape"].items()]
    return "\n".join(f"{name:<20}{100 * value:6.1f} %" for name, value in rows)


def _pictures(options: argparse.Namespace, prompts: list[str], seeds: list[int]) -> tuple[list[np.ndarray], Any]:
    """By the product's engine from a file, else by the sampler here from the work folder; with further measurements."""
    if options.model is not None:
        from starter_model.behaviour import behaviour
        from starter_model.engine import maker

        with maker(options.model) as make:
            made = make.make(prompts, seeds)
            return made, behaviour(make) if options.behaviour else None
    from starter_model.sampler import pictures_of
    from starter_model.sheet import load

    nets = load(options.workdir, None, Words())
    return list(pictures_of(nets.unet, nets.vae, nets.conditioner, prompts, seeds=seeds)), None


def evaluate(options: argparse.Namespace) -> None:
    """The `evaluate` command."""
    import torch

    torch.set_num_threads(max(1, options.workers))
    prompts = bar_prompts(options.count)
    began = time.monotonic()
    made, further = _pictures(options, [p for _, p in prompts], list(range(1000, 1000 + len(prompts))))
    figures = score(made, [t for t, _ in prompts])
    if further is not None:
        figures["behaviour"] = further
        print(json.dumps(further, indent=1))
    print(table(figures))
    print("\n".join(figures["wrong"][:40]))
    print(f"{time.monotonic() - began:.0f} s")
    if options.json is not None:
        options.json.write_text(json.dumps(figures, indent=1) + "\n")
    if options.picture is not None:
        options.picture.parent.mkdir(parents=True, exist_ok=True)
        arrange(np.stack(made), 20, 64).save(options.picture)
