"""Every hook point of Easel, in the order in which the program and then one run of the pipeline reach them."""

from __future__ import annotations

import dataclasses
from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from modules.generation.batch import BatchPlan
from modules.generation.latents import ExtraNoise, Latents, Sampling
from modules.generation.plan import Plan
from modules.generation.request import GenerationRequest
from modules.generation.result import FinishedImage, Generate, GenerationResult
from modules.hooks.events import (
    BlendEvent,
    CountedPrompt,
    CountEvent,
    EndEvent,
    EvaluationEvent,
    GridLayout,
    MaskOverlay,
    ModelEvent,
    PageEvent,
    PasteEvent,
    PictureEvent,
    PictureToSave,
    RunEvent,
    StartEvent,
    StepEvent,
)
from modules.hooks.point import Around, Collect, Observe, Point, Timed, Transform

if TYPE_CHECKING:
    from PIL import Image
    from torch import Tensor

    # They import torch, and the page must be up before torch is.
    from modules.generation.conditioning import Conditioning
    from modules.sampling.guidance_hooks import Estimate, GuidanceInput, GuidanceOutput, NetworkCall
    from modules.text_encoders.prompt_conditioning import TextEncoder
    from modules.text_encoders.textual_inversion import TextualInversion


def _point(kind: type[Point], name: str, sentence: str, moment: str = "") -> Any:
    return field(default_factory=lambda: kind(name, sentence, moment))


