"""Which version wrote an infotext, and what it did otherwise than today's."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import total_ordering
from typing import NamedTuple

_VERSION = re.compile(r"\s*v?(\d+)\.(\d+)(?:\.(\d+))?(?:-?(RC|rc)(\d*))?(?:-(\d+))?(?:-.*)?\s*", re.ASCII)

MAX_LENGTH = 200
"""Characters of a version; `git describe` writes about 30."""


@total_ordering
class Version(NamedTuple):
    """A version of A1111 such as v1.7.0-225-g1a2b3c: three numbers, and the commits since; -1 before a release."""

    major: int
    minor: int
    patch: int
    commits: int = 0


OLD_EDITING = Version(1, 6, 0)
DOWNCAST_ALPHAS = Version(1, 7, 0, 225)
REFINER_BY_STEPS = Version(1, 8, 0)
STYLES_IN_HIRES = Version(1, 8, 0, 139)


def parse_version(text: str | None) -> Version | None:
    """The version in a "Version" field; None for another program's."""
    found = _VERSION.fullmatch(text) if text and len(text) <= MAX_LENGTH else None
    if not found:
        return None
    major, minor, patch, candidate, _, commits = found.groups()
    return Version(int(major), int(minor), int(patch or 0), -1 if candidate else int(commits or 0))


def backward_compatible(fields: Mapping[str, str], prompt: str) -> dict[str, bool]:
    """The compatibility fields implied by the version that wrote these fields."""
    version = parse_version(fields.get("Version"))
    if version is None:
        return {}
    implied: dict[str, bool] = {}
    if version < OLD_EDITING and "[" in prompt:
        implied["Old prompt editing timelines"] = True
    if version < OLD_EDITING and fields.get("Sampler") in ("DDIM", "PLMS"):
        implied["Pad conds v0"] = True
    if version < DOWNCAST_ALPHAS:
        implied["Downcast alphas_cumprod"] = True
    if version < REFINER_BY_STEPS and fields.get("Refiner"):
        implied["Refiner switch by sampling steps"] = True
    return implied
