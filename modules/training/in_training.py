"""A model while something is trained on it: number types, attention, checkpointed gradients; undone on leaving."""

from __future__ import annotations

import contextlib
from collections.abc import Generator
from dataclasses import dataclass, replace
from typing import Any, cast

import torch
from diffusers.models.attention_processor import AttnProcessor2_0
from torch import Tensor, nn

from modules.foundation.errors import RequestError
from modules.hardware.device import Hardware
from modules.hardware.packing import forget_packed_weights
from modules.pipeline.model import LoadedModel
from modules.training.options import Precision


@dataclass(frozen=True, kw_only=True)
class NumberTypes:
    """The type that the UNet computes in, and whether small gradients have to be scaled up to be seen in it."""

    unet: torch.dtype
    scaled: bool = False

    @property
    def name(self) -> str:
        """As trainers write it."""
        return {torch.bfloat16: "bf16", torch.float16: "fp16"}.get(self.unet, "no")


def number_types(precision: Precision, hardware: Hardware) -> NumberTypes:
    """The types for training. float16 gives way to bfloat16 where there is hardware for that, else to a scaled loss."""
    device = hardware.device
    match precision:
        case "float32":
            return NumberTypes(unet=torch.float32)
        case "bf16":
            return NumberTypes(unet=torch.bfloat16)
        case "fp16":
            if device.type != "cuda":
                raise RequestError("fp16 is trained on CUDA only. Choose bf16 or float32.", "precision")
            return NumberTypes(unet=torch.float16, scaled=True)
        case "auto":
            if hardware.unet_dtype != torch.float16:
                return NumberTypes(unet=hardware.unet_dtype)
            if device.type == "cuda" and not torch.cuda.is_bf16_supported():
                return NumberTypes(unet=torch.float16, scaled=True)
            return NumberTypes(unet=torch.bfloat16 if device.type == "cuda" else torch.float32)


@contextlib.contextmanager
def ready_for_training(model: LoadedModel, types: NumberTypes, *, checkpointing: bool) -> Generator[None]:
    """Have the model ready to be trained on within the block; every weight is bit for bit the same afterwards."""
    checkpoint = model.checkpoint
    unet: Any = checkpoint.unet
    with contextlib.ExitStack() as stack:
        stack.enter_context(model.on_device(unet, *checkpoint.text_models))
        forget_packed_weights(unet)
        stack.enter_context(in_number_type(unet, types.unet))
        # Sample pictures give the UNet numbers of the type that it is in meanwhile.
        stack.callback(setattr, model, "hardware", model.hardware)
        model.hardware = replace(model.hardware, unet_dtype=types.unet)
        for encoder in checkpoint.text_models:
            if encoder.dtype == torch.float16:
                stack.enter_context(in_number_type(encoder, torch.float32))
        before = unet.attn_processors
        unet.set_attn_processor(AttnProcessor2_0())
        stack.callback(unet.set_attn_processor, before)
        if checkpointing:
            unet.enable_gradient_checkpointing()
            stack.callback(unet.disable_gradient_checkpointing)
        yield


@contextlib.contextmanager
def in_number_type(network: nn.Module, dtype: torch.dtype) -> Generator[None]:
    """Have the numbers of a network in another type within the block; the very tensors from before come back.

    On a GPU those wait in host memory meanwhile.
    """
    held: list[tuple[Tensor, Tensor, torch.device]] = []
    tensors = cast("list[Tensor]", [*network.parameters(), *network.buffers()])
    try:
        for tensor in tensors:
            if tensor.is_floating_point() and tensor.dtype != dtype:
                original = tensor.data
                held.append((tensor, original.cpu() if original.is_cuda else original, original.device))
                tensor.data = original.to(dtype)
        yield
    finally:
        for tensor, original, device in held:
            tensor.data = original.to(device)


@contextlib.contextmanager
def set_aside(model: LoadedModel, *parts: nn.Module) -> Generator[None]:
    """Have parts of a model in host memory within the block, so that the device has room."""
    device = model.hardware.device
    if model.hardware.is_cpu or model.hardware.offload:
        yield
        return
    try:
        for part in parts:
            part.to("cpu")
        yield
    finally:
        for part in parts:
            part.to(device)
