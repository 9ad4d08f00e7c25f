"""New embeddings and hypernetworks: files that a training begins with."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from modules.application.training import file_name
from modules.foundation.errors import CheckpointError, RequestError, SaveError

if TYPE_CHECKING:
    from modules.application.application import Application
    from modules.networks.create_hypernetwork import Structure


def new_embedding(app: Application, name: str, *, vectors: int, init_text: str, overwrite: bool) -> Path:
    """Write an embedding for the chosen checkpoint. To be called on the engine's thread.

    Raises RequestError for a name that is taken or none, CheckpointError without a checkpoint, SaveError.
    """
    from modules.text_encoders.create_embedding import create_embedding
    from modules.training.state import forget_state

    folder, name = app.paths.embeddings, file_name(name)
    if not overwrite:
        _refuse_existing(name, *(folder / f"{name}{suffix}" for suffix in (".pt", ".safetensors", ".bin")))
    info = app.selected_checkpoint
    if info is None:
        raise CheckpointError("An embedding is made for a checkpoint, and there is none. Put one into the folder.")
    encoders = app.engine.load(info).text_encoder.encoders
    try:
        path = create_embedding(folder, name, encoders, vectors=vectors, init_text=init_text)
        forget_state(path)
    except OSError as error:
        raise SaveError(f"The embedding {name!r} could not be written to {folder}: {error.strerror}.") from error
    app.engine.embeddings.refresh()
    return path


def new_hypernetwork(app: Application, name: str, structure: Structure, *, overwrite: bool) -> Path:
    """Write a hypernetwork. Raises RequestError for a name that is taken or none, SaveError."""
    from modules.networks.create_hypernetwork import create_hypernetwork
    from modules.training.state import forget_state

    name = file_name(name)
    path = app.paths.hypernetworks / f"{name}.pt"
    if not overwrite:
        _refuse_existing(name, path)
    try:
        create_hypernetwork(path, structure)
        forget_state(path)
    except OSError as error:
        raise SaveError(f"The hypernetwork could not be written to {path}: {error.strerror}.") from error
    app.networks.refresh()
    return path


def _refuse_existing(name: str, *paths: Path) -> None:
    if any(path.exists() for path in paths):
        raise RequestError(f"{name!r} exists already. Choose another name, or send overwrite_old: true.", "name")
