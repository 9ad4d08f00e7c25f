"""Doorway: `modules.infotext_versions`, versions of the original at which infotexts came to mean something else."""

from __future__ import annotations

from packaging.version import Version

__all__ = ["parse_version", "v160", "v180", "v180_hr_styles"]

v160 = Version("1.6.0")
v180 = Version("1.8.0")
v180_hr_styles = Version("1.8.0")


def parse_version(text: str | None) -> Version | None:
    """A version as an infotext has it ("v1.10.1-17-gabcdef"); None for none."""
    from packaging.version import InvalidVersion

    try:
        return Version((text or "").removeprefix("v").split("-", 1)[0])
    except InvalidVersion:
        return None
