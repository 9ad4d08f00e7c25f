"""The moments of a run, told to scripts and callbacks: what the dialect attaches to the hooks.

One `p` goes through a run (`RunEvent.kept`). Scripts change it piece by piece; what stands in it when a stage begins is
what the stage works with. Where nothing of the dialect listens, values pass through untouched.
"""

from __future__ import annotations

import contextlib
from collections.abc import Generator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from modules.a1111 import networks_view, saving
from modules.a1111 import script as scripts
from modules.a1111.callbacks import ExtraNoiseParams, ImageGridLoopParams, ImageSaveParams
from modules.a1111.current import OWNER
from modules.a1111.processing.conversion import processing_of, request_of
from modules.a1111.processing.parameters import StableDiffusionProcessing, fix_seed
from modules.a1111.processing.picture_tensors import picture_of, tensor_of
from modules.a1111.processing.processed import Processed, result_of
from modules.a1111.processing.running import extra_params
from modules.a1111.sd_model import ModelView
from modules.a1111.seams import Seams
from modules.generation.batch import BatchPlan
from modules.generation.request import GenerationRequest
from modules.generation.result import FinishedImage, GenerationResult
from modules.hooks.events import (
    GridLayout,
    MaskOverlay,
    ModelEvent,
    PageEvent,
    PasteEvent,
    PictureEvent,
    PictureToSave,
    RunEvent,
    StartEvent,
)
from modules.imaging.save import planned_path

if TYPE_CHECKING:
    from PIL.Image import Image
    from torch import Tensor

    from modules.a1111.dialect import A1111Dialect
    from modules.generation.latents import ExtraNoise, Latents
    from modules.generation.plan import Plan
    from modules.hooks.points import Hooks


