"""What the Extras tab can do with pictures: its own operations, and those that attachments add."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from modules.foundation.plain import JsonMapping
from modules.generation.extras import ExtrasStep
from modules.settings.model import Settings


@dataclass(frozen=True, kw_only=True)
class ExtrasOperation:
    """One operation. A smaller `order` is drawn and done earlier, unless the settings say otherwise.

    `draw` draws its controls where the tab is being built (it is given a `modules.webui.panel.drawing.Drawing`) and
    names its components; `steps` makes of their values, by those names, what is to be done: nothing, where it is not
    wanted.
    """

    name: str
    order: float
    draw: Callable[[Any], Mapping[str, Any]]
    steps: Callable[[JsonMapping], Sequence[ExtrasStep]]
    image_changed: Callable[[], None] = lambda: None
    """Called when the tab has another picture."""


class Named(Protocol):
    """What has a name and a place of its own."""

    @property
    def name(self) -> str:
        """The name by which settings mention it."""
        ...

    @property
    def order(self) -> float:
        """Where it stands among others."""
        ...


AnyNamed = TypeVar("AnyNamed", bound=Named)


def wanted_operations(operations: Sequence[AnyNamed], settings: Settings) -> list[AnyNamed]:
    """Those that are not disabled, in the order of the settings; those that it does not name come behind."""
    order = {name: place for place, name in reversed(list(enumerate(settings.postprocessing_operation_order)))}
    shown = [each for each in operations if each.name not in settings.postprocessing_disable_in_extras]
    return sorted(shown, key=lambda each: (order.get(each.name, len(order)), each.order))
