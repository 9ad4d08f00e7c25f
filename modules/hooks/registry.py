"""A small typed hook registry.

Four kinds of points: `Transform` folds a value through every attachment, `Observe` tells them of something, `Collect`
gathers what they contribute, `Around` wraps a block in their context managers (entering patches, leaving undoes).

Each attachment has an owner. One that raises is logged by its owner's name, told to the user where the event can do
that, and skipped; the program goes on. `Interrupted` passes through, because it is a wish of the user, and so does
`Refused`, with which an attachment turns a request down.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from typing import Any, Generic, Protocol, TypeVar, runtime_checkable

from modules.foundation.errors import ExtensionError, Interrupted, Refused

log = logging.getLogger(__name__)

V = TypeVar("V")
E = TypeVar("E")


@runtime_checkable
class TellsUser(Protocol):
    """An event through which the user can be told something."""

    def warn(self, *sentences: str) -> None:
        """Tell it."""
        ...


@dataclass(frozen=True)
class Attachment:
    """One function attached to one point."""

    owner: str
    function: Callable[..., Any]
    order: int = 0


@dataclass
class Point:
    """What all four kinds share: a name, a sentence for docs/hooks.md, and the attachments."""

    name: str
    sentence: str
    attachments: list[Attachment] = field(default_factory=list[Attachment])
    failures: list[ExtensionError] = field(default_factory=list[ExtensionError])

    def attach(self, owner: str, function: Callable[..., Any], order: int = 0) -> Callable[[], None]:
        """Attach `function` in the name of `owner`; lower `order` is called earlier. Returns what detaches it."""
        attachment = Attachment(owner, function, order)
        self.attachments = sorted([*self.attachments, attachment], key=lambda each: each.order)

        def detach() -> None:
            self.attachments = [each for each in self.attachments if each is not attachment]

        return detach

    def _failed(self, attachment: Attachment, error: Exception, event: object) -> None:
        log.exception("%s failed in hook %s and was skipped", attachment.owner, self.name)
        failure = ExtensionError(f"{attachment.owner} failed in {self.name}: {error}")
        self.failures.append(failure)
        if isinstance(event, TellsUser):
            event.warn(f"{failure}. It was skipped; the log has the details.")


class Transform(Point, Generic[V, E]):
    """A value goes in, perhaps another comes out. An attachment gets (value, event) and returns the value to go on."""

    def __call__(self, value: V, event: E) -> V:
        """`value` after every attachment."""
        for attachment in self.attachments:
            try:
                value = attachment.function(value, event)
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
                attachment.function(event)
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
                items.extend(attachment.function(event))
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
                    manager = attachment.function(event)
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
        def exit_(*details: Any) -> bool:
            try:
                leave(*details)
            except Exception as error:  # hook boundary
                if error is not details[1]:
                    self._failed(attachment, error, event)
            return False

        return exit_
