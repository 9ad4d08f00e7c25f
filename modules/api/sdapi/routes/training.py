"""Making and training embeddings and hypernetworks."""

from __future__ import annotations

import asyncio
from pathlib import Path

from fastapi import APIRouter

from modules.api.sdapi.bodies import CreateEmbeddingRequest, CreateHypernetworkRequest
from modules.api.sdapi.responses import CreateResponse, TrainResponse
from modules.api.sdapi.training_bodies import TrainEmbeddingRequest, TrainHypernetworkRequest
from modules.application.application import Application
from modules.application.create_trainable import new_embedding, new_hypernetwork
from modules.application.jobs.awaiting import on_engine_thread, result_of
from modules.application.training import submit_training


def routes(app: Application) -> APIRouter:
    """POST create/embedding, create/hypernetwork, train/embedding, train/hypernetwork."""
    router = APIRouter(prefix="/sdapi/v1", tags=["training"])

    @router.post("/create/embedding", summary="A new embedding")
    async def create_embedding(body: CreateEmbeddingRequest) -> CreateResponse:
        """Make an embedding for the chosen checkpoint whose vectors begin as the words of `init_text`.

        Waits for the running job, since the checkpoint's words are needed.
        """
        app.policy.check_files("Creating embeddings")
        made: list[Path] = []
        await on_engine_thread(app, lambda: made.append(_embedding(app, body)))
        return CreateResponse(info=f"create embedding filename: {made[0]}")

    @router.post("/create/hypernetwork", summary="A new hypernetwork")
    async def create_hypernetwork(body: CreateHypernetworkRequest) -> CreateResponse:
        """Make a hypernetwork with random weights so small that it hardly changes a picture."""
        app.policy.check_files("Creating hypernetworks")
        path = await asyncio.to_thread(_hypernetwork, app, body)
        return CreateResponse(info=f"create hypernetwork filename: {path}")

    @router.post("/train/embedding", summary="Train an embedding")
    async def train_embedding(body: TrainEmbeddingRequest) -> TrainResponse:
        """Train an embedding that is there, as a job of the queue; answers when it has ended."""
        app.policy.check_files("Training")
        result = await result_of(await asyncio.to_thread(submit_training, app, body.options(app), body.id_task))
        return TrainResponse(info=f"train embedding complete: filename: {result.path} error: None")

    @router.post("/train/hypernetwork", summary="Train a hypernetwork")
    async def train_hypernetwork(body: TrainHypernetworkRequest) -> TrainResponse:
        """Train a hypernetwork that is there, as a job of the queue; answers when it has ended."""
        app.policy.check_files("Training")
        result = await result_of(await asyncio.to_thread(submit_training, app, body.options(app), body.id_task))
        return TrainResponse(info=f"train hypernetwork complete: filename: {result.path} error: None")

    return router


def _embedding(app: Application, body: CreateEmbeddingRequest) -> Path:
    return new_embedding(
        app, body.name, vectors=body.num_vectors_per_token, init_text=body.init_text, overwrite=body.overwrite_old
    )


def _hypernetwork(app: Application, body: CreateHypernetworkRequest) -> Path:
    from modules.networks.create_hypernetwork import Structure, standard_dropout

    dropout = tuple(body.dropout_structure or (standard_dropout(body.layer_structure) if body.use_dropout else ()))
    structure = Structure(
        sizes=tuple(body.enable_sizes),
        layers=tuple(body.layer_structure),
        activation=body.activation_func or "linear",
        initialization=body.weight_init,
        layer_norm=body.add_layer_norm,
        dropout=dropout,
    )
    return new_hypernetwork(app, body.name, structure, overwrite=body.overwrite_old)
