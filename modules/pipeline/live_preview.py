"""live_preview: previews of an unfinished picture, made on a thread of their own so that the loop never waits."""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable

import torch
from PIL import Image
from torch import Tensor

from modules.foundation.errors import EaselError
from modules.generation.latents import StepReport
from modules.generation.plan import Plan
from modules.generation.progress import RunControl
from modules.imaging.grid import grid_shape, image_grid
from modules.pipeline.decode import to_picture
from modules.pipeline.model import LoadedModel
from modules.pipeline.small_vaes import SmallVaeKind
from modules.pipeline.vae import decode_latent
from modules.sampling.preview import decode_linear

log = logging.getLogger(__name__)


class Previewer:
    """Makes a preview of every n-th step while anything listens. Leaving the context ends the thread.

    Only the newest step waits: where previews are slower than steps, steps are left out, not queued. They are as large
    as the method makes them (the cheap way: a pixel for each of the latent's), and the viewer enlarges them:
    encoding and sending 64 times the pixels to every open page would cost the sampler more than the preview.
    """

    def __init__(self, plan: Plan, model: LoadedModel, control: RunControl) -> None:
        settings = plan.settings
        self._every = settings.show_progress_every_n_steps if settings.live_previews_enable else 0
        self._pictures = _method(settings.show_progress_type, plan, model) if self._every > 0 else None
        self._control = control
        self._shown = None if settings.show_progress_grid else 1
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
            self._offer(step.denoised[: self._shown])

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
            except (RuntimeError, EaselError) as error:
                # The device may be out of memory for a moment; a preview is not worth a picture.
                log.debug("No preview: %s", error)
                continue
            columns, rows = grid_shape(len(images))
            self._control.show(images[0] if len(images) == 1 else image_grid(images, columns=columns, rows=rows))

    def _images(self, latents: Tensor) -> list[Image.Image]:
        assert self._pictures is not None
        with torch.inference_mode():
            return self._pictures(latents)


def _method(wanted: str, plan: Plan, model: LoadedModel) -> Callable[[Tensor], list[Image.Image]]:
    """How previews are made; the cheap way where the file that another one needs is not there."""
    if wanted == "Full":
        return lambda latents: _by_vae(latents, plan, model)
    kind: SmallVaeKind = "decoder" if wanted == "TAESD" else "approximation"
    network = None if wanted == "Approx cheap" else model.small_vae(kind)
    if network is not None:
        return lambda latents: [to_picture(network(latent[None])[0]) for latent in latents]
    if wanted == "TAESD":
        model.remark(f"{model.small_vae_missing(kind)} Previews are made the cheap way.")
    cheap = model.preview_decoder
    return lambda latents: [Image.fromarray(pixels) for pixels in decode_linear(latents, cheap)]


def _by_vae(latents: Tensor, plan: Plan, model: LoadedModel) -> list[Image.Image]:
    with model.on_device(model.checkpoint.vae):
        return [to_picture(decode_latent(latent[None], plan, model)[0]) for latent in latents]
