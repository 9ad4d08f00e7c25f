"""Which method of the dialect is attached to which point."""

from __future__ import annotations

from typing import TYPE_CHECKING

from modules.a1111.attachments.batch import BatchAttachments
from modules.a1111.attachments.files import FileAttachments
from modules.a1111.attachments.pictures import PictureAttachments
from modules.a1111.attachments.program import ProgramAttachments
from modules.a1111.attachments.run import RunAttachments
from modules.a1111.attachments.sampling import SamplingAttachments
from modules.a1111.current import OWNER

if TYPE_CHECKING:
    from modules.a1111.dialect import A1111Dialect
    from modules.hooks.points import Hooks


def attach(dialect: A1111Dialect, hooks: Hooks) -> None:
    """Attach to each point of the program that one of A1111's methods and callbacks stands for."""
    groups = (
        (
            RunAttachments(dialect),
            ("generation", "request", "around_run", "extra_noise", "start_latents", "sampled_latents", "result"),
        ),
        (
            BatchAttachments(),
            (
                *("batch", "batch_begins", "around_batch", "second_pass"),
                *("conditioning_state", "text_encoder", "prompts_read"),
            ),
        ),
        (SamplingAttachments(dialect), ("sampling", "second_sampling")),
        (
            PictureAttachments(),
            ("decoded", "pictures", "picture", "mask_overlay", "composed", "infotext_fields"),
        ),
        (FileAttachments(dialect), ("before_save", "saved", "grid")),
        (ProgramAttachments(dialect), ("model_loaded", "infotext_pasted", "app_started", "prompt_counted", "ending")),
    )
    for group, names in groups:
        for name in names:
            # After the built-in networks, so that around_batch is entered once they are in force.
            getattr(hooks, name).attach(OWNER, getattr(group, name), order=100)
