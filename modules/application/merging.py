"""Merging checkpoints as a job of the queue."""

from __future__ import annotations

from typing import TYPE_CHECKING

from modules.application.jobs.job import TaskJob
from modules.checkpoints.merge.merge import Merged, check_recipe, merge_checkpoints
from modules.checkpoints.merge.recipe import MergeRecipe
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
