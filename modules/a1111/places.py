"""Folders under A1111's names: what `modules.paths` and `modules.paths_internal` hold."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from modules.a1111.current import current
from modules.settings.paths import PROGRAM_FOLDER

if TYPE_CHECKING:
    from modules.settings.paths import Paths


PLACES: dict[str, Callable[[Paths], Path]] = {
    # Extensions write here (tmp/) what the page reads as `file=tmp/...`, and look here for settings and outputs.
    "script_path": lambda paths: paths.data,
    "modules_path": lambda paths: PROGRAM_FOLDER / "modules",
    "data_path": lambda paths: paths.data,
    "models_path": lambda paths: paths.models,
    "extensions_dir": lambda paths: paths.data / "extensions",
    "extensions_builtin_dir": lambda paths: PROGRAM_FOLDER / "extensions-builtin",
    "config_states_dir": lambda paths: paths.data / "config_states",
    "default_output_dir": lambda paths: paths.outputs,
    "sd_configs_path": lambda paths: PROGRAM_FOLDER / "configs",
    "sd_model_file": lambda paths: paths.models / "Stable-diffusion" / "model.ckpt",
    "default_sd_model_file": lambda paths: paths.models / "Stable-diffusion" / "model.ckpt",
    "roboto_ttf_file": lambda paths: PROGRAM_FOLDER / "modules" / "imaging" / "fonts" / "Roboto-Regular.ttf",
    "cwd": lambda paths: Path.cwd(),
}


def place(name: str) -> str:
    """The folder that A1111 calls `name`. Raises AttributeError for a name that it does not have."""
    if name not in PLACES:
        raise AttributeError(f"modules.paths has no {name!r}.")
    return str(PLACES[name](current().app.paths))


def normalized_filepath(filepath: str) -> str:
    """A path in its shortest form, for comparisons."""
    return os.path.normpath(filepath)


class Prioritize:
    """A block in which a folder comes first among those that modules are imported from."""

    def __init__(self, name: str) -> None:
        self.name, self.path = name, list[str]()

    def __enter__(self) -> None:
        import sys

        self.path = list(sys.path)
        sys.path.insert(0, self.name)

    def __exit__(self, *_: object) -> None:
        import sys

        sys.path[:] = self.path
