"""The trace of a generation."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import pytest
import torch

from modules.application.profiling import profiled
from modules.settings.model import Settings

ON = {"profiling_enable": True, "profiling_with_stack": False, "profiling_filename": "mine.json"}


def test_a_trace_names_the_operations_that_ran(tmp_path: Path) -> None:
    with profiled(Settings().changed(ON), tmp_path):
        torch.ones(8, 8) @ torch.ones(8, 8)
    events = json.loads((tmp_path / "mine.json").read_text())["traceEvents"]
    assert any(event.get("name") == "aten::mm" for event in events)


def test_a_generation_that_fails_is_traced_too(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no"), profiled(Settings().changed(ON), tmp_path):
        raise ValueError("no")
    assert (tmp_path / "mine.json").is_file()


def test_without_the_setting_nothing_is_written(tmp_path: Path) -> None:
    with profiled(Settings(), tmp_path):
        torch.ones(2)
    assert list(tmp_path.iterdir()) == []


def test_a_name_cannot_lead_out_of_the_data_folder(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    with profiled(Settings().changed({**ON, "profiling_filename": "../out.json"}), data):
        torch.ones(2)
    assert (data / "out.json").is_file()
    assert not (tmp_path / "out.json").exists()


def test_a_trace_that_cannot_be_written_is_a_warning(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING), profiled(Settings().changed(ON), tmp_path / "absent"):
        torch.ones(2)
    assert "The trace could not be written" in caplog.text
