"""What --trace logs: each stage of a run and each call of an attachment, as it ends, with its time."""

from __future__ import annotations

import logging

log = logging.getLogger(__name__)


def stage_ended(name: str, seconds: float) -> None:
    """A stage of a run has ended."""
    log.info("stage %s: %.1f ms", name, seconds * 1000)


def attachment_returned(point: str, owner: str, seconds: float) -> None:
    """An attachment to a hook point has returned."""
    log.info("hook %s, %s: %.2f ms", point, owner, seconds * 1000)
