"""What extensions ask of `pkg_resources`, which today's setuptools has no more: versions of what is installed."""

from __future__ import annotations

import importlib
import importlib.metadata
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version
from packaging.version import parse as parse_version

__all__ = [
    "Distribution",
    "DistributionNotFound",
    "Requirement",
    "ResolutionError",
    "VersionConflict",
    "get_distribution",
    "parse_requirements",
    "parse_version",
    "require",
    "resource_filename",
    "working_set",
]


class ResolutionError(Exception):
    """What is asked for is not there as it is asked for."""


class DistributionNotFound(ResolutionError):  # noqa: N818 - the name that is caught
    """A package is not installed."""


class VersionConflict(ResolutionError):  # noqa: N818 - the name that is caught
    """It is installed in another version."""


class Distribution(NamedTuple):
    """An installed package."""

    project_name: str
    version: str

    @property
    def key(self) -> str:
        """Its name in small letters."""
        return canonicalize_name(self.project_name)

    @property
    def parsed_version(self) -> Version:
        """Its version, to be compared."""
        return parse_version(self.version)


def get_distribution(dist: str | Requirement) -> Distribution:
    """The installed package of this name. Raises DistributionNotFound, and VersionConflict for another version."""
    wanted = dist if isinstance(dist, Requirement) else Requirement(dist)
    try:
        version = importlib.metadata.version(wanted.name)
    except importlib.metadata.PackageNotFoundError as error:
        raise DistributionNotFound(f"The {wanted.name!r} distribution was not found.") from error
    if not wanted.specifier.contains(version, prereleases=True):
        raise VersionConflict(f"{wanted.name} {version} is installed, and {wanted} is asked for.")
    return Distribution(wanted.name, version)


def require(*requirements: str | Iterable[str]) -> list[Distribution]:
    """The installed packages for some requirements; raises like `get_distribution`."""
    texts = [each for group in requirements for each in ([group] if isinstance(group, str) else group)]
    return [get_distribution(each) for each in parse_requirements(texts)]


def parse_requirements(strs: str | Iterable[str]) -> Iterator[Requirement]:
    """Requirements from the lines of a file; remarks and options of pip are left out."""
    lines = strs.splitlines() if isinstance(strs, str) else strs
    for line in lines:
        text = re.split(r"(?:^|\s)#", line, maxsplit=1)[0].strip()
        if text and not text.startswith("-"):
            yield Requirement(text)


def resource_filename(package_or_requirement: str, resource_name: str) -> str:
    """The path of a file that lies in a package's folder."""
    module = importlib.import_module(package_or_requirement)
    return str(Path(module.__file__ or "").parent / resource_name)


class _WorkingSet:
    """All that is installed."""

    @property
    def by_key(self) -> dict[str, Distribution]:
        return {each.key: each for each in self}

    def __iter__(self) -> Iterator[Distribution]:
        for each in importlib.metadata.distributions():
            if each.metadata["Name"]:
                yield Distribution(each.metadata["Name"], each.version)


working_set = _WorkingSet()
