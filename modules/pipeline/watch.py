"""watch: previews of an unfinished picture, made on a thread of their own so that the loop never waits for one."""

from __future__ import annotations

import logging
import queue
import threading

from PIL import Image
from torch import Tensor

from modules.generation.latents import StepReport
from modules.generation.plan import Plan
from modules.generation.progress import RunControl
from modules.imaging.grid import grid_shape, image_grid
from modules.pipeline.model import Model
from modules.sampling.preview import decode_linear

log = logging.getLogger(__name__)


class Previewer:
    """Makes a preview of every n-th step while anything listens. Leaving the context ends the thread.

    Only the newest step waits: where previews are slower than steps, steps are left out, not queued.
    """

    def __init__(self, plan: Plan, model: Model, control: RunControl) -> None:
        settings = plan.settings
        self._size = (plan.width, plan.height)
        self._every = settings.show_progress_every_n_steps if settings.live_previews_enable else 0
        self._decoder = model.preview_decoder if self._every > 0 else None
        self._control = control
        self._newest: queue.Queue[Tensor | None] = queue.Queue(maxsize=1)
        self._thread = threading.Thread(target=self._work, name="preview", daemon=True)

    def __enter__(self) -> Previewer:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._offer(None)
        self._thread.join()

    def at_step(self, step: StepReport) -> None:
        """A step was taken; called within the loop."""
        if self._every > 0 and step.index % self._every == 0:
            self._offer(step.denoised)

    def _offer(self, latents: Tensor | None) -> None:
        while True:
            try:
                self._newest.put_nowait(latents)
                return
            except queue.Full:
                try:
                    self._newest.get_nowait()
                except queue.Empty:
                    continue

    def _work(self) -> None:
        while (latents := self._newest.get()) is not None:
            try:
                images = self._images(latents)
            except RuntimeError as error:
                # The device may be out of memory for a moment; a preview is not worth a picture.
                log.debug("No preview: %s", error)
                continue
            columns, rows = grid_shape(len(images))
            self._control.show(images[0] if len(images) == 1 else image_grid(images, columns=columns, rows=rows))

    def _images(self, latents: Tensor) -> list[Image.Image]:
        assert self._decoder is not None
        small = [Image.fromarray(pixels) for pixels in decode_linear(latents, self._decoder)]
        return [image.resize(self._size, Image.Resampling.BICUBIC) for image in small]
