"""A Python for programs of extensions, which imports what Easel has and owns none of it.

It is a virtual environment whose own packages are those of the extensions. So whatever runs `pip` in it, by whatever
way (`python -I -m pip`, `pip`, `uv pip`), installs beside Easel: pip leaves packages outside of its environment alone.
"""

from __future__ import annotations

import os
import sys
import sysconfig
import venv
from pathlib import Path

PIP = """#!{python}
import sys

sys.path.insert(0, {program!r})
from modules.extension_host.pip_command import main

sys.exit(main())
"""

PROGRAM = Path(__file__).resolve().parents[2]


def guarded_python(folder: Path, packages: Path) -> Path:
    """The interpreter of the environment in `folder`, made again where it is missing or belongs to another Python."""
    scripts = folder / ("Scripts" if os.name == "nt" else "bin")
    python = scripts / Path(sys.executable).name
    made_for, stamp = f"{sys.base_prefix} {sys.version}", folder / "made-for"
    if not python.exists() or not stamp.is_file() or stamp.read_text(encoding="utf-8") != made_for:
        venv.EnvBuilder(symlinks=os.name != "nt", clear=True).create(folder)
        _own_packages(folder, packages)
        for name in ("pip", "pip3"):
            command = scripts / name
            command.write_text(PIP.format(python=python, program=str(PROGRAM)), encoding="utf-8")
            command.chmod(0o755)
        stamp.write_text(made_for, encoding="utf-8")
    return python


def _own_packages(folder: Path, packages: Path) -> None:
    """Have what is installed into the environment go to `packages`, and Easel's own packages be imported after it."""
    site = Path(sysconfig.get_path("purelib", "venv", {"base": str(folder), "platbase": str(folder)}))
    packages.mkdir(parents=True, exist_ok=True)
    try:
        site.rmdir()
        site.symlink_to(packages.resolve(), target_is_directory=True)
    except OSError:  # Windows, without the right to make links: what is installed there stays there
        site.mkdir(parents=True, exist_ok=True)
    (site / "easel.pth").write_text("\n".join(_own_folders(packages)) + "\n", encoding="utf-8")


def _own_folders(packages: Path) -> list[str]:
    return [entry for entry in sys.path if entry.endswith("-packages") and Path(entry).resolve() != packages.resolve()]


def variables(python: Path, packages: Path) -> dict[str, str]:
    """The environment variables of such a process: which Python is meant, and where any pip installs."""
    path = os.pathsep.join([str(python.parent), os.environ.get("PATH", "")])
    return {"VIRTUAL_ENV": str(python.parent.parent), "PATH": path, "PIP_TARGET": str(packages.absolute())}