class Attachments:
    """What the dialect does at each point of a run."""

    def __init__(self, dialect: A1111Dialect) -> None:
        self._dialect = dialect
        self._seams: Seams | None = None

    def attach(self, hooks: Hooks) -> None:
        """Attach all hooks that A1111's callbacks need."""
        for name in (
            "request",
            "around_run",
            "batch",
            "batch_begins",
            "around_batch",
            "second_pass",
            "extra_noise",
            "start_latents",
            "sampled_latents",
            "decoded",
            "pictures",
            "picture",
            "mask_overlay",
            "composed",
            "infotext_fields",
            "before_save",
            "saved",
            "grid",
            "result",
            "model_loaded",
            "infotext_pasted",
            "app_started",
        ):
            # After the built-in networks, so that around_batch is entered once they are in force.
            getattr(hooks, name).attach(OWNER, getattr(self, name), order=100)

    def p_of(self, event: RunEvent) -> StableDiffusionProcessing | None:
        """The `p` of a run; None where no script and no callback needs one."""
        return event.kept.get(OWNER)

    # The program

    def model_loaded(self, event: ModelEvent) -> None:
        """on_model_loaded."""
        if self._dialect.callbacks.of("model_loaded"):
            self._dialect.callbacks.call("model_loaded", ModelView(event.model))

    def infotext_pasted(self, values: dict[str, Any], event: PasteEvent) -> dict[str, Any]:
        """on_infotext_pasted, which changes the values in place."""
        self._dialect.callbacks.call("infotext_pasted", event.text, values)
        return values

    def app_started(self, event: PageEvent) -> None:
        """on_app_started."""
        self._dialect.shared.demo = event.page
        self._dialect.callbacks.call("app_started", event.page, event.api)

    # Before the plan

    def request(self, request: GenerationRequest, event: RunEvent) -> GenerationRequest:
        """Make the `p` of the run and let scripts change it until everything is decided."""
        dialect = self._dialect
        p = dialect.take_asked()
        if p is None:
            if not dialect.listens(img2img=request.is_img2img):
                return request
            p = processing_of(request)
            p.scripts = dialect.runner(img2img=request.is_img2img)
            p.script_args = p.scripts.arguments_for(request.script_arguments, request.script)
            p.scripts.setup_scrips(p, is_ui=False)
        event.kept[OWNER] = p
        runner = p.scripts
        if runner is not None:
            runner.call("before_process", p)
        fix_seed(p)
        p.setup_prompts()
        p.setup_seeds()
        if runner is not None:
            runner.call("process", p)
        return replace(request_of(p), script=request.script, script_arguments=request.script_arguments)

    @contextlib.contextmanager
    def around_run(self, event: RunEvent) -> Generator[None]:
        """While the run is made, `shared.sd_model` and the class-level seams belong to its `p`."""
        p = self.p_of(event)
        with self._dialect.running(p, event.model):
            around = self._seams
            if around is not None:
                around.end()
            self._seams = None if p is None else Seams(self._dialect)
            try:
                yield
            finally:
                if self._seams is not None:
                    self._seams.end()
                self._seams = around
                if around is not None:
                    around.resume()

    # A batch

    def batch(self, batch: BatchPlan, event: RunEvent) -> BatchPlan:
        """before_process_batch."""
        p = self.p_of(event)
        if p is None:
            return batch
        p.iteration = event.batch
        self._take_batch(p, batch)
        return self._batch(p, batch, event, "before_process_batch")

    def batch_begins(self, batch: BatchPlan, event: RunEvent) -> BatchPlan:
        """process_batch, with the networks in force."""
        p = self.p_of(event)
        if p is None:
            return batch
        self._take_batch(p, batch)
        return self._batch(p, batch, event, "process_batch")

    @contextlib.contextmanager
    def around_batch(self, event: RunEvent) -> Generator[None]:
        """after_extra_networks_activate."""
        p = self.p_of(event)
        if p is None or p.prompts is None:
            yield
            return
        with networks_view.active(p, p.prompts):
            self._after_networks(p, event)
            yield

    def _after_networks(self, p: StableDiffusionProcessing, event: RunEvent) -> None:
        if p.scripts is not None:
            p.scripts.call(
                "after_extra_networks_activate",
                p,
                batch_number=event.batch,
                prompts=p.prompts,
                seeds=p.seeds,
                subseeds=p.subseeds,
                extra_network_data=p.extra_network_data or {},
            )

    def _take_batch(self, p: StableDiffusionProcessing, batch: BatchPlan) -> None:
        p.prompts, p.negative_prompts = list(batch.prompts), list(batch.negative_prompts)
        p.seeds, p.subseeds = list(batch.seeds), list(batch.subseeds)
        p.width, p.height = batch.width, batch.height
        if batch.hr_prompts:
            p.hr_prompts, p.hr_negative_prompts = list(batch.hr_prompts), list(batch.hr_negative_prompts)

    def _batch(self, p: StableDiffusionProcessing, batch: BatchPlan, event: RunEvent, method: str) -> BatchPlan:
        if p.scripts is None or not p.scripts.has(method):
            return batch
        first = event.batch * p.batch_size
        part = slice(first, first + len(batch.prompts))
        names = ("prompts", "negative_prompts", "seeds", "subseeds")
        before = {name: list(getattr(p, f"all_{name}")[part]) for name in names}
        p.scripts.call(method, p, batch_number=event.batch, prompts=p.prompts, seeds=p.seeds, subseeds=p.subseeds)
        for name in names:
            # Some write into the lists of all pictures instead.
            everything = getattr(p, f"all_{name}")[part]
            if everything != before[name] and getattr(p, name) == list(getattr(batch, name)):
                setattr(p, name, everything)
        return replace(
            batch,
            prompts=tuple(p.prompts),
            negative_prompts=tuple(p.negative_prompts),
            seeds=tuple(int(seed) for seed in p.seeds),
            subseeds=tuple(int(seed) for seed in p.subseeds),
            width=int(p.width),
            height=int(p.height),
        )

    def second_pass(self, plan: Plan, event: RunEvent) -> Plan:
        """before_hr."""
        p = self.p_of(event)
        if p is None:
            return plan
        p.is_hr_pass = True
        if p.scripts is not None:
            p.scripts.call("before_hr", p)
        return plan

    # Latents

    def extra_noise(self, extra: ExtraNoise, event: RunEvent) -> ExtraNoise:
        """on_extra_noise."""
        if not self._dialect.callbacks.of("extra_noise"):
            return extra
        params = ExtraNoiseParams(extra.noise, extra.clean, extra.noised)
        self._dialect.callbacks.call("extra_noise", params)
        return replace(extra, noise=params.noise)

    def start_latents(self, latents: Latents, event: StartEvent) -> Latents:
        """process_before_every_sampling."""
        p = self.p_of(event)
        if p is not None and p.scripts is not None and p.scripts.has("process_before_every_sampling"):
            step = event.conditioning.at(0)
            p.scripts.call(
                "process_before_every_sampling",
                p,
                x=latents.samples,
                noise=event.noise,
                c=step.positive,
                uc=step.negative,
            )
        if p is not None and self._seams is not None:
            self._seams.begin(p, event)
        return latents

    def sampled_latents(self, latents: Latents, event: RunEvent) -> Latents:
        """post_sample, once the last pass is done."""
        p = self.p_of(event)
        has_second = p is not None and getattr(p, "enable_hr", False) and event.stage == "first pass"
        if p is None or p.scripts is None or has_second or not p.scripts.has("post_sample"):
            return latents
        args = scripts.PostSampleArgs(latents.samples)
        p.scripts.call("post_sample", p, args)
        return replace(latents, samples=args.samples)

    # Pictures

    def decoded(self, images: Tensor, event: RunEvent) -> Tensor:
        """postprocess_batch; scripts write into the tensor."""
        p = self.p_of(event)
        if p is None:
            return images
        p.is_hr_pass = False
        if p.scripts is not None and p.scripts.has("postprocess_batch"):
            # The VAE's tensor is one of inference mode, into which nothing may be written outside of it.
            images = images.clone()
            p.scripts.call("postprocess_batch", p, images=images, batch_number=event.batch)
        return images

    def pictures(self, pictures: list[Image], event: RunEvent) -> list[Image]:
        """postprocess_batch_list, with tensors as A1111 hands them."""
        p = self.p_of(event)
        if p is None or p.scripts is None or not p.scripts.has("postprocess_batch_list"):
            return pictures
        args = scripts.PostprocessBatchListArgs([tensor_of(picture) for picture in pictures])
        p.scripts.call("postprocess_batch_list", p, args, batch_number=event.batch)
        return [picture_of(tensor) for tensor in args.images]

    def picture(self, picture: Image, event: RunEvent) -> Image:
        """postprocess_image."""
        p = self.p_of(event)
        if p is None or p.scripts is None or not p.scripts.has("postprocess_image"):
            return picture
        args = scripts.PostprocessImageArgs(picture)
        p.scripts.call("postprocess_image", p, args)
        return args.image

    def mask_overlay(self, overlay: MaskOverlay, event: PictureEvent) -> MaskOverlay:
        """postprocess_maskoverlay."""
        p = self.p_of(event.run)
        if p is None or p.scripts is None or not p.scripts.has("postprocess_maskoverlay"):
            return overlay
        args = scripts.PostProcessMaskOverlayArgs(event.index, overlay.mask, overlay.overlay)
        p.scripts.call("postprocess_maskoverlay", p, args)
        return replace(overlay, mask=args.mask_for_overlay, overlay=args.overlay_image)

    def composed(self, picture: Image, event: PictureEvent) -> Image:
        """postprocess_image_after_composite."""
        p = self.p_of(event.run)
        if p is None or p.scripts is None or not p.scripts.has("postprocess_image_after_composite"):
            return picture
        args = scripts.PostprocessImageArgs(picture, event.index)
        p.scripts.call("postprocess_image_after_composite", p, args)
        return args.image

    def infotext_fields(self, fields: dict[str, object], event: RunEvent) -> dict[str, object]:
        """p.extra_generation_params."""
        p = self.p_of(event)
        if p is None:
            return fields
        index = event.picture or 0
        p.__dict__.setdefault("written_fields", {})[index] = dict(fields)
        return {**fields, **extra_params(p, index)} if p.extra_generation_params else fields

    # Files

    def before_save(self, picture: PictureToSave, event: RunEvent) -> PictureToSave:
        """on_before_image_saved, or a `save_image` that an extension has put in the place of the program's."""
        p = self.p_of(event)
        through = saving.by_replaced_function(picture, p)
        if through.saved is not None or not through.wanted or not self._dialect.callbacks.of("before_image_saved"):
            return through
        names: dict[str, Any] = {
            "basename": picture.basename,
            "suffix": picture.suffix,
            "short_name": picture.short_name,
            "forced_name": picture.forced_name,
        }
        before = str(planned_path(picture.names, picture.options, **names))
        params = ImageSaveParams(picture.image, p, before, {"parameters": picture.infotext, **picture.chunks})
        self._dialect.callbacks.call("before_image_saved", params)
        changed = replace(
            picture,
            image=params.image,
            infotext=str(params.pnginfo.get("parameters") or ""),
            chunks={key: str(value) for key, value in params.pnginfo.items() if key != "parameters"},
        )
        if params.filename == before:
            return changed
        options, names = saving.at_path(Path(params.filename), picture.options)
        return replace(changed, options=options, **names)

    def saved(self, image: FinishedImage) -> None:
        """on_image_saved."""
        if image.path is not None and self._dialect.callbacks.of("image_saved"):
            params = ImageSaveParams(image.image, None, str(image.path), {"parameters": image.infotext})
            self._dialect.callbacks.call("image_saved", params)

    # The end

    def grid(self, grid: GridLayout, event: RunEvent) -> GridLayout:
        """on_image_grid."""
        if not self._dialect.callbacks.of("image_grid"):
            return grid
        params = ImageGridLoopParams(list(grid.images), grid.columns, grid.rows)
        self._dialect.callbacks.call("image_grid", params)
        return replace(grid, images=tuple(params.imgs), columns=params.cols, rows=params.rows)

    def result(self, result: GenerationResult, event: RunEvent) -> GenerationResult:
        """postprocess."""
        p = self.p_of(event)
        if p is None:
            return result
        processed = Processed.of(p, result)
        processed.extra_images += p.extra_result_images
        if p.scripts is not None and p.scripts.has("postprocess"):
            p.scripts.call("postprocess", p, processed)
        elif not processed.extra_images and not p.comments:
            self._dialect.processed[id(result)] = processed
            return result
        made = result_of(processed)
        processed.result = made
        self._dialect.processed[id(made)] = processed
        return made
