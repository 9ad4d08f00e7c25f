"""SD upscale: a picture is enlarged, and img2img is made of it tile by tile."""

from __future__ import annotations

from typing import Any

import gradio as gr
from PIL import Image

from modules import scripts
from modules.a1111.current import current
from modules.a1111.grids import check_pictures, check_size, finished_sample
from modules.foundation.errors import RequestError
from modules.imaging.resize import flatten
from modules.imaging.tiles import Grid
from modules.processing import Processed, fix_seed, process_images
from modules.shared import state

NOTE = (
    '<p style="margin-bottom:0.75em">Will upscale the image by the selected scale factor; '
    "use width and height sliders to set tile size</p>"
)


def upscaler_names() -> list[str]:
    """The upscalers that can be used, None among them."""
    return [info.name for info in current().app.upscalers.usable()]


class Script(scripts.Script):
    """The script."""

    def title(self) -> str:
        """Its name."""
        return "SD upscale"

    def show(self, is_img2img: bool) -> bool:
        """Only where there is a picture to begin with."""
        return is_img2img

    def ui(self, is_img2img: bool) -> list[Any]:
        """Its controls."""
        info = gr.HTML(NOTE)
        overlap = gr.Slider(
            minimum=0, maximum=256, step=16, label="Tile overlap", value=64, elem_id=self.elem_id("overlap")
        )
        scale_factor = gr.Slider(
            minimum=1.0,
            maximum=4.0,
            step=0.05,
            label="Scale Factor",
            value=2.0,
            elem_id=self.elem_id("scale_factor"),
        )
        names = upscaler_names()
        upscaler = gr.Radio(
            label="Upscaler",
            choices=names,
            value=names[0],
            type="index",
            elem_id=self.elem_id("upscaler_index"),
        )
        return [info, overlap, upscaler, scale_factor]

    def run(self, p: Any, _: Any, overlap: int, upscaler_index: Any, scale_factor: float) -> Processed:
        """All tiles of as many pictures as asked for, each put together."""
        upscaler = self._upscaler(upscaler_index)
        overlap = int(overlap)
        self._check(p, overlap, scale_factor)
        fix_seed(p)
        p.extra_generation_params |= {"SD upscale overlap": overlap, "SD upscale upscaler": upscaler}
        saved = not p.do_not_save_samples
        seed, count, p.n_iter = p.seed, int(p.n_iter), 1
        p.do_not_save_grid = p.do_not_save_samples = True
        source = self._enlarged(p.init_images[0], upscaler, scale_factor)
        grid = Grid(width=source.width, height=source.height, tile_width=p.width, tile_height=p.height, overlap=overlap)
        check_pictures(len(grid.rows) * len(grid.columns) * count)
        tiles = grid.split(source)
        batches = [tiles[first : first + p.batch_size] for first in range(0, len(tiles), p.batch_size)]
        state.job_count = len(batches) * count
        results: list[Any] = []
        made, text = None, ""
        size = p.batch_size
        for number in range(count):
            p.seed = seed + number
            done: list[Any] = []
            for index, batch in enumerate(batches):
                if state.stopping_generation:
                    break
                state.job = f"Batch {index + 1 + number * len(batches)} out of {state.job_count}"
                p.batch_size, p.init_images = len(batch), batch
                last = process_images(p)
                if not last.images:
                    break
                made, text = last, text or last.info
                p.seed = last.seed + 1
                done += last.images[last.index_of_first_image :][: len(batch)]
            if made is None or not done:
                break
            # Tiles that were not made before the job was stopped are those of the enlarged source.
            joined = grid.combine([*done, *tiles[len(done) :]])
            results.append(self._kept(p, joined, text, made, seed + number, saved=saved))
        p.batch_size = size
        processed = Processed(p, results, seed, text)
        processed.result = made.result if made is not None else None
        return processed

    def _kept(self, p: Any, picture: Image.Image, text: str, made: Processed, seed: int, *, saved: bool) -> Image.Image:
        return finished_sample(
            p,
            picture,
            text,
            saved=saved,
            prompt=made.prompt,
            negative_prompt=made.negative_prompt,
            seed=seed,
            subseed=made.subseed,
        )

    def _enlarged(self, picture: Image.Image, upscaler: str, factor: float) -> Image.Image:
        source = flatten(picture, current().settings.img2img_background_color)
        info = current().app.upscalers.find(upscaler)
        if info.method == "none":
            return source
        check_size(int(source.width * factor), int(source.height * factor))
        enlarge = current().app.engine.upscalers.enlarger(info.name, current().settings, current().control)
        return source if enlarge is None else enlarge(source, factor)

    def _upscaler(self, upscaler: Any) -> str:
        """The upscaler of this number or name."""
        names = upscaler_names()
        if isinstance(upscaler, str):
            found = next((name for name in names if name.casefold() == upscaler.casefold()), None)
            if found is not None:
                return found
        elif isinstance(upscaler, int) and 0 <= upscaler < len(names):
            return names[upscaler]
        raise RequestError(f"There is no upscaler {upscaler!r}. There are: {', '.join(names)}.", "script_args")

    def _check(self, p: Any, overlap: int, factor: float) -> None:
        if not 0 <= overlap < min(p.width, p.height):
            raise RequestError(
                f"The tile overlap must be at least 0 and less than a tile's sides, which are {p.width}x{p.height}; "
                f"it is {overlap}.",
                "script_args",
            )
        if not 0 < factor <= 16:
            raise RequestError(
                f"The scale factor must be greater than 0 and at most 16; it is {factor}.", "script_args"
            )
