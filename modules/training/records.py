"""What a training writes down of itself: a table of losses, its settings, events for TensorBoard."""

from __future__ import annotations

import csv
import datetime
import io
import json
import logging
from pathlib import Path
from typing import Any

from modules.foundation.atomic import atomic_write
from modules.training.options import TrainingKind, TrainingOptions

log = logging.getLogger(__name__)

COLUMNS = ("step", "epoch", "epoch_step", "loss", "learn_rate")
TABLES: dict[TrainingKind, str] = {
    "embedding": "textual_inversion_loss.csv",
    "hypernetwork": "hypernetwork_loss.csv",
    "lora": "lora_loss.csv",
}


class LossTable:
    """The loss of steps as a CSV file with A1111's columns. Rows of steps after `start` are of a run that was lost."""

    def __init__(self, path: Path, *, every: int, steps_per_epoch: int, start: int) -> None:
        self._path, self._every, self._per_epoch = path, every, max(steps_per_epoch, 1)
        if every and path.is_file():
            kept = [row for row in csv.DictReader(io.StringIO(path.read_text("utf-8"))) if _step(row) <= start]
            with atomic_write(path) as file:
                file.write(_lines([dict(zip(COLUMNS, COLUMNS, strict=True)), *kept]))

    def add(self, step: int, loss: float, rate: float) -> None:
        """Note the loss of a step, counted from 1, if it is its turn. Raises OSError."""
        if not self._every or step % self._every:
            return
        epoch, epoch_step = divmod(step - 1, self._per_epoch)
        row = dict(zip(COLUMNS, (step, epoch, epoch_step, f"{loss:.7f}", rate), strict=True))
        rows = [row] if self._path.is_file() else [dict(zip(COLUMNS, COLUMNS, strict=True)), row]
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._path.open("ab") as file:
            file.write(_lines(rows))


def _step(row: dict[str, Any]) -> int:
    text = str(row.get("step") or "")
    return int(text) if text.isdigit() else 0


def _lines(rows: list[Any]) -> bytes:
    text = io.StringIO(newline="")
    csv.DictWriter(text, COLUMNS, extrasaction="ignore", restval="").writerows(rows)
    return text.getvalue().encode()


def write_settings(folder: Path, options: TrainingOptions, pictures: int, checkpoint: str) -> None:
    """Write what a training was asked to do beside its copies. Raises OSError."""
    content = {**options.model_dump(mode="json"), "checkpoint": checkpoint, "pictures": pictures}
    stamp = datetime.datetime.now().strftime("%Y-%m-%d-%H-%M-%S")
    with atomic_write(folder / f"settings-{stamp}.json") as file:
        file.write(json.dumps(content, indent=4, ensure_ascii=False).encode())


class Board:
    """Events for TensorBoard, where it is wanted and installed. `warning` says that it is wanted and is not."""

    def __init__(self, folder: Path, *, wanted: bool, flush_seconds: int) -> None:
        self.warning = ""
        self._writer: Any = None
        if not wanted:
            return
        try:
            from torch.utils.tensorboard.writer import SummaryWriter
        except ImportError:
            self.warning = "TensorBoard is not installed, so nothing is logged for it: pip install tensorboard."
            log.warning(self.warning)
            return
        self._writer = SummaryWriter(str(folder / "tensorboard"), flush_secs=flush_seconds)

    def add(self, step: int, loss: float, rate: float) -> None:
        """Note loss and rate of a step."""
        if self._writer is not None:
            self._writer.add_scalar("Loss/train", loss, step)
            self._writer.add_scalar("Learn rate/train", rate, step)

    def show(self, step: int, picture: Any) -> None:
        """Note a sample picture."""
        if self._writer is not None:
            import numpy as np

            self._writer.add_image("Sample", np.asarray(picture), step, dataformats="HWC")

    def close(self) -> None:
        """Write what is left."""
        if self._writer is not None:
            self._writer.close()
