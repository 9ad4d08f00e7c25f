"""Making embeddings and hypernetworks. Training them is for a later version."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import NoReturn

from fastapi import APIRouter

from modules.api.errors import not_here_yet
from modules.api.sdapi.bodies import CreateEmbeddingRequest, CreateHypernetworkRequest
from modules.api.sdapi.responses import CreateResponse, TrainResponse
from modules.application.application import Application
from modules.application.jobs.awaiting import on_engine_thread
from modules.foundation.errors import CheckpointError, RequestError, SaveError, UnknownName
from modules.foundation.plain import JsonObject


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

    @router.post("/train/embedding", response_model=TrainResponse, summary="Train an embedding")
    def train_embedding(args: JsonObject) -> NoReturn:
        """Not done by this version: 501, or 404 for an embedding that is not there."""
        known = {path.stem for path in app.paths.embeddings.rglob("*") if path.suffix in (".pt", ".safetensors")}
        _refuse_unknown("embedding", args.get("embedding_name"), known)
        raise not_here_yet("Training embeddings", "Train it with another program; the file can be used here.")

    @router.post("/train/hypernetwork", response_model=TrainResponse, summary="Train a hypernetwork")
    def train_hypernetwork(args: JsonObject) -> NoReturn:
        """Not done by this version: 501, or 404 for a hypernetwork that is not there."""
        known = {info.name for info in app.networks.all("hypernet")}
        _refuse_unknown("hypernetwork", args.get("hypernetwork_name"), known)
        raise not_here_yet("Training hypernetworks", "Train it with another program; the file can be used here.")

    return router


def _embedding(app: Application, body: CreateEmbeddingRequest) -> Path:
    from modules.text_encoders.create_embedding import create_embedding

    folder, name = app.paths.embeddings, _file_name(body.name)
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

    name = _file_name(body.name)
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


def _refuse_unknown(kind: str, name: object, known: set[str]) -> None:
    if not isinstance(name, str) or name not in known:
        raise UnknownName(kind, str(name), sorted(known), f"{kind}_name")


def _file_name(wanted: str) -> str:
    """The name with nothing in it that could lead out of the folder or be refused by a file system."""
    name = "".join(sign for sign in wanted if sign.isalnum() or sign in "._- ").strip(" .")
    if not name or len(name.encode()) > 200:
        raise RequestError("name must hold letters or digits, and at most 200 of them.", "name")
    return name


def _refuse_existing(name: str, *paths: Path) -> None:
    if any(path.exists() for path in paths):
        raise RequestError(f"{name!r} exists already. Choose another name, or send overwrite_old: true.", "name")
