"""Doorway: `modules.launch_utils`, installing for extensions."""

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
    repo_dir,
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
    "repo_dir",
    "requirements_met",
    "run",
    "run_pip",
    "run_python",
]


def __getattr__(name: str) -> Any:
    return known(name)
