from __future__ import annotations

import warnings
from pathlib import Path

import pytest
import torch

from modules.hardware.device import Hardware, HardwareOptions, choose_hardware
from modules.upscalers.cache import Upscalers
from modules.upscalers.catalogue import UpscalerCatalogue
from tests.parity import make_tiny


@pytest.fixture(scope="session")
def tiny_esrgan(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The recorded tiny model, in the old layout of ESRGAN files."""
    path = tmp_path_factory.mktemp("esrgan") / "tiny-esrgan-x4.pth"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        make_tiny.esrgan(str(path))
    return path


@pytest.fixture(scope="session")
def tiny_swinir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SwinIR x2 with windows of 8 pixels and random weights."""
    from spandrel.architectures.SwinIR import SwinIR

    with torch.random.fork_rng(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch's own about meshgrid
        torch.manual_seed(1)
        network = SwinIR(
            img_size=16,
            window_size=8,
            depths=[2, 2],
            num_heads=[2, 2],
            embed_dim=16,
            mlp_ratio=2,
            upscale=2,
            upsampler="pixelshuffle",
        )
    path = tmp_path_factory.mktemp("swinir") / "tiny-swinir-x2.pth"
    torch.save({"params": network.state_dict()}, path)
    return path


@pytest.fixture(scope="session")
def cpu() -> Hardware:
    return choose_hardware(HardwareOptions(use_cpu=frozenset({"all"}), full_precision=True))


@pytest.fixture(scope="session")
def upscalers(tiny_esrgan: Path, tiny_swinir: Path, cpu: Hardware) -> Upscalers:
    return Upscalers(UpscalerCatalogue({"ESRGAN": tiny_esrgan.parent, "SwinIR": tiny_swinir.parent}), cpu)
