"""Style sheet: trigger words of styles, alone or several together, at several weights over one seed, as one sheet."""

from __future__ import annotations

import math
from typing import Any

import gradio as gr

from modules import scripts
from modules.a1111.grids import add_grid_with_legend, check_margin, check_pictures, check_size
from modules.foundation.errors import RequestError
from modules.imaging.grid_legend import Caption
from modules.processing import Processed, fix_seed, process_images
from modules.prompts.craft.style_sheet import MOST_TOGETHER, mixture_count, mixtures_of, styled, styles_of, weights_of
from modules.shared import state

LABELS = ("Style sheet words", "Style sheet weights", "Style sheet together", "Style sheet place")
"""Under which labels the arguments stand in the parameters."""

PLACES = ("start", "end")


class Script(scripts.Script):
    """The script."""

    def title(self) -> str:
        """Its name."""
        return "Style sheet"

    def ui(self, is_img2img: bool) -> list[Any]:
        """Its controls."""
        words = gr.Textbox(
            label="Trigger words of styles, one a line",
            lines=4,
            value="",
            placeholder="flat color\nimpasto\ncel shading",
            elem_id=self.elem_id("words"),
        )
        with gr.Row():
            weights = gr.Textbox("0.6, 1", label="Weights, across the sheet", elem_id=self.elem_id("weights"))
            together = gr.Slider(
                minimum=1,
                maximum=MOST_TOGETHER,
                step=1,
                value=1,
                label="How many together",
                elem_id=self.elem_id("together"),
            )
        with gr.Row():
            place = gr.Radio(
                list(PLACES), value="start", label="Where they stand in the prompt", elem_id=self.elem_id("place")
            )
            margin = gr.Slider(
                minimum=0, maximum=500, step=2, value=0, label="Grid margins (px)", elem_id=self.elem_id("margin")
            )
        self.infotext_fields = list(zip((words, weights, together, place), LABELS, strict=True))
        self.paste_field_names = list(LABELS)
        return [words, weights, together, place, margin]

    def run(self, p: Any, words: str, weights: str, together: int, place: str, margin: int) -> Processed:
        """Make all pictures in one run with one seed, and their sheet: a row a style, a column a weight."""
        if place not in PLACES:
            raise RequestError(f"Style sheet: the place is start or end; it is {place!r:.100}.", "script_args")
        pixels = check_margin(margin)
        steps = weights_of(weights)
        check_pictures(mixture_count(words, together) * len(steps))
        mixtures = mixtures_of(words, together)
        check_size(p.width * len(steps), p.height * len(mixtures))
        fix_seed(p)
        text = p.prompt[0] if isinstance(p.prompt, list) else p.prompt
        cells = [(mixture, weight) for mixture in mixtures for weight in steps]
        p.prompt = [styled(text, mixture, weight, place) for mixture, weight in cells]
        p.seed = [p.seed] * len(cells)
        p.n_iter = math.ceil(len(cells) / p.batch_size)
        saved, p.do_not_save_grid = not p.do_not_save_grid, True
        values = ("\n".join(styles_of(words)), ", ".join(f"{each:g}" for each in steps), int(together), place)
        p.extra_generation_params |= {"Script": self.title(), **dict(zip(LABELS, values, strict=True))}
        state.job_count = 1
        processed = process_images(p)
        across = [[Caption(f"{weight:g}")] for weight in steps]
        down = [[Caption(word) for word in mixture] for mixture in mixtures]
        add_grid_with_legend(p, processed, "style_sheet", across, down, pixels, saved=saved)
        return processed
