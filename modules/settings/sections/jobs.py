"""The queue of jobs and what is remembered of it."""

from __future__ import annotations

from typing import ClassVar, Literal

from modules.settings.declare import Section, setting


class JobsSection(Section):
    """How jobs wait, and for how long they are known."""

    title: ClassVar[str] = "Queue"
    category: ClassVar[str] = "system"

    jobs_after_restart: Literal["Go on", "Wait until I resume the queue"] = setting(
        "Go on",
        "What waiting jobs do when the program starts again",
        choices=("Go on", "Wait until I resume the queue"),
    )
    jobs_overtaking: int = setting(
        4,
        "How many jobs with the loaded checkpoint may go before one that needs another; 0: strictly in order",
        ge=0,
        le=100,
        step=1,
    )
    jobs_kept: int = setting(1000, "Ended jobs that stay in the list; pictures stay in the history", ge=0)
    jobs_least_free_gb: float = setting(
        1.0, "Generating forever stops when less than so many GB of disk space are free", ge=0
    )
