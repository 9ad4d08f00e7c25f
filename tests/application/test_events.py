from __future__ import annotations

from modules.application.events import STARTS_APART, Events


def test_ids_grow_also_from_one_start_of_the_program_to_the_next() -> None:
    first, second = Events(lambda: 1), Events(lambda: 2)
    for events in (first, second):
        for _ in range(3):
            events.tell("done", "job", {})
    assert first.newest == STARTS_APART + 3
    assert second.newest == 2 * STARTS_APART + 3
    events, missed = second.after(first.newest)
    assert (len(events), missed) == (3, True), "what the earlier program told last is not known"


def test_of_steps_only_the_newest_is_kept_and_the_ring_is_bounded() -> None:
    events = Events(lambda: 1, kept=5)
    events.tell("running", "job", {})
    for step in range(100):
        events.tell("step", "job", {"step": step})
        events.tell("position", None, {})
    found, missed = events.after(STARTS_APART)
    assert ([event.kind for event in found], missed) == (["running", "step", "position"], False)
    assert found[1].data["step"] == 99
    events.over("job")
    assert [event.kind for event in events.after(STARTS_APART)[0]] == ["running", "position"]
    for number in range(10):
        events.tell("done", str(number), {})
    found, missed = events.after(STARTS_APART)
    assert ([event.job for event in found], missed) == (["5", "6", "7", "8", "9"], True)
    assert events.after(found[0].id) == (found[1:], False)


def test_listeners_are_called_until_they_leave() -> None:
    events = Events(lambda: 1)
    heard: list[int] = []
    leave = events.listen(lambda: heard.append(1))
    events.tell("done", "job", {})
    leave()
    events.tell("done", "job", {})
    assert heard == [1]
