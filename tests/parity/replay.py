"""Recorded requests, made again by Easel, and how far the pictures differ."""

from __future__ import annotations

import base64
import json
import math
import re
import shutil
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from modules.api.generation.bodies import StableDiffusionProcessingImg2Img, StableDiffusionProcessingTxt2Img
from modules.api.generation.requests import img2img_request, txt2img_request
from modules.application.application import Application
from modules.generation.request import GenerationRequest
from modules.settings.flags import parse_flags
from tests.parity import make_tiny

PICTURES = Path(__file__).parent / "pictures"
FILES = ("init_images", "mask", "latent_mask", "firstpass_image")
"""Fields of a recorded request that name picture files."""
ENCODER_NOISE = {"max_level": 1, "fraction": 0.05}
"""Allowed where a VAE encoder draws noise: Easel seeds it with the picture's own seed, the recording continued the
stream of the request before."""


RANKS = {"i2i-colorcorr": {"max_level": 30, "fraction": 0.2}}
"""Allowed where such a level also moves the ranks of a histogram."""


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """One picture against the recorded one: PSNR in dB, the largest difference in levels, the share that differs."""

    psnr: float
    largest: int
    share: float


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """One case: its pictures compared, and both infotexts of each, without the version."""

    name: str
    comparisons: tuple[Comparison, ...]
    infotexts: tuple[tuple[str, str], ...]
    tolerance: dict[str, float]

    @property
    def pictures_agree(self) -> bool:
        """Whether every picture is within the case's tolerance, or at 50 dB and better."""
        allowed = self.tolerance
        return all(
            each.psnr >= 50 or (each.largest <= allowed["max_level"] and each.share <= allowed["fraction"])
            for each in self.comparisons
        )

    @property
    def infotexts_agree(self) -> bool:
        """Whether the parameters are the same, letter for letter."""
        return all(ours == theirs for ours, theirs in self.infotexts)


def cases() -> list[dict[str, Any]]:
    """The recorded cases that lie in this repository."""
    return json.loads((PICTURES / "cases.json").read_text())["cases"]


def make_data(folder: Path) -> Path:
    """A data folder with the tiny models that the cases were recorded with."""
    checkpoints = folder / "models" / "Stable-diffusion"
    checkpoints.mkdir(parents=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # the recipe leaves closing its files to Python
        _write_models(folder, checkpoints)
    shutil.copyfile(PICTURES / "styles.csv", folder / "styles.csv")
    return folder


def _write_models(folder: Path, checkpoints: Path) -> None:
    first = make_tiny.sd1(101)
    make_tiny.write(str(checkpoints / "tiny-sd1.safetensors"), first)
    make_tiny.write(str(checkpoints / "tiny-sd1-b.safetensors"), make_tiny.sd1(102), half=True)
    make_tiny.write(str(checkpoints / "tiny-sd1-half.safetensors"), first, half=True, half_buffers=True)
    make_tiny.write(str(checkpoints / "tiny-sd1-inpaint.safetensors"), make_tiny.sd1(103, cin=9))
    make_tiny.write(str(checkpoints / "tiny-sd2-v.safetensors"), make_tiny.sd2v(104))
    xl = make_tiny.sdxl(105)
    make_tiny.write(str(checkpoints / "tiny-sdxl.safetensors"), xl)
    vae = make_tiny.B(106)
    make_tiny.vae(vae, "", 32, make_tiny.MULT)
    make_tiny.write(str(folder / "models" / "VAE" / "tiny-vae.safetensors"), vae.sd)
    make_tiny.networks(str(folder / "models"), first, xl)
    make_tiny.hypernetwork(str(folder / "models" / "hypernetworks" / "tiny-hyper.pt"))
    make_tiny.embeddings(str(folder / "embeddings"))
    make_tiny.esrgan(str(folder / "models" / "ESRGAN" / "tiny-esrgan-x4.pth"))


def start(folder: Path) -> Application:
    """An Easel over `folder` in float32 on the CPU, which saves nothing."""
    application = Application(parse_flags(["--data-dir", str(folder), "--no-half", "--use-cpu", "all"]))
    quiet = {"live_previews_enable": False, "samples_save": False, "grid_save": False, "return_grid": False}
    application.settings.change({**quiet, "sd_model_checkpoint": "tiny-sd1.safetensors"}, save=False)
    return application


def replay(case: dict[str, Any], application: Application) -> Outcome:
    """Make the pictures of one case and compare them."""
    result = application.submit(request_of(case, application)).wait(300)
    assert len(result.images) == len(case["files"])
    wanted = [Image.open(PICTURES / name).convert("RGB") for name in case["files"]]
    return Outcome(
        name=case["name"],
        comparisons=tuple(
            compare(ours.image.convert("RGB"), theirs) for ours, theirs in zip(result.images, wanted, strict=True)
        ),
        infotexts=tuple(
            (_without_version(ours.infotext), _without_version(theirs))
            for ours, theirs in zip(result.images, case["infotexts"], strict=False)
        ),
        tolerance=_tolerance(case),
    )


def request_of(case: dict[str, Any], application: Application) -> GenerationRequest:
    """What the API makes of a recorded request."""
    body = {key: _with_content(value) if key in FILES else value for key, value in case["request"].items()}
    if case["kind"] == "img2img":
        return img2img_request(application, StableDiffusionProcessingImg2Img(**body))
    return txt2img_request(application, StableDiffusionProcessingTxt2Img(**body))


def _with_content(files: Any) -> Any:
    """The files' content in base64 in place of their names."""
    if isinstance(files, list):
        return [_with_content(name) for name in files]
    return base64.b64encode((PICTURES / files).read_bytes()).decode()


def compare(ours: Image.Image, theirs: Image.Image) -> Comparison:
    """Sample by sample; pictures of different size differ in everything."""
    if ours.size != theirs.size:
        return Comparison(psnr=0.0, largest=255, share=1.0)
    difference = np.abs(np.asarray(ours, dtype=np.int32) - np.asarray(theirs, dtype=np.int32))
    square = float((difference.astype(np.float64) ** 2).mean())
    psnr = math.inf if square == 0 else 10 * math.log10(255**2 / square)
    return Comparison(psnr=psnr, largest=int(difference.max()), share=float((difference > 0).mean()))


def table(outcomes: Iterator[Outcome]) -> Iterator[str]:
    """The rows of docs/parity.md."""
    yield "| case | PSNR, dB | largest difference, levels | samples that differ | parameters |"
    yield "|---|---|---|---|---|"
    for outcome in outcomes:
        worst = min(outcome.comparisons, key=lambda each: each.psnr)
        psnr = "identical" if math.isinf(worst.psnr) else f"{worst.psnr:.1f}"
        text = "same" if outcome.infotexts_agree else "DIFFERENT"
        verdict = "" if outcome.pictures_agree else " **OUTSIDE**"
        yield f"| {outcome.name}{verdict} | {psnr} | {worst.largest} | {worst.share:.4%} | {text} |"


def _tolerance(case: dict[str, Any]) -> dict[str, float]:
    own = case["tolerance"]
    if case["kind"] != "img2img":
        return own
    return {key: max(own[key], RANKS.get(case["name"], ENCODER_NOISE)[key]) for key in own}


def _without_version(infotext: str) -> str:
    return re.sub(r", Version: [^,]*", "", infotext)
