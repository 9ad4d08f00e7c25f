"""A family of another kind, added by this file and its network alone: it samples through the ordinary pipeline.

Rectified flow, 16 channels, 16 pixels a cell, a transformer that takes patches, and bytes in the place of CLIP.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
import torch
from diffusers import AutoencoderKL
from PIL import Image
from safetensors.torch import save_file
from torch import Tensor, nn

from modules.application.application import Application
from modules.application.jobs.job import GenerationJob
from modules.checkpoints.architectures.architecture import Architecture, Component, Refusal, TextComponent
from modules.checkpoints.architectures.family import Family, NetworkTraces
from modules.checkpoints.declared import Declared
from modules.checkpoints.load import LoadedCheckpoint
from modules.checkpoints.tensors import Shapes
from modules.foundation.errors import EaselError, ExtensionError, RequestError
from modules.generation.inpaint import InpaintRequest
from modules.generation.request import GenerationRequest, HiresRequest
from modules.generation.result import GenerationResult
from modules.hooks.events import StepEvent
from modules.infotext.parse import parse
from modules.sampling.conditioning import CondBatch
from modules.sampling.flow_schedule import FlowSchedule
from modules.sampling.latent_space import LatentSpace
from modules.sampling.samplers import SAMPLERS
from modules.settings.flags import parse_flags
from modules.text_encoders.prompt_conditioning import EncodedTexts, EncodingOptions
from tests.pipeline.tiny_dit import TinyDiT, TinyText
from tests.tiny_models import make_tiny_sd1

NETWORK: dict[str, Any] = {"channels": 16, "patch": 2, "width": 32, "blocks": 2}
VAE: dict[str, Any] = {
    "block_out_channels": (8, 8, 8, 8, 8),
    "down_block_types": ("DownEncoderBlock2D",) * 5,
    "up_block_types": ("UpDecoderBlock2D",) * 5,
    "latent_channels": 16,
    "norm_num_groups": 4,
    "use_quant_conv": False,
    "use_post_quant_conv": False,
}
TOKENS = 12


def claim(shapes: Shapes, declared: Declared) -> Architecture | Refusal:
    if "dit.patch.weight" not in shapes:
        return Refusal("there is no transformer under 'dit.'")
    text = {"width": NETWORK["width"]}
    return Architecture(
        family=TINY_DIT,
        prediction="flow",
        latents=TINY_DIT.latents,
        unet=Component(prefixes=("dit.",), config=NETWORK, modules={}, build=lambda config: TinyDiT(**config)),
        vae=Component(prefixes=("vae.",), config=VAE, modules={}),
        text_encoders=(
            TextComponent(
                name="bytes", prefixes=("text.",), config=text, modules={}, build=lambda config: TinyText(**config)
            ),
        ),
    )


@dataclass(frozen=True)
class ByteText:
    """Each prompt as the vectors of its first bytes."""

    model: nn.Module
    encoders: tuple[Any, ...] = ()

    @property
    def widths(self) -> Mapping[str, int]:
        return {}

    def __call__(
        self, texts: Sequence[str], options: EncodingOptions, embeddings: Mapping[str, Any], *, negative: bool = False
    ) -> EncodedTexts:
        padded = [text.encode()[:TOKENS].ljust(TOKENS) for text in texts]
        return EncodedTexts(cross_attention=self.model(torch.tensor([list(text) for text in padded])))


def predict(network: nn.Module, x: Tensor, t: Tensor, cond: CondBatch) -> Tensor:
    return network(x, t.to(x.dtype) / 1000, cond.tokens.to(x.dtype))


def byte_text(checkpoint: LoadedCheckpoint) -> ByteText:
    return ByteText(checkpoint.text_encoders[0].model)


TINY_DIT = Family(
    name="Tiny DiT",
    claim=claim,
    latents=LatentSpace(channels=16, pixels=16, scale=0.5, shift=0.1),
    prediction="flow",
    native_side=64,
    patch=2,
    text_encoder=byte_text,
    predict=predict,
    schedule=lambda checkpoint: FlowSchedule.shifted(2.0),
    traces=NetworkTraces(trained_as=("tiny-dit",)),
)


def write_checkpoint(path: Path) -> None:
    torch.manual_seed(0)
    parts = {"dit": TinyDiT(**NETWORK), "vae": AutoencoderKL(**VAE), "text": TinyText(NETWORK["width"])}
    tensors = {f"{name}.{key}": value for name, part in parts.items() for key, value in part.state_dict().items()}
    save_file({key: value.contiguous() for key, value in tensors.items()}, path)


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Application]:
    data = tmp_path_factory.mktemp("dit")
    folder = data / "models" / "Stable-diffusion"
    make_tiny_sd1(folder / "tiny.safetensors")
    write_checkpoint(folder / "dit.safetensors")
    application = Application(parse_flags(["--data-dir", str(data), "--no-half", "--use-cpu", "all"]))
    application.catalogue.collection.settle()
    application.families.register("tests", TINY_DIT)
    yield application
    application.close()


def made(app: Application, checkpoint: str = "dit", **changes: Any) -> GenerationResult:
    override = {"sd_model_checkpoint": checkpoint, **changes.pop("override_settings", {})}
    asked: dict[str, Any] = {"prompt": "a cat", "seed": 1, "steps": 4, "width": 64, "height": 96, "sampler": "Euler"}
    request = GenerationRequest(**{**asked, **changes}, override_settings=override, save_images=False)
    return app.submit(request).wait(120)


def pixels(result: GenerationResult) -> np.ndarray:
    return np.asarray(result.samples[0].image, dtype=np.int32)


def test_the_lists_tell_of_a_family_as_soon_as_it_is_there(app: Application) -> None:
    app.catalogue.collection.settle()
    infos = {info.name: info for info in app.catalogue.all()}
    assert infos["dit.safetensors"].family == "Tiny DiT"
    assert infos["dit.safetensors"].problem is None
    assert infos["tiny.safetensors"].family == "SD1"
    with pytest.raises(ExtensionError, match="Tiny DiT"):
        app.families.register("another", TINY_DIT)


def test_a_picture_is_made_from_words(app: Application) -> None:
    result = made(app)
    assert result.samples[0].image.size == (64, 96)
    assert np.array_equal(pixels(result), pixels(made(app)))
    assert not np.array_equal(pixels(result), pixels(made(app, prompt="a dog")))
    assert not np.array_equal(pixels(result), pixels(made(app, cfg_scale=1.0)))
    assert not np.array_equal(pixels(result), pixels(made(app, negative_prompt="grey")))
    assert parse(result.samples[0].infotext).fields["Schedule type"] == "SGM Uniform"


def test_the_steps_follow_the_straight_paths_of_the_network(app: Application) -> None:
    """Euler's method by hand, with the loaded networks: what the pipeline puts around them adds nothing."""
    found = pixels(made(app, cfg_scale=1.0, steps=3))
    model = app.engine.model
    assert model is not None
    with torch.inference_mode():
        text = byte_text(model.checkpoint)(["a cat"], EncodingOptions(), {}).cross_attention
        x = torch.randn((16, 6, 4), generator=torch.Generator().manual_seed(1))[None]
        shifted = [2 * t / (1 + t) for t in (1.0, 1 - 0.999 / 3, 1 - 2 * 0.999 / 3)]
        for level, following in zip(shifted, [*shifted[1:], 0.0], strict=True):
            velocity = model.checkpoint.unet(x, torch.tensor([level]), text)
            x = x + velocity * (following - level)
        decoded = cast(Any, model.checkpoint.vae).decode(x / 0.5 + 0.1).sample[0]
    expected = ((decoded + 1) / 2).clamp(0, 1).mul(255).permute(1, 2, 0).numpy()
    assert np.abs(found - expected).max() <= 1.1


