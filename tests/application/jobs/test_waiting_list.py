from __future__ import annotations

import pytest

from modules.application.jobs.job import GenerationJob, JobState
from modules.application.jobs.waiting_list import WaitingList
from modules.generation.request import GenerationRequest


def line(*names: str) -> tuple[WaitingList, dict[str, GenerationJob]]:
    """A line of jobs called "a", or "a@x" for one that wants checkpoint x."""
    made = WaitingList()
    jobs: dict[str, GenerationJob] = {}
    for text, place in zip(names, made.places(len(names)), strict=True):
        name, _, checkpoint = text.partition("@")
        jobs[name] = GenerationJob(GenerationRequest(prompt=name), name, checkpoint=checkpoint or None)
        jobs[name].place = place
        made.add(jobs[name])
    return made, jobs


def drained(made: WaitingList, loaded: str | None, most: int) -> str:
    order = ""
    while (job := made.pick("engine", loaded, most)) is not None:
        made.remove(job)
        loaded = job.checkpoint or loaded
        order += job.id
    return order


def test_jobs_of_the_loaded_checkpoint_overtake_within_the_bound() -> None:
    names = ("a@x", "b@y", "c@x", "d@y", "e@x", "f@x")
    assert drained(line(*names)[0], "y", 0) == "abcdef"
    assert drained(line(*names)[0], "y", 1) == "bacedf"
    assert drained(line(*names)[0], "y", 5) == "bdacef"
    assert drained(line(*names)[0], None, 5) == "acefbd"


def test_no_job_is_overtaken_more_often_than_the_bound_allows() -> None:
    made, jobs = line("a@x", *(f"{name}@y" for name in "bcdefghij"))
    assert drained(made, "y", 3) == "bcdaefghij"
    assert jobs["a"].overtaken == 3


def test_priorities_are_never_passed_and_paused_jobs_never_picked() -> None:
    made, jobs = line("a@y", "b@x", "c@y")
    made.set_priority(jobs["b"], 1)
    jobs["a"].state = JobState.PAUSED
    assert drained(made, "y", 5) == "bc"
    assert [job.id for job in made] == ["a"]


def test_moving_changes_no_more_places_than_it_must() -> None:
    made, jobs = line(*"abcde")
    changed = made.move(jobs["d"], jobs["b"])
    assert "".join(job.id for job in made) == "adbce"
    assert {job.id for job in changed} == {"d", "b", "c"}
    made.move(jobs["a"], "last")
    assert "".join(job.id for job in made) == "dbcea"
    assert [job.place for job in made] == sorted({job.place for job in made})
    made.set_priority(jobs["e"], 3)
    made.move(jobs["a"], "first")
    assert ("".join(job.id for job in made), jobs["a"].priority) == ("aedbc", 3)
    made.remove(jobs["a"])
    with pytest.raises(ValueError, match="does not wait"):
        made.remove(jobs["a"])


def test_a_waiting_job_is_found_by_id() -> None:
    made, jobs = line("a", "b", "c")
    assert made.find("b") is jobs["b"]
    assert jobs["b"] in made
    made.move(jobs["c"], "first")
    made.set_priority(jobs["a"], 5)
    assert [made.find(name) for name in "abc"] == [jobs[name] for name in "abc"]
    made.remove(jobs["b"])
    assert made.find("b") is None
    assert jobs["b"] not in made
    namesake = GenerationJob(GenerationRequest(prompt="another"), "a")
    assert namesake not in made
    made.clear()
    assert made.find("a") is None
