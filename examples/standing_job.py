"""A standing job: pictures on and on, until there are enough, while other jobs go first.

The server makes them: this program may end as soon as the job stands. Here it stays and tells what is made.

    python -m examples.standing_job http://127.0.0.1:7860 "a castle on a hill" 12
"""

from __future__ import annotations

import json
import sys
import time
import urllib.request
from collections.abc import Callable
from typing import Any


def begin(address: str, prompt: str, pictures: int, **fields: Any) -> str:
    """Start a standing job of so many pictures, each with another seed, and return its id.

    `fields` are those of txt2img's body.
    """
    body = {"prompt": prompt, "seeds": "random", "pictures": pictures, **fields}
    return _ask(address, "/api/v1/standing/txt2img", body)["id"]


def follow(address: str, job: str, tell: Callable[[int], None], pause: float = 1.0) -> dict[str, Any]:
    """Tell how many pictures there are whenever there are more, until the job has ended; return how it ended."""
    made = 0
    while True:
        record = _ask(address, f"/api/v1/standing/{job}")
        if record["made"] > made:
            made = record["made"]
            tell(made)
        if record["state"] not in ("running", "paused"):
            return record
        time.sleep(pause)


def stop(address: str, job: str) -> None:
    """End a standing job once the picture that is being made is there."""
    _ask(address, f"/api/v1/standing/{job}/stop", {"stop": "after_image"})


def _ask(address: str, path: str, body: dict[str, Any] | None = None) -> Any:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(address.rstrip("/") + path, data, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.load(answer)


def main(address: str, prompt: str, pictures: str) -> None:
    """Make so many pictures of `prompt`; Ctrl+C ends the job too."""
    job = begin(address, prompt, int(pictures))
    try:
        print(follow(address, job, lambda made: print(f"{made} of {pictures}"))["note"])
    except KeyboardInterrupt:
        stop(address, job)


if __name__ == "__main__":
    main(*sys.argv[1:4])
