"""An environment for extensions, beside the program's own: packages in a folder that comes after it on sys.path.

What the program brings always wins: it is found first and is never replaced. A package that an extension asks for is
put into the folder without its dependencies; these are looked at one by one, and only those that the program does not
have go there too. Where the program has another version than is asked for, that is said and the rest is installed. To
undo all of it, delete the folder.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.metadata
import json
import logging
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from modules.extension_host.guarded_python import guarded_python, variables
from modules.extension_host.numpy_builds import for_this_numpy
from modules.extension_host.requirement_lists import applies, install_arguments, with_name
from modules.foundation.atomic import write_json
from modules.foundation.errors import ExtensionError

log = logging.getLogger(__name__)

SECONDS = 900.0
"""How long one call of pip, or one install.py, may take."""

VARIABLE = "EASEL_EXTENSIONS_ENVIRONMENT"
"""By which a process that runs an extension's install.py knows the folder."""

OFFLINE = "EASEL_EXTENSIONS_OFFLINE"

FLAGS = "EASEL_FLAGS"
"""The program's command line, as JSON: by it such a process finds folders and settings."""

INSTEAD_OF_PIP = Path(__file__).with_name("instead_of_pip")
"""First on the path of programs of extensions: their `pip` is then ours, which cannot change what Easel brings."""

MOST_ROUNDS = 25

NOT_REACHED = "The network cannot be reached"

SIGNS_OF_NO_NETWORK = ("NewConnectionError", "NameResolutionError", "ConnectTimeoutError", "Could not resolve host")
"""What pip and git write where nothing answers."""


@dataclass(kw_only=True)
class Report:
    """What came of one wish: packages `installed`, sentences on those `kept` as the program has them, and `failed`."""

    installed: list[str] = field(default_factory=list[str])
    kept: list[str] = field(default_factory=list[str])
    failed: list[str] = field(default_factory=list[str])

    @property
    def notes(self) -> list[str]:
        """Sentences for the extension's card: packages that failed, then those kept at Easel's version."""
        return [*self.failed, *self.kept]

    @property
    def may_pass(self) -> bool:
        """Whether something failed that may go well the next time: there was no network."""
        return any(NOT_REACHED in each or "--offline" in each for each in self.failed)


