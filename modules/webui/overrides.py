"""Settings for one picture alone, as the page shows them: "Clip skip: 2"."""

from __future__ import annotations

from collections.abc import Iterable

from modules.foundation.errors import RequestError
from modules.infotext.labels import SETTINGS as SETTING_OF_LABEL
from modules.settings.model import Settings


def overrides_from_texts(texts: Iterable[str]) -> dict[str, str]:
    """Settings from texts like "Clip skip: 2". Raises RequestError for a label that belongs to none."""
    changes: dict[str, str] = {}
    for text in texts:
        label, separator, value = text.partition(": ")
        key = SETTING_OF_LABEL.get(label, "")
        if not separator or key not in Settings.model_fields:
            raise RequestError(
                f"{text!r} is no setting that can be overridden. Remove it from Override settings.", "override_settings"
            )
        changes[key] = value
    return changes
