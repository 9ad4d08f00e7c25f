"""The recorded tables of noise levels, time steps and noise: every row."""

from __future__ import annotations

import hashlib
import json
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from modules.checkpoints.architectures import sd1, sdxl
from modules.sampling import samplers
from modules.sampling.model_schedule import ModelSchedule, scaled_linear_alphas_cumprod
from modules.sampling.noise import EncodeNoise, ImageNoise
from modules.sampling.options import SamplingOptions
from modules.sampling.philox import PhiloxGenerator
from modules.sampling.plan import build_sigmas, img2img_steps
from modules.sampling.samplers.unipc import VPSchedule, time_steps

TABLES = Path(__file__).parent.parent / "parity" / "tables"


@cache
def table(name: str) -> Any:
    return json.loads((TABLES / f"{name}.json").read_text())


@cache
def schedule() -> ModelSchedule:
    return ModelSchedule.of(scaled_linear_alphas_cumprod())


def described(row: dict[str, Any], *keys: str) -> str:
    return " ".join(str(row[key]) for key in keys)


def assert_same_tensor(tensor: torch.Tensor, recorded: dict[str, Any], *, exact: bool = True) -> None:
    values = tensor.numpy().astype("<f4")
    assert list(values.shape) == recorded["shape"]
    np.testing.assert_allclose(values.ravel()[:16], recorded["first16"][: values.size], rtol=1e-6, atol=1e-6)
    assert float(values.astype(np.float64).sum()) == pytest.approx(recorded["sum"], abs=1e-4)
    if exact:
        assert hashlib.sha256(values.tobytes()).hexdigest() == recorded["sha256"]


@pytest.mark.parametrize("row", table("sigmas")["models"], ids=lambda row: row["model"])
def test_the_schedule_of_a_model_is_the_recorded_one(row: dict[str, Any]) -> None:
    # The recorded hash of all levels holds the last places of one machine's square root, so it is not compared.
    assert schedule().sigma_min == row["sigma_min"]
    assert schedule().sigma_max == row["sigma_max"]
    assert schedule().sigmas[::37].tolist() == row["sigmas_every_37"]


@pytest.mark.parametrize(
    "row",
    table("sigmas")["sigmas"],
    ids=lambda row: described(row, "model", "sampler", "scheduler", "steps", "options"),
)
def test_noise_levels_and_infotext_are_the_recorded_ones(row: dict[str, Any]) -> None:
    sampler, chosen = samplers.resolve_pair(row["sampler"], row["scheduler"])
    plan = build_sigmas(
        sampler=sampler,
        schedule=chosen,
        steps=row["steps"],
        model_schedule=schedule(),
        options=SamplingOptions(**row["options"]),
        align_your_steps=(sdxl if row["model"] == "tiny-sdxl" else sd1).ALIGN_YOUR_STEPS,
    )
    assert plan.sigmas.dtype == torch.float32
    assert len(plan.sigmas) == len(row["sigmas"])
    np.testing.assert_allclose(plan.sigmas.numpy(), np.array(row["sigmas"]), rtol=1e-6)
    assert plan.infotext == row["infotext"]


@pytest.mark.parametrize(
    "row", table("sigmas")["timesteps"], ids=lambda row: described(row, "model", "sampler", "steps")
)
def test_time_steps_are_exactly_the_recorded_ones(row: dict[str, Any]) -> None:
    plan = build_sigmas(
        sampler=samplers.resolve(row["sampler"]),
        schedule=None,
        steps=row["steps"],
        model_schedule=schedule(),
        options=SamplingOptions(always_discard_next_to_last_sigma=row["always_discard_next_to_last_sigma"]),
    )
    assert plan.timesteps is not None
    assert plan.timesteps.tolist() == row["timesteps"]


@pytest.mark.parametrize(
    "row", table("sigmas")["unipc_times"], ids=lambda row: described(row, "N", "skip_type", "t_start")
)
def test_continuous_times_of_unipc_are_the_recorded_ones(row: dict[str, Any]) -> None:
    times = time_steps(
        VPSchedule(schedule().host_alphas_cumprod), skip_type=row["skip_type"], steps=row["N"], start=row["t_start"]
    )
    np.testing.assert_allclose(times, row["t"], rtol=1e-6 if row["skip_type"] != "logSNR" else 2e-5)


@pytest.mark.parametrize("row", table("sigmas")["img2img_steps"], ids=lambda row: str(sorted(row.items())))
def test_the_number_of_steps_from_an_image_is_the_recorded_one(row: dict[str, Any]) -> None:
    counted = img2img_steps(
        steps=row["steps"],
        denoising_strength=row["denoising_strength"],
        fix_steps=row.get("img2img_fix_steps", False),
        prescribed=row.get("hires_steps"),
    )
    assert counted == (row["total_steps"], row["t_enc"])


@pytest.mark.parametrize(
    "row",
    table("noise")["image_noise"],
    ids=lambda row: described(row, "source", "shape", "seeds", "subseed_strength", "seed_resize_from_h"),
)
def test_noise_of_a_batch_is_the_recorded_one(row: dict[str, Any]) -> None:
    noise = ImageNoise(
        shape=row["shape"],
        seeds=row["seeds"],
        subseeds=row["subseeds"],
        subseed_strength=row["subseed_strength"],
        seed_resize_from=(row["seed_resize_from_h"] // 8, row["seed_resize_from_w"] // 8),
        source=row["source"],
        eta_noise_seed_delta=row["eta_noise_seed_delta"],
    )
    first, *later = row["draws"]
    assert_same_tensor(noise.initial(), first, exact=row["subseed_strength"] == 0)
    for draw in later:
        assert_same_tensor(noise.next(), draw)


def test_the_cuda_generator_on_the_cpu_yields_the_recorded_numbers() -> None:
    generators: dict[int, PhiloxGenerator] = {}
    for row in table("noise")["philox"]:
        generator = generators.setdefault(row["seed"], PhiloxGenerator(row["seed"]))
        assert generator.offset == row["offset"]
        assert_same_tensor(torch.from_numpy(generator.randn(row["shape"])), row)


@pytest.mark.parametrize("row", table("noise")["brownian"], ids=lambda row: described(row, "source", "seeds", "sigma"))
def test_brownian_noise_is_the_recorded_one(row: dict[str, Any]) -> None:
    noise = ImageNoise(shape=row["shape"][1:], seeds=row["seeds"], source=row["source"])
    step = noise.brownian(row["sigma_min"], row["sigma_max"])
    assert_same_tensor(step(row["sigma"], row["sigma_next"]), row)


@pytest.mark.parametrize("row", table("encode_noise"), ids=lambda row: described(row, "case", "variation"))
def test_noise_of_the_image_encoder_continues_the_recorded_stream(row: dict[str, Any]) -> None:
    for encode in row["encodes"]:
        stream = EncodeNoise(encode["equals_manual_seed"], skip=encode["after_draws"])
        drawn = stream.draw(encode["shape"])
        np.testing.assert_allclose(drawn.ravel()[:4].numpy(), encode["first4"], rtol=1e-6)
