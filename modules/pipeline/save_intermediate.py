"""Pictures that are saved on the way to a result: before hires fix, before faces are restored."""

from __future__ import annotations

from dataclasses import replace

from PIL.Image import Image

from modules.pipeline.parameters_text import finish, picture_fields
from modules.pipeline.state import PassResult, RunState


def save_intermediate(state: RunState, picture: Image, index: int, made: PassResult, *, suffix: str) -> None:
    """Save a picture that is not among the results, with a parameters text of its own."""
    event = replace(state.event, batch=index // state.plan.batch_size)
    fields = state.engine.hooks.infotext_fields(picture_fields(state, index, made), replace(event, picture=index))
    state.saving.additional(picture, index, suffix, infotext=finish(picture, state.plan, index, fields).infotext)
