"""Loopback: img2img again and again, each result the beginning of the next."""

from __future__ import annotations

import math
from typing import Any

import gradio as gr

from modules import scripts
from modules.a1111.current import current
from modules.a1111.describing import words_for
from modules.a1111.grids import check_pictures, check_size, processed_with_grid
from modules.foundation.errors import RequestError
from modules.processing import Processed, fix_seed, process_images
from modules.shared import state

CURVES = ("Aggressive", "Linear", "Lazy")
DESCRIBED_BY = {"CLIP": "clip", "DeepBooru": "deepdanbooru"}
"""The choices for words that are added to the prompt, and the models that find them."""

ORIGINAL = 1
"""The masked content that keeps what is there."""


def strength_at(loop: int, loops: int, first: float, last: float, curve: str) -> float:
    """The denoising strength of one of `loops` rounds (from 0): `first` at the first and `last` at the last of them.

    Aggressive comes near to `last` early, along a sine, Lazy late, along a cosine.
    """
    if loops <= 1:
        return first
    progress = loop / (loops - 1)
    if curve == "Aggressive":
        progress = math.sin(progress * math.pi * 0.5)
    elif curve == "Lazy":
        progress = 1 - math.cos(progress * math.pi * 0.5)
    return first + (last - first) * progress


class Script(scripts.Script):
    """The script."""

    def title(self) -> str:
        """Its name."""
        return "Loopback"

    def show(self, is_img2img: bool) -> bool:
        """Only where there is a picture to begin with."""
        return is_img2img

    def ui(self, is_img2img: bool) -> list[Any]:
        """Its controls."""
        loops = gr.Slider(minimum=1, maximum=32, step=1, label="Loops", value=4, elem_id=self.elem_id("loops"))
        final = gr.Slider(
            minimum=0,
            maximum=1,
            step=0.01,
            label="Final denoising strength",
            value=0.5,
            elem_id=self.elem_id("final_denoising_strength"),
        )
        curve = gr.Dropdown(label="Denoising strength curve", choices=list(CURVES), value="Linear")
        interrogation = gr.Dropdown(
            label="Append interrogated prompt at each iteration", choices=["None", *DESCRIBED_BY], value="None"
        )
        return [loops, final, curve, interrogation]

    def run(self, p: Any, loops: int, final_denoising_strength: float, curve: str, interrogation: str) -> Processed:
        """All rounds of all batches."""
        loops = int(loops)
        model = self._check(loops, final_denoising_strength, curve, interrogation)
        fix_seed(p)
        batches, p.n_iter, p.batch_size = int(p.n_iter), 1, 1
        saved, p.do_not_save_grid = not p.do_not_save_grid, True
        p.extra_generation_params |= {
            "Final denoising strength": final_denoising_strength,
            "Denoising curve": curve,
        }
        prompt = p.prompt
        first, originals, fill = p.denoising_strength, list(p.init_images), p.inpainting_fill
        check_size(p.width * min(loops, 4), p.height)
        check_pictures(loops * batches)
        state.job_count = loops * batches
        every: list[Any] = []
        seed, text, made = p.seed, "", None
        for batch in range(batches):
            p.init_images, p.inpainting_fill, p.denoising_strength = list(originals), fill, first
            rounds: list[Any] = []
            for loop in range(loops):
                if state.stopping_generation:
                    break
                state.job = f"Batch {batch + 1}/{batches}, loop {loop + 1}/{loops}"
                if model is not None:
                    p.prompt = ", ".join(
                        text for text in (prompt, words_for(current(), p.init_images[0], model)) if text
                    )
                done = process_images(p)
                if not done.images:
                    break
                made = done
                seed, text = (made.seed, made.info) if not every and not rounds else (seed, text)
                rounds.append(made.images[0])
                p.init_images, p.inpainting_fill = [made.images[0]], ORIGINAL
                p.seed = made.seed + 1
                if loop + 1 < loops:  # the curve ends with the last round
                    p.denoising_strength = strength_at(loop + 1, loops, first, final_denoising_strength, curve)
            every += rounds if batches == 1 else rounds[-1:]
        rows = 1 if len(every) < 4 else current().settings.n_rows
        return processed_with_grid(p, every, made, rows=rows, seed=seed, infotext=text, saved=saved)

    def _check(self, loops: int, final: float, curve: str, interrogation: str) -> str | None:
        """By which model the picture that a round begins with is to be described, if it is."""
        if not 1 <= loops <= 1000:
            raise RequestError(f"Loops must lie between 1 and 1000; it is {loops}.", "script_args")
        if not 0 <= final <= 1:
            raise RequestError(f"The final denoising strength must lie between 0 and 1; it is {final}.", "script_args")
        if curve not in CURVES:
            raise RequestError(f"The curve must be one of {', '.join(CURVES)}; it is {curve!r}.", "script_args")
        if interrogation in ("None", "", None):
            return None
        if interrogation not in DESCRIBED_BY:
            raise RequestError(
                f"The pictures can be described by {' or '.join(DESCRIBED_BY)}, or None; not by {interrogation!r}.",
                "script_args",
            )
        return current().app.captioners.find(DESCRIBED_BY[interrogation], "script_args").name
