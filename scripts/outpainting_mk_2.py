"""Outpainting mk2: a picture goes on, one direction after the other, over noise that is like it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import gradio as gr
import numpy as np
from PIL import Image

from modules.a1111.current import current
from modules.a1111.grids import check_pictures, check_size, finished_sample, processed_with_grid
from modules.a1111.outpainting import DIRECTIONS, STEP, OutpaintingScript, check
from modules.imaging.matched_noise import matched_noise
from modules.imaging.resize import flatten
from modules.processing import Processed, fix_seed, process_images
from modules.shared import state

ORIGINAL = 1
NOTE = (
    '<p style="margin-bottom:0.75em">Recommended settings: Sampling Steps: 80-100, Sampler: Euler a, '
    "Denoising strength: 0.8</p>"
)


EVEN = (
    "The picture is so even that it has no noise to go on with, and became black, as it does in A1111. Outpaint "
    "another side, or use Poor man's outpainting."
)


class Script(OutpaintingScript):
    """The script."""

    remarks: Sequence[str] = ()
    """What is to be said of the run."""

    def title(self) -> str:
        """Its name."""
        return "Outpainting mk2"

    def ui(self, is_img2img: bool) -> list[Any]:
        """Its controls."""
        info = gr.HTML(NOTE)
        pixels, mask_blur = self.pixels_slider(), self.mask_blur_slider(8)
        direction = self.direction_boxes()
        falloff = gr.Slider(
            label="Fall-off exponent (lower=higher detail)",
            minimum=0.0,
            maximum=4.0,
            step=0.01,
            value=1.0,
            elem_id=self.elem_id("noise_q"),
        )
        variation = gr.Slider(
            label="Color variation",
            minimum=0.0,
            maximum=1.0,
            step=0.01,
            value=0.05,
            elem_id=self.elem_id("color_variation"),
        )
        return [info, pixels, mask_blur, direction, falloff, variation]

    def run(
        self,
        p: Any,
        _: Any,
        pixels: int,
        mask_blur: int,
        direction: Sequence[str],
        noise_q: float,
        color_variation: float,
    ) -> Processed:
        """Each direction in turn, for as many pictures as asked for."""
        pixels, mask_blur = int(pixels), int(mask_blur)
        check(pixels, mask_blur, direction)
        self.remarks = ()
        fix_seed(p)
        horizontal, vertical = ({"left", "right"} & set(direction)), ({"up", "down"} & set(direction))
        p.mask_blur_x, p.mask_blur_y = (mask_blur * 4 if horizontal else 0), (mask_blur * 4 if vertical else 0)
        p.inpaint_full_res, p.inpainting_fill = False, ORIGINAL
        saved, saved_grid, seed = not p.do_not_save_samples, not p.do_not_save_grid, p.seed
        p.do_not_save_samples = p.do_not_save_grid = True
        size, count, batches = (int(p.width), int(p.height)), int(p.batch_size), int(p.n_iter)
        p.n_iter = 1
        source = flatten(p.init_images[0], current().settings.img2img_background_color)
        check_size(source.width + pixels * len(horizontal), source.height + pixels * len(vertical))
        wanted = [each for each in DIRECTIONS if each in direction]
        check_pictures(len(wanted) * batches * count)
        state.job_count = len(wanted) * batches
        first = made = None
        results: list[Any] = []
        for batch in range(batches):
            pictures = [source] * count
            p.seed = seed + batch * count
            for each in wanted:
                if state.stopping_generation:
                    break
                state.job = f"Batch {batch + 1} out of {batches}: {each}"
                pictures, last = self._grown(p, pictures, each, pixels, mask_blur, size, (noise_q, color_variation))
                made = last or made
                first = first or made
            if made is None:
                break
            results += [
                finished_sample(
                    p,
                    picture,
                    first.info if first is not None else "",
                    saved=saved,
                    prompt=made.prompt,
                    negative_prompt=made.negative_prompt,
                    seed=seed + batch * count + number,
                    subseed=made.subseed,
                )
                for number, picture in enumerate(pictures)
            ]
        return processed_with_grid(
            p,
            results,
            made,
            rows=current().settings.n_rows,
            seed=seed,
            infotext=first.info if first is not None else "",
            saved=saved_grid,
            comments="\n".join(self.remarks),
        )

    def _grown(
        self,
        p: Any,
        pictures: Sequence[Image.Image],
        direction: str,
        pixels: int,
        mask_blur: int,
        size: tuple[int, int],
        noise: tuple[float, float],
    ) -> tuple[list[Image.Image], Processed | None]:
        """The pictures of a batch, larger in one direction, and the run; unchanged and None where it made none."""
        width, height = pictures[0].size
        across = direction in ("left", "right")
        result = (width + pixels, height) if across else (width, height + pixels)
        whole = tuple(math.ceil(side / STEP) * STEP for side in result)
        canvases = [_on_canvas(each, whole, direction, pixels) for each in pictures]
        mask = _mask(whole, result, direction, pixels, mask_blur)
        levels = np.asarray(mask, dtype=np.float64) / 255
        canvases = [self._noised(p, canvas, levels, noise) for canvas in canvases]
        p.width = min(size[0], width + pixels) if across else whole[0]
        p.height = whole[1] if across else min(size[1], height + pixels)
        left = 0 if direction == "left" or not across else whole[0] - p.width
        top = 0 if direction == "up" or across else whole[1] - p.height
        box = (left, top, left + p.width, top + p.height)
        # The latents of the picture are painted over a little further than its pixels.
        p.image_mask = mask.crop(box)
        p.latent_mask = _mask(whole, result, direction, pixels, mask_blur * 2).crop(box)
        p.init_images, p.batch_size = [canvas.crop(box) for canvas in canvases], len(canvases)
        made = process_images(p)
        painted = made.images[made.index_of_first_image :][: len(canvases)]
        if not painted:
            return list(pictures), None
        for canvas, picture in zip(canvases, painted, strict=False):
            canvas.paste(picture, (left, top))
        return [canvas.crop((0, 0, *result)) for canvas in canvases], made

    def _noised(self, p: Any, canvas: Image.Image, mask: Any, noise: tuple[float, float]) -> Image.Image:
        """The canvas with noise like the picture where the mask is."""
        pixels = np.asarray(canvas, dtype=np.float64) / 255
        made = matched_noise(pixels, mask, falloff=noise[0], colour_variation=noise[1])
        if np.isnan(made).any():
            self.remarks = [EVEN]
        return Image.fromarray((np.nan_to_num(made) * 255).astype(np.uint8))


def _on_canvas(picture: Image.Image, size: Sequence[int], direction: str, pixels: int) -> Image.Image:
    canvas = Image.new("RGB", (size[0], size[1]))
    canvas.paste(picture, (pixels if direction == "left" else 0, pixels if direction == "up" else 0))
    return canvas


def _mask(size: Sequence[int], result: tuple[int, int], direction: str, pixels: int, blur: int) -> Image.Image:
    """White where the picture goes on, and `blur` pixels into it."""
    mask = Image.new("L", (size[0], size[1]), 255)
    inset = pixels + blur
    box = (
        inset if direction == "left" else 0,
        inset if direction == "up" else 0,
        size[0] - inset if direction == "right" else result[0],
        size[1] - inset if direction == "down" else result[1],
    )
    mask.paste(0, (box[0], box[1], min(box[2] + 1, size[0]), min(box[3] + 1, size[1])))
    return mask
