"""diffusers' own pipeline on the weights that Easel loaded."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor, nn

    from modules.checkpoints.load import LoadedCheckpoint


def same_weights_pipeline(checkpoint: LoadedCheckpoint) -> Any:
    """diffusers' StableDiffusionPipeline on the very weights of `checkpoint`, in its number types and memory layout."""
    return _pipeline(_as_diffusers_has_it(checkpoint.unet), _as_diffusers_has_it(checkpoint.vae))


def plain_pipeline(checkpoint: LoadedCheckpoint) -> Any:
    """The same pipeline as it comes from the box: float32, default memory layout. Needs memory for a second copy."""
    import torch
    from torch import nn

    def plain(network: nn.Module) -> Any:
        # torch's own method: diffusers' has a warning about layers to be kept in float32, which is where all go.
        move: Any = nn.Module.to
        return move(
            _as_diffusers_has_it(copy.deepcopy(network)), dtype=torch.float32, memory_format=torch.contiguous_format
        )

    return _pipeline(plain(checkpoint.unet), plain(checkpoint.vae))


def _as_diffusers_has_it(network: Any) -> Any:
    """A network of diffusers' own class around the same tensors, with its own layers and attention."""
    from accelerate import init_empty_weights
    from diffusers.models.attention_processor import AttnProcessor2_0

    with init_empty_weights(include_buffers=False):
        twin: Any = type(network).from_config(dict(network.config))
    twin.load_state_dict(network.state_dict(), assign=True)
    twin.set_attn_processor(AttnProcessor2_0())
    return twin.eval().requires_grad_(False)


def _pipeline(unet: Any, vae: Any) -> Any:
    from diffusers import EulerDiscreteScheduler, StableDiffusionPipeline

    scheduler = EulerDiscreteScheduler(
        beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear", timestep_spacing="linspace", steps_offset=1
    )
    make: Any = StableDiffusionPipeline  # parts may be None, which its signature does not say
    pipeline = make(
        vae=vae,
        text_encoder=None,
        tokenizer=None,
        unet=unet,
        scheduler=scheduler,
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def draw(pipeline: Any, conditioning: tuple[Tensor, Tensor], noise: Tensor, *, steps: int, cfg_scale: float) -> Any:
    """One PIL picture. `conditioning` is (prompt, negative prompt), each [1, n, width]; `noise` is [1, 4, h, w] of unit
    variance. Encoding the prompt is thus not part of what is measured, to the advantage of this side."""
    prompt, negative = (each.to(pipeline.unet.dtype) for each in conditioning)
    return pipeline(
        prompt_embeds=prompt,
        negative_prompt_embeds=negative,
        latents=noise.to(device=pipeline.unet.device, dtype=pipeline.unet.dtype),
        height=noise.shape[2] * pipeline.vae_scale_factor,
        width=noise.shape[3] * pipeline.vae_scale_factor,
        num_inference_steps=steps,
        guidance_scale=cfg_scale,
    ).images[0]
