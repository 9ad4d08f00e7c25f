"""Which folders the application looks into for files beside checkpoints."""

from __future__ import annotations

from pathlib import Path

import torch

from modules.application.application import Application
from modules.settings.flags import parse_flags
from tests.interrogate import tiny


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