@dataclass
class Hooks:
    """One set of points; an application has one, and so has each test that wants its own."""

    # The program
    page_built: Observe[PageEvent] = _point(
        Observe, "page_built", "Hear of the page once it is drawn, before it is served.", "on_ui_tabs"
    )
    app_started: Observe[PageEvent] = _point(
        Observe, "app_started", "Hear that everything is ready to be served; routes may be added.", "on_app_started"
    )
    model_loaded: Observe[ModelEvent] = _point(
        Observe, "model_loaded", "Hear of a checkpoint that was read from its file.", "on_model_loaded"
    )

    infotext_pasted: Transform[dict[str, Any], PasteEvent] = _point(
        Transform,
        "infotext_pasted",
        "Change what a parameters text says, by label, before it goes into controls or a request.",
        "on_infotext_pasted",
    )

    prompt_counted: Transform[CountedPrompt, CountEvent] = _point(
        Transform,
        "prompt_counted",
        "Change a prompt before its tokens are counted beside the box it stands in.",
        "on_before_token_counter",
    )
    ending: Observe[EndEvent] = _point(
        Observe,
        "ending",
        "Hear that the program ends, once nothing runs any more: put back what was replaced.",
        "on_before_reload, on_script_unloaded",
    )

    # A run
    generation: Transform[Generate, RunEvent] = _point(
        Transform,
        "generation",
        "Replace the function that makes the pictures of a request; the one that it gets makes them as the program "
        "does, any number of times.",
        "process_images",
    )
    request: Transform[GenerationRequest, RunEvent] = _point(
        Transform, "request", "Change what was asked, before anything is decided.", "setup, before_process"
    )
    plan: Transform[Plan, RunEvent] = _point(
        Transform,
        "plan",
        "Change what was decided (prompts, seeds, how many there are), before any work is done.",
        "process",
    )
    around_run: Around[RunEvent] = _point(
        Around, "around_run", "Wrap a whole run: patch the model on entering, undo on leaving."
    )

    # A batch
    batch: Transform[BatchPlan, RunEvent] = _point(
        Transform,
        "batch",
        "Change prompts, seeds and size of one batch before its networks are in force.",
        "before_process_batch",
    )
    around_batch: Around[RunEvent] = _point(
        Around,
        "around_batch",
        "Wrap one batch of a run; with an order above 0 its extra networks are in force.",
        "after_extra_networks_activate",
    )
    batch_begins: Transform[BatchPlan, RunEvent] = _point(
        Transform,
        "batch_begins",
        "Change prompts, seeds and size of one batch once its networks are in force, before its prompts are encoded.",
        "process_batch",
    )
    sampling: Transform[Sampling, RunEvent] = _point(
        Transform,
        "sampling",
        "Replace the function that samples a batch, second pass included; the one that it gets does so as the program "
        "does.",
        "p.sample",
    )
    second_sampling: Transform[Sampling, RunEvent] = _point(
        Transform,
        "second_sampling",
        "The same for the second pass of hires fix alone, from enlarging the result of the first.",
        "p.sample_hr_pass",
    )
    second_pass: Transform[Plan, RunEvent] = _point(
        Transform,
        "second_pass",
        "Change the plan of the second pass of hires fix, before the result of the first is enlarged.",
        "before_hr",
    )
    around_pass: Around[RunEvent] = _point(
        Around, "around_pass", "Wrap a further stage of a batch: the second pass of hires fix, or the refiner's steps."
    )

    # A pass over a batch
    embeddings: Collect[TextualInversion, RunEvent] = _point(
        Collect, "embeddings", "Textual inversions to be known beside those of the folders."
    )
    conditioning_state: Collect[Hashable, RunEvent] = _point(
        Collect, "conditioning_state", "Whatever else decides the encoded prompts; they are remembered under it."
    )
    text_encoder: Transform[TextEncoder, RunEvent] = _point(
        Transform,
        "text_encoder",
        "Put another text encoder before or in the place of the model's; what it depends on belongs to "
        "conditioning_state.",
    )
    prompts_read: Transform[tuple[str, ...], RunEvent] = _point(
        Transform,
        "prompts_read",
        "Change the prompts of a batch as they are encoded, one for each picture; what is written with pictures stays.",
    )
    conditioning: Transform[Conditioning, RunEvent] = _point(
        Transform, "conditioning", "Change the encoded prompts of a batch."
    )
    extra_noise: Transform[ExtraNoise, RunEvent] = _point(
        Transform,
        "extra_noise",
        "Change the extra noise that a picture gets before sampling, where the settings want some.",
        "on_extra_noise",
    )
    start_latents: Transform[Latents, StartEvent] = _point(
        Transform,
        "start_latents",
        "Change the noise (or noised picture) a batch starts from.",
        "process_before_every_sampling",
    )
    attention: Transform[dict[str, Any], RunEvent] = _point(
        Transform,
        "attention",
        "Change the attention processors of the UNet, by the path of their layer; they are put back after the pass.",
    )

    # An evaluation of the model
    guidance_input: Transform[GuidanceInput, RunEvent] = _point(
        Transform,
        "guidance_input",
        "Change latents, noise level and conditioning of one evaluation; its tensors may be written to.",
        "on_cfg_denoiser",
    )
    estimate: Transform[Estimate, RunEvent] = _point(
        Transform,
        "estimate",
        "Replace the function that asks the network for the estimates of rows of latents at their levels; the one that "
        "it gets may be called any number of times, with other rows.",
        "CFGDenoiser.inner_model.forward",
    )
    network: Transform[NetworkCall, RunEvent] = _point(
        Transform,
        "network",
        "Change one call of the UNet: add residuals to its down and middle blocks, arguments for its attention.",
    )
    guidance_output: Transform[GuidanceOutput, RunEvent] = _point(
        Transform,
        "guidance_output",
        "Change the estimates of the prompts and of the negative prompt, before guidance combines them; its tensors "
        "may be written to.",
        "on_cfg_denoised",
    )
    combination: Transform[Tensor, EvaluationEvent] = _point(
        Transform, "combination", "Replace what guidance makes of both estimates.", "CFGDenoiser.combine_denoised"
    )
    mask_blend: Transform[Tensor, BlendEvent] = _point(
        Transform,
        "mask_blend",
        "Change how inpainting puts the kept part of its source back into the latents.",
        "on_mask_blend",
    )
    guided: Transform[Tensor, EvaluationEvent] = _point(
        Transform, "guided", "Change the guided estimate, as the sampler gets it.", "on_cfg_after_cfg"
    )
    step: Observe[StepEvent] = _point(
        Observe,
        "step",
        "Watch a sampling step; called within the loop, so be quick. Its tensors are the sampler's own.",
        "KDiffusionSampler.callback_state",
    )
    sampled_latents: Transform[Latents, RunEvent] = _point(
        Transform, "sampled_latents", "Change the latents after the last step.", "post_sample"
    )

    # The pictures of a batch
    decoded: Transform[Tensor, RunEvent] = _point(
        Transform,
        "decoded",
        "Change the pixels [B, 3, H, W] of a batch, 0 to 1, as the VAE gave them.",
        "postprocess_batch",
    )
    pictures: Transform[list[Image.Image], RunEvent] = _point(
        Transform,
        "pictures",
        "Change the list of a batch's pictures; further ones get the text of the last.",
        "postprocess_batch_list",
    )
    picture: Transform[Image.Image, RunEvent] = _point(
        Transform, "picture", "Change one decoded PIL picture, before its text is written.", "postprocess_image"
    )
    mask_overlay: Transform[MaskOverlay, PictureEvent] = _point(
        Transform,
        "mask_overlay",
        "Change what inpainting lays over a picture, and the mask that is kept beside it.",
        "postprocess_maskoverlay",
    )
    composed: Transform[Image.Image, PictureEvent] = _point(
        Transform,
        "composed",
        "Change one picture after colours and unmasked parts of its source were put back.",
        "postprocess_image_after_composite",
    )
    infotext_fields: Transform[dict[str, object], RunEvent] = _point(
        Transform,
        "infotext_fields",
        "Add or change the parameters written with a picture.",
        "p.extra_generation_params",
    )
    before_save: Transform[PictureToSave, RunEvent] = _point(
        Transform,
        "before_save",
        "Change a picture, its text or its name on the way to its file, or have it not saved. On the saver's thread.",
        "on_before_image_saved",
    )
    saved: Observe[FinishedImage] = _point(
        Observe, "saved", "Hear of each finished picture once it is saved (or failed to be).", "on_image_saved"
    )

    # The end of a run
    grid: Transform[GridLayout, RunEvent] = _point(
        Transform, "grid", "Change pictures and shape of the grid before it is drawn.", "on_image_grid"
    )
    result: Transform[GenerationResult, RunEvent] = _point(
        Transform, "result", "Change the result before it is returned to the client.", "postprocess"
    )

    def all(self) -> tuple[Point, ...]:
        """Every point, in order."""
        return tuple(getattr(self, each.name) for each in dataclasses.fields(self))

    def detach_owner(self, owner: str) -> None:
        """Remove every attachment made in the name of `owner`."""
        for point in self.all():
            point.attachments = [each for each in point.attachments if each.owner != owner]

    def time_calls(self, timed: Timed | None) -> None:
        """Call `timed` with the duration of each attachment's call; None stops that."""
        for point in self.all():
            point.timed = timed
