"""Which folders the application looks into for files beside checkpoints; what it refuses however it is asked."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from modules.application.application import Application
from modules.application.jobs.folder_batch import submit_folder_batch
from modules.foundation.errors import Forbidden
from modules.generation.folder_batch import FolderBatch
from modules.generation.request import GenerationRequest
from modules.settings.flags import parse_flags
from tests.interrogate import tiny
from tests.tiny_models import make_tiny_sd1


def opened(tmp_path: Path, *flags: str) -> Application:
    return Application(parse_flags(["--data-dir", str(tmp_path / "data"), "--use-cpu", "all", *flags]))


def test_clip_is_found_in_the_folder_that_a_flag_names_and_in_its_own(tmp_path: Path) -> None:
    own = tiny.write_openai_clip(tmp_path / "data" / "models" / "CLIP" / "own.pt", tiny.clip())
    named = tiny.write_openai_clip(tmp_path / "elsewhere" / "named.pt", tiny.clip())
    for flags, found in (((), own), (("--clip-models-path", str(tmp_path / "elsewhere")), named)):
        application = opened(tmp_path, *flags)
        try:
            assert application.captioners.clip_file == found
        finally:
            application.close()


def test_aesthetic_embeddings_of_an_a1111_installation_are_found(tmp_path: Path) -> None:
    tree = tmp_path / "webui"
    folder = tree / "extensions" / "stable-diffusion-webui-aesthetic-gradients" / "aesthetic_embeddings"
    folder.mkdir(parents=True)
    torch.save(torch.ones(1, 4), folder / "fantasy.pt")
    application = opened(tmp_path, "--a1111-dir", str(tree))
    try:
        assert application.aesthetic_embeddings.find("fantasy") == folder / "fantasy.pt"
        assert application.aesthetic_embeddings.folders[0] == tmp_path / "data" / "aesthetic_embeddings"
    finally:
        application.close()


def test_frozen_settings_are_changed_by_no_request_and_no_choice_of_a_checkpoint(tmp_path: Path) -> None:
    make_tiny_sd1(tmp_path / "data" / "models" / "Stable-diffusion" / "tiny.safetensors")
    application = opened(tmp_path, "--freeze-settings", "--skip-load-model-at-start")
    try:
        request = GenerationRequest(override_settings={"CLIP_stop_at_last_layers": "3"})
        with pytest.raises(Forbidden, match="CLIP_stop_at_last_layers"):
            application.submit(request)
        with pytest.raises(Forbidden, match="CLIP_stop_at_last_layers"):
            submit_folder_batch(application, FolderBatch(request=request, input_folder=tmp_path))
        before = application.settings.current
        with pytest.raises(Forbidden, match="sd_model_checkpoint"):
            application.select_checkpoint("tiny.safetensors")
        assert application.settings.current == before
    finally:
        application.close()
