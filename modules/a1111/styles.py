"""`modules.styles` and `shared.prompt_styles`: the styles by name, their use, and their file."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from modules.a1111.current import current
from modules.prompts.styles import apply_styles, extract_styles, merge_style, pick_styles
from modules.prompts.styles_table import Style

if TYPE_CHECKING:
    from modules.a1111.dialect import A1111Dialect


class PromptStyle(NamedTuple):
    """A style as extensions make and read it."""

    name: str
    prompt: str | None = ""
    negative_prompt: str | None = ""
    path: str | None = None

    def is_like(self, style: Style) -> bool:
        """Whether it says what a style of the program says."""
        return (self.prompt or "", self.negative_prompt or "") == (style.prompt, style.negative_prompt)


class StyleDatabase:
    """The styles by name. What extensions change in `styles` is in use at once, and in the file after `save_styles`."""

    no_style = PromptStyle("None", "", "", None)

    def __init__(self, dialect: A1111Dialect) -> None:
        self._dialect = dialect
        self._read: tuple[Style, ...] = ()
        self._styles: dict[str, PromptStyle] = {}

    @property
    def styles(self) -> dict[str, PromptStyle]:
        """Every style by its name: those of the files, read again once a file has changed."""
        found = self._dialect.app.styles.all()
        if found != self._read:
            self._read, self._styles = found, {each.name: self._as_extensions_see_it(each) for each in found}
        return self._styles

    def _as_extensions_see_it(self, style: Style) -> PromptStyle:
        path = self._dialect.app.styles.file_of(style.name)
        return PromptStyle(style.name, style.prompt, style.negative_prompt, str(path) if path else None)

    def reload(self) -> None:
        """Forget what extensions have changed and not saved. Files are read again by themselves."""
        self._read, self._styles = (), {}

    def save_styles(self, path: object = None) -> None:
        """Write what was changed in `styles`, each style into the file that has it, a new one into the first.

        Raises RequestError for a name that no style can have; SettingsError and OSError where a file cannot be written.
        """
        book, wanted = self._dialect.app.styles, dict(self.styles)
        before = {style.name: style for style in book.all()}
        for name, style in wanted.items():
            if name != self.no_style.name and not (name in before and PromptStyle(*style).is_like(before[name])):
                book.save(Style(name=name, prompt=style[1] or "", negative_prompt=style[2] or ""))
        for name in before.keys() - wanted.keys():
            book.remove(name)
        self.reload()

    def get_style_prompts(self, styles: Sequence[str]) -> list[str]:
        """The prompts of some styles."""
        return [style.prompt for style in self._picked(styles)]

    def get_negative_style_prompts(self, styles: Sequence[str]) -> list[str]:
        """Their negative prompts."""
        return [style.negative_prompt for style in self._picked(styles)]

    def apply_styles_to_prompt(self, prompt: str, styles: Sequence[str]) -> str:
        """A prompt with styles around it."""
        return apply_styles(prompt, "", self._picked(styles))[0]

    def apply_negative_styles_to_prompt(self, prompt: str, styles: Sequence[str]) -> str:
        """A negative prompt with styles around it."""
        return apply_styles("", prompt, self._picked(styles))[1]

    def extract_styles_from_prompt(self, prompt: str, negative_prompt: str) -> tuple[list[str], str, str]:
        """The names of the styles that two prompts were made with, and the prompts without them."""
        return extract_styles(prompt, negative_prompt, self._all())

    def _all(self) -> list[Style]:
        return [
            Style(name=name, prompt=each[1] or "", negative_prompt=each[2] or "") for name, each in self.styles.items()
        ]

    def _picked(self, names: Sequence[str]) -> list[Style]:
        return pick_styles(names or (), self._all())[0]


def merge_prompts(style_prompt: str, prompt: str) -> str:
    """A prompt in the place of `{prompt}` in a style, or before it."""
    return merge_style(style_prompt, prompt)


def apply_styles_to_prompt(prompt: str, styles: Sequence[str]) -> str:
    """A prompt with the prompts of styles around it, one after another."""
    for style in styles:
        prompt = merge_style(style, prompt)
    return prompt


def __getattr__(name: str) -> StyleDatabase:
    if name != "prompt_styles":
        raise AttributeError(f"modules.styles has no {name!r}.")
    return current().shared.prompt_styles
