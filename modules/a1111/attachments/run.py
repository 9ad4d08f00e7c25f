"""A whole run: its `p` is made, scripts change it, and what was made goes through them."""

from __future__ import annotations

import contextlib
from collections.abc import Generator
from dataclasses import replace
from typing import TYPE_CHECKING

from modules.a1111.attachments.run_p import keep_p, p_of
from modules.a1111.callbacks import ExtraNoiseParams
from modules.a1111.patching import replaced
from modules.a1111.processing import running
from modules.a1111.processing.conversion import processing_of, request_of
from modules.a1111.processing.parameters import fix_seed
from modules.a1111.processing.processed import Processed, result_of
from modules.a1111.registered_scripts import made_by
from modules.a1111.script import PostSampleArgs
from modules.a1111.sd_model import model_of, view_of
from modules.a1111.seams import Seams
from modules.foundation.errors import EaselError, Interrupted
from modules.generation.request import GenerationRequest
from modules.generation.result import Generate, GenerationResult
from modules.hooks.events import RunEvent, StartEvent

if TYPE_CHECKING:
    from modules.a1111.dialect import A1111Dialect
    from modules.a1111.processing.parameters import StableDiffusionProcessing
    from modules.generation.latents import ExtraNoise, Latents


class RunAttachments:
    """The run and its latents; the class-level seams are in force while it lasts."""

    def __init__(self, dialect: A1111Dialect) -> None:
        self._dialect = dialect

    def generation(self, make: Generate, event: RunEvent) -> Generate:
        """process_images and process_images_inner, where an extension has replaced one of them."""
        own = {"process_images": running.process_images, "process_images_inner": running.process_images_inner}
        changed = [found for name, each in own.items() if (found := replaced("modules.processing", name, each))]
        if not changed:
            return make
        return lambda request: self._made(request, make)

    def _made(self, request: GenerationRequest, make: Generate) -> GenerationResult:
        dialect = self._dialect
        assert dialect.control is not None, "pictures are made within a job"
        try:
            return made_by(dialect, request, dialect.control, lambda p: None)
        except (Interrupted, EaselError):
            raise
        except Exception as error:  # the boundary of an extension
            if not dialect.blame(error, "what it has put in the place of process_images failed and is not used"):
                raise
            return make(request)

    def request(self, request: GenerationRequest, event: RunEvent) -> GenerationRequest:
        """Make the `p` of the run and let scripts change it until everything is decided."""
        dialect = self._dialect
        p = dialect.job.take_p()
        is_new = p is None
        if p is None:
            if not dialect.listens(request):
                return request
            p = processing_of(request)
            p.scripts = dialect.runner(img2img=request.is_img2img)
            p.script_args = p.scripts.arguments_for(request.script_arguments, request.script)
        keep_p(event, p)
        # In A1111 the model is loaded by now; here it is, once a script asks for it.
        with dialect.shared.loading(lambda: model_of(p)):
            if is_new and p.scripts is not None:
                p.scripts.setup_scrips(p, is_ui=False)
            self._decide(p)
        return replace(request_of(p), script=request.script, script_arguments=request.script_arguments)

    def _decide(self, p: StableDiffusionProcessing) -> None:
        """before_process and process, with prompts and seeds filled between them."""
        runner = p.scripts
        if runner is not None:
            runner.call("before_process", p)
        fix_seed(p)
        p.setup_prompts()
        p.setup_seeds()
        if runner is not None:
            runner.call("process", p)

    @contextlib.contextmanager
    def around_run(self, event: RunEvent) -> Generator[None]:
        """While the run is made, `shared.sd_model` and the class-level seams belong to its `p`."""
        p = p_of(event)
        with contextlib.nullcontext() if p is None else self._dialect.shared.using(view_of(event.model)):
            around = self._dialect.seams
            if around is not None:
                around.end()
            self._dialect.seams = None if p is None else Seams(self._dialect)
            try:
                yield
            finally:
                if self._dialect.seams is not None:
                    self._dialect.seams.end()
                self._dialect.seams = around
                if around is not None:
                    around.resume()

    def extra_noise(self, extra: ExtraNoise, event: RunEvent) -> ExtraNoise:
        """on_extra_noise."""
        if not self._dialect.callbacks.of("extra_noise"):
            return extra
        params = ExtraNoiseParams(extra.noise, extra.clean, extra.noised)
        self._dialect.callbacks.call("extra_noise", params)
        return replace(extra, noise=params.noise)

    def start_latents(self, latents: Latents, event: StartEvent) -> Latents:
        """process_before_every_sampling."""
        p = p_of(event)
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
        if p is not None and self._dialect.seams is not None:
            self._dialect.seams.begin(p, event)
        return latents

    def sampled_latents(self, latents: Latents, event: RunEvent) -> Latents:
        """post_sample, once the last pass is done."""
        p = p_of(event)
        has_second = p is not None and getattr(p, "enable_hr", False) and event.stage == "first pass"
        if p is None or p.scripts is None or has_second or not p.scripts.has("post_sample"):
            return latents
        args = PostSampleArgs(latents.samples)
        p.scripts.call("post_sample", p, args)
        return replace(latents, samples=args.samples)

    def result(self, result: GenerationResult, event: RunEvent) -> GenerationResult:
        """postprocess."""
        p = p_of(event)
        if p is None:
            return result
        self._dialect.app.extensions.pictures += len(result.samples)
        processed = Processed.of(p, result)
        processed.extra_images += p.extra_result_images
        if p.scripts is not None and p.scripts.has("postprocess"):
            p.scripts.call("postprocess", p, processed)
        elif not processed.extra_images and not p.comments:
            self._dialect.job.remember(result, processed)
            return result
        made = result_of(processed)
        processed.result = made
        self._dialect.job.remember(made, processed)
        return made
