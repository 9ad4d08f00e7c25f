"""What clients send and get where model files are made or fetched: Easel's own routes below /api/v1."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, Field

from modules.api.body import Body, FiniteNumber, LongText, ShortText
from modules.application.application import Application
from modules.application.downloads.download import Download
from modules.application.jobs.job import AnyJob
from modules.application.merging import recipe_from
from modules.application.model_list import ModelKind
from modules.checkpoints.merge.recipe import ConfigSource, MergeMethod, MergeRecipe
from modules.checkpoints.vae_files import NONE


class MergeRequest(Body):
    """A merge, in the words of A1111's merger tab."""

    primary_model_name: ShortText = Field(description="Checkpoint A: its title, name or hash.")
    secondary_model_name: ShortText = Field("", description="Checkpoint B.")
    tertiary_model_name: ShortText = Field("", description="Checkpoint C, for a difference.")
    interp_method: Literal["No interpolation", "Weighted sum", "Add difference"] = Field(
        "Weighted sum", description="A alone, A * (1 - M) + B * M, or A + (B - C) * M."
    )
    multiplier: FiniteNumber = Field(0.3, description="M.")
    save_as_half: bool = Field(False, description="Store float32 weights as float16.")
    custom_name: ShortText = Field(
        "", description="The result's name without suffix; empty: made of the models' names."
    )
    checkpoint_format: Literal["safetensors", "ckpt"] = Field("safetensors", description="The form of the file.")
    config_source: int = Field(0, ge=0, le=3, description="Whose configuration: 0 the first found, 1 B, 2 C, 3 none.")
    bake_in_vae: ShortText = Field(NONE, description="A VAE file to put in.")
    discard_weights: ShortText = Field(
        "", description="Regular expression; weights whose name it matches are left out."
    )
    save_metadata: bool = Field(True, description="Write metadata at all.")
    add_merge_recipe: bool = Field(True, description="Write the recipe into it.")
    copy_metadata_fields: bool = Field(True, description="Take over the models' metadata.")
    metadata_json: LongText = Field("{}", description="Further metadata, a JSON object.")
    overwrite: bool = Field(False, description="Replace a file of that name.")
    wait: bool = Field(False, description="Answer when the file is there instead of at once.")


class DownloadRequest(Body):
    """A model file to fetch."""

    url: ShortText = Field(description="The http or https address of the file itself.")
    kind: ModelKind = Field("checkpoint", description="What it is, and so into which folder it goes.")
    name: ShortText = Field("", description="Its name here; empty: the server's.")
    sha256: ShortText | None = Field(None, description="The SHA-256 that it must have.")
    allow_pickle: bool = Field(False, description="Also take .ckpt, .pt, .pth and .bin.")
    overwrite: bool = Field(False, description="Replace a file of that name.")
    wait: bool = Field(False, description="Answer when the file is there instead of at once.")


class FileJob(BaseModel):
    """A job that makes a file. `path` and `size` are there once it is done."""

    id: str
    state: str
    kind: str
    title: str
    path: str | None = None
    size: int | None = None
    sha256: str | None = None


def recipe_of(app: Application, body: MergeRequest) -> MergeRecipe:
    """The recipe that a request asks for. Raises UnknownName or RequestError naming the field."""
    return recipe_from(
        app,
        [body.primary_model_name, body.secondary_model_name, body.tertiary_model_name],
        MergeMethod(body.interp_method),
        body.bake_in_vae,
        body.metadata_json,
        multiplier=body.multiplier,
        name=body.custom_name,
        format=body.checkpoint_format,
        half=body.save_as_half,
        config_source=ConfigSource(body.config_source),
        discard=body.discard_weights,
        save_metadata=body.save_metadata,
        add_recipe=body.add_merge_recipe,
        copy_metadata=body.copy_metadata_fields,
    )


def download_of(body: DownloadRequest) -> Download:
    """The download that a request asks for."""
    return Download(
        url=body.url.strip(),
        kind=body.kind,
        name=body.name.strip(),
        sha256=body.sha256.strip() or None if body.sha256 else None,
        allow_pickle=body.allow_pickle,
        overwrite=body.overwrite,
    )


def file_job(job: AnyJob) -> FileJob:
    """How such a job stands."""
    result = job.result
    return FileJob(
        id=job.id,
        state=job.state.value,
        kind=job.kind,
        title=job.title,
        path=str(result.path) if result is not None else None,
        size=result.size if result is not None else None,
        sha256=getattr(result, "sha256", None),
    )
