"""What is kept of jobs, and what becomes of it when the program begins again."""

from __future__ import annotations

import dataclasses
import errno
import os
import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
from PIL import Image

from modules.application.database import VERSIONS, Database
from modules.application.history import Search
from modules.application.jobs.job import AFTER_RESTART, LOST, JobState, TaskJob
from modules.application.jobs.recurring import RecurringLimits
from modules.foundation.errors import EaselError, RequestError, SaveError
from modules.generation.progress import RunControl
from modules.generation.request import GenerationRequest
from modules.generation.result import FinishedImage
from tests.application.conftest import Desk, painted, until

OpenDesk = Callable[[], Desk]


def crashed(desk: Desk) -> None:
    """Leave the database as a killed process leaves it: nothing of what happens in `desk` from now on is written."""
    database = desk.service.recorder.database
    database.close()


def states(desk: Desk) -> dict[str, str]:
    return {record.title: record.state.value for record in desk.service.store.newest()}


def test_a_finished_job_and_its_pictures_are_in_the_database(desk: Desk) -> None:
    job = desk.submit("a cat", seed=5, batch_count=2)
    job.wait(20)
    record = desk.service.store.find(job.id)
    assert record is not None
    assert (record.state, record.kind, record.checkpoint) == (JobState.DONE, "txt2img", "tiny.safetensors")
    assert record.created <= record.started <= record.finished  # type: ignore[operator]
    images = desk.service.recorder.history.of_job(job.id)
    assert [(image.seed, image.prompt, image.model) for image in images] == [(5, "a cat", "tiny"), (6, "a cat", "tiny")]


def test_a_picture_that_a_result_holds_many_times_is_noted_once(desk: Desk) -> None:
    job = desk.submit("a plot", seed=5)
    job.wait(20)
    assert job.result is not None
    missing = dataclasses.replace(job.result.images[0], path=None, image=Image.new("RGB", (8, 8)))
    job.result = dataclasses.replace(job.result, images=(missing, *[missing] * 999))
    desk.service.recorder.ended(job)
    assert len(desk.service.recorder.history.of_job(job.id)) == 2


def test_a_picture_that_found_the_disk_full_is_saved_as_soon_as_there_is_room(desk: Desk, tmp_path: Path) -> None:
    job = desk.submit("a cat", seed=5)
    job.wait(20)
    assert job.result is not None
    room, path = threading.Event(), tmp_path / "late.png"

    def save_again() -> FinishedImage:
        if not room.is_set():
            raise SaveError("The disk is full.") from OSError(errno.ENOSPC, "No space left on device")
        assert not path.exists(), "It is saved twice."
        lost.image.save(path)
        return dataclasses.replace(lost, path=path)

    lost = dataclasses.replace(job.result.images[0], path=None, image=Image.new("RGB", (8, 8)), save_again=save_again)
    job.result = dataclasses.replace(job.result, images=(lost,))
    desk.service.recorder.ended(job)
    assert lost in job.unsaved.values()
    room.set()
    until(lambda: lost not in job.unsaved.values())
    assert path in [image.path for image in desk.service.recorder.history.of_job(job.id)]


def test_after_a_crash_waiting_jobs_wait_and_the_running_one_is_marked(open_desk: OpenDesk) -> None:
    before = open_desk()
    before.submit("finished").wait(20)
    before.enter()
    before.gate.clear()
    running = before.submit("running")
    before.enter()
    waiting = [before.submit(f"waiting {number}") for number in range(3)]
    before.queue.hold(waiting[1], held=True)
    crashed(before)
    after = open_desk()
    after.gate.clear()
    after.service.restore()
    after.enter()
    record = after.service.store.find(running.id)
    assert record is not None
    assert (record.state, record.note, record.interrupted_by_restart) == (JobState.INTERRUPTED, AFTER_RESTART, True)
    assert after.queue.current is not None
    assert [after.queue.current.id, *(job.id for job in after.queue.waiting)] == [job.id for job in waiting]
    after.gate.set()
    after.queue.find(waiting[2].id).wait(20)  # type: ignore[union-attr]
    assert states(after) == {
        "finished": "done",
        "running": "interrupted",
        "waiting 0": "done",
        "waiting 1": "paused",
        "waiting 2": "done",
    }
    assert [request.prompt for request in after.done] == ["waiting 0", "waiting 2"]


def test_an_orderly_end_keeps_what_waits_too(open_desk: OpenDesk) -> None:
    before = open_desk()
    before.gate.clear()
    running, waiting = before.submit("running"), before.submit("waiting", seed=9)
    before.enter()
    before.service.close()
    assert waiting.finished, "waiters in this process are told"
    assert running.state is JobState.INTERRUPTED
    before.close()
    after = open_desk()
    after.service.restore()
    job = after.queue.find(waiting.id)
    assert job is not None
    job.wait(20)
    assert [request.seed for request in after.done] == [9]
    record = after.service.store.find(running.id)
    assert record is not None
    assert (record.state, record.interrupted_by_restart) == (JobState.INTERRUPTED, False)


