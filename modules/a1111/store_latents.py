"""Latents on their way to previews: functions of `modules.sd_samplers_common`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from modules.a1111.current import current

if TYPE_CHECKING:
    from PIL.Image import Image
    from torch import Tensor

    from modules.a1111.processing.parameters import StableDiffusionProcessing

approximation_indexes = {"Full": 0, "Approx NN": 1, "Approx cheap": 2, "TAESD": 3}


def store_latent(decoded: Tensor) -> None:
    """Called once a step with the estimate; the program makes its previews by itself."""
    current().shared.state.current_latent = decoded


def decode_first_stage(model: Any, x: Tensor) -> Tensor:
    """Latents [B, C, h, w] as pictures [B, 3, H, W] of -1 to 1."""
    return model.decode_first_stage(x)


def samples_to_images_tensor(sample: Tensor, approximation: int | None = None, model: object = None) -> Tensor:
    """The same, always with the VAE."""
    return decode_first_stage(model if model is not None else current().shared.sd_model, sample)


def single_sample_to_image(sample: Tensor, approximation: int | None = None) -> Image:
    """One latent [C, h, w] as a picture."""
    from PIL import Image

    pixels = samples_to_images_tensor(sample[None])[0]
    values = ((pixels.float() + 1) * 127.5).clamp(0, 255).round().byte()
    return Image.fromarray(values.permute(1, 2, 0).cpu().numpy())


def sample_to_image(samples: Tensor, index: int = 0, approximation: int | None = None) -> Image:
    """One of a batch of latents as a picture."""
    return single_sample_to_image(samples[index], approximation)


def images_tensor_to_samples(image: Tensor, approximation: int | None = None, model: Any = None) -> Tensor:
    """Pictures [B, 3, H, W] of 0 to 1 as latents, scaled as the network takes them."""
    model = model if model is not None else current().shared.sd_model
    pictures = (image * 2 - 1).to(model.device)
    return model.get_first_stage_encoding(model.encode_first_stage(pictures))


def setup_img2img_steps(p: StableDiffusionProcessing, steps: int | None = None) -> tuple[int, int]:
    """How long the schedule of a run from a picture is, and `t_enc`; t_enc + 1 of its steps are done."""
    from modules.sampling.plan import img2img_steps

    return img2img_steps(
        steps=p.steps,
        denoising_strength=p.denoising_strength or 0.0,
        fix_steps=current().settings.img2img_fix_steps,
        prescribed=steps,
    )


class InterruptedException(BaseException):
    """What ended sampling in the original; the program has an exception of its own."""
