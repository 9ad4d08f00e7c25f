"""What stands in requirements.txt and on command lines of `pip install`, as requirements and options."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from packaging.markers import UndefinedEnvironmentName
from packaging.requirements import Requirement

_SOURCES = ("-i", "--index-url", "--extra-index-url", "-f", "--find-links", "--trusted-host", "--only-binary")
_WITH_VALUE = ("-t", "--target", "--prefix", "--root", "-c", "--constraint", "--upgrade-strategy", "--timeout")


def requirements_of(file: Path) -> tuple[list[str], list[str]]:
    """The requirements in a requirements.txt, and the options of pip in it (`--extra-index-url` and the like)."""
    requirements: list[str] = []
    options: list[str] = []
    for line in file.read_text(encoding="utf-8-sig", errors="replace").replace("\\\n", " ").splitlines():
        text = line.split(" #", 1)[0].strip()
        if not text or text.startswith("#"):
            continue
        if text.startswith(("-r ", "--requirement ")):
            other = file.parent / text.split(None, 1)[1]
            if other.is_file():
                more, further = requirements_of(other)
                requirements, options = requirements + more, options + further
        elif text.startswith("-"):
            options += text.split()
        else:
            requirements.append(text.split(" --hash", 1)[0].strip())
    return requirements, options


def install_arguments(arguments: Sequence[str]) -> tuple[list[str], list[str]]:
    """The requirements on a command line of `pip install`, and those options that say where packages are."""
    requirements: list[str] = []
    options: list[str] = []
    rest = iter(arguments)
    for argument in rest:
        name, equals, value = argument.partition("=")
        if name in ("-r", "--requirement"):
            more, further = requirements_of(Path(value if equals else next(rest, "")))
            requirements, options = requirements + more, options + further
        elif name in _SOURCES:
            options += [name, value if equals else next(rest, "")]
        elif name in _WITH_VALUE:
            _ = value if equals else next(rest, "")
        elif argument in ("--pre", "--no-index", "--prefer-binary"):
            options.append(argument)
        elif not argument.startswith("-"):
            requirements.append(_absolute(argument))
    return requirements, options


def with_name(text: str) -> str:
    """A bare address (git+https://..., a wheel's) as `name @ address`."""
    if "://" not in text or "@" in text.split("://", 1)[0]:
        return text
    name = text.split("#egg=", 1)[1] if "#egg=" in text else text.split("?", 1)[0].rstrip("/").rsplit("/", 1)[-1]
    name = name.split("@", 1)[0].removesuffix(".git").removesuffix(".zip").removesuffix(".tar.gz")
    return f"{name.split('-', 1)[0] if name.endswith('.whl') else name} @ {text.split('#egg=', 1)[0]}"


def applies(requirement: Requirement, extra: str) -> bool:
    """Whether a requirement holds on this machine where this extra was asked for."""
    try:
        return requirement.marker is None or requirement.marker.evaluate({"extra": extra})
    except UndefinedEnvironmentName:
        return False


def _absolute(requirement: str) -> str:
    """A file or folder of this machine as an address."""
    path = Path(requirement)
    return path.resolve().as_uri() if path.suffix in (".whl", ".zip", ".gz") and path.is_file() else requirement
