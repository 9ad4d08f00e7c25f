"""What a run took is known before the next one."""

from __future__ import annotations

from dataclasses import replace

from modules.application.estimates import RunKind, Work
from modules.generation.request import HiresRequest
from tests.pipeline.conftest import Studio


def test_a_run_tells_what_the_next_one_like_it_takes(studio: Studio) -> None:
    estimates = studio.application.estimates
    studio.make(save_images=False, width=96, batch_size=2)
    kind = RunKind(width=96, height=64, target_width=96, target_height=64, batch_size=2)
    work = Work(checkpoint="tiny.safetensors", kind=kind, evaluations=2 * 96 * 64 / 1e6 * 2, pictures=2)
    found = estimates.estimate(work)
    assert found is not None
    assert found.exact
    assert found.seconds > 0
    assert found.peak_bytes > 0
    studio.make(save_images=False, hires=HiresRequest(scale=2, steps=1))
    doubled = RunKind(width=64, height=64, target_width=128, target_height=128)
    found = estimates.estimate(replace(work, kind=doubled))
    assert found is not None
    assert found.exact
