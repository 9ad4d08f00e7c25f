"""Making and training embeddings and hypernetworks."""

from __future__ import annotations

import asyncio
from pathlib import Path

from fastapi import APIRouter

from modules.api.sdapi.bodies import CreateEmbeddingRequest, CreateHypernetworkRequest
from modules.api.sdapi.responses import CreateResponse, TrainResponse
from modules.api.sdapi.training_bodies import TrainEmbeddingRequest, TrainHypernetworkRequest
from modules.application.application import Application
from modules.application.jobs.awaiting import on_engine_thread, result_of
from modules.application.training import file_name, submit_training
from modules.foundation.errors import CheckpointError, RequestError, SaveError


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
        result = await result_of(submit_training(app, body.options(app), body.id_task))
        return TrainResponse(info=f"train embedding complete: filename: {result.path} error: None")

    @router.post("/train/hypernetwork", summary="Train a hypernetwork")
    async def train_hypernetwork(body: TrainHypernetworkRequest) -> TrainResponse:
        """Train a hypernetwork that is there, as a job of the queue; answers when it has ended."""
        app.policy.check_files("Training")
        result = await result_of(submit_training(app, body.options(app), body.id_task))
        return TrainResponse(info=f"train hypernetwork complete: filename: {result.path} error: None")

    return router


def _embedding(app: Application, body: CreateEmbeddingRequest) -> Path:
    from modules.text_encoders.create_embedding import create_embedding

    folder, name = app.paths.embeddings, file_name(body.name)
    if not body.overwrite_old:
        _refuse_existing(name, *(folder / f"{name}{suffix}" for suffix in (".pt", ".safetensors", ".bin")))
    info = app.selected_checkpoint
    if info is None:
        raise CheckpointError("An embedding is made for a checkpoint, and there is none. Put one into the folder.")
    encoders = app.engine.load(info).text_encoder.encoders
    try:
        path = create_embedding(folder, name, encoders, vectors=body.num_vectors_per_token, init_text=body.init_text)
    except OSError as error:
        raise SaveError(f"The embedding {name!r} could not be written to {folder}: {error.strerror}.") from error
    app.engine.embeddings.refresh()
    return path


def _hypernetwork(app: Application, body: CreateHypernetworkRequest) -> Path:
    from modules.networks.create_hypernetwork import Structure, create_hypernetwork, standard_dropout

    name = file_name(body.name)
    path = app.paths.hypernetworks / f"{name}.pt"
    if not body.overwrite_old:
        _refuse_existing(name, path)
    dropout = tuple(body.dropout_structure or (standard_dropout(body.layer_structure) if body.use_dropout else ()))
    structure = Structure(
        sizes=tuple(body.enable_sizes),
        layers=tuple(body.layer_structure),
        activation=body.activation_func or "linear",
        initialization=body.weight_init,
        layer_norm=body.add_layer_norm,
        dropout=dropout,
    )
    try:
        create_hypernetwork(path, structure)
    except OSError as error:
        raise SaveError(f"The hypernetwork could not be written to {path}: {error.strerror}.") from error
    app.networks.refresh()
    return path


def _refuse_existing(name: str, *paths: Path) -> None:
    if any(path.exists() for path in paths):
        raise RequestError(f"{name!r} exists already. Choose another name, or send overwrite_old: true.", "name")
