"""Time and memory of pictures, learnt from what runs took."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modules.application.estimates import Estimates, RunKind, Work, steps_on_pictures
from modules.generation.result import GenerationResult

SIDES = st.integers(300, 900)


def work(width: int = 512, height: int = 512, steps: int = 20, pictures: int = 1, checkpoint: str = "a") -> Work:
    kind = RunKind(width=width, height=height, target_width=width, target_height=height)
    evaluations = steps * width * height / 1e6 * pictures
    return Work(checkpoint=checkpoint, kind=kind, evaluations=evaluations, pictures=pictures)


def result(sample: float, rest: float = 0.0, load: float = 0.0, peak: int = 0) -> GenerationResult:
    seconds = {"load": load, "sample": sample, "decode": rest}
    return GenerationResult(images=(), info={}, seconds=seconds, peak_device_bytes=peak)


@pytest.fixture
def estimates(tmp_path: Path) -> Estimates:
    return Estimates(tmp_path / "cache" / "timings.json")


def test_the_same_run_takes_what_it_took(estimates: Estimates) -> None:
    assert estimates.estimate(work()) is None
    estimates.learn(work(), result(10.0, rest=2.0, load=3.0, peak=5_000))
    found = estimates.estimate(work())
    assert found is not None
    assert found.seconds == pytest.approx(12.0)
    assert (found.loading, found.peak_bytes, found.runs, found.exact) == (3.0, 5_000, 1, True)
    assert estimates.estimate(work(checkpoint="b")) is None


def test_of_a_size_far_from_all_that_was_measured_nothing_is_said(estimates: Estimates) -> None:
    estimates.learn(work(64, 64), result(1.0))
    assert estimates.estimate(work(512, 512)) is None
    assert estimates.estimate(work(128, 128)) is not None


def test_steps_and_pictures_count_for_what_they_are(estimates: Estimates) -> None:
    estimates.learn(work(), result(10.0, rest=2.0))
    longer, more = estimates.estimate(work(steps=40)), estimates.estimate(work(pictures=3))
    assert longer is not None
    assert more is not None
    assert longer.seconds == pytest.approx(22.0)
    assert more.seconds == pytest.approx(36.0)


@given(SIDES, SIDES, st.floats(0.001, 1000), st.floats(0, 100))
@settings(max_examples=50, deadline=None)
def test_a_larger_picture_never_takes_less(width: int, height: int, sample: float, rest: float) -> None:
    with tempfile.TemporaryDirectory() as folder:
        estimates = Estimates(Path(folder) / "timings.json")
        estimates.learn(work(), result(sample, rest))
        small, large = estimates.estimate(work(width, height)), estimates.estimate(work(width + 64, height))
    assert small is not None
    assert large is not None
    assert 0 < small.seconds < large.seconds


def test_memory_of_another_size_lies_on_the_line_through_two(estimates: Estimates) -> None:
    estimates.learn(work(512, 512), result(1.0, peak=4_000))
    other = estimates.estimate(work(1024, 1024))
    assert other is not None
    assert (other.peak_bytes, other.exact) == (0, False)  # one size tells nothing of another
    estimates.learn(work(1024, 512), result(2.0, peak=5_000))
    other = estimates.estimate(work(1024, 1024))
    assert other is not None
    assert other.peak_bytes == 7_000


def test_what_was_measured_is_kept_and_a_damaged_file_costs_nothing(
    estimates: Estimates, caplog: pytest.LogCaptureFixture
) -> None:
    estimates.learn(work(), result(10.0, load=9.0))
    again = Estimates(estimates.path).estimate(work())
    assert again is not None
    assert (again.seconds, again.loading) == (pytest.approx(10.0), 9.0)
    for damage in (b"", b"[]", b'{"a": 1}', b'{"a": {"loading": 1, "runs": [{"kind": {}}]}}', b"\xff"):
        estimates.path.write_bytes(damage)
        assert Estimates(estimates.path).estimate(work()) is None
    assert caplog.text.count("measured again") >= 4


def test_the_newest_runs_count_most(estimates: Estimates) -> None:
    for _ in range(20):
        estimates.learn(work(), result(10.0))
    for _ in range(8):
        estimates.learn(work(), result(1.0))
    found = estimates.estimate(work())
    assert found is not None
    assert found.seconds < 1.5
    assert found.runs == 28


def test_only_so_many_kinds_of_runs_are_kept(estimates: Estimates) -> None:
    for side in range(64, 64 + 150 * 8, 8):
        estimates.learn(work(side, side), result(1.0))
    assert len(json.loads(estimates.path.read_bytes())["a"]["runs"]) == 100
    found = estimates.estimate(work(64 + 149 * 8, 64 + 149 * 8))
    assert found is not None
    assert found.exact


@pytest.mark.parametrize(("strength", "steps"), [(None, 20), (0.5, 11), (1.0, 20), (0.0, 1)])
def test_over_pictures_a_share_of_the_steps_is_done(strength: float | None, steps: int) -> None:
    assert steps_on_pictures(20, strength) == steps
    assert steps_on_pictures(20, strength, fixed=True) == 20
