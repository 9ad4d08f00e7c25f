"""Trainings of every kind, LoRAs among them, as jobs."""

from __future__ import annotations

import asyncio
from typing import Any, cast

from fastapi import APIRouter, HTTPException
from pydantic import BaseModel, Field

from modules.application.application import Application
from modules.application.jobs.awaiting import result_of
from modules.application.jobs.job import AnyJob
from modules.application.training import submit_dry_run, submit_training
from modules.training.options import TrainingOptions
from modules.training.results import TrainingCost, TrainingResult


class TrainingRequest(TrainingOptions):
    """A training. Every part may be left out but the kind, the name and the folder with the pictures."""

    dry_run: bool = Field(default=False, description="Estimate time and memory and write nothing.")
    wait: bool = Field(default=False, description="Answer when the job has ended instead of at once.")


class TrainingEstimate(BaseModel):
    """What a training will take, measured on one step."""

    pictures: int
    skipped: list[str] = Field(description="A sentence for each picture that cannot be read.")
    steps: int
    steps_per_round: int = Field(description="Steps in which every picture is seen as often as it repeats.")
    parameters: int = Field(description="Numbers that learn.")
    seconds_per_step: float
    seconds: float
    weight_bytes: int
    learning_bytes: int
    activation_bytes: int
    total_bytes: int


class TrainingJob(BaseModel):
    """A training in the queue. What it ended with is there once it has ended; see /api/v1/jobs for its progress."""

    id: str
    state: str
    title: str
    progress: str = Field(description="What it is at, with the loss.")
    fraction: float
    eta: float | None = None
    error: str | None = None
    path: str | None = Field(default=None, description="The file that was written.")
    step: int | None = None
    loss: float | None = None
    seconds: float | None = None
    warnings: list[str] = []
    estimate: TrainingEstimate | None = None


def routes(app: Application) -> APIRouter:
    """POST training, GET training/{id}."""
    router = APIRouter(prefix="/api/v1", tags=["training"])

    @router.post("/training", summary="Train an embedding, a hypernetwork or a LoRA")
    async def train(body: TrainingRequest) -> TrainingJob:
        """Queue a training, or the estimate of one. It can be stopped and watched as every job."""
        app.policy.check_files("Training")
        options = TrainingOptions.model_validate(body.model_dump(exclude={"dry_run", "wait"}))
        job = await asyncio.to_thread(_submitted, app, options, dry_run=body.dry_run)
        if body.wait:
            await result_of(job)
        return training_job(job)

    @router.get("/training/{job_id}", summary="How a training goes")
    def training(job_id: str) -> TrainingJob:
        """A training or an estimate that is known in this session; 404 for another job."""
        job = app.queue.find(job_id)
        if job is None or not job.kind.startswith("training"):
            raise HTTPException(404, f"There is no training with the id {job_id[:200]!r} in this session.")
        return training_job(job)

    return router


def _submitted(app: Application, options: TrainingOptions, *, dry_run: bool) -> AnyJob:
    return submit_dry_run(app, options) if dry_run else submit_training(app, options)


def training_job(job: AnyJob) -> TrainingJob:
    """A job as clients see it."""
    now, result = job.progress, cast("object", job.result)
    answer = TrainingJob(
        id=job.id,
        state=job.state.value,
        title=job.title,
        progress=now.words,
        fraction=now.fraction,
        eta=now.eta,
        error=None if job.error is None else str(job.error),
    )
    if isinstance(result, TrainingResult):
        more: dict[str, Any] = {"path": str(result.path), "step": result.step, "loss": result.loss}
        return answer.model_copy(update={**more, "seconds": result.seconds, "warnings": list(result.warnings)})
    if isinstance(result, TrainingCost):
        return answer.model_copy(update={"estimate": estimate_answer(result)})
    return answer


def estimate_answer(found: TrainingCost) -> TrainingEstimate:
    """An estimate as clients see it."""
    return TrainingEstimate(
        pictures=found.pictures,
        skipped=list(found.skipped),
        steps=found.steps,
        steps_per_round=found.steps_per_round,
        parameters=found.parameters,
        seconds_per_step=found.seconds_per_step,
        seconds=found.seconds,
        weight_bytes=found.weights,
        learning_bytes=found.learning,
        activation_bytes=found.activations,
        total_bytes=found.bytes,
    )
