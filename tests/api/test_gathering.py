"""Questions are gathered where they are many and something runs, and only there."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

import pytest

from modules.api import gathering
from modules.api.gathering import MANY, Gathering


class Clock:
    """Time that passes when it is told to, and notes who sleeps."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now, self.slept = 100.0, 0
        monkeypatch.setattr(gathering.time, "monotonic", lambda: self.now)
        monkeypatch.setattr(gathering.time, "sleep", self._sleep)
        monkeypatch.setattr(gathering, "AWAKE", 0.0)

    def _sleep(self, seconds: float) -> None:
        assert 0 < seconds < 0.1
        self.now += seconds
        self.slept += 1


def asked(clock: Clock, rate: float, busy: Callable[[], bool], seconds: float = 3.0) -> int:
    """How often the loop slept while `rate` questions a second came."""

    async def ask() -> None:
        gather, until, due = Gathering(busy), clock.now + seconds, clock.now
        while clock.now < until:
            while due <= clock.now:
                gather.asked()
                due += 1 / rate
            before = clock.now
            await asyncio.sleep(0.0005)  # what is due in the loop happens
            if clock.now == before:
                clock.now += 0.005
        clock.now += 10.0  # nobody asks any more
        for _ in range(20):
            await asyncio.sleep(0.0005)
        slept = clock.slept
        for _ in range(20):
            await asyncio.sleep(0.0005)
        assert clock.slept == slept, "it still sleeps though nobody asks"

    asyncio.run(ask())
    return clock.slept


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    monkeypatch.setattr(gathering, "time", _Time())
    return Clock(monkeypatch)


class _Time:
    monotonic = staticmethod(time.monotonic)
    sleep = staticmethod(time.sleep)


def test_many_questions_are_gathered_while_something_runs(clock: Clock) -> None:
    assert asked(clock, 4 * MANY, lambda: True) > 50


def test_few_questions_are_answered_at_once(clock: Clock) -> None:
    assert asked(clock, MANY / 2, lambda: True) == 0


def test_nothing_is_put_off_while_nothing_runs(clock: Clock) -> None:
    assert asked(clock, 4 * MANY, lambda: False) == 0
