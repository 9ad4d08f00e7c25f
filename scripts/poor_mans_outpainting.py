"""Poor man's outpainting: the canvas grows, and what is new is inpainted tile by tile."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr
from PIL import Image

from modules.a1111.current import current
from modules.a1111.grids import check_size, finished_sample
from modules.a1111.outpainting import DIRECTIONS, STEP, OutpaintingScript, check
from modules.foundation.errors import RequestError
from modules.generation.inpaint import MaskedContent
from modules.imaging.resize import flatten
from modules.imaging.tiles import Grid
from modules.processing import Processed, fix_seed, process_images
from modules.shared import state

CONTENTS = ("fill", "original", "latent noise", "latent nothing")


@dataclass(frozen=True, kw_only=True)
class Canvas:
    """A picture's place on a larger canvas: pixels added on each side."""

    width: int
    height: int
    left: int
    right: int
    up: int
    down: int

    def kept(self, inset: int) -> tuple[int, int, int, int]:
        """The part that is kept, smaller by `inset` on the sides that grow; right and lower edge included."""
        return (
            self.left + (inset if self.left else 0),
            self.up + (inset if self.up else 0),
            self.width - self.right - (inset if self.right else 0),
            self.height - self.down - (inset if self.down else 0),
        )

    def holds(self, left: int, top: int, right: int, bottom: int) -> bool:
        """Whether a tile lies within the picture, so that there is nothing to paint."""
        x0, y0, x1, y1 = self.kept(0)
        return left >= x0 and right <= x1 and top >= y0 and bottom <= y1

    def mask(self, inset: int) -> Image.Image:
        """White where is to be painted."""
        mask = Image.new("L", (self.width, self.height), 255)
        x0, y0, x1, y1 = self.kept(inset)
        mask.paste(0, (x0, y0, min(x1 + 1, self.width), min(y1 + 1, self.height)))
        return mask


def canvas_for(size: tuple[int, int], pixels: int, directions: Sequence[str]) -> Canvas:
    """The canvas of a picture that grows by `pixels` in some directions, rounded up; what is rounded goes there too."""
    width, height = size
    left, right, up, down = (pixels if each in directions else 0 for each in DIRECTIONS)
    whole_width = math.ceil((width + left + right) / STEP) * STEP
    whole_height = math.ceil((height + up + down) / STEP) * STEP
    left, right = _shared(whole_width - width, left, right)
    up, down = _shared(whole_height - height, up, down)
    return Canvas(width=whole_width, height=whole_height, left=left, right=right, up=up, down=down)


def _shared(room: int, before: int, after: int) -> tuple[int, int]:
    if before:
        before = room * before // (before + after)
    return before, room - before if after else 0


class Script(OutpaintingScript):
    """The script."""

    def title(self) -> str:
        """Its name."""
        return "Poor man's outpainting"

    def ui(self, is_img2img: bool) -> list[Any]:
        """Its controls."""
        pixels, mask_blur = self.pixels_slider(), self.mask_blur_slider(4)
        content = gr.Radio(
            label="Masked content",
            choices=list(CONTENTS),
            value="fill",
            type="index",
            elem_id=self.elem_id("inpainting_fill"),
        )
        direction = self.direction_boxes()
        return [pixels, mask_blur, content, direction]

    def run(self, p: Any, pixels: int, mask_blur: int, inpainting_fill: int, direction: Sequence[str]) -> Processed:
        """Paint what is new."""
        pixels, mask_blur = int(pixels), int(mask_blur)
        check(pixels, mask_blur, direction)
        if isinstance(inpainting_fill, str) and inpainting_fill in CONTENTS:
            inpainting_fill = CONTENTS.index(inpainting_fill)
        if inpainting_fill not in range(len(MaskedContent)):
            raise RequestError(f"The masked content must be one of 0 to 3; it is {inpainting_fill!r}.", "script_args")
        if pixels >= min(p.width, p.height):
            raise RequestError(
                f"The pixels to expand ({pixels}) must be less than the sides of the tiles, {p.width}x{p.height}.",
                "script_args",
            )
        fix_seed(p)
        saved, seed = not p.do_not_save_samples, p.seed
        p.mask_blur, p.inpainting_fill, p.inpaint_full_res = mask_blur * 2, inpainting_fill, False
        p.n_iter = p.batch_size = 1
        p.do_not_save_grid = p.do_not_save_samples = True
        picture = flatten(p.init_images[0], current().settings.img2img_background_color)
        canvas = canvas_for(picture.size, pixels, direction)
        check_size(canvas.width, canvas.height)
        whole = Image.new("RGB", (canvas.width, canvas.height))
        whole.paste(picture, (canvas.left, canvas.up))
        tiles, last = self._tiles(p, canvas, whole, pixels, mask_blur)
        if last is None:
            return Processed(p, [])
        _grid, first, joined = tiles
        text = first.info
        result = finished_sample(
            p,
            joined,
            text,
            saved=saved,
            prompt=first.prompt,
            negative_prompt=first.negative_prompt,
            seed=seed,
            subseed=first.subseed,
        )
        processed = Processed(p, [result], seed, text)
        processed.result = last.result
        return processed

    def _tiles(
        self, p: Any, canvas: Canvas, whole: Image.Image, overlap: int, mask_blur: int
    ) -> tuple[Any, Processed | None]:
        """The canvas with all tiles painted, with its grid and the first run; and the last run."""
        grid = Grid(width=canvas.width, height=canvas.height, tile_width=p.width, tile_height=p.height, overlap=overlap)
        pieces = grid.split(whole)
        masks, latent_masks = grid.split(canvas.mask(mask_blur * 2)), grid.split(canvas.mask(mask_blur // 2))
        boxes = [(c.start, r.start, c.end, r.end) for r in grid.rows for c in grid.columns]
        wanted = [number for number, box in enumerate(boxes) if not canvas.holds(*box)]
        state.job_count = len(wanted)
        first = last = None
        for count, number in enumerate(wanted):
            if state.stopping_generation:
                break
            state.job = f"Tile {count + 1} out of {len(wanted)}"
            p.init_images, p.image_mask, p.latent_mask = [pieces[number]], masks[number], latent_masks[number]
            made = process_images(p)
            if not made.images:
                break
            pieces[number] = made.images[made.index_of_first_image]
            p.seed = made.seed + 1
            first, last = first or made, made
        return (grid, first, grid.combine(pieces)), last
