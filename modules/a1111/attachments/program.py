"""What is told outside of runs: a model was loaded, an infotext pasted, the program started."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from modules.a1111.sd_model import ModelView
from modules.hooks.events import ModelEvent, PageEvent, PasteEvent

if TYPE_CHECKING:
    from modules.a1111.dialect import A1111Dialect


class ProgramAttachments:
    """The program itself."""

    def __init__(self, dialect: A1111Dialect) -> None:
        self._dialect = dialect

    def model_loaded(self, event: ModelEvent) -> None:
        """on_model_loaded."""
        if self._dialect.callbacks.of("model_loaded"):
            self._dialect.callbacks.call("model_loaded", ModelView(event.model))

    def infotext_pasted(self, values: dict[str, Any], event: PasteEvent) -> dict[str, Any]:
        """on_infotext_pasted, which changes the values in place."""
        self._dialect.callbacks.call("infotext_pasted", event.text, values)
        return values

    def app_started(self, event: PageEvent) -> None:
        """on_app_started."""
        self._dialect.shared.demo = event.page
        self._dialect.callbacks.call("app_started", event.page, event.api)
