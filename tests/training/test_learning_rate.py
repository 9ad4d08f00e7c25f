"""Learning rates written as text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modules.foundation.errors import RequestError
from modules.training.learning_rate import curve_factor, parse_rates

RATES = st.floats(0, 1, allow_nan=False)


def test_each_rate_holds_until_its_step() -> None:
    schedule = parse_rates("0.005:100, 1e-3:1000, 1e-5")
    assert [schedule.rate(step) for step in (0, 99, 100, 999, 1000, 10**6)] == [5e-3, 5e-3, 1e-3, 1e-3, 1e-5, 1e-5]
    assert schedule.end is None
    assert parse_rates("1e-3:10, 1e-4:20,").end == 20
    assert parse_rates("1e-3:10, 1e-4:-1").end is None


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("", "empty"),
        (" , ", "empty"),
        ("fast", "part 1, 'fast'"),
        ("0.1:10, fast:20", "part 2, 'fast:20'"),
        ("0.1:10, 0.01:5", "part 2, '0.01:5'"),
        ("0.1:x", "part 1, '0.1:x'"),
        ("0.1:", "part 1, '0.1:'"),
        ("0.1, 0.2", "part 1, '0.1'"),
        ("0.1:10,,0.2", "part 2, ''"),
        ("nan", "part 1, 'nan'"),
        ("inf:3", "part 1"),
        ("-1", "part 1, '-1'"),
        ("0.1:0", "part 1"),
        ("0.1:10:20", "part 1"),
    ],
)
def test_an_error_names_the_part(text: str, part: str) -> None:
    with pytest.raises(RequestError, match="learn_rate") as raised:
        parse_rates(text)
    assert part in str(raised.value)
    assert raised.value.field == "learn_rate"


@given(st.lists(st.tuples(RATES, st.integers(1, 100)), min_size=1, max_size=6), RATES)
def test_what_is_written_is_what_holds(parts: list[tuple[float, int]], last: float) -> None:
    text, step, expected = [], 0, []
    for rate, length in parts:
        step += length
        text.append(f"{rate!r}:{step}")
        expected += [rate] * length
    schedule = parse_rates(", ".join([*text, repr(last)]))
    assert [schedule.rate(n) for n in range(step)] == expected
    assert schedule.rate(step) == last


@given(st.integers(1, 1000), st.integers(0, 100))
def test_cosine_rises_over_the_warm_up_and_falls_to_nothing(steps: int, warmup: int) -> None:
    factors = [curve_factor("cosine", step, steps + warmup, warmup) for step in range(steps + warmup + 1)]
    assert all(0 <= factor <= 1 for factor in factors)
    assert factors[:warmup] == sorted(factors[:warmup])
    assert factors[warmup:] == sorted(factors[warmup:], reverse=True)
    assert factors[warmup] == 1
    assert factors[-1] == pytest.approx(0, abs=1e-9)
