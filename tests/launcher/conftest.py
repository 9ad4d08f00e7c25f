"""A copy of the launcher in a folder of its own, with a PATH on which only the wanted Pythons are found."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TOOLS = (
    *("awk", "bash", "cat", "chmod", "cmp", "cp", "cut", "df", "env", "grep", "ln", "mkdir"),
    *("printf", "readlink", "rm", "sed", "sh", "sleep", "tail", "uname", "xargs"),
)

PROGRAM = "import sys; print('started', sys.argv[1:])\n"

# An interpreter that runs what it is given in the real one, but claims another version or lacks modules. As `-m venv`
# it makes an environment in no time: a folder with a wrapper whose pip is the script `pip` of the launcher's folder.
PYTHON = """\
    #!{python}
    import os, sys
    arguments = sys.argv[1:]
    if arguments[:1] == ["-c"]:
        import importlib.util
        find_spec = importlib.util.find_spec
        importlib.util.find_spec = lambda name, *rest: None if name in {missing!r} else find_spec(name, *rest)
        sys.version_info = {version!r} + sys.version_info[3:]
        exec(arguments[1])
    elif arguments[:2] == ["-m", "venv"]:
        if {venv_error!r}:
            sys.exit({venv_error!r})
        bin = os.path.join(arguments[2], "bin")
        os.makedirs(bin)
        with open(os.path.join(bin, "python"), "w") as file:
            file.write('#!/bin/sh\\n'
                       'echo "$*" >>{log}\\n'
                       'case "$1 $2" in\\n'
                       '"-m pip") exec {folder}/pip "$@" ;;\\n'
                       '"-m "*) exec {folder}/tool "$2" ;;\\n'
                       'esac\\n'
                       'exec {python} "$@"\\n')
        os.chmod(os.path.join(bin, "python"), 0o755)
    else:
        os.execv({python!r}, [{python!r}, *arguments])
"""


@dataclass
class Launcher:
    """A folder with webui.sh, a program that prints its arguments, and lists of packages."""

    folder: Path
    tools: Path

    def write(self, name: str, text: str, executable: bool = False) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text), encoding="utf-8")
        path.chmod(0o755 if executable else 0o644)
        return path

    def python(
        self,
        name: str = "python3.11",
        version: tuple[int, int, int] = (3, 11, 7),
        missing: tuple[str, ...] = (),
        venv_error: str = "",
    ) -> Path:
        """Put an interpreter on the PATH that behaves as described."""
        text = PYTHON.format(
            python=sys.executable,
            version=version,
            missing=missing,
            venv_error=venv_error,
            folder=self.folder,
            log=self.folder / "calls.log",
        )
        return self.write(f"bin/{name}", text, executable=True)

    def pip(self, script: str) -> None:
        """Let the environment's pip be a shell script."""
        self.write("pip", "#!/bin/sh\n" + textwrap.dedent(script), executable=True)

    @property
    def calls(self) -> list[str]:
        """What the environment's Python was called with so far."""
        log = self.folder / "calls.log"
        return log.read_text(encoding="utf-8").splitlines() if log.exists() else []

    def environment(self, changes: Mapping[str, str]) -> dict[str, str]:
        return {
            "PATH": f"{self.folder / 'bin'}:{self.tools}",
            "HOME": str(self.folder),
            "LC_ALL": "C",
            "PIP_CONFIG_FILE": os.devnull,
            **changes,
        }

    def run(self, *arguments: str, cwd: Path | None = None, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(self.folder / "webui.sh"), *arguments],
            cwd=cwd or self.folder,
            env=self.environment(environment),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )


@pytest.fixture(scope="session")
def tools(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the commands the launcher uses, and no Python."""
    folder = tmp_path_factory.mktemp("tools")
    for tool in TOOLS:
        path = shutil.which(tool)
        assert path, f"these tests need {tool}"
        (folder / tool).symlink_to(path)
    return folder


def make_launcher(folder: Path, tools: Path) -> Launcher:
    launcher = Launcher(folder, tools)
    shutil.copy(ROOT / "webui.sh", folder)
    launcher.write("webui.py", PROGRAM)
    for name in ("requirements.lock", "requirements-test.lock", "requirements-xformers.txt"):
        launcher.write(name, f"# {name}\n")
    launcher.pip("echo Collecting something\n")
    launcher.write("bin/df", "#!/bin/sh\necho head\necho disk 1 1 99999999 1% /\n", executable=True)
    return launcher


@pytest.fixture
def launcher(tmp_path: Path, tools: Path) -> Launcher:
    return make_launcher(tmp_path, tools)
