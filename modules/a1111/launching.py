"""Installing for extensions: `launch` and `modules.launch_utils`.

What is asked for goes into an environment of the extensions, which `use_installer` names; Easel's own is never changed.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import importlib.util
import logging
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

from modules.a1111.current import current
from modules.a1111.places import place
from modules.extension_host.environment import Environment
from modules.foundation.errors import ExtensionError
from modules.foundation.version import VERSION
from modules.settings.paths import PROGRAM_FOLDER

log = logging.getLogger(__name__)

A1111_VERSION = "v1.10.1"
"""The version of A1111 whose surface this is, as extensions compare it."""


class Installer(Protocol):
    """Where packages of extensions go."""

    def pip(self, arguments: Sequence[str], description: str) -> str:
        """Do what `pip` with these arguments would, in the extensions' environment; what it printed.

        Raises ExtensionError.
        """
        ...


_installers: list[Installer] = []


def use_installer(installer: Installer) -> None:
    """Have packages go where `installer` puts them."""
    _installers[:] = [installer]


def run_pip(command: str, desc: str | None = None, live: bool = False) -> str | None:
    """`pip COMMAND` for the extensions' environment. Raises ExtensionError where that fails."""
    arguments = shlex.split(command, posix=os.name != "nt")
    # An install.py runs in a process of its own, which is told where the environment is.
    installer = _installers[0] if _installers else Environment.of_this_process()
    if installer is None:
        raise ExtensionError(
            f"{desc or command} cannot be installed: there is no environment for extensions in this process. "
            "Install extensions on the Extensions page."
        )
    return installer.pip(arguments, desc or command)


def command_line_parser() -> argparse.ArgumentParser:
    """The parser of the program's flags."""
    from modules.settings.flags import build_parser

    return build_parser()


def is_installed(package: str) -> bool:
    """Whether a package or module of this name is there, in Easel's environment or the extensions'."""
    name = re.split(r"[<>=!~\[; ]", package.strip(), maxsplit=1)[0]
    try:
        importlib.metadata.version(name)
    except (importlib.metadata.PackageNotFoundError, ValueError):  # an empty name is none
        pass
    else:
        return True
    try:
        return importlib.util.find_spec(name) is not None
    except (ImportError, ValueError, AttributeError):
        return False


def requirements_met(requirements_file: str) -> bool:
    """Whether what a file of requirements asks for is there, in any version that it allows."""
    from packaging.requirements import InvalidRequirement, Requirement

    for line in Path(requirements_file).read_text(encoding="utf-8").splitlines():
        text = line.split("#", 1)[0].strip()
        if not text or text.startswith("-"):
            continue
        try:
            wanted = Requirement(text)
            version = importlib.metadata.version(wanted.name)
        except (InvalidRequirement, importlib.metadata.PackageNotFoundError):
            return False
        if not wanted.specifier.contains(version, prereleases=True):
            return False
    return True


def run(
    command: str | Sequence[str],
    desc: str | None = None,
    errdesc: str | None = None,
    custom_env: dict[str, str] | None = None,
    live: bool = True,
) -> str:
    """Run a command; what it printed. A `pip` of Python's goes to the extensions' environment.

    Raises RuntimeError with what it printed where it fails.
    """
    words = shlex.split(command, posix=os.name != "nt") if isinstance(command, str) else list(command)
    if (arguments := _pip_of(words)) is not None:
        return run_pip(shlex.join(arguments), desc or shlex.join(words)) or ""
    if desc is not None:
        log.info("%s", desc)
    done = subprocess.run(
        command,
        shell=isinstance(command, str),
        env=custom_env if custom_env is not None else os.environ.copy(),
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    if done.returncode != 0:
        raise RuntimeError(
            f"{errdesc or 'Error running command'}.\nCommand: {command}\nError code: {done.returncode}\n"
            f"{done.stdout}{done.stderr}"
        )
    return done.stdout


def _pip_of(words: Sequence[str]) -> list[str] | None:
    """The arguments of pip in a command that runs it; None where it runs something else."""
    if len(words) > 2 and words[1:3] == ["-m", "pip"]:
        return list(words[3:])
    if words and Path(words[0]).stem in ("pip", "pip3"):
        return list(words[1:])
    return None


def check_run(command: str | Sequence[str]) -> bool:
    """Whether a command ends without an error."""
    shell = isinstance(command, str)
    return subprocess.run(command, shell=shell, capture_output=True, check=False).returncode == 0


def check_run_python(code: str) -> bool:
    """Whether some Python runs without an error."""
    return check_run([sys.executable, "-c", code])


def run_python(code: str, desc: str | None = None, errdesc: str | None = None) -> str:
    """Run some Python; what it printed."""
    return run([sys.executable, "-c", code], desc, errdesc)


def git_tag() -> str:
    """The version of A1111 that Easel stands for towards extensions."""
    return A1111_VERSION


def commit_hash() -> str:
    """Easel's own version: it is not run from a clone of A1111."""
    return f"easel-{VERSION}"


def git_clone(url: str, dir: str, name: str, commithash: str | None = None) -> None:
    """Clone a repository into a folder, unless it is there. Raises RuntimeError where that fails."""
    if not Path(dir).exists():
        run(["git", "clone", "--config", "core.filemode=false", url, dir], f"Cloning {name}", f"Couldn't clone {name}")
    if commithash is not None:
        run(["git", "-C", dir, "checkout", commithash], errdesc=f"Couldn't checkout {commithash} of {name}")


def dir_repos() -> str:
    """The folder of repositories that extensions clone."""
    return str(PROGRAM_FOLDER / "repositories")


def repo_dir(name: str) -> str:
    """Where such a repository lies."""
    return str(Path(dir_repos()) / name)


def known(name: str) -> Any:
    """What else `launch` has: `args`, `python`, `git`, paths. Raises AttributeError for what it does not have."""
    if name in ("args", "cmd_opts"):
        return current().shared.cmd_opts
    if name in ("script_path", "data_path", "models_path", "extensions_dir", "extensions_builtin_dir"):
        return place(name)
    found = {
        "python": sys.executable,
        "git": os.environ.get("GIT", "git"),
        "index_url": os.environ.get("INDEX_URL", ""),
        "skip_install": False,
        "default_command_live": False,
    }
    if name not in found:
        raise AttributeError(f"launch has no {name!r}.")
    return found[name]
