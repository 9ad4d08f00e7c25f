"""Packages that are compiled against numpy: those for numpy 1 cannot be imported beside Easel's numpy 2."""

from __future__ import annotations

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

FIRST = {
    "contourpy": "1.2.1",
    "h5py": "3.11",
    "matplotlib": "3.9",
    "numba": "0.60",
    "onnxruntime": "1.19",
    "onnxruntime-gpu": "1.19",
    "opencv-contrib-python": "4.10.0.84",
    "opencv-contrib-python-headless": "4.10.0.84",
    "opencv-python": "4.10.0.84",
    "opencv-python-headless": "4.10.0.84",
    "pandas": "2.2.2",
    "pywavelets": "1.7",
    "scikit-image": "0.24",
    "scikit-learn": "1.5",
    "scipy": "1.13",
}
"""The first version of each that was built for numpy 2, by their release notes."""


def for_this_numpy(requirement: Requirement) -> Requirement:
    """The requirement, or where it admits versions for numpy 1 alone, one for those that can be imported here.

    One extension that asks for such a version would take the package from all others.
    """
    first = FIRST.get(canonicalize_name(requirement.name))
    if first is None or requirement.url or not requirement.specifier:
        return requirement
    exact = [each.version for each in requirement.specifier if each.operator in ("==", "===")]
    if any(requirement.specifier.contains(version) for version in (first, "9999")):
        return requirement
    later = Requirement(f"{requirement.name}>={first}")
    if exact and later.specifier.contains(exact[0].rstrip(".*"), prereleases=True):
        return requirement
    later.extras = requirement.extras
    return later
