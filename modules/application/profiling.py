"""A trace of one generation by torch's profiler, for who wants to know where the time goes."""

from __future__ import annotations

import logging
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from modules.settings.model import Settings

log = logging.getLogger(__name__)


@contextmanager
def profiled(settings: Settings, data: Path) -> Generator[None]:
    """Trace what runs inside, where the settings ask for it, into a file of the data folder.

    A name that leads out of the data folder is cut down to its last part. The trace is written also of a generation
    that failed; a file that cannot be written is a warning, not the end of the generation.
    """
    if not settings.profiling_enable:
        yield
        return
    from torch.profiler import ProfilerActivity, profile

    activities = [getattr(ProfilerActivity, name) for name in settings.profiling_activities] or [ProfilerActivity.CPU]
    trace = profile(
        activities=activities,
        record_shapes=settings.profiling_record_shapes,
        profile_memory=settings.profiling_profile_memory,
        with_stack=settings.profiling_with_stack,
    )
    trace.start()
    try:
        yield
    finally:
        trace.stop()
        path = data / (Path(settings.profiling_filename).name or "trace.json")
        path.unlink(missing_ok=True)
        trace.export_chrome_trace(str(path))
        # The profiler says on the console, not to its caller, why it could not write.
        if path.is_file():
            log.info("The trace of the generation is %s; chrome://tracing and ui.perfetto.dev show it.", path)
        else:
            log.warning(
                "The trace could not be written to %s. Check the folder and the room on its disk.",
                path,
            )
