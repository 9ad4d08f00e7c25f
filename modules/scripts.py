"""Doorway: `modules.scripts`, as scripts and extensions of A1111 import it."""

from __future__ import annotations

from typing import Any

from modules.a1111.current import current
from modules.a1111.runner import ScriptRunner
from modules.a1111.script import (
    AlwaysVisible,
    MaskBlendArgs,
    OnComponent,
    PostprocessBatchListArgs,
    PostprocessImageArgs,
    PostProcessMaskOverlayArgs,
    PostSampleArgs,
    Script,
    ScriptBuiltinUI,
    ScriptClassData,
    ScriptFile,
)

__all__ = [
    "AlwaysVisible",
    "MaskBlendArgs",
    "OnComponent",
    "PostProcessMaskOverlayArgs",
    "PostSampleArgs",
    "PostprocessBatchListArgs",
    "PostprocessImageArgs",
    "Script",
    "ScriptBuiltinUI",
    "ScriptClassData",
    "ScriptFile",
    "ScriptRunner",
    "basedir",
    "list_scripts",
]


def basedir() -> str:
    """The folder of the extension whose code asks."""
    return current().loader.basedir()


def list_scripts(scriptdirname: str, extension: str, *, include_extensions: bool = True) -> list[ScriptFile]:
    """The files with this suffix in the folders of this name, the program's own and the extensions'."""
    return current().loader.files(scriptdirname, extension)


OF_THE_DIALECT = {
    "scripts_data": "scripts_data",
    "postprocessing_scripts_data": "postprocessing_data",
    "scripts_txt2img": "scripts_txt2img",
    "scripts_img2img": "scripts_img2img",
    "scripts_current": "scripts_txt2img",
}


def __getattr__(name: str) -> Any:
    if name == "current_basedir":
        return basedir()
    if name not in OF_THE_DIALECT:
        raise AttributeError(f"module 'modules.scripts' has no attribute {name!r}")
    return getattr(current(), OF_THE_DIALECT[name])
