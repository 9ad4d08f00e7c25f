"""Bringing extensions in and up to date: from a git address, a zip file or a folder. All of it acts at a restart."""

from __future__ import annotations

import datetime
import json
import re
import shutil
import subprocess
import tempfile
import zipfile
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from modules.extension_host.extension import Extension, git
from modules.foundation.atomic import write_json
from modules.foundation.errors import RequestError
from modules.foundation.plain import JsonMapping, JsonObject

CLONE_SECONDS = 600.0
MOST_UNPACKED = 2 * 1024**3
"""Bytes that a zip file may hold, unpacked."""

ADDRESSES = ("https://", "http://", "git@", "ssh://", "git://", "file://")


def install(source: str, folder: Path, *, branch: str = "", offline: bool = False) -> str:
    """Bring an extension into `folder` (extensions/) and give the name of its own folder there.

    `source` is the address of a git repository, a zip file or a folder on this machine. Raises RequestError saying what
    is wrong; nothing is left behind then.
    """
    source = source.strip().strip('"')
    if not source:
        raise RequestError("Say where the extension is: a git address, a zip file or a folder.", "extension_to_install")
    path = Path(source).expanduser()
    remote = source.startswith(ADDRESSES)
    name = _name_of(source)
    target = folder / name
    if target.exists():
        raise RequestError(f"There is an extension {name} already. Remove {target} first.", "extension_to_install")
    if remote and offline and not source.startswith("file://"):
        raise RequestError("Easel was started with --offline and fetches nothing.", "extension_to_install")
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".installing-", dir=folder) as work:
        new = Path(work) / name
        if remote:
            _clone(source, new, branch)
        elif path.is_file() and zipfile.is_zipfile(path):
            new = _unpacked(path, new)
        elif path.is_dir():
            shutil.copytree(path, new, ignore_dangling_symlinks=True)
        else:
            raise RequestError(f"{source} is no git address, zip file or folder here.", "extension_to_install")
        new.rename(target)
    return name


def _name_of(source: str) -> str:
    last = re.split(r"[/\\:]", source.rstrip("/\\"))[-1]
    name = re.sub(r"[^\w. -]", "_", last.removesuffix(".git").removesuffix(".zip")).strip(". ")
    if not name:
        raise RequestError(f"{source} does not end in a name.", "extension_to_install")
    return name


def _clone(address: str, target: Path, branch: str) -> None:
    command = ["git", "clone", "--quiet", *(["--branch", branch] if branch else []), "--", address, str(target)]
    try:
        # Without a terminal git must not ask for a password.
        variables = {"GIT_TERMINAL_PROMPT": "0", **_environment()}
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=CLONE_SECONDS, env=variables, check=False
        )
    except FileNotFoundError:
        raise RequestError("git is not installed on this machine; install it, or give a zip file.") from None
    except subprocess.TimeoutExpired:
        raise RequestError(f"{address} did not arrive within {CLONE_SECONDS:g} seconds.") from None
    if done.returncode:
        lines = [line for line in done.stderr.splitlines() if line.strip()]
        raise RequestError(f"{address} cannot be cloned: {lines[-1] if lines else 'git says nothing'}")


def _environment() -> Mapping[str, str]:
    import os

    return os.environ


def _unpacked(file: Path, target: Path) -> Path:
    """The folder with what a zip file holds; the one folder in it, where there is only one."""
    with zipfile.ZipFile(file) as archive:
        members = archive.infolist()
        if sum(member.file_size for member in members) > MOST_UNPACKED:
            raise RequestError(f"{file.name} would be larger than {MOST_UNPACKED // 1024**3} GB when unpacked.")
        for member in members:
            parts = PurePosixPath(member.filename.replace("\\", "/"))
            if parts.is_absolute() or ".." in parts.parts or ":" in parts.parts[0]:
                raise RequestError(f"{file.name} holds {member.filename!r}, which would lie elsewhere. It is refused.")
        archive.extractall(target)
    inside = list(target.iterdir())
    return inside[0] if len(inside) == 1 and inside[0].is_dir() else target


def update_state(extension: Extension) -> str:
    """ "latest", "behind", or what keeps it from being known. Asks the remote."""
    if not extension.version.remote:
        return "no git clone"
    if git(extension.root, "fetch", "--quiet") is None:
        return "the remote does not answer"
    behind = git(extension.root, "rev-list", "--count", "HEAD..@{upstream}")
    return "unknown" if behind is None else "latest" if behind == "0" else f"behind by {behind}"


def update(extension: Extension) -> str:
    """Bring a clone up to date. Raises RequestError where it cannot be; local changes are never thrown away."""
    if git(extension.root, "pull", "--ff-only", "--quiet") is None:
        raise RequestError(
            f"{extension.name} cannot be updated: the remote does not answer, or the folder has changes of its own."
        )
    extension.__dict__.pop("version", None)
    return extension.version.short


def remove(extension: Extension, folder: Path) -> Path:
    """Take an extension out: its folder is moved into `folder`, from where it can be brought back. Where it lies now.

    Raises RequestError where it cannot be moved.
    """
    target = folder / f"{extension.name}-{datetime.datetime.now():%Y_%m_%d-%H_%M_%S}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        shutil.move(extension.root, target)
    except OSError as error:
        raise RequestError(f"{extension.name} cannot be removed from {extension.root}: {error.strerror}.") from None
    return target


# An index: a file that lists extensions


def read_index(text: str) -> list[JsonMapping]:
    """The extensions of an index (JSON as A1111's, {"extensions": [{name, url, description, tags}]})."""
    try:
        content = json.loads(text)
    except ValueError as error:
        raise RequestError(f"The index is no JSON: {error}.") from None
    listed = content.get("extensions") if isinstance(content, dict) else None
    if not isinstance(listed, list):
        raise RequestError('The index has no list "extensions".')
    return [each for each in listed if isinstance(each, dict) and isinstance(each.get("url"), str)]


# Sets of extensions, kept and brought back


def keep_set(extensions: list[Extension], file: Path, settings: JsonMapping) -> None:
    """Write down which extensions there are, at which commits, and which are used."""
    listed = {
        each.name: {
            "remote": each.version.remote,
            "branch": each.version.branch,
            "commit_hash": each.version.commit,
            "enabled": each.name not in settings["disabled_extensions"],
        }
        for each in extensions
    }
    file.parent.mkdir(parents=True, exist_ok=True)
    write_json(file, {"name": file.stem, "extensions": listed, **settings})


def restore_set(file: Path, extensions: list[Extension]) -> tuple[JsonObject, list[str]]:
    """The settings of a kept set, with its commits checked out; and sentences on what could not be brought back."""
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
        listed = dict(content["extensions"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise RequestError(f"{file.name} cannot be read: {error}.") from None
    by_name = {each.name: each for each in extensions}
    notes: list[str] = []
    for name, state in listed.items():
        extension, commit = by_name.get(name), str(state.get("commit_hash") or "")
        if extension is None:
            notes.append(f"{name} is not installed any more; it came from {state.get('remote') or 'nowhere known'}.")
        elif commit and commit != extension.version.commit:
            # The branch goes there, so that the extension can be updated again; changes of files are kept.
            if git(extension.root, "reset", "--keep", "--quiet", commit) is None:
                notes.append(f"{name} cannot be brought to {commit[:8]}: it is not there, or files were changed.")
            extension.__dict__.pop("version", None)
    off = [name for name, state in listed.items() if not state.get("enabled", True)]
    off += [name for name in by_name if name not in listed]
    return {
        "disabled_extensions": off,
        "disable_all_extensions": content.get("disable_all_extensions", "none"),
    }, notes