def test_a_batch_holds_the_pictures_that_come_out_alone(app: Application) -> None:
    both = made(app, batch_size=2, sampler="Euler a")
    alone = made(app, seed=2, sampler="Euler a")
    second = np.asarray(both.samples[1].image, dtype=np.int32)
    assert np.abs(second - pixels(alone)).max() <= 1


@pytest.mark.parametrize("strength", [0.2, 0.6, 1.0])
def test_a_picture_is_made_from_a_picture(app: Application, strength: float) -> None:
    source = Image.new("RGB", (64, 96), (200, 40, 90))
    result = made(app, init_images=(source,), denoising_strength=strength)
    assert result.samples[0].image.size == (64, 96)
    # The straight path begins in pure noise, so at full strength nothing of the source is left.
    assert np.array_equal(pixels(result), pixels(made(app))) == (strength == 1.0)


def test_what_a_mask_hides_keeps_its_source(app: Application) -> None:
    source = Image.new("RGB", (64, 64), (200, 40, 90))
    mask = Image.new("L", (64, 64))
    mask.paste(255, (32, 0, 64, 64))
    result = made(
        app,
        height=64,
        init_images=(source,),
        denoising_strength=0.8,
        inpaint=InpaintRequest(mask=mask, blur_x=0, blur_y=0),
    )
    assert (pixels(result)[:, :32] == (200, 40, 90)).all()
    assert not (pixels(result)[:, 32:] == (200, 40, 90)).all()


