from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from modules.application.jobs.job import GenerationJob, Job, JobState, TaskJob
from modules.application.jobs.queue import RESULTS_KEPT, JobQueue
from modules.foundation.errors import EaselError, Interrupted, RequestError
from modules.generation.progress import RunControl
from modules.generation.request import GenerationRequest
from modules.generation.result import GenerationResult

AnyJob = Job[Any]
Work = Callable[[AnyJob], GenerationResult]


def _result() -> GenerationResult:
    return GenerationResult(images=(), info={})


class Bench:
    """A queue whose work is decided job by job, by the prompt."""

    def __init__(self) -> None:
        self.work: dict[str, Work] = {}
        self.order: list[str] = []
        self.queue = JobQueue(self._execute)

    def _execute(self, job: AnyJob) -> Any:
        if isinstance(job, TaskJob):
            return job.work(job.control)
        assert isinstance(job, GenerationJob)
        self.order.append(job.request.prompt)
        return self.work.get(job.request.prompt, lambda _: _result())(job)

    def submit(self, prompt: str, work: Work | None = None) -> GenerationJob:
        if work is not None:
            self.work[prompt] = work
        return self.queue.submit(GenerationJob(GenerationRequest(prompt=prompt)))


@pytest.fixture
def bench() -> Iterator[Bench]:
    bench = Bench()
    yield bench
    bench.queue.close(10)


def _blocking(started: threading.Event, go_on: threading.Event) -> Work:
    def work(job: AnyJob) -> GenerationResult:
        started.set()
        assert go_on.wait(10)
        job.control.check()
        return _result()

    return work


def test_jobs_run_one_at_a_time_in_the_order_they_came(bench: Bench) -> None:
    jobs = [bench.submit(name) for name in "abcde"]
    for job in jobs:
        job.wait(10)
    assert bench.order == list("abcde")
    assert {job.state for job in jobs} == {JobState.DONE}


def test_the_running_and_the_waiting_jobs_can_be_seen_and_found(bench: Bench) -> None:
    started, go_on = threading.Event(), threading.Event()
    first, second = bench.submit("first", _blocking(started, go_on)), bench.submit("second")
    assert started.wait(10)
    assert bench.queue.current is first
    assert bench.queue.waiting == (second,)
    assert bench.queue.find(second.id) is second
    go_on.set()
    second.wait(10)
    assert bench.queue.find(first.id) is first
    assert bench.queue.find("task(unknown)") is None


def test_a_failure_is_kept_for_the_waiter_and_the_next_job_runs(bench: Bench) -> None:
    def fail(_: AnyJob) -> GenerationResult:
        raise RequestError("steps must be at least 1; it is 0.", "steps")

    failed, after = bench.submit("bad", fail), bench.submit("good")
    with pytest.raises(RequestError, match="steps must be at least 1"):
        failed.wait(10)
    after.wait(10)
    assert failed.state is JobState.FAILED
    assert after.state is JobState.DONE


def test_an_unexpected_error_is_reported_without_a_traceback(bench: Bench) -> None:
    def crash(_: AnyJob) -> GenerationResult:
        raise ZeroDivisionError("division by zero")

    with pytest.raises(EaselError, match="ZeroDivisionError: division by zero"):
        bench.submit("crash", crash).wait(10)
    bench.submit("after").wait(10)


def test_a_job_interrupted_while_it_waits_never_runs(bench: Bench) -> None:
    started, go_on = threading.Event(), threading.Event()
    bench.submit("first", _blocking(started, go_on))
    waiting = bench.submit("waiting")
    assert started.wait(10)
    waiting.interrupt()
    go_on.set()
    assert waiting.wait(10).interrupted
    assert waiting.state is JobState.INTERRUPTED
    assert bench.order == ["first"]


def test_a_job_interrupted_while_it_runs_ends_as_interrupted(bench: Bench) -> None:
    started, go_on = threading.Event(), threading.Event()
    job = bench.submit("job", _blocking(started, go_on))
    assert started.wait(10)
    job.interrupt()
    go_on.set()
    assert job.wait(10).interrupted
    assert job.state is JobState.INTERRUPTED


def test_waiting_has_an_end(bench: Bench) -> None:
    started, go_on = threading.Event(), threading.Event()
    job = bench.submit("job", _blocking(started, go_on))
    with pytest.raises(TimeoutError, match="is still"):
        job.wait(0.05)
    go_on.set()
    job.wait(10)


