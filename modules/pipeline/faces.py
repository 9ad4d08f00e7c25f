"""Face restoration as part of a run: attached to the public hooks, as an extension would be."""

from __future__ import annotations

from typing import Any

from PIL import Image

from modules.faces.restore import FaceRestorers
from modules.foundation.errors import CheckpointError, RequestError
from modules.hooks.events import RunEvent
from modules.hooks.points import Hooks

OWNER = "face restoration"
FIRST = -100
"""Before whatever else changes a finished picture."""


class FaceRestoration:
    """Restores the faces of each picture of a run whose settings say so, and writes the restorer into its text."""

    def __init__(self, restorers: FaceRestorers) -> None:
        self._restorers = restorers

    def attach(self, hooks: Hooks) -> None:
        """Join the runs that call these hooks."""
        hooks.picture.attach(OWNER, self._restored, FIRST)
        hooks.infotext_fields.attach(OWNER, self._fields, FIRST)
        hooks.around_run.attach(OWNER, _Leaving(self._restorers))

    def _restored(self, image: Image.Image, event: RunEvent) -> Image.Image:
        settings = event.plan.settings if event.plan is not None else None
        if settings is None or not settings.face_restoration:
            return image
        try:
            restored = self._restorers.restore(
                image, settings.face_restoration_model, weight=settings.code_former_weight
            )
        except (RequestError, CheckpointError) as error:
            event.warn(f"Faces were not restored: {error}")
            return image
        return restored.image

    def _fields(self, fields: dict[str, object], event: RunEvent) -> dict[str, object]:
        settings = event.plan.settings if event.plan is not None else None
        if settings is None or not settings.face_restoration:
            return fields
        usable = any(
            info.name == settings.face_restoration_model and info.problem is None
            for info in self._restorers.catalogue.all()
        )
        return {**fields, "Face restoration": settings.face_restoration_model} if usable else fields


class _Leaving:
    """Lets go of the networks after a run, where the settings say so."""

    def __init__(self, restorers: FaceRestorers) -> None:
        self._restorers = restorers

    def __call__(self, event: RunEvent) -> Any:
        import contextlib

        stack = contextlib.ExitStack()
        if event.plan is not None and event.plan.settings.face_restoration_unload:
            stack.callback(self._restorers.unload)
        return stack
