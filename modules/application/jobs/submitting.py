"""From a request to a job: what it leaves to settings, to the chosen checkpoint and to chance is decided now."""

from __future__ import annotations

from modules.application.jobs.job import GenerationJob
from modules.checkpoints.catalogue import Catalogue
from modules.foundation.errors import EaselError
from modules.generation.request import GenerationRequest
from modules.generation.seeds import with_seeds
from modules.settings.model import Settings


def resolved_job(
    request: GenerationRequest,
    settings: Settings,
    catalogue: Catalogue,
    *,
    fallback: str | None,
    job_id: str | None = None,
) -> GenerationJob:
    """A job that later changes of settings do not touch, and that makes the same pictures when it is run again.

    `fallback` names the checkpoint for settings that name none.
    """
    request, chosen = with_seeds(request)
    return GenerationJob(
        request,
        job_id,
        settings=settings,
        checkpoint=_checkpoint(request, settings, catalogue, fallback),
        chosen_seeds=chosen,
    )


def _checkpoint(
    request: GenerationRequest, settings: Settings, catalogue: Catalogue, fallback: str | None
) -> str | None:
    name = request.override_settings.get("sd_model_checkpoint")
    try:
        return (catalogue.find(str(name)) if name else catalogue.chosen(settings.sd_model_checkpoint or fallback)).name
    except EaselError:  # no such one, or none at all: the job will say so, unless it is there by then
        return None
