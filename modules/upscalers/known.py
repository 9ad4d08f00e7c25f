"""Upscaler files that everybody has: the name they go by, the file's name, and where it can be had."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

MODEL_NAMES: Mapping[str, str] = {"ESRGAN": "ESRGAN_4x", "SwinIR": "SwinIR 4x", "ScuNET": "ScuNET GAN"}
"""What A1111 says is the model's name for every file of a folder; others have none."""


LATENT_MODES = (
    "Latent",
    "Latent (antialiased)",
    "Latent (bicubic)",
    "Latent (bicubic antialiased)",
    "Latent (nearest)",
    "Latent (nearest-exact)",
)
"""What hires fix may enlarge latents with; see `modules.pipeline`."""


@dataclass(frozen=True, kw_only=True)
class KnownModel:
    """A file that goes by a name of its own instead of its file name. `setting` lists those that are offered.

    `files` are its names where the address does not end in one; `beside` is what is wanted with it.
    """

    name: str
    family: str
    url: str
    scale: int = 4
    setting: str | None = None
    files: tuple[str, ...] = ()
    beside: str = ""

    @property
    def file_names(self) -> tuple[str, ...]:
        """The file's names, the published one first."""
        return self.files or (self.url.rsplit("/", 1)[1],)

    @property
    def listed_url(self) -> str | None:
        """What lists give as its address; none where that does not end in the file's name."""
        return None if self.files else self.url

    @property
    def needs(self) -> str:
        """Which file it is and where it can be had."""
        return f"{self.file_names[0]} ({self.url}){self.beside}"


def _dat(scale: int) -> KnownModel:
    url = f"https://github.com/n0kovo/dat_upscaler_models/raw/main/DAT/DAT_x{scale}.pth"
    return KnownModel(name=f"DAT x{scale}", family="DAT", url=url, scale=scale, setting="dat_enabled_models")


def _real(name: str, path: str, scale: int = 4) -> KnownModel:
    url = f"https://github.com/xinntao/Real-ESRGAN/releases/download/{path}"
    return KnownModel(name=name, family="RealESRGAN", url=url, scale=scale, setting="realesrgan_enabled_models")


REAL_ESRGAN: tuple[KnownModel, ...] = (
    _real("R-ESRGAN General 4xV3", "v0.2.5.0/realesr-general-x4v3.pth"),
    _real("R-ESRGAN General WDN 4xV3", "v0.2.5.0/realesr-general-wdn-x4v3.pth"),
    _real("R-ESRGAN AnimeVideo", "v0.2.5.0/realesr-animevideov3.pth"),
    _real("R-ESRGAN 4x+", "v0.1.0/RealESRGAN_x4plus.pth"),
    _real("R-ESRGAN 4x+ Anime6B", "v0.2.2.4/RealESRGAN_x4plus_anime_6B.pth"),
    _real("R-ESRGAN 2x+", "v0.2.1/RealESRGAN_x2plus.pth", 2),
)

KNOWN: tuple[KnownModel, ...] = (
    *(_dat(scale) for scale in (2, 3, 4)),
    *REAL_ESRGAN,
    KnownModel(
        name="LDSR",
        family="LDSR",
        url="https://heibox.uni-heidelberg.de/f/578df07c8fc04ffbadf3/?dl=1",
        files=("model.ckpt", "model.safetensors", "last.ckpt"),
        beside=" and project.yaml (https://heibox.uni-heidelberg.de/f/31a76b13ea27482981b4/?dl=1)",
    ),
    KnownModel(
        name="ScuNET GAN",
        family="ScuNET",
        url="https://github.com/cszn/KAIR/releases/download/v1.0/scunet_color_real_gan.pth",
    ),
    KnownModel(
        name="ScuNET PSNR",
        family="ScuNET",
        url="https://github.com/cszn/KAIR/releases/download/v1.0/scunet_color_real_psnr.pth",
    ),
    KnownModel(
        name="SwinIR 4x",
        family="SwinIR",
        url="https://github.com/JingyunLiang/SwinIR/releases/download/v0.0/"
        "003_realSR_BSRGAN_DFOWMFC_s64w8_SwinIR-L_x4_GAN.pth",
    ),
)
