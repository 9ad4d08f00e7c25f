from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator
from typing import Any

import pytest

from modules.foundation.errors import ExtensionError, Interrupted, Refused
from modules.hooks.point import Around, Collect, Observe, Transform
from modules.hooks.points import Hooks


def test_a_value_is_folded_through_attachments_in_their_order() -> None:
    point: Transform[list[str], None] = Transform("t", "")
    point.attach("late", lambda value, _: [*value, "late"], order=10)
    point.attach("early", lambda value, _: [*value, "early"], order=-10)
    point.attach("middle", lambda value, _: [*value, "middle"])
    assert point([], None) == ["early", "middle", "late"]


def test_one_that_fails_is_named_reported_and_skipped(caplog: pytest.LogCaptureFixture) -> None:
    point: Transform[int, None] = Transform("t", "")

    def broken(_value: int, _event: None) -> int:
        raise ValueError("bad luck")

    point.attach("doubler", lambda value, _: value * 2)
    point.attach("a broken extension", broken)
    point.attach("adder", lambda value, _: value + 1)
    with caplog.at_level(logging.ERROR):
        assert point(5, None) == 11
    assert "a broken extension" in caplog.text
    assert "bad luck" in str(point.failures[0])


@pytest.mark.parametrize("kind", [Transform, Observe, Collect])
def test_a_wish_to_stop_passes_through_every_kind(kind: type[Observe[None]]) -> None:
    def stop(*_: object) -> None:
        raise Interrupted

    point = kind("p", "")
    point.attach("someone", stop)
    arguments = (None, None) if kind is Transform else (None,)
    with pytest.raises(Interrupted):
        point(*arguments)


def test_a_detached_function_is_called_no_more() -> None:
    heard: list[str] = []
    point: Observe[str] = Observe("o", "")
    detach = point.attach("someone", heard.append)
    point("first")
    detach()
    point("second")
    assert heard == ["first"]


def test_items_of_all_attachments_are_gathered() -> None:
    point: Collect[int, None] = Collect("c", "")
    point.attach("a", lambda _: [1, 2])
    point.attach("b", lambda _: [3])
    assert point(None) == [1, 2, 3]


def _recording(name: str, record: list[str], *, fail_at: str = "") -> contextlib.AbstractContextManager[None]:
    @contextlib.contextmanager
    def manager() -> Iterator[None]:
        if fail_at == "enter":
            raise ValueError(name)
        record.append(f"enter {name}")
        yield
        record.append(f"leave {name}")
        if fail_at == "leave":
            raise ValueError(name)

    return manager()


def test_contexts_are_left_in_reverse_order_even_when_the_block_raises() -> None:
    record: list[str] = []
    point: Around[None] = Around("a", "")
    point.attach("outer", lambda _: _recording("outer", record))
    point.attach("inner", lambda _: contextlib.closing(_Closer(record)))
    with pytest.raises(KeyError), point(None):
        raise KeyError("block")
    assert record[0] == "enter outer"
    assert "closed" in record


class _Closer:
    def __init__(self, record: list[str]) -> None:
        self.record = record

    def close(self) -> None:
        self.record.append("closed")


@pytest.mark.parametrize("when", ["enter", "leave"])
def test_a_context_that_fails_harms_neither_the_block_nor_the_others(when: str) -> None:
    record: list[str] = []
    point: Around[None] = Around("a", "")
    point.attach("good", lambda _: _recording("good", record))
    point.attach("bad", lambda _: _recording("bad", record, fail_at=when))
    with point(None):
        record.append("block")
    assert "block" in record
    assert record[-1] == "leave good"
    assert len(point.failures) == 1


def test_every_point_has_a_name_of_its_own_and_a_sentence() -> None:
    hooks = Hooks()
    names = [point.name for point in hooks.all()]
    assert len(names) == len(set(names))
    for point in hooks.all():
        assert getattr(hooks, point.name) is point
        assert point.sentence.endswith(".")


