"""run: one request from words to pictures. Each stage is one call, with its hook before or after it."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Generator
from dataclasses import replace

import torch
from PIL.Image import Image

from modules.foundation.errors import OutOfMemory
from modules.foundation.timing import Stopwatch
from modules.foundation.trace import stage_ended
from modules.generation.batch import BatchPlan, batch_plan, with_batch_plan
from modules.generation.count_limits import check_counts
from modules.generation.plan import BatchSlice, Plan
from modules.generation.progress import RunControl
from modules.generation.request import GenerationRequest
from modules.generation.result import FinishedImage, GenerationResult
from modules.generation.size_limits import SizeLimits
from modules.hardware.memory import peak_bytes, release, start_peak
from modules.hooks.events import PictureEvent, RunEvent
from modules.hooks.point import Transform
from modules.imaging.resize import Upscale
from modules.pipeline.decode import pictures_of
from modules.pipeline.engine import Engine
from modules.pipeline.inpaint import overlay_masks
from modules.pipeline.parameters_text import extra_of, finish, picture_fields
from modules.pipeline.passes import sample_batch
from modules.pipeline.paste_back import PastedBack, paste_back
from modules.pipeline.plan import img2img_upscale, make_plan
from modules.pipeline.result_info import info_of
from modules.pipeline.save import Saving
from modules.pipeline.save_intermediate import save_intermediate
from modules.pipeline.seamless_tiling import seamless
from modules.pipeline.state import PassResult, RunState
from modules.settings.model import Settings


def run(
    request: GenerationRequest,
    engine: Engine,
    control: RunControl,
    *,
    settings: Settings | None = None,
    checkpoint: str | None = None,
) -> GenerationResult:
    """Make the pictures of a request, with these settings and the checkpoint of this name, or else as things are now.

    Interrupting keeps what is finished; the result then says so. Raises the EaselError of whatever went wrong.
    """
    hooks, timings = engine.hooks, Stopwatch(on_phase=stage_ended if engine.flags.trace else None)
    control.begin(request.batch_count)
    request_event = RunEvent(request=request)
    request = hooks.request(request, request_event)
    # Checked again: scripts, folders and attachments may have changed it since it was handed in.
    limits = SizeLimits.from_flags(engine.flags)
    limits.check_request(request)
    check_counts(request, engine.flags)

    def enlarger(name: str | None, settings: Settings) -> Upscale | None:
        return engine.upscalers.enlarger(name, settings, control)

    plan = make_plan(
        request,
        settings or engine.settings.current,
        engine.catalogue,
        engine.styles.all(),
        vaes=engine.vaes,
        checkpoint=checkpoint,
        upscalers=engine.upscalers.catalogue,
        fallback=engine.flags.checkpoint,
        enlarger=enlarger,
    )
    plan = hooks.plan(plan, replace(request_event, request=request, plan=plan))
    limits.check_plan(plan)
    event = replace(request_event, request=request, plan=plan)
    with _memory_errors(engine, plan):
        with timings.phase("load"):
            control.at_phase("loading")
            model = engine.load(plan.checkpoint, control.at_load, vae=plan.vae)
            event = replace(event, model=model)
            engine.embeddings.update()
        start_peak(engine.hardware.device)
        saving = Saving(plan, engine, event)
        state = RunState(
            engine=engine, control=control, timings=timings, event=event, plan=plan, model=model, saving=saving
        )
        if plan.inpaint is not None:
            state.upscale = img2img_upscale(plan.settings, enlarger, [])
        if plan.settings.save_init_img:
            state.init_hashes = tuple(saving.init_image(image) for image in request.init_images)
        with hooks.around_run(event), seamless(model, wanted=plan.tiling), torch.inference_mode():
            _all_batches(state)
    result = _result(state)
    control.at_phase("done")
    return hooks.result(result, state.event)


def _all_batches(state: RunState) -> None:
    """Make the pictures batch by batch, until all are there or the run is told to stop."""
    hooks = state.engine.hooks
    for batch in state.plan.batches:
        if state.control.stopping:
            break
        _change_batch(state, batch, hooks.batch)
        with hooks.around_batch(replace(state.event, batch=batch.index)):
            _change_batch(state, batch, hooks.batch_begins)
            before = state.plan.hires
            _one_batch(state, batch)
            if state.plan.hires is not before:  # what an attachment made of the second pass was for this batch
                state.use_plan(replace(state.plan, hires=before))


def _change_batch(state: RunState, batch: BatchSlice, point: Transform[BatchPlan, RunEvent]) -> None:
    """Let attachments change what a batch is made from."""
    if not point:
        return
    changed = point(batch_plan(state.plan, batch), replace(state.event, batch=batch.index))
    state.use_plan(with_batch_plan(state.plan, batch, changed))


def _one_batch(state: RunState, batch: BatchSlice) -> None:
    """Make the pictures of one batch and hand them to the saver."""
    # What a pass has in force stays until its latents are decoded.
    with contextlib.ExitStack() as stack:
        made = sample_batch(state, batch, stack)
        state.incomplete |= made is None or not made.sampled.complete
        if made is None or (made.latents is None and made.pixels is None):
            return
        with state.timings.phase("decode"):
            state.control.at_phase("decoding")
            hooks, event = state.engine.hooks, replace(state.event, batch=batch.index)
            change = functools.partial(hooks.decoded, event=event) if hooks.decoded else None
            pictures = hooks.pictures(pictures_of(made.samples, state.plan, made.model, change), event)
        state.event.warn(*state.model.taken_remarks(), *made.model.taken_remarks())
        with state.timings.phase("finish"):
            masks = overlay_masks(state.plan, batch, made.blend, made.latents and made.latents.samples)
            _hand_over(state, batch, pictures, made, masks)


def _hand_over(state: RunState, batch: BatchSlice, pictures: list[Image], made: PassResult, masks: list[Image]) -> None:
    """Compose each picture with its source, by its mask if there is one, give it its text, hand it to the saver."""
    hooks, plan, event = state.engine.hooks, state.plan, replace(state.event, batch=batch.index)
    wanted = made.sampled.complete or plan.settings.save_incomplete_images
    for position, picture in enumerate(pictures):
        index = batch.first + min(position, batch.count - 1)
        if plan.settings.face_restoration and plan.settings.save_images_before_face_restoration:
            save_intermediate(state, picture, index, made, suffix="-before-face-restoration")
        mask = masks[index - batch.first] if masks else None
        of_picture = replace(event, picture=index)
        picture_event = PictureEvent(run=event, index=index)
        change = functools.partial(hooks.mask_overlay, event=picture_event) if hooks.mask_overlay else None
        pasted = paste_back(
            hooks.picture(picture, of_picture), plan, index, mask, upscale=state.upscale, change_overlay=change
        )
        seen = hooks.composed(pasted.picture, picture_event)
        fields = hooks.infotext_fields(picture_fields(state, index, made), of_picture)
        state.extra = extra_of(fields, made.sampled.infotext)
        finished = finish(seen, plan, index, fields)
        state.saving.add(finished, index, wanted=wanted)
        _keep_beside(state, pasted, finished, index, wanted=wanted)


def _keep_beside(state: RunState, pasted: PastedBack, finished: FinishedImage, index: int, *, wanted: bool) -> None:
    """Save and show what belongs to a picture, where the settings want it kept."""
    settings, saving = state.plan.settings, state.saving
    beside = (
        ("mask", pasted.mask, settings.save_mask, settings.return_mask),
        ("mask-composite", pasted.painted, settings.save_mask_composite, settings.return_mask_composite),
        ("before-color-correction", pasted.uncorrected, True, False),
    )
    for name, picture, saved, shown in beside:
        if picture is not None and saved and wanted:
            saving.additional(picture, index, f"-{name}", infotext=finished.infotext)
        if picture is not None and shown:
            saving.show(replace(finished, image=picture, kind=name))


def _result(state: RunState) -> GenerationResult:
    """Wait for the saver, make the grid, and put everything together."""
    plan, saving = state.plan, state.saving
    with state.timings.phase("save"):
        state.control.at_phase("saving")
        images = saving.finished()
        grid = saving.grid([image for image in images if image.kind == "sample"])
    everything = (grid, *images) if grid is not None and plan.settings.return_grid else tuple(images)
    return GenerationResult(
        images=everything,
        info=info_of(
            plan,
            everything,
            model_hash=state.engine.short_hash(plan.checkpoint),
            vae_hash=state.engine.short_hash(plan.vae),
            inpaints=state.model.checkpoint.image_input == "inpainting",
            job_timestamp=saving.job_timestamp,
            extra=state.extra,
        ),
        warnings=(
            *plan.warnings,
            *state.event.warnings,
            *saving.warnings,
            *(image.error for image in everything if image.error),
        ),
        seconds=dict(state.timings.seconds),
        interrupted=state.incomplete or state.control.stopping,
        peak_device_bytes=peak_bytes(state.engine.hardware.device),
    )


@contextlib.contextmanager
def _memory_errors(engine: Engine, plan: Plan) -> Generator[None]:
    """Turn the device's running out of memory into an error that says what to do."""
    try:
        yield
    except torch.OutOfMemoryError as error:
        release(engine.hardware.device)
        raise OutOfMemory(
            f"{engine.hardware.name} ran out of memory at {plan.width}x{plan.height}, {plan.batch_size} at a time. "
            "Make the picture or the batch smaller, or start with --medvram."
        ) from error