@pytest.mark.parametrize("upscaler", ["Latent", "Lanczos"])
def test_a_second_pass_enlarges_it(app: Application, upscaler: str) -> None:
    result = made(app, height=64, hires=HiresRequest(scale=2.0, upscaler=upscaler, steps=2), denoising_strength=0.5)
    assert result.samples[0].image.size == (128, 128)


@pytest.mark.parametrize("method", ["Approx cheap", "Full", "TAESD"])
def test_it_is_seen_while_it_is_made(app: Application, method: str) -> None:
    settings = {"live_previews_enable": True, "show_progress_every_n_steps": 1, "show_progress_type": method}
    job: GenerationJob | None = None

    def wait_for_it(_: StepEvent) -> None:
        # The loop never waits for a preview; the test does, so that the last step does not come first.
        for _attempt in range(3000):
            if job is not None and job.control.preview[1] is not None:
                return
            time.sleep(0.01)

    detach = app.hooks.step.attach("test", wait_for_it)
    try:
        override = {"sd_model_checkpoint": "dit", **settings}
        request = GenerationRequest(
            prompt="a cat", steps=2, width=64, height=96, sampler="Euler", override_settings=override, save_images=False
        )
        job = app.submit(request)
        job.wait(120)
    finally:
        detach()
    _, preview = job.control.preview
    assert preview is not None
    assert preview.size == ((64, 96) if method == "Full" else (4, 6))


def test_sizes_are_multiples_of_what_the_network_takes_at_once(app: Application) -> None:
    result = made(app, width=70, height=100)
    assert result.samples[0].image.size == (64, 96)
    assert any("multiples of 32" in warning for warning in result.warnings)
    assert made(app, "tiny", width=70, height=100).samples[0].image.size == (64, 96)
    assert made(app, "tiny", width=72, height=104).samples[0].image.size == (72, 104)


@pytest.mark.parametrize("sampler", SAMPLERS, ids=lambda sampler: sampler.name)
def test_every_sampler_works_or_says_that_it_cannot(app: Application, sampler: Any) -> None:
    if sampler.discrete_only:
        with pytest.raises(RequestError, match=f"^{sampler.name.replace('+', '.')} cannot sample this model"):
            made(app, sampler=sampler.name)
    else:
        assert np.isfinite(pixels(made(app, sampler=sampler.name))).all()


def test_latents_of_another_family_are_refused(app: Application) -> None:
    with pytest.raises(EaselError, match="Tiny DiT"):
        made(app, refiner_checkpoint="tiny", refiner_switch_at=0.5)


def test_a_family_that_is_taken_away_leaves_a_file_that_is_none(app: Application) -> None:
    app.families.unregister("tests")
    try:
        app.catalogue.collection.settle()
        info = app.catalogue.find("dit.safetensors")
        assert info.family is None
        assert info.problem is not None
    finally:
        app.families.register("tests", TINY_DIT)
