"""Guesses at a password."""

from __future__ import annotations

from modules.api.guards.login_throttle import FORGOTTEN_AFTER, FREE, LONGEST_DELAY, LONGEST_WAIT, LoginThrottle

HERE, THERE = "192.0.2.1", "192.0.2.2"


class Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def guess(throttle: LoginThrottle, clock: Clock, address: str, credentials: str) -> float:
    """Make a wrong guess as soon as it is looked at. Gives how long that took."""
    wait = throttle.wait_for(address, credentials)
    assert wait is not None
    clock.now += wait
    throttle.wrong(address, credentials)
    return wait


def test_the_first_few_are_free_and_each_further_one_costs_more() -> None:
    clock = Clock()
    throttle = LoginThrottle(clock)
    waits = [guess(throttle, clock, HERE, f"wrong {number}") for number in range(20)]
    assert waits[:FREE] == [0.0] * FREE
    later = waits[FREE:]
    assert later == sorted(later)
    assert 0 < later[0] < later[3] < later[-1] == LONGEST_DELAY


def test_guessing_at_the_same_time_is_no_faster() -> None:
    clock = Clock()
    throttle = LoginThrottle(clock)
    for number in range(FREE + 10):
        guess(throttle, clock, HERE, f"wrong {number}")
    waits = [throttle.wait_for(HERE, f"at once {number}") for number in range(100)]
    turns = [wait for wait in waits if wait is not None]
    assert turns == sorted(turns)
    assert len(turns) <= LONGEST_WAIT / LONGEST_DELAY + 2
    assert None in waits


def test_others_and_who_was_let_in_before_do_not_wait() -> None:
    clock = Clock()
    throttle = LoginThrottle(clock)
    throttle.right("a user's")
    for number in range(FREE + 10):
        guess(throttle, clock, HERE, f"wrong {number}")
    assert throttle.wait_for(HERE, "a user's") == 0.0
    assert throttle.wait_for(THERE, "first try") == 0.0
    wait = throttle.wait_for(HERE, "of somebody else behind the same proxy")
    assert wait is not None
    assert 0 < wait <= LONGEST_WAIT + LONGEST_DELAY


def test_asking_the_same_again_is_no_guess() -> None:
    clock = Clock()
    throttle = LoginThrottle(clock)
    assert [guess(throttle, clock, HERE, "an old password") for _ in range(100)] == [0.0] * 100


def test_after_a_while_it_is_forgotten_and_networks_count_as_one() -> None:
    clock = Clock()
    throttle = LoginThrottle(clock)
    for number in range(FREE + 3):
        guess(throttle, clock, f"2001:db8:1:2::{number:x}", f"wrong {number}")
    assert throttle.wait_for("2001:db8:1:2:ffff::1", "next")
    assert throttle.wait_for("2001:db8:1:3::1", "next") == 0.0
    clock.now += FORGOTTEN_AFTER + 1
    assert throttle.wait_for("2001:db8:1:2::1", "later") == 0.0
