"""Work of extensions on the program's queue: `modules.call_queue` and `modules.progress`."""

from __future__ import annotations

import contextvars
import functools
import html
import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from modules.a1111.current import current
from modules.a1111.types import ComponentValue, ExtensionFunction
from modules.application.jobs.job import TaskJob
from modules.foundation.errors import EaselError
from modules.generation.progress import RunControl

log = logging.getLogger(__name__)

queue_lock = threading.RLock()
"""Held by extensions around work of their own. Pictures made within it wait for their turn in the queue."""

KEPT_TASKS = 64

Result = TypeVar("Result")


def on_engine(function: Callable[[], Result], title: str) -> Result:
    """Call something where models compute, when it is its turn, and wait for what it returns."""
    dialect = current()
    if dialect.job.is_working_thread:
        return function()
    context = contextvars.copy_context()

    def work(control: RunControl) -> Result:
        with dialect.job.working(control):
            return context.run(function)

    job: TaskJob[Result] = dialect.app.submit_task(TaskJob(work, kind="script", title=title[:80]))
    return job.wait()


def wrap_queued_call(func: ExtensionFunction) -> ExtensionFunction:
    """The function, called when it is its turn."""

    @functools.wraps(func)
    def queued(*args: object, **kwargs: object) -> ComponentValue:
        return on_engine(lambda: func(*args, **kwargs), func.__name__)

    return queued


def wrap_gradio_gpu_call(
    func: ExtensionFunction, extra_outputs: Sequence[ComponentValue] | None = None
) -> ExtensionFunction:
    """A function of a button that computes: called when it is its turn, its errors shown in the last output.

    A first argument of the form "task(...)" is its number for `modules.progress`.
    """

    @functools.wraps(func)
    def queued(*args: object, **kwargs: object) -> ComponentValue:
        task = args[0] if args and isinstance(args[0], str) and args[0].startswith("task(") else None
        state = current().shared.state

        def work() -> ComponentValue:
            if task is not None:
                start_task(task)
            state.begin(task or func.__name__)
            try:
                result = func(*args, **kwargs)
                if task is not None:
                    record_results(task, result)
                return result
            finally:
                state.end()
                if task is not None:
                    finish_task(task)

        if task is not None:
            add_task_to_queue(task)
        return on_engine(work, func.__name__)

    return wrap_gradio_call(queued, extra_outputs=extra_outputs, add_stats=True)


def wrap_gradio_call(
    func: ExtensionFunction, extra_outputs: Sequence[ComponentValue] | None = None, add_stats: bool = False
) -> ExtensionFunction:
    """A function of a button: what it raises is shown in its last output, behind `extra_outputs`.

    With `add_stats` the time is added to the last output.
    """

    @functools.wraps(func)
    def called(*args: object, **kwargs: object) -> ComponentValue:
        begun = time.perf_counter()
        try:
            result = list(func(*args, **kwargs))
        except Exception as error:  # the boundary of an extension
            log.exception("%s failed", func.__name__)
            before = list(extra_outputs) if extra_outputs is not None else [None, ""]
            text = str(error) if isinstance(error, EaselError) else f"{type(error).__name__}: {error}"
            result = [*before, f"<div class='error'>{html.escape(text)}</div>"]
        if add_stats:
            seconds = (
                f"<div class='performance'><p class='time'>Time taken: {time.perf_counter() - begun:.1f} sec.</p></div>"
            )
            result[-1] = f"{result[-1] or ''}{seconds}"
        return tuple(result)

    return called


wrap_gradio_call_no_job = wrap_gradio_call


class Tasks:
    """Numbers of tasks that the page asks about: what waits, what runs, what is done."""

    def __init__(self) -> None:
        self.current: str | None = None
        self.pending: OrderedDict[str, float] = OrderedDict()
        self.finished: list[str] = []
        self.results: OrderedDict[str, object] = OrderedDict()


def _tasks() -> Tasks:
    dialect = current()
    if "tasks" not in dialect.extras:
        dialect.extras["tasks"] = Tasks()
    return dialect.extras["tasks"]


def create_task_id(task_type: str) -> str:
    """A number that no task has."""
    import secrets

    return f"task({task_type}-{secrets.token_hex(4)})"


def add_task_to_queue(id_job: str) -> None:
    """Record a task as waiting."""
    _tasks().pending[id_job] = time.time()


def start_task(id_task: str) -> None:
    """Record a task as running."""
    tasks = _tasks()
    tasks.current = id_task
    tasks.pending.pop(id_task, None)


def finish_task(id_task: str) -> None:
    """Record a task as finished."""
    tasks = _tasks()
    if tasks.current == id_task:
        tasks.current = None
    tasks.finished.append(id_task)
    del tasks.finished[:-KEPT_TASKS]


def record_results(id_task: str, res: object) -> None:
    """Keep the results of a finished task for its page."""
    results = _tasks().results
    results[id_task] = res
    while len(results) > KEPT_TASKS:
        results.popitem(last=False)


def of_tasks(name: str) -> Any:
    """`current_task`, `pending_tasks`, `finished_tasks` or `recorded_results`. Raises AttributeError for others."""
    if name.startswith("__"):
        raise AttributeError(name)
    tasks = _tasks()
    found = {
        "current_task": tasks.current,
        "pending_tasks": tasks.pending,
        "finished_tasks": tasks.finished,
        "recorded_results": list(tasks.results.items()),
    }
    if name not in found:
        raise AttributeError(f"modules.progress has no {name!r}.")
    return found[name]