class Environment:
    """The folder with packages for extensions, and the only way into it."""

    def __init__(
        self, folder: Path, *, offline: bool = False, seconds: float = SECONDS, arguments: Sequence[str] = ()
    ) -> None:
        self.folder, self.offline, self.seconds, self.arguments = folder, offline, seconds, arguments
        self.packages = folder / "packages"
        self.logs = folder / "logs"
        self._lock = threading.RLock()

    @classmethod
    def of_this_process(cls) -> Environment | None:
        """That of the program for which this process runs an install.py."""
        folder = os.environ.get(VARIABLE)
        return cls(Path(folder), offline=bool(os.environ.get(OFFLINE))) if folder else None

    def activate(self) -> None:
        """Let packages in the folder be imported, after all others."""
        if self.packages.is_dir() and str(self.packages) not in sys.path:
            sys.path.append(str(self.packages))
        importlib.invalidate_caches()

    def install(self, requirements: Iterable[str], *, asked_by: str, options: Sequence[str] = ()) -> Report:
        """Install requirements (as pip understands them), with what they need and the program does not have."""
        report = Report()
        with self._lock:
            wanted = list(self._missing(_read(requirements, report), report, asked_by))
            for _ in range(MOST_ROUNDS):
                if not wanted:
                    break
                done = self._install_round(wanted, report, asked_by, options)
                needed = [need for requirement in done for need in self._needs(requirement)]
                wanted = list(self._missing(needed, report, asked_by))
        self.activate()
        for note in report.notes:
            log.warning("%s: %s", asked_by, note)
        return report

    def pip(self, arguments: Sequence[str], description: str) -> str:
        """Do what `pip` with these arguments would, here; what there is to tell. Raises ExtensionError.

        Only `install` changes anything. What the program itself has is not uninstalled, reinstalled or replaced.
        """
        verb, *rest = arguments or [""]
        if verb != "install":
            raise ExtensionError(f"{description}: Easel does `pip install` for extensions, not `pip {verb}`.")
        requirements, options = install_arguments(rest)
        report = self.install(requirements, asked_by=_file_name(description), options=options)
        if report.failed:
            raise ExtensionError(f"{description}: {' '.join(report.failed)}")
        return "\n".join([*(f"Installed {each}" for each in report.installed), *report.kept])

    def _missing(self, requirements: Iterable[Requirement], report: Report, asked_by: str) -> Iterator[Requirement]:
        """Those that have to be installed. One that the program has in another version is noted instead."""
        own, installed = _versions(_program_path(self.packages)), _versions([str(self.packages)])
        for original in {str(requirement): requirement for requirement in requirements}.values():
            name = canonicalize_name(original.name)
            requirement = original if name in own else for_this_numpy(original)
            if requirement is not original:
                report.kept.append(
                    f"{original} is asked for; {requirement} is used, for that one needs an older numpy."
                )
            if name in own:
                if not requirement.url and not requirement.specifier.contains(own[name], prereleases=True):
                    message = f"{requirement} is asked for; Easel's own {requirement.name} {own[name]} is used instead."
                    if message not in report.kept:
                        report.kept.append(message)
                # Extras bring further packages even where the package itself is there.
                if requirement.extras:
                    yield from self._missing(self._needs(requirement), report, asked_by)
            elif (
                requirement.url
                or name not in installed
                or not requirement.specifier.contains(installed[name], prereleases=True)
            ):
                yield requirement

    def _needs(self, requirement: Requirement) -> list[Requirement]:
        """What an installed package says it needs here, with the extras that were asked for."""
        path = [*_program_path(self.packages), str(self.packages)]
        found = next(iter(importlib.metadata.distributions(name=requirement.name, path=path)), None)
        needs: list[Requirement] = []
        for text in (found.requires or []) if found is not None else []:
            need = Requirement(text)
            if need.marker is None or any(applies(need, extra) for extra in ("", *requirement.extras)):
                # pip would judge the marker again, without the extra.
                need.marker = None
                needs.append(need)
        return needs

    def _install_round(
        self, wanted: Sequence[Requirement], report: Report, asked_by: str, options: Sequence[str]
    ) -> list[Requirement]:
        """Install these without their dependencies: together, or one by one where one of them cannot be had."""
        if self.offline:
            report.failed += [
                f"{requirement} is not installed: Easel was started with --offline." for requirement in wanted
            ]
            return []
        if self._pip([str(requirement) for requirement in wanted], asked_by, options) is None:
            report.installed += [str(requirement) for requirement in wanted]
            return list(wanted)
        done: list[Requirement] = []
        for requirement in wanted:
            reason = self._pip([str(requirement)], asked_by, options)
            if reason is None:
                done.append(requirement)
                report.installed.append(str(requirement))
            else:
                report.failed.append(f"{requirement} cannot be installed: {reason}")
        return done

    def _pip(self, requirements: Sequence[str], asked_by: str, options: Sequence[str]) -> str | None:
        """Run pip. None, or one line that says why it failed."""
        self.packages.mkdir(parents=True, exist_ok=True)
        command = [sys.executable, "-m", "pip", "install", "--no-input", "--disable-pip-version-check"]
        command += ["--no-deps", "--upgrade", "--target", str(self.packages), *options, *requirements]
        return self._run(command, asked_by, None, [])

    def run(self, command: Sequence[str], asked_by: str, *, cwd: Path | None = None) -> str | None:
        """Run a program of an extension, within the time limit, with its output in the extension's log.

        A `pip` that it runs installs here. None, or one line that says why it failed.
        """
        python = guarded_python(self.folder / "python", self.packages)
        words = [str(python) if word == sys.executable else word for word in command]
        return self._run(words, asked_by, cwd, [str(INSTEAD_OF_PIP)], variables(python, self.packages))

    def remove_shadowed(self) -> list[str]:
        """Remove what was installed although Easel has it: it would never be imported. Sentences on what it was."""
        own = _versions(_program_path(self.packages))
        notes: list[str] = []
        for each in list(importlib.metadata.distributions(path=[str(self.packages)])):
            name, version = each.metadata["Name"], each.version
            if name and (used := own.get(canonicalize_name(name))):
                for file in each.files or ():
                    path = Path(str(each.locate_file(file)))
                    path.unlink(missing_ok=True)
                    with contextlib.suppress(OSError):  # until it is empty
                        path.parent.rmdir()
                notes.append(f"{name} {version} is not kept; Easel's own {name} {used} is used instead.")
        return notes

    def versions_of_program(self) -> dict[str, str]:
        """The versions of what Easel itself has, by name."""
        return _versions(_program_path(self.packages))

    def _run(
        self,
        command: Sequence[str],
        asked_by: str,
        cwd: Path | None,
        path: Sequence[str],
        more: Mapping[str, str] | None = None,
    ) -> str | None:
        self.logs.mkdir(parents=True, exist_ok=True)
        environ = {**os.environ, VARIABLE: str(self.folder), "PYTHONPATH": self._python_path(path), **(more or {})}
        environ[OFFLINE] = "yes" if self.offline else ""
        environ[FLAGS] = json.dumps(list(self.arguments))
        if more is None:
            for name in PLACES_OF_PIP:
                environ.pop(name, None)
        with (self.logs / f"{asked_by}.log").open("a", encoding="utf-8", errors="replace") as output:
            output.write(f"$ {' '.join(command)}\n")
            output.flush()
            begun = output.tell()
            try:
                code = _run_to_its_end(command, cwd, environ, output, self.seconds)
            except subprocess.TimeoutExpired:
                return f"it took longer than {self.seconds:g} seconds and was ended."
            except OSError as error:
                return f"{command[0]} cannot be run: {error.strerror}."
        return None if code == 0 else self._reason(asked_by, begun, code)

    def _reason(self, asked_by: str, begun: int, code: int) -> str:
        with (self.logs / f"{asked_by}.log").open(encoding="utf-8", errors="replace") as output:
            output.seek(begun)
            lines = [line.strip() for line in output if line.strip()]
        errors = [line for line in lines if line.startswith("ERROR:")]
        message = (errors or lines or [f"it ended with code {code}"])[-1].removeprefix("ERROR: ")
        if any(sign in line for line in lines for sign in SIGNS_OF_NO_NETWORK):
            message = f"{NOT_REACHED}: {message}"
        return f"{message} (All of it is in {self.logs / f'{asked_by}.log'}.)"

    def _python_path(self, ahead: Sequence[str]) -> str:
        program = str(Path(__file__).resolve().parents[2])
        inherited = os.environ.get("PYTHONPATH", "").split(os.pathsep)
        return os.pathsep.join(
            [*ahead, program, *(each for each in inherited if each not in ("", str(INSTEAD_OF_PIP)))]
        )

    # What has been done already

    def done_for(self, name: str) -> Mapping[str, object]:
        """What was noted when an extension's wishes were last fulfilled: its `stamp` and the `notes`."""
        return self._record().get(name, {})

    def note_done(self, name: str, stamp: str, notes: Sequence[str], *, failed: bool = False) -> None:
        """Record what came of the requirements of extension `name`, as of `stamp`: that is not done again.

        What `failed` is done again when `forget_failures` was asked for.
        """
        done = {"stamp": stamp, "notes": list(notes), "failed": failed}
        self._write_record({**self._record(), name: done})

    def forget_failures(self) -> list[str]:
        """Have what failed be tried again at the next start; the names of those extensions."""
        record = self._record()
        names = [name for name, done in record.items() if done.get("failed")]
        if names:
            self._write_record({name: done for name, done in record.items() if name not in names})
        return names

    def _write_record(self, record: Mapping[str, Mapping[str, object]]) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        write_json(self.folder / "installed.json", record)

    def _record(self) -> dict[str, Mapping[str, object]]:
        try:
            record = json.loads((self.folder / "installed.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return record if isinstance(record, dict) else {}


def _run_to_its_end(
    command: Sequence[str], cwd: Path | None, environ: Mapping[str, str], output: IO[str], seconds: float
) -> int:
    """Run a program; its exit code. One that takes too long is ended together with all that it has started."""
    process = subprocess.Popen(
        command,
        cwd=cwd,
        env=environ,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    try:
        return process.wait(seconds)
    except BaseException:
        if hasattr(os, "killpg"):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
        process.kill()
        process.wait()
        raise


def _read(requirements: Iterable[str], report: Report) -> list[Requirement]:
    read: list[Requirement] = []
    for text in requirements:
        try:
            requirement = Requirement(with_name(text))
        except InvalidRequirement as error:
            report.failed.append(f"{text!r} is no requirement: {error}")
            continue
        if requirement.marker is None or applies(requirement, ""):
            requirement.marker = None
            read.append(requirement)
    return read


def _program_path(packages: Path) -> list[str]:
    return [entry for entry in sys.path if entry and Path(entry).resolve() != packages.resolve()]


def _versions(path: Sequence[str]) -> dict[str, str]:
    """The versions of what is installed below some folders, the first of a name."""
    versions: dict[str, str] = {}
    for each in importlib.metadata.distributions(path=list(path)):
        name = each.metadata["Name"]
        if name:
            versions.setdefault(canonicalize_name(name), each.version)
    return versions


def _file_name(description: str) -> str:
    return "".join(each if each.isalnum() or each in "-_." else "_" for each in description)[:60] or "pip"


PLACES_OF_PIP = ("PIP_TARGET", "PIP_PREFIX", "PIP_ROOT", "PIP_USER")
"""Variables by which pip would install elsewhere; those who build a package inherit them, and fail."""
