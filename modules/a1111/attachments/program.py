"""What is told outside of runs: a model was loaded, an infotext pasted, the program started."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from modules.a1111.callbacks import BeforeTokenCounterParams
from modules.a1111.generate_button import buttons
from modules.a1111.gradio3.old_demo import Generating, OldDemo
from modules.a1111.sd_model import view_of
from modules.foundation.plain import JsonObject
from modules.hooks.events import CountedPrompt, CountEvent, EndEvent, ModelEvent, PageEvent, PasteEvent

if TYPE_CHECKING:
    from modules.a1111.dialect import A1111Dialect


class ProgramAttachments:
    """The program itself."""

    def __init__(self, dialect: A1111Dialect) -> None:
        self._dialect = dialect

    def model_loaded(self, event: ModelEvent) -> None:
        """on_model_loaded."""
        if self._dialect.callbacks.of("model_loaded"):
            self._dialect.callbacks.call("model_loaded", view_of(event.model))

    def infotext_pasted(self, values: JsonObject, event: PasteEvent) -> JsonObject:
        """on_infotext_pasted, which changes the values in place."""
        self._dialect.callbacks.call("infotext_pasted", event.text, values)
        return values

    def prompt_counted(self, prompt: CountedPrompt, event: CountEvent) -> CountedPrompt:
        """on_before_token_counter."""
        if not self._dialect.callbacks.of("before_token_counter"):
            return prompt
        params = BeforeTokenCounterParams(
            prompt.prompt, prompt.steps, list(prompt.styles), is_positive=not event.is_negative
        )
        self._dialect.callbacks.call("before_token_counter", params)
        return CountedPrompt(prompt=str(params.prompt), steps=int(params.steps), styles=tuple(params.styles))

    def ending(self, event: EndEvent) -> None:
        """on_before_reload where the program starts again, and on_script_unloaded."""
        if event.restarts:
            self._dialect.callbacks.call("before_reload")
        self._dialect.unload_scripts()

    def app_started(self, event: PageEvent) -> None:
        """on_app_started."""
        page = None if event.page is None else old_demo(event.page)
        self._dialect.shared.demo = page
        self._dialect.shared.is_page_ready = True
        self._dialect.callbacks.call("app_started", page, event.api)


def old_demo(page: Any) -> OldDemo:
    """The page as extensions get it."""
    generating = [Generating(each.panel.parts["generate"], each.inputs, each.outputs) for each in buttons().values()]
    return OldDemo(page, generating)
