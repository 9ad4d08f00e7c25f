"""Which device computes, in which number types and memory layout."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path

import torch

from modules.foundation.errors import StartupError

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class HardwareOptions:
    """What flags say about computing; see `modules.settings.flags.Flags` for their meaning."""

    use_cpu: frozenset[str] = frozenset()
    device_id: str | None = None
    full_precision: bool = False
    full_precision_vae: bool = False
    offload: bool = False


@dataclass(frozen=True, kw_only=True)
class Hardware:
    """The decision: a device and the number type of each part of a model.

    `fast` is the machine's fast type (bfloat16 or float16), or float32 where there is none or it was not wanted.
    """

    device: torch.device
    unet_dtype: torch.dtype
    vae_dtype: torch.dtype
    text_dtype: torch.dtype
    memory_format: torch.memory_format
    name: str
    offload: bool = False

    @property
    def is_cpu(self) -> bool:
        """Whether models compute on the CPU."""
        return self.device.type == "cpu"


def choose_hardware(options: HardwareOptions) -> Hardware:
    """Decide for this machine. Raises StartupError when a device was asked for that is not there."""
    device = _device(options)
    fast = torch.float32 if options.full_precision else fast_dtype(device)
    return Hardware(
        device=device,
        unet_dtype=fast,
        vae_dtype=torch.float32 if options.full_precision_vae else fast,
        # The text encoder is a fraction of a second; its rounding would show in every picture.
        text_dtype=torch.float32 if device.type == "cpu" else fast,
        memory_format=torch.channels_last,
        name=device_name(device),
        offload=options.offload and device.type != "cpu",
    )


def _device(options: HardwareOptions) -> torch.device:
    if "all" in options.use_cpu or "sd" in options.use_cpu:
        return torch.device("cpu")
    if torch.cuda.is_available():
        if options.device_id is None:
            return torch.device("cuda")
        count = torch.cuda.device_count()
        if not options.device_id.isdigit() or int(options.device_id) >= count:
            raise StartupError(f"--device-id {options.device_id}: this machine has CUDA devices 0 to {count - 1}.")
        return torch.device("cuda", int(options.device_id))
    if torch.backends.mps.is_available():
        return torch.device("mps")
    return torch.device("cpu")


def fast_dtype(device: torch.device) -> torch.dtype:
    """The number type in which `device` is fastest without losing pictures.

    float16 on CUDA and Apple devices (as fast as bfloat16 there, with three more bits); bfloat16 on CPUs with AMX or
    AVX512-BF16 instructions; float32 elsewhere (a CPU that emulates bfloat16 is slower with it than without).
    """
    if device.type in ("cuda", "mps"):
        return torch.float16
    return torch.bfloat16 if cpu_has_bfloat16() else torch.float32


def cpu_has_bfloat16() -> bool:
    """Whether the processor multiplies bfloat16 in hardware (AMX-BF16 or AVX512-BF16)."""
    flags = cpu_flags()
    return bool(flags & {"amx_bf16", "avx512_bf16"})


def cpu_flags() -> frozenset[str]:
    """The instruction sets that the operating system reports; empty where it reports none (not Linux)."""
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="ascii", errors="replace")
    except OSError:
        return frozenset()
    line = next((line for line in text.splitlines() if line.startswith("flags")), "")
    return frozenset(line.partition(":")[2].split())


def device_name(device: torch.device) -> str:
    """A name for people: the GPU's own, or the CPU with what it has of bfloat16."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    if device.type == "cpu":
        known = cpu_flags()
        special = [flag for flag in ("amx_bf16", "avx512_bf16", "avx512f", "avx2") if flag in known]
        return f"CPU, {torch.get_num_threads()} threads" + (f" ({special[0]})" if special else "")
    return device.type
