"""Prompt matrix: a prompt in parts, drawn with every combination of them, and one grid of all."""

from __future__ import annotations

import math
from typing import Any

import gradio as gr

from modules import scripts
from modules.a1111.grids import add_grid_with_legend, check_margin, check_size
from modules.foundation.errors import RequestError
from modules.imaging.grid_legend import Caption
from modules.processing import Processed, fix_seed, process_images
from modules.shared import state

MOST_PARTS = 12
"""Parts beside the first; each doubles the pictures."""

MOST_TEXT = 20_000_000
"""Characters of all prompts together."""


def combinations(text: str, joined_by: str, *, at_start: bool) -> list[str]:
    """The prompts of a text whose parts are divided by |: the first part alone, then with each choice of the others.

    Choice n has part i (from 0) where bit i of n is set.

    >>> combinations("a cat|in a hat|at night", ", ", at_start=False)
    ['a cat', 'a cat, in a hat', 'a cat, at night', 'a cat, in a hat, at night']
    """
    always, *parts = (part.strip() for part in text.split("|"))
    if len(parts) > MOST_PARTS:
        raise RequestError(
            f"The prompt has {len(parts):,} parts to combine, each of which doubles the pictures; the most is "
            f"{MOST_PARTS} parts.",
            "prompt",
        )
    if len(text) * 2 ** len(parts) > MOST_TEXT:
        raise RequestError(
            f"{2 ** len(parts):,} prompts of up to {len(text):,} characters are too much to combine. Give fewer or "
            "shorter parts.",
            "prompt",
        )
    prompts: list[str] = []
    for number in range(2 ** len(parts)):
        chosen = [part for index, part in enumerate(parts) if number >> index & 1]
        prompts.append(joined_by.join([*chosen, always] if at_start else [always, *chosen]))
    return prompts


def captions(parts: list[str]) -> list[list[Caption]]:
    """For each choice of some parts all of them, those that are not chosen struck through."""
    return [
        [Caption(part, active=bool(number >> index & 1)) for index, part in enumerate(parts)]
        for number in range(2 ** len(parts))
    ]


class Script(scripts.Script):
    """The script."""

    def title(self) -> str:
        """Its name."""
        return "Prompt matrix"

    def ui(self, is_img2img: bool) -> list[Any]:
        """Its controls."""
        with gr.Row():
            with gr.Column():
                put_at_start = gr.Checkbox(
                    label="Put variable parts at start of prompt", value=False, elem_id=self.elem_id("put_at_start")
                )
                different_seeds = gr.Checkbox(
                    label="Use different seed for each picture", value=False, elem_id=self.elem_id("different_seeds")
                )
            with gr.Column():
                prompt_type = gr.Radio(
                    ["positive", "negative"],
                    label="Select prompt",
                    elem_id=self.elem_id("prompt_type"),
                    value="positive",
                )
                variations_delimiter = gr.Radio(
                    ["comma", "space"],
                    label="Select joining char",
                    elem_id=self.elem_id("variations_delimiter"),
                    value="comma",
                )
            with gr.Column():
                margin_size = gr.Slider(
                    label="Grid margins (px)",
                    minimum=0,
                    maximum=500,
                    value=0,
                    step=2,
                    elem_id=self.elem_id("margin_size"),
                )
        return [put_at_start, different_seeds, prompt_type, variations_delimiter, margin_size]

    def run(
        self,
        p: Any,
        put_at_start: bool,
        different_seeds: bool,
        prompt_type: str,
        variations_delimiter: str,
        margin_size: int,
    ) -> Processed:
        """Make all pictures in one run, and their grid."""
        _one_of("prompt_type", prompt_type, ("positive", "negative"))
        _one_of("variations_delimiter", variations_delimiter, ("comma", "space"))
        margin = check_margin(margin_size)
        fix_seed(p)
        attribute = "prompt" if prompt_type == "positive" else "negative_prompt"
        value = getattr(p, attribute)
        text = value[0] if isinstance(value, list) else value
        prompts = combinations(text, " " if variations_delimiter == "space" else ", ", at_start=put_at_start)
        parts = [part.strip() for part in text.split("|")][1:]
        half = math.ceil(len(parts) / 2)
        across, down = captions(parts[:half]), captions(parts[half:])
        check_size(p.width * len(across), p.height * len(down))
        p.n_iter = math.ceil(len(prompts) / p.batch_size)
        saved, p.do_not_save_grid = not p.do_not_save_grid, True
        setattr(p, attribute, prompts)
        p.seed = [p.seed + (index if different_seeds else 0) for index in range(len(prompts))]
        state.job_count = 1
        processed = process_images(p)
        add_grid_with_legend(p, processed, "prompt_matrix", across, down, margin, saved=saved)
        return processed


def _one_of(name: str, value: Any, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise RequestError(f"{name} must be one of {', '.join(choices)}; it is {value!r}.", "script_args")