def test_a_restart_may_be_set_to_wait_for_the_user(open_desk: OpenDesk) -> None:
    before = open_desk()
    before.gate.clear()
    before.submit("running")
    before.enter()
    waiting = before.submit("waiting")
    crashed(before)
    after = open_desk()
    after.settings.change({"jobs_after_restart": "Wait until I resume the queue"})
    after.service.restore()
    assert after.queue.paused
    assert [job.id for job in after.queue.waiting] == [waiting.id]
    after.service.pause(paused=False)
    after.queue.find(waiting.id).wait(20)  # type: ignore[union-attr]


def test_a_paused_queue_is_still_paused_after_a_restart(open_desk: OpenDesk) -> None:
    before = open_desk()
    before.service.pause(paused=True)
    waiting = before.submit("waiting")
    assert not waiting.finished
    before.close()
    after = open_desk()
    after.service.restore()
    assert after.queue.paused
    after.service.pause(paused=False)
    after.queue.find(waiting.id).wait(20)  # type: ignore[union-attr]


def test_pictures_of_a_request_are_kept_while_a_job_needs_them(open_desk: OpenDesk) -> None:
    before = open_desk()
    before.gate.clear()
    picture = Image.effect_noise((16, 16), 80).convert("RGB")
    first = before.submit("first", init_images=(picture,))
    second = before.submit("second", init_images=(picture,))
    before.enter()
    crashed(before)
    after = open_desk()
    after.service.restore()
    after.queue.find(second.id).wait(20)  # type: ignore[union-attr]
    assert after.done[0].init_images[0].tobytes() == picture.tobytes()
    database = after.service.recorder.database

    def kept() -> int:
        return len(database.rows("SELECT hash FROM pictures"))

    assert kept() == 1
    after.service.forget(second.id)
    assert kept() == 1, "the interrupted job may be retried"
    after.service.forget(first.id)
    assert kept() == 0


def test_an_interrupted_job_is_retried_under_its_id_with_its_seeds(desk: Desk) -> None:
    desk.gate.clear()
    job = desk.submit("again", seed=77)
    desk.enter()
    job.interrupt()
    assert job.wait(20).interrupted
    desk.gate.set()
    again = desk.service.retry(job.id)
    again.wait(20)
    record = desk.service.store.find(job.id)
    assert record is not None
    assert (again.id, record.attempts, record.state, record.note) == (job.id, 2, JobState.DONE, "")
    assert [request.seed for request in desk.done] == [77]
    with pytest.raises(RequestError, match="is done; only failed and interrupted"):
        desk.service.retry(job.id)
    with pytest.raises(RequestError, match="unknown"):
        desk.service.retry("nobody")


def test_a_job_is_repeated_with_new_seeds_where_its_own_were_chosen_for_it(desk: Desk) -> None:
    job = desk.submit("again", seed=77)
    job.wait(20)
    job.chosen_seeds = ()
    same = desk.service.repeat(job.id)[0]
    same.wait(20)
    assert (desk.done[-1].seed, same.id != job.id) == (77, True)
    with desk.service.recorder.database.change() as write:
        write.execute("UPDATE jobs SET chosen_seeds = 'seed' WHERE id = ?", (job.id,))
    for other in desk.service.repeat(job.id, 2):
        other.wait(20)
    assert len({request.seed for request in desk.done}) == 3
    desk.service.repeat(job.id, same_seeds=True)[0].wait(20)
    assert desk.done[-1].seed == 77


def test_an_id_in_use_is_not_given_twice_and_one_of_the_past_is(desk: Desk) -> None:
    desk.gate.clear()
    first = desk.service.submit(GenerationRequest(prompt="first"), "mine")
    desk.enter()
    second = desk.service.submit(GenerationRequest(prompt="second"), "mine")
    assert first.id == "mine"
    assert second.id not in ("mine", "")
    desk.gate.set()
    second.wait(20)
    third = desk.service.submit(GenerationRequest(prompt="third"), "mine")
    third.wait(20)
    assert third.id == "mine"
    assert sorted(states(desk)) == ["second", "third"]


def test_old_jobs_go_and_their_pictures_stay_in_the_history(desk: Desk) -> None:
    for number in range(6):
        desk.submit(f"job {number}").wait(20)
    desk.service.store.prune(2)
    assert sorted(states(desk)) == ["job 4", "job 5"]
    assert desk.service.recorder.history.count(Search()) == 6
    assert len(desk.service.recorder.database.rows("SELECT * FROM settings_values")) == 1
    desk.service.store.prune(0)
    assert states(desk) == {}
    assert desk.service.recorder.database.rows("SELECT * FROM settings_values") == []


