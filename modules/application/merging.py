"""Merging checkpoints as a job of the queue."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from modules.application.jobs.job import TaskJob
from modules.checkpoints.info import CheckpointInfo
from modules.checkpoints.merge.merge import Merged, check_recipe, merge_checkpoints
from modules.checkpoints.merge.recipe import MergeMethod, MergeRecipe
from modules.checkpoints.vae_files import NONE
from modules.foundation.errors import RequestError, UnknownName
from modules.foundation.json_text import parse_json
from modules.generation.progress import RunControl

if TYPE_CHECKING:
    from modules.application.application import Application


def submit_merge(
    app: Application, recipe: MergeRecipe, *, overwrite: bool = False, job_id: str | None = None
) -> TaskJob[Merged]:
    """Queue a merge; its result lies among the checkpoints and is in their list when the job is done.

    Raises RequestError for a recipe that cannot work at all, before it is queued.
    """
    check_recipe(recipe)

    def work(control: RunControl) -> Merged:
        def report(share: float) -> None:
            control.at(share, "merging")
            control.check()

        merged = merge_checkpoints(
            recipe,
            app.paths.checkpoint_folders[-1],
            sha256=app.catalogue.hashes.compute,
            on_progress=report,
            overwrite=overwrite,
        )
        app.catalogue.refresh()
        return merged

    title = " and ".join(model.model_name for model in recipe.models)
    return app.submit_task(TaskJob(work, kind="merge", title=title, job_id=job_id))


FIELDS = ("primary_model_name", "secondary_model_name", "tertiary_model_name")
"""The names of the fields with the models A, B and C."""


def recipe_from(
    app: Application, names: Sequence[str], method: MergeMethod, vae: str, metadata: str, **fields: Any
) -> MergeRecipe:
    """The recipe of models A, B, C by name (an empty one is none), a VAE by name and metadata as a JSON object.

    `fields` are those of MergeRecipe. Raises UnknownName or RequestError naming the field.
    """
    models = [
        _find(app, name, field) if name.strip() and index < method.models else None
        for index, (name, field) in enumerate(zip(names, FIELDS, strict=True))
    ]
    if models[0] is None:
        raise RequestError("A merge needs a model A.", FIELDS[0])
    bakes = vae.strip() not in ("", NONE)
    return MergeRecipe(
        primary=models[0],
        secondary=models[1],
        tertiary=models[2],
        method=method,
        vae=app.vaes.find(vae) if bakes else None,
        metadata=added_metadata(metadata),
        **fields,
    )


def added_metadata(text: str) -> dict[str, str]:
    """The metadata that `text`, a JSON object, adds to a merge. Raises RequestError for any other text."""
    try:
        said = parse_json(text or "{}")
    except ValueError as error:
        raise RequestError(f"metadata_json is no JSON: {error}.", "metadata_json") from error
    if not isinstance(said, dict):
        raise RequestError("metadata_json must be a JSON object.", "metadata_json")
    return {str(key): value if isinstance(value, str) else json.dumps(value) for key, value in said.items()}


def model_metadata(app: Application, names: Sequence[str]) -> dict[str, str]:
    """The free texts of checkpoints together; of those that several have, the first one's. Raises UnknownName."""
    found: dict[str, str] = {}
    for name, field in zip(names, FIELDS, strict=False):
        metadata = app.models.metadata("checkpoint", _find(app, name, field).name) or {}
        found |= {key: text for key, text in metadata.items() if key not in found and key != "format"}
    return found


def _find(app: Application, name: str, field: str) -> CheckpointInfo:
    try:
        return app.catalogue.find(name)
    except UnknownName as error:
        raise UnknownName("checkpoint", name, (info.name for info in app.catalogue.all()), field) from error
