from __future__ import annotations

from pathlib import Path

import pytest

from tests.faces.weights import write_detector, write_gfpgan


@pytest.fixture(scope="session")
def detector_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("faces") / "GFPGAN"
    folder.mkdir()
    return write_detector(folder)


@pytest.fixture(scope="session")
def gfpgan_file(detector_file: Path) -> Path:
    return write_gfpgan(detector_file.parent)
