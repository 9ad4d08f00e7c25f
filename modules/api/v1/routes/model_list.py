"""Model files of every kind as one list, the broken ones with the reason."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, HTTPException, Query
from pydantic import BaseModel, ConfigDict, Field

from modules.api.body import Body
from modules.api.model_previews import preview_address
from modules.application.application import Application
from modules.application.model_list import KINDS, Listed, ModelKind, ModelQuery
from modules.foundation.plain import JsonObject
from modules.networks.metadata import COVERS, cover_list, tag_counts, unpacked

Sort = Literal["name", "path", "modified", "created", "size"]


class ModelFile(BaseModel):
    """A model file."""

    model_config = ConfigDict(protected_namespaces=())

    kind: ModelKind
    name: str = Field(description="How requests and prompts mention it.")
    alias: str | None = Field(None, description="The name that its author gave it.")
    path: str
    folder: str = Field(description="The folder of models that it was found below.")
    size: int | None = Field(None, description="Bytes.")
    modified: float | None = Field(None, description="Seconds since 1970.")
    family: str | None = Field(None, description="Family of models it belongs to; null: unknown, or not looked yet.")
    problem: str | None = Field(None, description="Why it cannot be used.")
    details: dict[str, str] = Field(description="More that its header says: variant, prediction, vectors, ...")
    hashes: dict[str, str] = Field(description="Those that are known: sha256, autov2, addnet, autov3, old.")
    preview: str | None = Field(None, description="Address of the picture beside it.")
    description: str | None = Field(None, description="The text beside it.")
    user_metadata: JsonObject = Field(description="The notes beside it (name.json).")


class ModelDetails(ModelFile):
    """A model file with what its trainer wrote."""

    metadata: JsonObject = Field(description="The header's free text, without pictures.")
    tags: dict[str, int] = Field(description="Tags of the training's pictures, most frequent first.")
    covers: int = Field(description="How many pictures the header carries (see /sd_extra_networks/cover-images).")


class HashBody(Body):
    """Which files are to be hashed."""

    kinds: list[ModelKind] | None = Field(None, description="Kinds; none given: all.")


class HashedFiles(BaseModel):
    """How many files were without a hash."""

    files: int


class ModelFiles(BaseModel):
    """Some of the files."""

    items: list[ModelFile]
    total: int = Field(description="How many there are in all.")


def routes(app: Application) -> APIRouter:
    """GET models and models/{kind}/{name}, POST models/hash and refresh-models below /api/v1."""
    router = APIRouter(prefix="/api/v1", tags=["model files"])

    @router.get("/models", summary="Model files")
    def models(
        *,
        kind: Annotated[list[ModelKind] | None, Query(description="Kinds; none given: all.")] = None,
        search: Annotated[str, Query(description="Words in name, path, alias, family or tags; or a hash.")] = "",
        family: Annotated[str, Query(description="SD1, SD2, SDXL, ...")] = "",
        broken: Annotated[bool | None, Query(description="true: only those with a problem; false: no such.")] = None,
        sort: Sort = "name",
        order: Literal["asc", "desc"] = "asc",
        offset: Annotated[int, Query(ge=0)] = 0,
        limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    ) -> ModelFiles:
        """Files of all folders, broken ones with the reason. What is new is looked at in the background."""
        wanted = ModelQuery(
            kinds=tuple(kind or KINDS),
            query=search,
            family=family,
            broken=broken,
            sort=sort,
            descending=order == "desc",
            offset=offset,
            limit=limit,
        )
        page = app.models.page(wanted)
        return ModelFiles(items=[ModelFile(**_fields(item)) for item in page.items], total=page.total)

    @router.get("/models/{kind}/{name:path}", summary="One model file")
    def model(
        kind: ModelKind,
        name: str,
        hash: Annotated[bool, Query(description="Have its hashes computed, for later.")] = False,
    ) -> ModelDetails:
        """Everything about one file, looked at again."""
        item = app.models.find(kind, name)
        if item is None:
            raise HTTPException(404, f"There is no {kind} {name!r}; GET /api/v1/models lists them.")
        if hash:
            app.models.hash_soon(item)
        metadata = app.models.metadata(kind, name) or {}
        covers = cover_list(metadata)
        tags = tag_counts(metadata)
        return ModelDetails(
            **_fields(item),
            metadata={key: unpacked(text) for key, text in metadata.items() if key != COVERS},
            tags=dict(sorted(tags.items(), key=lambda tag: -tag[1])),
            covers=len(covers),
        )

    _add_upkeep(router, app)
    return router


def _add_upkeep(router: APIRouter, app: Application) -> None:
    @router.post("/models/hash", summary="Calculate hashes")
    def hash_models(body: HashBody | None = None) -> HashedFiles:
        """Have the hashes that are not known calculated while nothing else is done; the list tells them."""
        return HashedFiles(files=app.models.hash_all((body and body.kinds) or KINDS))

    @router.post("/refresh-models", summary="Look for model files again")
    def refresh_models() -> None:
        """Read every folder again, and compare every file with what is known of it."""
        app.library.refresh()
        app.upscalers.refresh()


def _fields(item: Listed) -> JsonObject:
    return {
        "kind": item.kind,
        "name": item.name,
        "alias": item.alias,
        "path": item.path,
        "folder": item.folder,
        "size": item.size,
        "modified": item.modified,
        "family": item.family,
        "problem": item.problem,
        "details": dict(item.details),
        "hashes": dict(item.hashes),
        "preview": preview_address(item),
        "description": item.description,
        "user_metadata": dict(item.user_metadata),
    }
