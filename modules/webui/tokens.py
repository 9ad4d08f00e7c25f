"""The token counters beside the prompts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from modules.foundation.errors import EaselError
from modules.hooks.events import CountedPrompt, CountEvent
from modules.prompts.styles import pick_styles

if TYPE_CHECKING:
    from modules.application.application import Application
    from modules.text_encoders.tokenizer import ClipTokenizer


def count_html(tokens: int = 0, room: int = 75) -> str:
    """The counter's text for so many tokens; without arguments, of an empty prompt."""
    return f'<span class="gr-box gr-text-input">{tokens}/{room}</span>'


class TokenCounter:
    """Counts prompts the way they will be encoded. The vocabulary is read with the first count."""

    def __init__(self, app: Application) -> None:
        self._app = app
        self._tokenizer: ClipTokenizer | None = None

    def html(self, prompt: str, steps: float | None, style_names: list[str] | None, *, negative: bool) -> str:
        """ "12/75" for the corner of the prompt box; empty for a prompt that cannot be read (yet)."""
        from modules.text_encoders.token_counter import count_tokens
        from modules.text_encoders.tokenizer import ClipTokenizer

        self._tokenizer = self._tokenizer or ClipTokenizer()
        settings = self._app.settings.current
        counted = style_names if settings.include_styles_into_token_counters else None
        counted_prompt = CountedPrompt(prompt=prompt or "", steps=max(int(steps or 20), 1), styles=tuple(counted or ()))
        counted_prompt = self._app.hooks.prompt_counted(counted_prompt, CountEvent(is_negative=negative))
        styles, _ = pick_styles(counted_prompt.styles, self._app.styles.all())
        try:
            count = count_tokens(
                counted_prompt.prompt,
                self._tokenizer,
                steps=counted_prompt.steps,
                is_negative=negative,
                styles=styles,
                comments=settings.enable_prompt_comments,
                dialect=settings.prompt_dialect,
                comma_backtrack=settings.comma_padding_backtrack,
            )
        except EaselError as error:
            return f'<span class="gr-box gr-text-input error" title="{error}">!</span>'
        return count_html(count.tokens, count.room)