def test_closing_interrupts_what_runs_drops_what_waits_and_refuses_what_comes() -> None:
    bench = Bench()
    started, go_on = threading.Event(), threading.Event()
    running, waiting = bench.submit("running", _blocking(started, go_on)), bench.submit("waiting")
    assert started.wait(10)
    threading.Timer(0.05, go_on.set).start()
    bench.queue.close(10)
    assert running.state is JobState.INTERRUPTED
    assert waiting.state is JobState.INTERRUPTED
    with pytest.raises(EaselError, match="shutting down"):
        bench.submit("late")


def test_background_work_runs_between_jobs_and_its_failure_does_no_harm(bench: Bench) -> None:
    ran = threading.Event()

    def fail() -> None:
        raise ValueError("no")

    bench.queue.call_soon(fail)
    bench.queue.call_soon(ran.set)
    assert ran.wait(10)
    bench.submit("after").wait(10)


def test_an_interrupt_raised_by_the_work_itself_is_no_failure(bench: Bench) -> None:
    def stop(_: AnyJob) -> GenerationResult:
        raise Interrupted

    job = bench.submit("job", stop)
    job.wait(10)
    assert job.state is JobState.INTERRUPTED


def test_only_the_last_results_stay_in_memory_yet_older_jobs_are_known(bench: Bench) -> None:
    result = GenerationResult(images=(), info={"who": "first"})
    first = bench.submit("first", lambda _: result)
    others = [bench.submit(f"other {number}") for number in range(RESULTS_KEPT)]
    others[-1].wait(10)
    bench.submit("last").wait(10)
    known = bench.queue.find(first.id)
    assert known is not None
    assert (known.finished, known.state, known.result) == (True, JobState.DONE, None)
    assert first.wait(0) is result, "who holds the job itself keeps its result"
    newest = bench.queue.find(others[-1].id)
    assert newest is not None
    assert newest.result is not None


def test_a_waiting_job_is_withdrawn_at_once_and_a_running_one_is_not(bench: Bench) -> None:
    started, go_on = threading.Event(), threading.Event()
    running = bench.submit("running", _blocking(started, go_on))
    assert started.wait(10)
    waiting = bench.submit("waiting")
    assert bench.queue.withdraw(waiting)
    assert (waiting.finished, waiting.state) == (True, JobState.INTERRUPTED)
    assert bench.queue.find(waiting.id) is waiting
    assert not bench.queue.withdraw(running)
    go_on.set()
    running.wait(10)
    assert bench.order == ["running"]


def test_a_task_runs_in_its_turn_and_gives_whatever_it_makes(bench: Bench) -> None:
    seen: list[tuple[float, str]] = []

    def work(control: RunControl) -> str:
        control.at(0.25, "merging")
        seen.append((control.snapshot().fraction, control.snapshot().phase))
        return "merged"

    first, task, last = bench.submit("a"), TaskJob(work, kind="merge", title="Merge a and b"), "b"
    bench.queue.submit(task)
    bench.submit(last).wait(10)
    assert (task.wait(10), task.state, seen) == ("merged", JobState.DONE, [(0.25, "merging")])
    assert first.finished


def test_a_task_that_is_told_to_stop_is_interrupted_and_keeps_what_it_gave(bench: Bench) -> None:
    started = threading.Event()

    def until_told(control: RunControl) -> None:
        started.set()
        while True:
            control.check()

    def partly(control: RunControl) -> str:
        control.interrupt()
        return "half"

    task = bench.queue.submit(TaskJob(until_told, kind="download", title="Download x"))
    assert started.wait(10)
    task.interrupt()
    with pytest.raises(EaselError, match="Download x was interrupted"):
        task.wait(10)
    half = bench.queue.submit(TaskJob(partly, kind="extras", title="Upscale"))
    assert (half.wait(10), half.state) == ("half", JobState.INTERRUPTED)


def test_a_background_task_does_not_keep_pictures_waiting(bench: Bench) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def download(_: RunControl) -> bool:
        begun.set()
        return go_on.wait(60)

    slow = bench.queue.submit(TaskJob(download, kind="download", title="Download", lane="background"))
    bench.submit("picture").wait(10)
    assert begun.wait(60)
    assert not slow.finished
    assert slow in bench.queue.running
    assert bench.queue.current is None
    go_on.set()
    assert slow.wait(10) is True