def test_tasks_survive_if_their_kind_is_registered_and_are_marked_if_not(open_desk: OpenDesk) -> None:
    before = open_desk()
    before.gate.clear()
    before.submit("running")
    before.enter()
    merged: list[str] = []

    def merge(parameters: object) -> Callable[[RunControl], None]:
        return lambda _: merged.append(str(parameters))

    kept = TaskJob(merge({}), kind="merge", title="Merge", parameters={"a": "x.safetensors"})
    lost = TaskJob(lambda _: None, kind="extras", title="Upscale")
    unknown = TaskJob(merge({}), kind="ext", title="Of an extension", parameters={"a": 1})
    before.service.submit_task(unknown)
    before.service.submit_task(kept)
    before.service.submit_task(lost)
    crashed(before)
    after = open_desk()
    after.service.register_kind("merge", merge)
    after.service.restore()
    again = after.queue.find(kept.id)
    assert again is not None
    done = threading.Event()
    again.when_finished(done.set)
    assert done.wait(20)
    assert merged == ["{'a': 'x.safetensors'}"]
    record = after.service.store.find(lost.id)
    assert record is not None
    assert (record.state, record.note, record.interrupted_by_restart) == (JobState.INTERRUPTED, LOST, True)
    record = after.service.store.find(unknown.id)
    assert record is not None
    assert record.state is JobState.INTERRUPTED
    assert "an extension may be missing" in record.note
    with pytest.raises(EaselError, match="was not kept"):
        after.service.retry(lost.id)


def test_jobs_of_an_easel_that_still_runs_are_left_alone(open_desk: OpenDesk) -> None:
    first = open_desk()
    first.service.pause(paused=True)
    job = first.submit("of the first")
    parent = f"{os.getppid()}:{psutil.Process(os.getppid()).create_time()}:x"
    with first.service.recorder.database.change() as write:
        write.execute("UPDATE jobs SET owner = ?", (parent,))
    second = open_desk()
    second.service.restore()
    assert second.queue.waiting == ()
    assert second.service.store.find(job.id).state is JobState.WAITING  # type: ignore[union-attr]


def test_a_damaged_database_is_moved_aside(tmp_path: Path) -> None:
    path = tmp_path / "easel.sqlite"
    path.write_bytes(b"this is no database" * 100)
    database = Database(path)
    database.remember("a", "b")
    database.close()
    assert path.with_name("easel.sqlite.broken").read_bytes().startswith(b"this is no")


def test_a_database_of_a_newer_easel_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "easel.sqlite"
    Database(path).close()
    with sqlite3.connect(path) as connection:
        connection.execute(f"PRAGMA user_version = {len(VERSIONS) + 1}")
    connection.close()
    with pytest.raises(sqlite3.OperationalError, match="newer Easel"):
        Database(path)
    assert path.exists()


def test_without_a_database_jobs_run_all_the_same(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "easel.sqlite").mkdir()
    desk = Desk(tmp_path)
    try:
        assert len(desk.submit("a cat").wait(20).images) == 1
        with pytest.raises(EaselError, match="cannot be kept"):
            _ = desk.service.store
    finally:
        desk.close()
    assert "cannot be kept" in caplog.text


def test_what_a_job_made_is_still_known_when_it_has_left_the_memory(open_desk: OpenDesk, tmp_path: Path) -> None:
    before = open_desk()
    job = before.submit("kept")
    job.wait(20)
    for name, kind in (("one.png", "sample"), ("gone.png", "sample"), ("grid.png", "grid")):
        image = dataclasses.replace(painted(job.request, 3, tmp_path / "outputs" / name), kind=kind)
        assert image.path is not None
        image.path.parent.mkdir(exist_ok=True)
        image.image.save(image.path)
        before.service.recorder.image_saved(job, image)
    (tmp_path / "outputs" / "gone.png").unlink()
    crashed(before)
    after = open_desk()
    result = after.service.remembered_result(job.id)
    assert result is not None
    assert [image.path and image.path.name for image in result.images] == ["grid.png", "one.png"]
    assert result.images[1].infotext.startswith("kept\n")
    assert after.service.remembered_result("nobody") is None


def test_a_standing_job_goes_on_after_a_crash_without_doing_a_picture_twice(open_desk: OpenDesk) -> None:
    before = open_desk()
    request = GenerationRequest(prompt="forever", seed=10, save_images=False)
    standing = before.service.start_recurring(request, seeds="advance", limits=RecurringLimits(pictures=3))
    before.enter()
    until(lambda: before.service.recurring.find(standing.id).made >= 1)
    before.gate.clear()
    before.enter()
    crashed(before)
    after = open_desk()
    after.service.restore()
    until(lambda: after.service.recurring.find(standing.id).state != "running")
    record = after.service.recurring.find(standing.id)
    assert (record.state, record.made, record.note) == ("done", 3, "All 3 pictures are made.")
    seeds = [request.seed for request in (*before.done, *after.done)]
    assert len(seeds) == len(set(seeds))
    assert seeds[0] == 10


def test_a_standing_job_ends_when_its_jobs_keep_failing(desk: Desk) -> None:
    desk.fails = lambda _: RequestError("no such thing", "prompt")
    request = GenerationRequest(prompt="forever", save_images=False)
    standing = desk.service.start_recurring(request, seeds="random", limits=RecurringLimits())
    until(lambda: desk.service.recurring.find(standing.id).state != "running")
    record = desk.service.recurring.find(standing.id)
    assert (record.state, record.made, record.note) == ("failed", 0, "3 jobs failed: no such thing")
