"""Doorway: `launch`, installing for extensions."""

from __future__ import annotations

from typing import Any

from modules.a1111.launching import (
    check_run,
    check_run_python,
    commit_hash,
    dir_repos,
    git_clone,
    git_tag,
    is_installed,
    known,
    requirements_met,
    run,
    run_pip,
    run_python,
)

__all__ = [
    "check_run",
    "check_run_python",
    "commit_hash",
    "dir_repos",
    "git_clone",
    "git_tag",
    "is_installed",
    "requirements_met",
    "run",
    "run_pip",
    "run_python",
]


def __getattr__(name: str) -> Any:
    return known(name)


if __name__ == "__main__":
    import sys

    from webui import main

    sys.exit(main())
