"""What the page's scripts are told of the settings around prompts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from modules.foundation.plain import JsonObject

if TYPE_CHECKING:
    from modules.application.application import Application

_COMPLETERS = ("tagcomplete", "tagautocomplete")
"""In the names of extensions that complete tags themselves."""


def craft_options(app: Application) -> JsonObject:
    """Whether there is completion, which an extension may have taken over, whether notes, and the keys of marks."""
    settings = app.settings.current
    return {
        "completion": settings.prompt_completion and not _completed_by_an_extension(app),
        "notes": settings.prompt_notes,
        "marks": marks_of(settings.picture_marks),
    }


def marks_of(text: str) -> dict[str, str]:
    """The marks by their keys of a text like "g=good, b=bad". What has no key of one sign is left out.

    >>> marks_of("g=good, b = bad hands, nothing")
    {'g': 'good', 'b': 'bad hands'}
    """
    pairs = (part.partition("=") for part in text.split(","))
    return {key.strip().lower(): mark.strip() for key, _, mark in pairs if len(key.strip()) == 1 and mark.strip()}


def _completed_by_an_extension(app: Application) -> bool:
    names = (name for each in app.extensions.active for name in (each.name, each.metadata.name))
    return any(part in name.casefold().replace("-", "").replace("_", "") for name in names for part in _COMPLETERS)
