"""What stands in `modules.devices`: where and in which number types models compute, and memory given back."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from modules.a1111.current import current
from modules.foundation.plain import JsonObject

if TYPE_CHECKING:
    import torch
    from torch import Tensor

OF_THE_HARDWARE = {
    "device": "device",
    "device_interrogate": "device",
    "device_gfpgan": "device",
    "device_esrgan": "device",
    "device_codeformer": "device",
    "dtype": "unet_dtype",
    "dtype_unet": "unet_dtype",
    "dtype_vae": "vae_dtype",
    "dtype_inference": "unet_dtype",
}
"""A1111's names and those of the program's hardware."""

NOTHING: JsonObject = {
    "unet_needs_upcast": False,
    "fp8": False,
    "cond_cast": False,
    "force_fp16": False,
    "nv_rng": None,
}
"""Names that stand for what is not done in this way here."""


def known(name: str) -> Any:
    """A device or a number type under A1111's name. Raises AttributeError for what it does not have."""
    if name in ("cpu", "device_cpu"):
        import torch

        return torch.device("cpu")
    if name in NOTHING:
        return NOTHING[name]
    if name not in OF_THE_HARDWARE:
        raise AttributeError(f"modules.devices has no {name!r}.")
    return getattr(current().app.engine.hardware, OF_THE_HARDWARE[name])


def get_optimal_device_name() -> str:
    """The name of the device that computes."""
    return str(known("device"))


def get_optimal_device() -> torch.device:
    """The device that computes."""
    return known("device")


def get_device_for(task: str) -> torch.device:
    """The device for a kind of work ("sd", "esrgan", ...): one for all."""
    return known("device")


def get_cuda_device_string() -> str:
    """The device's name as torch takes it."""
    return str(known("device"))


def get_available_vram() -> int:
    """Free bytes of the device that computes."""
    from modules.hardware.memory import free_bytes

    return free_bytes(known("device"))


def torch_gc() -> None:
    """Give memory back that nothing uses any more."""
    from modules.hardware.memory import release

    release(known("device"))


def torch_mps_gc() -> None:
    """The same, which Apple's devices had a function of their own for."""
    torch_gc()


def autocast(disable: bool = False) -> contextlib.AbstractContextManager[object]:
    """A block in which torch chooses the number type by itself, where the models are not in float32."""
    import torch

    dtype = known("dtype")
    if disable or dtype == torch.float32:
        return contextlib.nullcontext()
    return torch.autocast(known("device").type, dtype=dtype)


def without_autocast(disable: bool = False) -> contextlib.AbstractContextManager[object]:
    """A block in which torch leaves number types as they are."""
    import torch

    device = known("device").type
    if disable or not torch.is_autocast_enabled(device):
        return contextlib.nullcontext()
    return torch.autocast(device, enabled=False)


def cond_cast_unet(input: Tensor) -> Tensor:
    """A tensor in the number type of the UNet."""
    return input.to(known("dtype_unet"))


def cond_cast_float(input: Tensor) -> Tensor:
    """A tensor in float32."""
    return input.float()


class NansException(Exception):  # noqa: N818 - the name that extensions catch
    """A model has given numbers that are none."""


def test_for_nans(x: Tensor, where: str) -> None:
    """Raise NansException where all numbers of `x` are NaN."""
    import torch

    if bool(torch.isnan(x).all()):
        raise NansException(f"All numbers that the {where} gave are NaN. Start with --no-half for full precision.")


def randn(seed: int, shape: Sequence[int]) -> Tensor:
    """Noise of this shape as a picture of this seed starts from, on the device that computes."""
    import torch

    opts = current().shared.opts
    device = known("device")
    if opts.randn_source == "NV":
        from modules.sampling.philox import PhiloxGenerator

        return torch.from_numpy(PhiloxGenerator(int(seed)).randn(tuple(shape))).to(device)
    where = torch.device("cpu") if opts.randn_source == "CPU" or device.type == "mps" else device
    return torch.randn(tuple(shape), generator=torch.Generator(where).manual_seed(int(seed)), device=where).to(device)


def randn_local(seed: int, shape: Sequence[int]) -> Tensor:
    """The same: no state of the process is changed by either."""
    return randn(seed, shape)


def randn_like(x: Tensor) -> Tensor:
    """Noise in the shape of `x`, from torch's own generator."""
    import torch

    return torch.randn_like(x)


def randn_without_seed(shape: Sequence[int], generator: torch.Generator | None = None) -> Tensor:
    """Noise of a shape from torch's own generator, or the one that is given."""
    import torch

    where = generator.device if generator is not None else known("device")
    return torch.randn(tuple(shape), generator=generator, device=where).to(known("device"))


def manual_seed(seed: int) -> None:
    """Seed torch's own generator, from which Easel itself draws nothing."""
    import torch

    torch.manual_seed(seed)


def has_mps() -> bool:
    """Whether an Apple device computes."""
    return known("device").type == "mps"


def has_xpu() -> bool:
    """Whether an Intel device computes; Easel does not use them."""
    return False


def first_time_calculation() -> None:
    """Nothing: torch is warmed up with the first model."""
