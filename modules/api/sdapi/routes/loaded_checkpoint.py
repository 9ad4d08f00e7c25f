"""The loaded checkpoint and the memory it takes."""

from __future__ import annotations

import psutil
from fastapi import APIRouter

from modules.api import loaded_checkpoint
from modules.api.sdapi.responses import MemoryResponse
from modules.application.application import Application
from modules.foundation.importing import already_imported
from modules.foundation.plain import JsonObject


def routes(app: Application) -> APIRouter:
    """POST refresh-checkpoints, refresh-vae, unload-checkpoint, reload-checkpoint, GET memory."""
    router = APIRouter(prefix="/sdapi/v1", tags=["models"])

    @router.post("/refresh-checkpoints", summary="Look for checkpoints again")
    def refresh_checkpoints() -> None:
        """Read the checkpoint folders again."""
        app.catalogue.refresh()

    @router.post("/refresh-vae", summary="Look for VAE files again")
    def refresh_vae() -> None:
        """Read the VAE folders again."""
        app.vaes.refresh()

    @router.post("/unload-checkpoint", summary="Free the memory of the checkpoint")
    async def unload_checkpoint() -> JsonObject:
        """Let go of the loaded checkpoint after the running job. The next job loads it again."""
        await loaded_checkpoint.unload_checkpoint(app)
        return {}

    @router.post("/reload-checkpoint", summary="Load the chosen checkpoint")
    async def reload_checkpoint() -> JsonObject:
        """Have the chosen checkpoint loaded, and answer when it is."""
        await loaded_checkpoint.reload_checkpoint(app)
        return {}

    @router.get("/memory", summary="Memory")
    def memory() -> MemoryResponse:
        """Bytes of main memory and, where there is one, of the CUDA device."""
        return MemoryResponse(ram=_ram(), cuda=_cuda())

    return router


def _ram() -> JsonObject:
    process = psutil.Process()
    used, total = process.memory_info().rss, psutil.virtual_memory().total
    return {"free": total - used, "used": used, "total": total}


def _cuda() -> JsonObject:
    # Asking torch would import it; until something else has, nothing of ours is on the device.
    torch: object = already_imported("torch")
    if torch is None or not torch.cuda.is_available():
        return {"error": "unavailable"}
    free, total = torch.cuda.mem_get_info()
    now = torch.cuda.memory_stats()
    pairs = {"active": "active_bytes", "allocated": "allocated_bytes", "reserved": "reserved_bytes"}
    return {
        "system": {"free": free, "used": total - free, "total": total},
        **{name: _now_and_peak(now, key) for name, key in pairs.items()},
        "inactive": _now_and_peak(now, "inactive_split_bytes"),
        "events": {"retries": now.get("num_alloc_retries", 0), "oom": now.get("num_ooms", 0)},
    }


def _now_and_peak(statistics: dict[str, int], key: str) -> dict[str, int]:
    return {"current": statistics.get(f"{key}.all.current", 0), "peak": statistics.get(f"{key}.all.peak", 0)}
