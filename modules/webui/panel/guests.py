"""What guests of the page have on one tab, put together."""

from __future__ import annotations

from collections.abc import Sequence

from gradio.components import Component

from modules.application.page_guests import PageGuest
from modules.foundation.plain import JsonMapping, JsonObject


class PanelGuests:
    """The guests on one tab, in their order. To be asked when all of the page is drawn."""

    def __init__(self, tab: str, guests: Sequence[PageGuest]) -> None:
        self._tab, self._guests = tab, guests

    @property
    def inputs(self) -> list[Component]:
        """The components whose values go with those of the panel."""
        return [component for guest in self._guests for component in guest.inputs(self._tab)]

    @property
    def outputs(self) -> list[Component]:
        """The components that parameters may be pasted into."""
        return [component for guest in self._guests for component in guest.outputs(self._tab)]

    def fields(self, values: Sequence[object]) -> JsonObject:
        """Fields of the request that the values of `inputs` make."""
        fields: JsonObject = {}
        rest = list(values)
        for guest in self._guests:
            count = len(guest.inputs(self._tab))
            fields |= guest.fields(self._tab, rest[:count])
            rest = rest[count:]
        return fields

    def pasted(self, parameters: JsonMapping) -> list[object]:
        """New values of `outputs`."""
        return [value for guest in self._guests for value in guest.pasted(self._tab, parameters)]
