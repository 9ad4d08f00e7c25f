"""What an error report needs to know of a machine and a set-up, without private data.

Passwords are not in it, of the environment only variables that are named here, and folders stand as DATA, ROOT and ~,
so that it can be put into a public report as it is.
"""

from __future__ import annotations

import datetime
import hashlib
import importlib.metadata
import json
import os
import platform
import re
import shlex
import sys
from pathlib import Path
from typing import Any

import psutil

from modules.application.application import Application
from modules.foundation.importing import already_imported
from modules.foundation.plain import JsonObject
from modules.foundation.version import VERSION
from modules.settings.flags import SECRET_FLAGS
from modules.settings.paths import PROGRAM_FOLDER

VARIABLES = (
    "CI",
    "COMMANDLINE_ARGS",
    "CUDA_VISIBLE_DEVICES",
    "GRADIO_ANALYTICS_ENABLED",
    "HF_HUB_OFFLINE",
    "KMP_BLOCKTIME",
    "MKL_NUM_THREADS",
    "OMP_NUM_THREADS",
    "OMP_WAIT_POLICY",
    "PYTORCH_ALLOC_CONF",
    "PYTORCH_CUDA_ALLOC_CONF",
    "SAFETENSORS_FAST_GPU",
    "TORCH_COMMAND",
    "TORCH_INDEX_URL",
)
"""The variables of the environment that Easel or torch read."""

_SECRET_FLAGS = frozenset("--" + name.replace("_", "-") for name in SECRET_FLAGS)
_SECRET_FLAG = re.compile("|".join(sorted(_SECRET_FLAGS)))
_SECRET_KEY = re.compile(r"api_?key|token(?!_merging)|secret|passw|credential|auth", re.IGNORECASE)
_URL_USER = re.compile(r"(?<=://)[^/@\s]+@")


def sysinfo(app: Application) -> JsonObject:
    """Machine, versions, command line, settings and packages. Reads package folders: not for the event loop."""
    info: JsonObject = {
        "Platform": platform.platform(),
        "Python": platform.python_version(),
        "Version": VERSION,
        "Commit": _commit(PROGRAM_FOLDER),
        "Script path": "ROOT",
        "Data path": "ROOT" if app.paths.data == PROGRAM_FOLDER else "DATA",
        "Extensions dir": str(app.paths.data / "extensions"),
        "Commandline": without_secrets(sys.argv),
        "Torch env info": _torch(),
        "CPU": {
            "model": platform.processor(),
            "count logical": psutil.cpu_count(logical=True),
            "count physical": psutil.cpu_count(logical=False),
        },
        "RAM": _memory(),
        "Extensions": [],
        "Inactive extensions": [],
        "Environment": {name: _variable(name) for name in VARIABLES if name in os.environ},
        "Config": {
            key: "set" if value and _SECRET_KEY.search(key) else value
            for key, value in app.settings.current.model_dump().items()
        },
        "Startup": startup_profile(app),
        "Packages": sorted({f"{each.name}=={each.version}" for each in importlib.metadata.distributions()}),
    }
    shown = _with_short_paths(info, app.paths.data)
    shown["Checksum"] = _checksum(shown)
    return shown


def why_changed(text: str) -> str | None:
    """Why the text of such a file is not what `sysinfo` gave; None where it is."""
    try:
        info = json.loads(text)
    except ValueError:
        return "This is no file with information about a system: it is not JSON."
    checksum = info.pop("Checksum", None) if isinstance(info, dict) else None
    if checksum is None:
        return "This is no file with information about a system: it has no checksum."
    return None if checksum == _checksum(info) else "The file was changed after Easel wrote it, or another program did."


def _checksum(info: JsonObject) -> str:
    return hashlib.sha256(json.dumps(info, default=str).encode()).hexdigest()


def startup_profile(app: Application) -> JsonObject:
    """Seconds of each part of the start, as far as it has come, and of all together."""
    before = max(app.created - psutil.Process().create_time(), 0.0)
    records = {"python and imports": before, **app.startup.seconds}
    rounded = {name: round(seconds, 3) for name, seconds in records.items()}
    return {"total": round(sum(records.values()), 3), "records": rounded}


def file_name() -> str:
    """A name to keep it under."""
    return datetime.datetime.now().astimezone().strftime("sysinfo-%Y-%m-%d-%H-%M.json")


def without_secrets(arguments: list[str]) -> list[str]:
    """A command line whose passwords are replaced by stars."""
    shown: list[str] = []
    hide_next = False
    for argument in arguments:
        name, equals, _ = argument.partition("=")
        if hide_next:
            shown.append("***")
        elif name in _SECRET_FLAGS and equals:
            shown.append(f"{name}=***")
        else:
            shown.append(_URL_USER.sub("***@", argument))
        hide_next = argument in _SECRET_FLAGS
    return shown


def _variable(name: str) -> str:
    text = os.environ[name]
    try:
        # As the launcher splits it: quotes group words, so that a password may hold blanks.
        return (
            shlex.join(without_secrets(shlex.split(text, posix=os.name == "posix")))
            if _SECRET_FLAG.search(text)
            else (_URL_USER.sub("***@", text))
        )
    except ValueError:  # a quote that is never closed: where the secret ends cannot be told
        return _SECRET_FLAG.split(text, maxsplit=1)[0] + "***"


def _with_short_paths(value: object, data: Path) -> Any:
    """`value` with DATA, ROOT and ~ in place of folders that identify the user."""
    folders = sorted(
        {
            (str(PROGRAM_FOLDER), "ROOT"),
            (str(data), "ROOT" if data == PROGRAM_FOLDER else "DATA"),
            (str(Path.home()), "~"),
        },
        key=lambda pair: -len(pair[0]),
    )

    def shorten(item: object) -> Any:
        if isinstance(item, str):
            for folder, name in folders:
                if len(folder) > 1:
                    item = item.replace(folder, name)
            return item
        if isinstance(item, Path):
            return shorten(str(item))
        if isinstance(item, dict):
            return {key: shorten(each) for key, each in item.items()}
        return [shorten(each) for each in item] if isinstance(item, list | tuple) else item

    return shorten(value)


def _commit(folder: Path) -> str | None:
    """The commit that is checked out, if the program lies in a checkout."""
    git = folder / ".git"
    try:
        if git.is_file():  # a worktree names the real folder
            git = Path(git.read_text(encoding="utf-8").removeprefix("gitdir:").strip())
        head = (git / "HEAD").read_text(encoding="utf-8").strip()
        if not head.startswith("ref:"):
            return head
        name = head.removeprefix("ref:").strip()
        common = git / "commondir"
        root = (git / common.read_text(encoding="utf-8").strip()).resolve() if common.is_file() else git
        if (root / name).is_file():
            return (root / name).read_text(encoding="utf-8").strip()
        packed = (root / "packed-refs").read_text(encoding="utf-8").splitlines()
        return next((line.split()[0] for line in packed if line.endswith(f" {name}")), None)
    except (OSError, UnicodeDecodeError):
        return None


def _torch() -> JsonObject | None:
    # Asking torch would import it; the engine does that when it is needed.
    torch: object = already_imported("torch")
    if torch is None:
        return None
    cuda = torch.cuda.is_available()
    return {
        "torch_version": torch.__version__,
        "cuda_compiled_version": torch.version.cuda,
        "cuda_available": cuda,
        "devices": [torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count())] if cuda else [],
        "threads": torch.get_num_threads(),
    }


def _memory() -> dict[str, str]:
    memory = psutil.virtual_memory()
    return {name: f"{getattr(memory, name) / 2**30:.1f}GB" for name in ("total", "used", "free", "available")}
