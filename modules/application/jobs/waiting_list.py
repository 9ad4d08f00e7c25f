"""The line of jobs that have not started: who is next, and what changes it."""

from __future__ import annotations

import bisect
from collections.abc import Iterator
from typing import Literal

from modules.application.jobs.job import AnyJob, JobState, Lane

To = Literal["first", "last"]


class WaitingList:
    """Jobs by priority, greatest first, and among equals by place. Not thread-safe: the queue holds its lock."""

    def __init__(self) -> None:
        self._jobs: list[AnyJob] = []
        self._by_id: dict[str, AnyJob] = {}
        self._last_place = 0

    def __iter__(self) -> Iterator[AnyJob]:
        return iter(self._jobs)

    def __len__(self) -> int:
        return len(self._jobs)

    def __contains__(self, job: AnyJob) -> bool:
        return self._by_id.get(job.id) is job

    def find(self, job_id: str) -> AnyJob | None:
        """The job with this id; None where no waiting job has it."""
        return self._by_id.get(job_id)

    def position_of(self, job_id: str) -> int | None:
        """Where the job with this id stands, 1 being the first; None where no waiting job has it."""
        job = self._by_id.get(job_id)
        return None if job is None else self._index(job) + 1

    def places(self, count: int, *, in_front: bool = False) -> range:
        """Places for so many jobs behind everybody, or in front of everybody."""
        if in_front:
            first = min((job.place for job in self._jobs), default=1)
            return range(first - count, first)
        self._last_place += count
        return range(self._last_place - count + 1, self._last_place + 1)

    def add(self, job: AnyJob) -> None:
        """Let `job` stand where its priority and place say."""
        self._last_place = max(self._last_place, job.place)
        bisect.insort(self._jobs, job, key=_order)
        self._by_id[job.id] = job

    def remove(self, job: AnyJob) -> None:
        """`job` leaves the line. Raises ValueError when it is not in it."""
        del self._jobs[self._index(job)]
        self._by_id.pop(job.id, None)

    def clear(self) -> list[AnyJob]:
        """Remove all waiting jobs."""
        jobs, self._jobs, self._by_id = self._jobs, [], {}
        return jobs

    def pick(self, lane: Lane, loaded: str | None, most_overtaking: int) -> AnyJob | None:
        """The job to run next on `lane`, still in the line; None when there is none that may.

        It is the first one. Yet while its checkpoint would have to be loaded, a job of the same priority further back
        whose checkpoint is the `loaded` one may overtake, at most `most_overtaking` times past any job.
        """
        ready = [job for job in self._jobs if job.lane == lane and job.state is JobState.WAITING]
        if not ready:
            return None
        first = ready[0]
        if most_overtaking > 0 and loaded and first.checkpoint and first.checkpoint != loaded:
            for index, job in enumerate(ready):
                if job.priority != first.priority:
                    break
                if job.checkpoint == loaded:
                    for other in ready[:index]:
                        other.overtaken += 1
                    return job
                if job.overtaken >= most_overtaking:  # no job may overtake it any more
                    break
        return first

    def set_priority(self, job: AnyJob, priority: int) -> list[AnyJob]:
        """Give `job` a priority; it stands behind the others of that priority that came before it."""
        self.remove(job)
        job.priority = priority
        self.add(job)
        return [job]

    def move(self, job: AnyJob, to: To | AnyJob) -> list[AnyJob]:
        """Move `job` to an end of the line, or right before another job, whose priority it takes. Gives who changed."""
        if to is job:
            return []
        self.remove(job)
        index = 0 if to == "first" else len(self._jobs) if to == "last" else self._index(to)
        if self._jobs:
            job.priority = self._jobs[min(index, len(self._jobs) - 1)].priority
        self._jobs.insert(index, job)
        self._by_id[job.id] = job
        places = sorted(other.place for other in self._jobs)
        changed = [job]
        for other, place in zip(self._jobs, places, strict=True):
            if other.place != place:
                other.place = place
                changed.append(other)
        return changed

    def _index(self, job: AnyJob) -> int:
        if job not in self:
            raise ValueError("The job does not wait (any more).")
        index = bisect.bisect_left(self._jobs, _order(job), key=_order)
        return next(place for place in range(index, len(self._jobs)) if self._jobs[place] is job)


def _order(job: AnyJob) -> tuple[int, int]:
    return (-job.priority, job.place)
