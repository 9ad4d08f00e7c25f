"""Doorway: `modules.progress`, tasks by their numbers."""

from __future__ import annotations

from typing import Any

from modules.a1111.queueing import (
    add_task_to_queue,
    create_task_id,
    finish_task,
    of_tasks,
    record_results,
    start_task,
)

__all__ = [
    "add_task_to_queue",
    "create_task_id",
    "finish_task",
    "record_results",
    "start_task",
]


def __getattr__(name: str) -> Any:
    return of_tasks(name)
