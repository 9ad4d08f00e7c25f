"""What is left of a queue after `kill -9` at random moments: jobs, pictures and the database are counted and read."""

from __future__ import annotations

import random
import sqlite3
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from PIL import Image

from benchmarks.report import table
from benchmarks.server import PATIENCE, Server, serving

REQUEST = {"prompt": "a red circle on a blue background", "steps": 2, "width": 64, "height": 64}
AT_START = 0.2
"""Share of kills that come while the program begins."""


def measure(
    kills: int = 30,
    jobs: int = 200,
    say: Callable[[str], None] = print,
    seed: int = 1,
    chosen: Callable[[Path], dict[str, int]] | None = None,
) -> dict[str, Any]:
    """Queue `jobs` jobs, kill the server `kills` times on the way, then let it finish and retry what is marked.

    `chosen(data)` then does the same at chosen points, over what is there.

    Raises AssertionError with what was lost, run twice without a mark, or broken.
    """
    chance = random.Random(seed)
    with tempfile.TemporaryDirectory(prefix="easel-kill-") as folder:
        data = Path(folder) / "data"
        with serving(data) as server:
            server.client.post("/api/v1/queue/pause")
            names = [_submit(server, number) for number in range(jobs)]
            server.client.post("/api/v1/queue/resume")
            _kill_at_some_moment(server, data, chance, jobs // (kills + 1))
        for number in range(1, kills):
            check(data, names)
            say(f"  killed {number} of {kills}: {_states(data)}")
            server = Server(data)
            try:
                _kill_at_some_moment(server, data, chance, jobs // (kills + 1))
            finally:
                server.stop()
        check(data, names)
        before_retry = _states(data)
        with serving(data) as server:
            finish(server, data)
            marked = [name for name, state in _jobs(data).items() if state[0] == "interrupted"]
            restarts = server.client.get("/api/v1/jobs", params={"state": "interrupted", "limit": 500}).json()["jobs"]
            assert all(job["interrupted_by_restart"] for job in restarts), "a mark does not say that Easel ended"
            for name in marked:
                server.client.post(f"/api/v1/jobs/{name}/retry").raise_for_status()
            finish(server, data)
        pictures = check(data, names)
        verdict = _verdict(data, names, pictures)
        if chosen is not None:
            verdict |= {f"{key}_at_chosen_points": value for key, value in chosen(data).items()}
        return verdict | {
            "kills": kills,
            "jobs": jobs,
            "marked": len(marked),
            "states_after_last_kill": before_retry,
        }


def show(result: dict[str, Any]) -> str:
    """The counts as a table."""
    rows = [[key.replace("_", " "), str(value)] for key, value in result.items()]
    return table(["", ""], rows)


def _submit(server: Server, seed: int) -> str:
    response = server.client.post("/api/v1/jobs/txt2img", json={**REQUEST, "seed": seed})
    response.raise_for_status()
    return str(response.json()["id"])


def _kill_at_some_moment(server: Server, data: Path, chance: random.Random, jobs_a_life: int) -> None:
    """Kill while the program begins, or after a random number of further pictures and a random part of one."""
    if chance.random() < AT_START:
        time.sleep(chance.uniform(0, 6))
    else:
        wanted = _ended(data) + chance.randint(0, max(2 * jobs_a_life - 1, 1))
        until = time.monotonic() + PATIENCE
        while _ended(data) < wanted and _left(data) and time.monotonic() < until and server.process.poll() is None:
            time.sleep(0.01)
        time.sleep(chance.uniform(0, 0.3))
    server.kill()


def finish(server: Server, data: Path) -> None:
    """Wait until nothing waits or runs any more."""
    until = time.monotonic() + 10 * PATIENCE
    while _left(data) and time.monotonic() < until:
        assert server.process.poll() is None, server.log.read_text(errors="replace")[-3000:]
        time.sleep(0.05)
    assert not _left(data), f"jobs are left: {_states(data)}"


def rows(data: Path, query: str) -> list[tuple[Any, ...]]:
    """What a query gives, asked of the file by another program."""
    connection = sqlite3.connect(data / "easel.sqlite", timeout=30)
    try:
        return connection.execute(query).fetchall()
    finally:
        connection.close()


def _jobs(data: Path) -> dict[str, tuple[str, int]]:
    return {name: (state, attempts) for name, state, attempts in rows(data, "SELECT id, state, attempts FROM jobs")}


def _states(data: Path) -> dict[str, int]:
    return dict(Counter(state for state, _ in _jobs(data).values()))


def _ended(data: Path) -> int:
    return int(rows(data, "SELECT count(*) FROM jobs WHERE state NOT IN ('waiting', 'running')")[0][0])


def _left(data: Path) -> int:
    return int(rows(data, "SELECT count(*) FROM jobs WHERE state IN ('waiting', 'running')")[0][0])


def check(data: Path, names: list[str]) -> dict[str, list[Path]]:
    """Read everything that is there. Gives the pictures by seed."""
    assert rows(data, "PRAGMA integrity_check") == [("ok",)], "the database is damaged"
    rows(data, "INSERT INTO images_text (images_text) VALUES ('integrity-check')")
    jobs = _jobs(data)
    assert sorted(jobs) == sorted(names), f"{len(names)} jobs were submitted, {len(jobs)} are known"
    assert sum(state == "running" for state, _ in jobs.values()) <= 1
    pictures: dict[str, list[Path]] = {}
    for path in (data / "outputs").rglob("*.png"):
        if path.name.startswith("."):
            continue  # a temporary name, which is not mistaken for a picture
        with Image.open(path) as image:
            image.load()
            text = str(image.info["parameters"])
        pictures.setdefault(text.split("Seed: ")[1].split(",", maxsplit=1)[0], []).append(path)
    for (path,) in rows(data, "SELECT path FROM images WHERE path IS NOT NULL"):
        assert (data / path).is_file(), f"{path} is in the history, but not on the disk"
    return pictures


def _verdict(data: Path, names: list[str], pictures: dict[str, list[Path]]) -> dict[str, int]:
    jobs = _jobs(data)
    assert all(jobs[name][0] == "done" for name in names), f"not everything is done: {_states(data)}"
    for seed, name in enumerate(names):
        made, attempts = len(pictures.get(str(seed), [])), jobs[name][1]
        assert 1 <= made <= attempts, f"job {name} ran {made} times, with {attempts} marked attempts"
    files = sum(len(paths) for paths in pictures.values())
    history = int(rows(data, "SELECT count(*) FROM images WHERE path IS NOT NULL")[0][0])
    return {
        "lost": 0,
        "run_twice_without_mark": 0,
        "broken_pictures": 0,
        "pictures": files,
        "pictures_of_marked_attempts": files - len(names),
        "in_history": history,
        "temporary_files_left": sum(1 for _ in (data / "outputs").rglob(".*")),
    }
