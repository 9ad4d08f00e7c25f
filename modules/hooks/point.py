"""A hook point: a named place in the program to which functions are attached.

Four kinds of points: `Transform` folds a value through every attachment, `Observe` tells them of something, `Collect`
gathers what they contribute, `Around` wraps a block in their context managers (entering patches, leaving undoes).

Each attachment has an owner, and its signature is checked when it is attached. One that raises is logged by its
owner's name, told to the user where the event can do that, and skipped; the program goes on. `Interrupted` passes
through, because it is a wish of the user, and so does `Refused`, with which an attachment turns a request down.
"""

from __future__ import annotations

import collections
import contextlib
import inspect
import logging
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from typing import Any, ClassVar, Generic, Protocol, TypeVar, runtime_checkable

from modules.foundation.errors import ExtensionError, Interrupted, Refused

log = logging.getLogger(__name__)

V = TypeVar("V")
E = TypeVar("E")

KEPT_FAILURES = 100
"""Failures of one point that are remembered; one within the sampler's loop may fail at every step."""

Timed = Callable[[str, str, float], None]
"""Told the point's name, the attachment's owner and the seconds that its call took."""


@runtime_checkable
class TellsUser(Protocol):
    """An event through which the user can be told something."""

    def warn(self, *sentences: str) -> None:
        """Add sentences to the warnings that the user gets."""
        ...


@dataclass(frozen=True)
class Attachment:
    """One function attached to one point."""

    owner: str
    function: Callable[..., Any]
    order: int = 0


def _failures() -> collections.deque[ExtensionError]:
    return collections.deque(maxlen=KEPT_FAILURES)


@dataclass
class Point:
    """What all four kinds share: a name, a sentence for docs/hooks.md, and the attachments.

    `moment` is what A1111's extensions call this point, empty where they have no such thing. `timed` is told how long
    each call took, where timings are wanted.
    """

    takes: ClassVar[tuple[str, ...]] = ("event",)

    name: str
    sentence: str
    moment: str = ""
    attachments: list[Attachment] = field(default_factory=list[Attachment])
    failures: collections.deque[ExtensionError] = field(default_factory=_failures)
    timed: Timed | None = None

    def __bool__(self) -> bool:
        """Whether anything is attached. What costs something to offer is made only then."""
        return bool(self.attachments)

    def attach(self, owner: str, function: Callable[..., Any], order: int = 0) -> Callable[[], None]:
        """Attach `function` in the name of `owner`; lower `order` is called earlier. Returns what detaches it.

        Raises ExtensionError for something that cannot be called with what the point gives.
        """
        self._check(owner, function)
        attachment = Attachment(owner, function, order)
        self.attachments = sorted([*self.attachments, attachment], key=lambda each: each.order)

        def detach() -> None:
            self.attachments = [each for each in self.attachments if each is not attachment]

        return detach

    def _check(self, owner: str, function: Callable[..., Any]) -> None:
        expected = f"{owner} cannot be attached to {self.name}, which calls with ({', '.join(self.takes)})"
        if not callable(function):
            raise ExtensionError(f"{expected}: {function!r} cannot be called.")
        try:
            signature = inspect.signature(function)
        except (TypeError, ValueError):  # written in C without a signature; only calling it will tell
            return
        try:
            signature.bind(*self.takes)
        except TypeError as error:
            name = getattr(function, "__qualname__", type(function).__name__)
            raise ExtensionError(f"{expected}: {name}{signature} does not take that ({error}).") from None

    def _call(self, attachment: Attachment, *arguments: object) -> Any:
        if self.timed is None:
            return attachment.function(*arguments)
        begun = time.perf_counter()
        try:
            return attachment.function(*arguments)
        finally:
            self.timed(self.name, attachment.owner, time.perf_counter() - begun)

    def _failed(self, attachment: Attachment, error: Exception, event: object) -> None:
        log.exception("%s failed in hook %s and was skipped", attachment.owner, self.name)
        failure = ExtensionError(f"{attachment.owner} failed in {self.name}: {error}")
        self.failures.append(failure)
        if isinstance(event, TellsUser):
            event.warn(f"{failure}. It was skipped; the log has the details.")


class Transform(Point, Generic[V, E]):
    """A value goes in, perhaps another comes out. An attachment gets (value, event) and returns the value to go on."""

    takes: ClassVar[tuple[str, ...]] = ("value", "event")

    def __call__(self, value: V, event: E) -> V:
        """`value` after every attachment."""
        for attachment in self.attachments:
            try:
                changed = self._call(attachment, value, event)
                if changed is None:
                    raise ExtensionError("it returned nothing; what it gets, changed or not, must be returned")
                value = changed
            except (Interrupted, Refused):
                raise
            except Exception as error:  # hook boundary
                self._failed(attachment, error, event)
        return value


class Observe(Point, Generic[E]):
    """Attachments are told of `event`; what they return is ignored."""

    def __call__(self, event: E) -> None:
        """Tell every attachment."""
        for attachment in self.attachments:
            try:
                self._call(attachment, event)
            except (Interrupted, Refused):
                raise
            except Exception as error:  # hook boundary
                self._failed(attachment, error, event)


class Collect(Point, Generic[V, E]):
    """Attachments return lists of items; the point gives all of them."""

    def __call__(self, event: E) -> list[V]:
        """The items of every attachment, in order."""
        items: list[V] = []
        for attachment in self.attachments:
            try:
                items.extend(self._call(attachment, event))
            except (Interrupted, Refused):
                raise
            except Exception as error:  # hook boundary
                self._failed(attachment, error, event)
        return items


class Around(Point, Generic[E]):
    """Attachments return context managers, entered in order before a block and left in reverse order after it."""

    @contextlib.contextmanager
    def __call__(self, event: E) -> Generator[None]:
        """Run the block inside every attachment's context. What fails to leave is reported, the others still leave."""
        with contextlib.ExitStack() as stack:
            for attachment in self.attachments:
                try:
                    manager = self._call(attachment, event)
                    value_of_exit = manager.__exit__
                    manager.__enter__()
                except (Interrupted, Refused):
                    raise
                except Exception as error:  # hook boundary
                    self._failed(attachment, error, event)
                else:
                    stack.push(self._leaving(attachment, value_of_exit, event))
            yield

    def _leaving(self, attachment: Attachment, leave: Callable[..., Any], event: object) -> Callable[..., bool]:
        def exit_(*details: object) -> bool:
            try:
                leave(*details)
            except Exception as error:  # hook boundary
                if error is not details[1]:
                    self._failed(attachment, error, event)
            return False

        return exit_
