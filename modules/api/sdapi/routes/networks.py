"""Extra networks: LoRA files and hypernetworks."""

from __future__ import annotations

from fastapi import APIRouter

from modules.api.sdapi.responses import HypernetworkItem, LoraItem
from modules.application.application import Application
from modules.networks.metadata import unpacked


def routes(app: Application) -> APIRouter:
    """GET loras, POST refresh-loras, GET hypernetworks."""
    router = APIRouter(prefix="/sdapi/v1", tags=["lists"])

    @router.get("/loras", summary="LoRA files")
    def loras() -> list[LoraItem]:
        """The files that prompts mention as `<lora:name:1>`, of every kind of low-rank network."""
        metadata = app.networks.all_metadata("lora")
        return [
            LoraItem(
                name=info.name,
                alias=app.networks.alias(info),
                path=str(info.path),
                metadata={key: unpacked(text) for key, text in metadata.get(str(info.path), {}).items()},
            )
            for info in app.networks.all("lora")
        ]

    @router.post("/refresh-loras", summary="Look for LoRA files again")
    def refresh_loras() -> None:
        """Read the folders of LoRA files and hypernetworks again."""
        app.networks.refresh()

    @router.get("/hypernetworks", summary="Hypernetworks")
    def hypernetworks() -> list[HypernetworkItem]:
        """The files that prompts mention as `<hypernet:name:1>`."""
        return [HypernetworkItem(name=info.name, path=str(info.path)) for info in app.networks.all("hypernet")]

    return router
