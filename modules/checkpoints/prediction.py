"""What a UNet predicts, asked of its weights: for checkpoints whose names and shapes do not tell."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import torch

from modules.hardware.device import Hardware
from modules.sampling.parameterisation import Prediction

if TYPE_CHECKING:
    from diffusers import UNet2DConditionModel

log = logging.getLogger(__name__)

LAST_STEP = 999
SIZE = 16
TOKENS = 77
HALFWAY = 0.5


def measured_prediction(unet: UNet2DConditionModel, hardware: Hardware) -> Prediction:
    """Whether `unet` predicts noise or v, from one evaluation on noise at the last time step.

    There an input is nearly all noise. A network that predicts noise gives its input back, so the two correlate with
    nearly 1; one that predicts v = alpha eps - sigma x0 (Salimans, Ho 2022) gives the negative of a picture that it
    makes up, which has little to do with the input.
    """
    config = dict(unet.config)  # pyright: ignore[reportUnknownArgumentType, reportUnknownMemberType]
    generator = torch.Generator().manual_seed(0)
    noise = torch.randn(1, config["in_channels"], SIZE, SIZE, generator=generator)
    # What inpainting and editing models get beside the latent is left empty.
    noise[:, config["out_channels"] :] = 0
    context = torch.zeros(1, TOKENS, config["cross_attention_dim"])
    vector = config.get("projection_class_embeddings_input_dim") if config.get("class_embed_type") else None
    device, dtype = hardware.device, unet.dtype
    unet.to(device)  # pyright: ignore[reportArgumentType, reportUnknownMemberType]
    try:
        with torch.inference_mode():
            step = torch.tensor([LAST_STEP], device=device)
            labels = None if vector is None else torch.zeros(1, vector, device=device, dtype=dtype)
            answer = unet(
                noise.to(device, dtype), step, context.to(device, dtype), class_labels=labels, return_dict=False
            )[0]
    finally:
        if hardware.offload:
            unet.to("cpu")  # pyright: ignore[reportArgumentType, reportUnknownMemberType]
    input_noise = noise[:, : config["out_channels"]].flatten()
    correlation = float(torch.corrcoef(torch.stack([input_noise, answer.float().cpu().flatten()]))[0, 1])
    prediction: Prediction = "epsilon" if correlation > HALFWAY else "v_prediction"
    log.info(
        "The file does not say what it predicts; output and input correlate by %.2f, so %s. A .yaml beside it can say.",
        correlation,
        prediction,
    )
    return prediction
