"""Loaded models: the one in use and those used before it, as many as the settings and the memory allow."""

from __future__ import annotations

import logging
import traceback
import weakref
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import psutil
import torch

from modules.checkpoints.info import CheckpointInfo
from modules.foundation.errors import EaselError, Interrupted
from modules.hardware.device import Hardware
from modules.hardware.memory import give_back, release
from modules.pipeline.model import LoadedModel
from modules.settings.model import Settings

log = logging.getLogger(__name__)

RESERVE = 1024**3
"""Bytes of host memory, and of a device's, that loading a model beside another one leaves free."""


class Load(Protocol):
    """How a checkpoint becomes a model: see `load_checkpoint` for the callbacks and what it raises."""

    def __call__(
        self, info: CheckpointInfo, on_progress: Callable[[float], None] | None, make_room: Callable[[int], None]
    ) -> LoadedModel: ...


@dataclass(frozen=True, kw_only=True)
class CacheLimits:
    """How many models are kept, how many of them on the device, and in how many bytes (None: what is free)."""

    models: int = 1
    on_device: int = 1
    bytes: int | None = None

    @staticmethod
    def of(settings: Settings) -> CacheLimits:
        """The limits that `settings` give."""
        models = settings.sd_checkpoints_limit + settings.sd_checkpoint_cache
        budget = settings.sd_checkpoints_memory
        return CacheLimits(
            models=models,
            on_device=1 if settings.sd_checkpoints_keep_in_cpu else settings.sd_checkpoints_limit,
            bytes=int(budget * 1e9) if budget > 0 else None,
        )


class ModelCache:
    """The models in memory, the one used last at the end. Used on the engine's thread alone.

    `on_idle` hears of a model that is not the current one any more.
    """

    def __init__(self, hardware: Hardware, load: Load, on_idle: Callable[[LoadedModel], None]) -> None:
        self._hardware, self._load, self._on_idle = hardware, load, on_idle
        self._models: list[LoadedModel] = []
        self._in_use: set[LoadedModel] = set()

    @property
    def current(self) -> LoadedModel | None:
        """The model used last, None when there is none."""
        return self._models[-1] if self._models else None

    @property
    def paths(self) -> tuple[Path, ...]:
        """The files of the models in memory, the one used last at the end."""
        return tuple(model.checkpoint.info.path for model in self._models)

    @property
    def bytes(self) -> int:
        """Memory that the weights of all models take."""
        return sum(model.checkpoint.size for model in self._models)

    def get(
        self,
        info: CheckpointInfo,
        limits: CacheLimits,
        on_progress: Callable[[float], None] | None = None,
        *,
        beside: bool = False,
    ) -> tuple[LoadedModel, bool]:
        """The model of `info`, read from its file if it is not here, and whether it was not the current one.

        With `beside`, the models given before it, up to the last call without, stay as they are: a run uses them all.

        Raises CheckpointError as the loading does. What was loaded before stays then, unless it had to go because both
        together do not fit; it is read again when it is next asked for.
        """
        self._models = [model for model in self._models if model.is_current]
        if not beside:
            self._in_use.clear()
        # A reference that counts would keep the model in memory while the next one is read.
        before = weakref.ref(self.current) if self.current is not None else lambda: None
        found = next((model for model in self._models if model.checkpoint.info.path == info.path), None)
        if found is None:
            found = self._read(info, limits, on_progress)
        else:
            self._models.remove(found)
            self._models.append(found)
        changed = found is not before()
        if changed and not beside and (idle := before()) is not None:
            self._on_idle(idle)
            del idle
        self._in_use.add(found)
        self._keep(limits)
        found.unpark()
        return found, changed

    def discard(self, unwanted: Callable[[LoadedModel], bool]) -> None:
        """Let go of the models that are `unwanted`; not within a run, which may use them."""
        self._models = [model for model in self._models if not unwanted(model)]

    def clear(self) -> None:
        """Let go of every model."""
        self._in_use.clear()
        while self._drop_oldest():
            pass

    def _read(
        self, info: CheckpointInfo, limits: CacheLimits, on_progress: Callable[[float], None] | None
    ) -> LoadedModel:
        try:
            model = self._load(info, on_progress, lambda needed: self._make_room(needed, limits))
        except (EaselError, Interrupted) as error:
            # Keeping the error (a finished job does) must not keep half a model with it.
            link: BaseException | None = error
            while link is not None:
                traceback.clear_frames(link.__traceback__)
                link = link.__cause__ or link.__context__
            raise
        self._models.append(model)
        return model

    def _keep(self, limits: CacheLimits) -> None:
        """Let go of the models beyond the limits, those used longest ago first, and park those beyond the device's."""
        while len(self._models) > max(limits.models, 1) or self._exceeds(limits, 0):
            if not self._drop_oldest():
                break
        self._park(self._models[: -max(limits.on_device, 1)])

    def _make_room(self, needed: int, limits: CacheLimits) -> None:
        """Let go of models until one of `needed` bytes can be read.

        The one in use stays as long as both fit: should the new one turn out to be unusable, it is still there.
        """
        while len(self._models) > max(limits.models - 1, 1) and self._drop_oldest():
            pass
        self._park(self._models[: -max(limits.on_device - 1, 1)])
        if not self._fits_device(needed):
            self._park(self._models)
            give_back(self._hardware.device)
        while self._exceeds(limits, needed) or not self._fits_host(needed):
            if not self._drop_oldest():
                break

    def _park(self, models: Sequence[LoadedModel]) -> None:
        for model in models:
            if model not in self._in_use:
                model.park()

    def _drop_oldest(self) -> bool:
        """Let go of the model used longest ago of those that no run uses; False when there is none."""
        gone = next((model for model in self._models if model not in self._in_use), None)
        if gone is None:
            return False
        self._models.remove(gone)
        log.info("Letting go of %s", gone.checkpoint.info.name)
        reference = weakref.ref(gone)
        del gone
        if reference() is None:
            give_back(self._hardware.device)
        else:
            release(self._hardware.device)
        return True

    def _exceeds(self, limits: CacheLimits, needed: int) -> bool:
        return limits.bytes is not None and self.bytes + needed > limits.bytes

    def _fits_host(self, needed: int) -> bool:
        """Whether the host has room for the new model; on a device of its own only what is parked is on the host."""
        if self._hardware.is_cpu or self._hardware.offload:
            return psutil.virtual_memory().available > needed + RESERVE
        return psutil.virtual_memory().available > RESERVE

    def _fits_device(self, needed: int) -> bool:
        if self._hardware.device.type != "cuda" or self._hardware.offload:
            return True
        free, _ = torch.cuda.mem_get_info(self._hardware.device)
        return free > needed + RESERVE
