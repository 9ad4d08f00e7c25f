"""`shared.state`: the job that runs, as scripts watch and stop it."""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING

from modules.foundation.plain import JsonObject

if TYPE_CHECKING:
    from PIL.Image import Image
    from torch import Tensor

    from modules.a1111.dialect import A1111Dialect
    from modules.generation.progress import ProgressSnapshot, RunControl


class State:
    """What runs now. `job_count` and `job_no` are for scripts that make several generations in one job."""

    def __init__(self, dialect: A1111Dialect) -> None:
        self._dialect = dialect
        self.job, self.job_no, self.job_count = "", 0, 0
        self.job_timestamp, self.textinfo = "0", None
        self.processing_has_refined_job_count = False
        self.current_latent: Tensor | None = None
        self.id_live_preview = 0
        self.need_restart = False
        self.server_start: float | None = None
        self.server_command: str | None = None
        self.time_start: float | None = None
        self._sampling_step: int | None = None
        self._sampling_steps: int | None = None

    @property
    def _control(self) -> RunControl | None:
        return self._dialect.control

    @property
    def _progress(self) -> ProgressSnapshot | None:
        control = self._control
        return None if control is None else control.snapshot()

    @property
    def interrupted(self) -> bool:
        """Whether the user asked to stop."""
        control = self._control
        return control is not None and control.stopping

    @interrupted.setter
    def interrupted(self, value: bool) -> None:
        if value:
            self.interrupt()

    @property
    def skipped(self) -> bool:
        """Whether the user asked to leave the batch at hand."""
        control = self._control
        return control is not None and control.skipped

    @skipped.setter
    def skipped(self, value: bool) -> None:
        if value:
            self.skip()

    @property
    def stopping_generation(self) -> bool:
        """Whether the job is to end after the batch at hand."""
        return self.interrupted

    def interrupt(self) -> None:
        """Stop the job that runs."""
        if (control := self._control) is not None:
            control.interrupt()

    def skip(self) -> None:
        """Leave the batch at hand."""
        if (control := self._control) is not None:
            control.skip()

    def stop_generating(self) -> None:
        """Stop after the batch at hand."""
        if (control := self._control) is not None:
            control.stop_after_batch()

    @property
    def sampling_step(self) -> int:
        """The step that is being taken."""
        progress = self._progress
        return self._sampling_step if self._sampling_step is not None else progress.step if progress else 0

    @sampling_step.setter
    def sampling_step(self, value: int) -> None:
        self._sampling_step = value

    @property
    def sampling_steps(self) -> int:
        """The steps of the current sampling."""
        progress = self._progress
        return self._sampling_steps if self._sampling_steps is not None else progress.steps if progress else 0

    @sampling_steps.setter
    def sampling_steps(self, value: int) -> None:
        self._sampling_steps = value

    @property
    def current_image(self) -> Image | None:
        """The newest live preview."""
        control = self._control
        return None if control is None else control.preview[1]

    @current_image.setter
    def current_image(self, image: Image | None) -> None:
        self.assign_current_image(image)

    def assign_current_image(self, image: Image | None) -> None:
        """Show a picture as the preview."""
        self.id_live_preview += 1
        if (control := self._control) is not None and image is not None:
            control.show(image)

    def set_current_image(self) -> None:
        """Renew the preview; the program does so by itself."""

    do_set_current_image = set_current_image

    def nextjob(self) -> None:
        """Count one more generation."""
        self.job_no += 1
        self._sampling_step = self._sampling_steps = None

    def begin(self, job: str = "(unknown)") -> None:
        """A job of an extension's own begins."""
        self.job, self.job_no, self.job_count = job, 0, 0
        self.job_timestamp = datetime.datetime.now().strftime("%Y%m%d%H%M%S")
        self.time_start = datetime.datetime.now().timestamp()
        self._sampling_step = self._sampling_steps = None

    def end(self) -> None:
        """Mark the job as ended."""
        self.job, self.job_count = "", 0

    def request_restart(self) -> None:
        """Ask for the page to be built again."""
        self.need_restart = True

    def wait_for_server_command(self, timeout: float | None = None) -> str | None:
        """Wait for a command to the server, which this program does not take in this way."""
        return None

    def dict(self) -> JsonObject:
        """The state as /sdapi/v1/progress tells it."""
        names = ("skipped", "interrupted", "stopping_generation", "job", "job_count", "job_timestamp", "job_no")
        return {name: getattr(self, name) for name in (*names, "sampling_step", "sampling_steps")}
