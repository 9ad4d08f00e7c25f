"""Jobs while nothing can be written down, and afterwards."""

from __future__ import annotations

import contextlib
import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from modules.application.history import Search
from modules.application.jobs.backlog import Backlog
from modules.application.jobs.job import JobState
from modules.application.jobs.recurring import RecurringLimits
from modules.foundation.errors import IdTaken, RequestError, StorageError
from modules.generation.request import GenerationRequest
from tests.application.conftest import Desk, until
from tests.application.full_disk import full

OpenDesk = Callable[[], Desk]


def test_changes_are_made_in_order_as_soon_as_they_can_be() -> None:
    backlog, made, open_ = Backlog(seconds=0.01), list[int](), threading.Event()

    def change(number: int) -> Callable[[], None]:
        def write() -> None:
            if not open_.is_set():
                raise StorageError("no room")
            made.append(number)

        return write

    assert not any(backlog.keep(str(number), change(number)) for number in range(5))
    assert (len(backlog), backlog.reason) == (5, "no room")
    open_.set()
    until(lambda: len(backlog) == 0)
    assert backlog.keep("5", change(5))
    assert made == [0, 1, 2, 3, 4, 5]
    backlog.close()


def test_a_change_that_can_never_be_made_holds_up_no_other(caplog: pytest.LogCaptureFixture) -> None:
    backlog = Backlog(seconds=0.01)

    def never() -> None:
        raise sqlite3.IntegrityError("twice")

    assert not backlog.keep("One change", never)
    assert len(backlog) == 0
    assert "One change could not be kept: twice" in caplog.text


def test_a_change_may_bring_another_one_while_the_backlog_is_worked_off() -> None:
    backlog, made, full_ = Backlog(seconds=0.01), list[str](), [True]

    def outer() -> None:
        if full_[0]:
            raise StorageError("no room")
        threading.Event().wait(0.05)  # longer than from one try to the next
        backlog.keep("inner", lambda: made.append("inner"))
        made.append("outer")

    backlog.keep("outer", outer)
    full_[0] = False
    until(lambda: made == ["outer", "inner"])


def test_while_the_disk_is_full_promised_jobs_are_refused_and_others_run_and_are_kept_later(desk: Desk) -> None:
    database = desk.service.store.database
    desk.submit("before").wait(20)
    waiting = desk.service.submit(GenerationRequest(prompt="accepted before", save_images=False), promised=True)
    waiting.wait(20)
    desk.gate.clear()
    desk.submit("first in line")
    desk.enter()
    kept = desk.service.submit(GenerationRequest(prompt="kept", save_images=False), promised=True)
    with full(database):
        with pytest.raises(StorageError, match="Make room"):
            desk.service.submit(GenerationRequest(prompt="p" * 20_000), "mine", promised=True)
        assert desk.queue.find("mine") is None
        running = desk.submit("x" * 20_000)
        desk.service.pause(paused=True)
        desk.queue.hold(kept, held=True)
        desk.service.pause(paused=False)
        desk.gate.set()
        result = running.wait(20)
        assert any("wait to be kept" in warning for warning in result.warnings)
        assert desk.service.recorder.warning
    until(lambda: desk.service.recorder.warning is None)
    record = desk.service.store.find(running.id)
    assert record is not None
    assert (record.state, record.number > 0) == (JobState.DONE, True)
    assert desk.service.store.find(kept.id).state is JobState.PAUSED  # type: ignore[union-attr]
    assert database.fact("paused") == "0"
    assert desk.service.recorder.history.count(Search(job=running.id)) == 1
    numbers = [record.number for record in desk.service.store.newest()]
    assert len(numbers) == len(set(numbers)) == 5


def test_a_recurring_job_goes_on_when_there_is_room_again(desk: Desk) -> None:
    request = GenerationRequest(prompt="forever " + "x" * 5000, seed=10, save_images=False)
    recurring = desk.service.start_recurring(request, seeds="advance", limits=RecurringLimits(pictures=6))
    desk.enter()
    with full(desk.service.store.database):
        until(lambda: desk.service.recorder.warning is not None or desk.queue.current is None)
    until(lambda: desk.service.recurring.find(recurring.id).state == "done")
    assert sorted(request.seed for request in desk.done) == [10, 11, 12, 13, 14, 15]


def test_what_waits_is_recovered_as_soon_as_the_database_can_be_opened(open_desk: OpenDesk, tmp_path: Path) -> None:
    before = open_desk()
    before.gate.clear()
    before.submit("runs")
    before.enter()
    job = before.submit("waits")
    before.service.close()
    before.close()
    path, away = tmp_path / "easel.sqlite", tmp_path / "elsewhere.sqlite"
    path.replace(away)
    path.mkdir()  # nothing can be opened under this name
    after = open_desk()
    after.service.recorder.backlog.keep("What waited", after.service.restore)
    assert after.queue.find(job.id) is None
    path.rmdir()
    away.replace(path)
    until(lambda: bool(after.done))
    assert [request.prompt for request in after.done] == ["waits"]


def test_of_many_who_want_one_id_one_gets_it_and_every_accepted_job_has_a_row(desk: Desk) -> None:
    desk.gate.clear()
    accepted: list[str] = []
    refused: list[IdTaken] = []
    start = threading.Barrier(12)

    def submit(number: int, promised: bool) -> None:
        start.wait()
        try:
            accepted.append(desk.service.submit(GenerationRequest(prompt=f"{number}"), "mine", promised=promised).id)
        except IdTaken as error:
            refused.append(error)

    threads = [threading.Thread(target=submit, args=(number, number % 2 == 0)) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert accepted.count("mine") == 1
    assert len(accepted) + len(refused) == 12
    assert len(accepted) >= 6, "who was not promised this very id gets another"
    assert len({*accepted}) == len(accepted)
    assert {record.id for record in desk.service.store.newest(limit=500)} == {*accepted}


def test_an_id_that_waits_in_the_database_but_not_yet_in_the_queue_is_taken_too(open_desk: OpenDesk) -> None:
    before = open_desk()
    before.service.pause(paused=True)
    waiting = before.service.submit(GenerationRequest(prompt="waits"), "mine", promised=True)
    before.close()
    after = open_desk()
    with pytest.raises(IdTaken, match="not ended"):
        after.service.submit(GenerationRequest(prompt="other"), "mine", promised=True)
    assert after.service.submit(GenerationRequest(prompt="third"), "mine").id != "mine"
    after.service.restore()
    assert after.queue.find(waiting.id) is not None


def test_a_job_that_is_withdrawn_late_does_not_mark_the_next_one_of_its_id(desk: Desk) -> None:
    first = desk.service.submit(GenerationRequest(prompt="first"), "mine")
    first.wait(20)
    desk.gate.clear()
    second = desk.service.submit(GenerationRequest(prompt="second"), "mine", promised=True)
    first.note = "late"
    desk.service.recorder.ended(first)
    record = desk.service.store.find(second.id)
    assert record is not None
    assert (record.title, record.state in (JobState.WAITING, JobState.RUNNING)) == ("second", True)


def test_two_retries_of_one_job_make_one(desk: Desk) -> None:
    desk.gate.clear()
    job = desk.submit("again")
    desk.enter()
    job.interrupt()
    job.wait(20)
    outcomes: list[str] = []
    start = threading.Barrier(6)

    def retry() -> None:
        start.wait()
        with contextlib.suppress(RequestError):
            outcomes.append(desk.service.retry(job.id).id)

    threads = [threading.Thread(target=retry) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert outcomes == [job.id]
    record = desk.service.store.find(job.id)
    assert record is not None
    assert record.attempts == 2
