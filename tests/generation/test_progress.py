from __future__ import annotations

from typing import Any, cast

import pytest
from PIL import Image

from modules.foundation.errors import Interrupted, RequestError
from modules.generation.progress import ProgressSnapshot, RunControl
from modules.generation.request import GenerationRequest


def test_the_fraction_counts_batches_and_steps_within_them() -> None:
    control = RunControl()
    assert control.snapshot().fraction == 0
    control.begin(batches=4)
    control.begin_batch(1, steps=10)
    control.at_step(5)
    snapshot = control.snapshot()
    assert snapshot.fraction == pytest.approx((1 + 0.5) / 4)
    assert (snapshot.step, snapshot.steps, snapshot.batch, snapshot.batches) == (5, 10, 1, 4)
    assert snapshot.eta is not None
    control.at_phase("done")
    assert control.snapshot().fraction == 1


def test_there_is_no_eta_before_the_first_step() -> None:
    control = RunControl()
    control.begin(batches=1)
    control.at_phase("loading")
    assert control.snapshot().eta is None
    assert control.snapshot().phase == "loading"


def test_an_interrupt_holds_until_the_end_a_skip_until_the_next_batch() -> None:
    control = RunControl()
    control.skip()
    with pytest.raises(Interrupted):
        control.check()
    assert not control.stopping
    control.begin_batch(1, steps=3)
    control.check()
    control.interrupt()
    control.begin_batch(2, steps=3)
    assert control.stopping
    with pytest.raises(Interrupted):
        control.check()


def test_stopping_after_a_batch_lets_that_batch_go_on() -> None:
    control = RunControl()
    control.stop_after_batch()
    control.check()
    assert control.stopping


def test_each_preview_has_a_higher_number() -> None:
    control = RunControl()
    assert control.preview == (0, None)
    control.show(Image.new("RGB", (8, 8)))
    control.show(Image.new("RGB", (8, 8)))
    assert control.preview[0] == 2


@pytest.mark.parametrize(
    ("field", "value"), [("steps", 0), ("width", 0), ("height", -8), ("batch_size", 0), ("batch_count", 0)]
)
def test_a_request_for_the_impossible_is_refused_naming_its_field(field: str, value: int) -> None:
    with pytest.raises(RequestError, match=f"{field} must be at least") as caught:
        GenerationRequest(**cast("dict[str, Any]", {field: value}))
    assert caught.value.field == field


def test_a_denoising_strength_beyond_one_is_refused_for_img2img() -> None:
    with pytest.raises(RequestError, match="between 0 and 1"):
        GenerationRequest(init_images=(Image.new("RGB", (8, 8)),), denoising_strength=1.5)


def test_the_pace_is_counted_from_the_first_step_which_is_slower_than_all_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = 100.0
    monkeypatch.setattr("modules.generation.progress.time.monotonic", lambda: now)
    control = RunControl()
    control.begin(batches=1)
    control.begin_batch(0, steps=20)
    now += 30  # the network is called for the first time
    control.at_step(1)
    assert control.snapshot().eta is None
    for step in range(2, 5):
        now += 0.5
        control.at_step(step)
    assert control.snapshot().eta == pytest.approx(8.0)
    now += 0.25
    assert control.snapshot().eta == pytest.approx(7.75)


def test_what_a_run_is_at_is_said_in_words() -> None:
    assert ProgressSnapshot(phase="loading", loaded=0.5).words == "Loading checkpoint 50%"
    assert ProgressSnapshot(phase="sampling", step=3, steps=20, batches=1).words == "Step 3/20"
    assert ProgressSnapshot(phase="decoding", batch=1, steps=20, batches=3).words == "Batch 2/3 · Decoding"
