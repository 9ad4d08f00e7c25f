"""webui.py with steps that wait: runs that are met while they run take their time, and not the processor."""

from __future__ import annotations

import socket
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

if TYPE_CHECKING:
    from modules.application.application import Application
    from modules.hooks.events import RunEvent
    from modules.sampling.guidance_hooks import GuidanceInput

LONG = 150
"""Steps of a run that takes a quarter of a minute, to be met while it runs."""

TWO_SECONDS = 31
"""Steps of a run of which one picture takes about two seconds."""

HALF_A_SECOND = 11
"""Steps of a run of which many pictures are looked at."""

PAUSES = {LONG: 0.1, TWO_SECONDS: 0.05, HALF_A_SECOND: 0.04}
"""Seconds that each step of such a run waits."""


def wait(call: GuidanceInput, event: RunEvent) -> GuidanceInput:
    """A `guidance_input` that changes nothing."""
    time.sleep(PAUSES.get(call.total_calls, 0))
    return call


def main() -> int:
    """What webui.py does, with the waiting attached."""
    import webui
    from modules.application import launch

    prepare = launch.prepare

    def prepared(arguments: Sequence[str]) -> tuple[Application, socket.socket]:
        application, listener = prepare(arguments)
        application.hooks.guidance_input.attach("waiting steps", wait)
        return application, listener

    launch.prepare = prepared
    return webui.main()


if __name__ == "__main__":
    sys.exit(main())
