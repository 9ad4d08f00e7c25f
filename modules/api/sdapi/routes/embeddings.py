"""Embeddings (textual inversions)."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import TYPE_CHECKING

from fastapi import APIRouter

from modules.api.sdapi.responses import EmbeddingItem, EmbeddingsResponse
from modules.application.application import Application
from modules.application.jobs.awaiting import on_engine_thread

if TYPE_CHECKING:
    from modules.text_encoders.textual_inversion import TextualInversion


def routes(app: Application) -> APIRouter:
    """GET embeddings, POST refresh-embeddings."""
    router = APIRouter(prefix="/sdapi/v1", tags=["lists"])

    @router.get("/embeddings", summary="Embeddings")
    async def embeddings() -> EmbeddingsResponse:
        """The embeddings, those that fit the loaded checkpoint apart from the others."""
        await _engine_there(app)
        return await asyncio.to_thread(_listed, app)

    @router.post("/refresh-embeddings", summary="Look for embeddings again")
    async def refresh_embeddings() -> None:
        """Read the embeddings folder again."""
        await _engine_there(app)
        await asyncio.to_thread(app.embeddings.refresh)

    return router


async def _engine_there(app: Application) -> None:
    # Building the engine imports torch, and belongs on its own thread; then no request waits for a job.
    if not app.engine_ready:
        await on_engine_thread(app, lambda: app.engine)


def _listed(app: Application) -> EmbeddingsResponse:
    model = app.engine.model
    app.embeddings.update()
    if model is None:
        fitting, others = list(app.embeddings.all()), []
    else:
        fitting, others = app.embeddings.fitting(model.text_encoder.widths)
    return EmbeddingsResponse(loaded=_items(fitting), skipped=_items(others))


def _items(embeddings: Iterable[TextualInversion]) -> dict[str, EmbeddingItem]:
    return {
        each.name: EmbeddingItem(
            step=each.step,
            sd_checkpoint=each.checkpoint_hash,
            sd_checkpoint_name=each.checkpoint_name,
            shape=each.width,
            vectors=each.vectors,
        )
        for each in embeddings
    }