def test_an_owner_can_be_detached_from_everything_at_once() -> None:
    hooks = Hooks()
    hooks.step.attach("extension", lambda event: None)
    hooks.saved.attach("extension", lambda image: None)
    hooks.saved.attach("other", lambda image: None)
    hooks.detach_owner("extension")
    assert [each.owner for point in hooks.all() for each in point.attachments] == ["other"]


@pytest.mark.parametrize(
    ("function", "said"),
    [
        (lambda value: value, "(value) does not take that"),
        (lambda: None, "() does not take that"),
        (lambda a, b, c: a, "(a, b, c) does not take that"),
        ("no function", "cannot be called"),
    ],
)
def test_a_function_that_does_not_take_what_a_point_gives_is_refused_when_it_is_attached(
    function: Any, said: str
) -> None:
    point: Transform[int, None] = Transform("latents", "For this test.")
    with pytest.raises(ExtensionError) as refused:
        point.attach("Careless", function)
    assert str(refused.value).startswith("Careless cannot be attached to latents, which calls with (value, event)")
    assert said in str(refused.value)
    assert not point.attachments


@pytest.mark.parametrize("kind", [Observe, Collect, Around])
def test_the_other_kinds_take_an_event_alone(kind: type[Observe[None]]) -> None:
    with pytest.raises(ExtensionError, match=r"which calls with \(event\)"):
        kind("p", "").attach("Careless", lambda value, event: None)
    kind("p", "").attach("Careful", lambda event, more=1, *rest: [])


def test_a_transform_that_returns_nothing_is_named_and_the_value_goes_on() -> None:
    point: Transform[int, _Listening] = Transform("point", "For this test.")
    point.attach("Forgetful", lambda value, event: None)
    event = _Listening()
    assert point(7, event) == 7
    assert "Forgetful failed in point: it returned nothing" in event.heard[0]


def test_failures_within_a_loop_do_not_pile_up() -> None:
    point: Transform[int, None] = Transform("point", "For this test.")
    point.attach("Clumsy", lambda value, event: value // 0)
    for _ in range(150):
        point(1, None)
    assert len(point.failures) == 100


def test_calls_are_timed_where_timings_are_wanted() -> None:
    hooks, told = Hooks(), list[tuple[str, str, bool]]()
    hooks.saved.attach("slow", lambda image: None)
    hooks.time_calls(lambda point, owner, seconds: told.append((point, owner, seconds >= 0)))
    hooks.saved(None)  # type: ignore[arg-type]
    hooks.time_calls(None)
    hooks.saved(None)  # type: ignore[arg-type]
    assert told == [("saved", "slow", True)]


class _Listening:
    def __init__(self) -> None:
        self.heard: list[str] = []

    def warn(self, *sentences: str) -> None:
        self.heard += sentences


def test_a_failure_is_told_to_the_user_where_the_event_can_do_that() -> None:
    point: Transform[int, _Listening] = Transform("point", "For this test.")
    point.attach("Clumsy", lambda value, event: value // 0)
    event = _Listening()
    assert point(7, event) == 7
    (sentence,) = event.heard
    assert sentence.startswith("Clumsy failed in point: ")


def test_a_refusal_passes_through_every_kind_of_point() -> None:
    def refuse(*given: object) -> None:
        raise Refused("Not like this.")

    transform: Transform[int, None] = Transform("transform", "For this test.")
    observe: Observe[None] = Observe("observe", "For this test.")
    collect: Collect[int, None] = Collect("collect", "For this test.")
    around: Around[None] = Around("around", "For this test.")
    for point in (transform, observe, collect, around):
        point.attach("Strict", refuse)
    with pytest.raises(Refused):
        transform(1, None)
    with pytest.raises(Refused):
        observe(None)
    with pytest.raises(Refused):
        collect(None)
    with pytest.raises(Refused), around(None):
        pytest.fail("the block was entered")
