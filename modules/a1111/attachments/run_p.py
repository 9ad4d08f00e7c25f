"""The `p` of a run, which all that the dialect attaches works on.

One `p` goes through a run (`RunEvent.kept`). Scripts change it piece by piece; what stands in it when a stage begins is
what the stage works with. Where nothing of the dialect listens, values pass through untouched.
"""

from __future__ import annotations

from modules.a1111.current import OWNER
from modules.a1111.processing.parameters import StableDiffusionProcessing
from modules.hooks.events import RunEvent


def p_of(event: RunEvent) -> StableDiffusionProcessing | None:
    """The `p` of a run; None where no script and no callback needs one."""
    return event.kept.get(OWNER)


def keep_p(event: RunEvent, p: StableDiffusionProcessing) -> None:
    """Make `p` the one of this run."""
    event.kept[OWNER] = p
