from __future__ import annotations

import logging
from pathlib import Path

import pytest

from modules.application.application import Application
from modules.generation.request import GenerationRequest
from modules.settings.flags import parse_flags
from tests.tiny_models import make_tiny_sd1


@pytest.mark.parametrize("flags", [["--trace"], []])
def test_stages_and_hooks_of_a_run_are_logged_with_their_times_where_that_is_wanted(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, flags: list[str]
) -> None:
    make_tiny_sd1(tmp_path / "models" / "Stable-diffusion" / "tiny.safetensors")
    app = Application(parse_flags([*flags, "--data-dir", str(tmp_path), "--use-cpu", "all"]))
    app.hooks.picture.attach("a plug-in", lambda picture, event: picture)
    with caplog.at_level(logging.INFO, "modules.foundation.trace"):
        override = {"sd_model_checkpoint": "tiny"}
        app.submit(GenerationRequest(steps=1, width=64, height=64, override_settings=override)).wait(120)
    app.close()
    lines = [record.getMessage() for record in caplog.records if record.name == "modules.foundation.trace"]
    stages = [line.split(":")[0] for line in lines if line.startswith("stage ")]
    if not flags:
        assert not lines
        return
    wanted = ["load", "encode", "start", "sample", "decode", "finish", "save"]
    assert stages == [f"stage {name}" for name in wanted]
    (line,) = [line for line in lines if line.startswith("hook picture, a plug-in: ")]
    assert line.endswith(" ms")
