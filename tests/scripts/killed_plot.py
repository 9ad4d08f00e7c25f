"""A plot in a process of its own: `python -m tests.scripts.killed_plot DATA JOB SUFFIX TIMES`.

JOB is "new", or the id of one to be tried again. The process ends as by `kill -9` when a file with this suffix
among the kept cells is given its name for the nth time. A whole plot is told as JSON: how many cells were made, and
the result.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

from modules.a1111.dialect import A1111Dialect
from modules.a1111.start import BUILT_IN, SCRIPTS
from modules.generation.result import GenerationResult
from tests.parity.replay import start
from tests.scripts.conftest import Scripts

PLOT = [1, "1-6", [], 0, "", [], 0, "", [], True, True, False, False, False, False, False, 0, True]
"""X/Y/Z plot over six seeds, with its legend and its cells."""


def told(result: GenerationResult) -> list[list[str]]:
    """What a result is compared by: pixels and parameters of each picture."""
    return [[hashlib.sha256(each.image.tobytes()).hexdigest(), each.infotext] for each in result.images]


def main(data: Path, job_id: str, suffix: str, times: int) -> None:
    """Make the plot, or a part of it."""
    left, made, rename = times, 0, Path.replace

    def trapped(path: Path, target: Path) -> Path:
        nonlocal left
        renamed = rename(path, target)
        if target.suffix == suffix and "plots" in target.parts:
            left -= 1
            if not left:
                os.kill(os.getpid(), signal.SIGKILL)
        return renamed

    def counting(p: Any) -> Any:
        nonlocal made
        made += 1
        return process_images(p)

    Path.replace = trapped  # type: ignore[assignment, method-assign]
    application = start(data)
    application.settings.change({"return_grid": True}, save=False)
    dialect = A1111Dialect(application)
    dialect.install({BUILT_IN: SCRIPTS})

    async def draw() -> None:
        dialect.draw_offline()

    asyncio.run(draw())
    script: Any = sys.modules["xyz_grid.py"]
    process_images, script.process_images = script.process_images, counting
    application.jobs.restore()
    scripts = Scripts(application, dialect)
    job = scripts.submit("x/y/z plot", *PLOT) if job_id == "new" else application.jobs.retry(job_id)
    sys.stdout.write(f"{job.id}\n")
    sys.stdout.flush()
    result = told(job.wait(300))
    sys.stdout.write(json.dumps({"made": made, "result": result}) + "\n")
    dialect.close()
    application.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], sys.argv[3], int(sys.argv[4]))
