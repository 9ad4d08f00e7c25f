"""The dialect of this process: what the doorway modules mean by `shared.opts`, `shared.state` and the like.

Extensions import modules and use what stands there, so one place has to say for which application. It is set when the
dialect is installed and taken away when it is removed; all else asks here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from modules.a1111.dialect import A1111Dialect

OWNER = "a1111"
"""The name under which the dialect attaches and registers, and keeps a run's `p`."""

_installed: list[A1111Dialect] = []

_made_when_asked: list[Callable[[], A1111Dialect]] = []


class NotRunning(RuntimeError):  # noqa: N818 - says what is the matter
    """Something of the running program was asked for, and no program is running."""


def current() -> A1111Dialect:
    """The dialect that was installed last. Raises NotRunning where there is none."""
    if not _installed and _made_when_asked:
        put(_made_when_asked[-1]())
    if not _installed:
        raise NotRunning("Easel is not running in this process: there are no settings, models or jobs to ask for.")
    return _installed[-1]


def make_when_asked(make: Callable[[], A1111Dialect]) -> None:
    """In a process that runs no program: have one made by the first that asks."""
    _made_when_asked.append(make)


def put(dialect: A1111Dialect) -> None:
    """Make `dialect` the one that the doorways mean."""
    _installed.append(dialect)


def remove(dialect: A1111Dialect) -> None:
    """Make the doorways mean what they meant before."""
    if dialect in _installed:
        _installed.remove(dialect)
