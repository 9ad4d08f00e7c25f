"""One extension: its folder, what it says of itself, and how it fares in this run."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from modules.extension_host.metadata import Metadata, read_metadata

GIT_SECONDS = 60.0


@dataclass(frozen=True, kw_only=True)
class GitVersion:
    """What git says of a folder; empty where it is no clone."""

    remote: str = ""
    branch: str = ""
    commit: str = ""
    date: str = ""

    @property
    def short(self) -> str:
        """The beginning of the commit's hash."""
        return self.commit[:8]


@dataclass(frozen=True, kw_only=True)
class ExtensionFailure:
    """What an extension failed in: one sentence, and the traceback where there is one."""

    sentence: str
    traceback: str = ""


@dataclass(kw_only=True, eq=False)
class Extension:
    """An extension in `root`. `why_off` says why it is not used in this run; empty: it is.

    `seconds` is what loading took at start-up, `run_seconds` what its methods took in runs since;
    `notes` are remarks on what could not be installed for it.
    """

    name: str
    root: Path
    why_off: str = ""
    seconds: float = 0.0
    run_seconds: float = 0.0
    failures: list[ExtensionFailure] = field(default_factory=list[ExtensionFailure])
    notes: list[str] = field(default_factory=list[str])

    @property
    def enabled(self) -> bool:
        """Whether it is used in this run."""
        return not self.why_off

    @cached_property
    def metadata(self) -> Metadata:
        """What its metadata.ini says."""
        return read_metadata(self.root)

    @cached_property
    def version(self) -> GitVersion:
        """The commit git describes, asked once and kept."""
        return version_of(self.root)

    def files(self, folder: str, *suffixes: str) -> list[Path]:
        """The files with these suffixes in one of its folders, by name."""
        found = (path for path in _children(self.root / folder) if path.suffix.lower() in suffixes and path.is_file())
        return sorted(found, key=lambda path: path.name.lower())


def _children(folder: Path) -> Iterator[Path]:
    if folder.is_dir():
        yield from folder.iterdir()


def version_of(root: Path) -> GitVersion:
    """The state of the clone in a folder."""
    if not (root / ".git").exists():
        return GitVersion()
    log = git(root, "log", "-1", "--format=%H%n%cs")
    commit, _, date = (log or "").partition("\n")
    return GitVersion(
        remote=without_secrets(git(root, "remote", "get-url", "origin") or ""),
        branch=git(root, "branch", "--show-current") or "",
        commit=commit,
        date=date,
    )


def git(root: Path, *arguments: str) -> str | None:
    """What a git command prints in a folder; None where it fails or there is no git."""
    # The clone is not trusted: nothing in its configuration may run programs.
    command = ["git", "-c", "core.fsmonitor=", "-c", "core.hooksPath=/dev/null", "-C", str(root), *arguments]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=GIT_SECONDS, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()


def without_secrets(address: str) -> str:
    """An address without the user and password in it."""
    scheme, separator, rest = address.partition("://")
    return f"{scheme}://{rest.rpartition('@')[2]}" if separator and "@" in rest.split("/", 1)[0] else address
