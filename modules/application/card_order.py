"""Which cards a page shows first, found without making a card of every file."""

from __future__ import annotations

import heapq
import os
import re
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from modules.application.model_list import ModelKind
from modules.library.collection import Entry

if TYPE_CHECKING:
    from modules.application.application import Application

FITTING: frozenset[ModelKind] = frozenset({"lora", "embedding"})
"""Kinds of which only those are shown that are for the chosen checkpoint, unless the settings say otherwise."""

_DIGITS = re.compile("[0-9]+")


def shown_first(app: Application, kind: ModelKind, entries: Sequence[Entry], count: int) -> list[Entry]:
    """The first `count` of `entries` in the order of the settings; those that are not shown at all come last.

    What the notes beside a file say of its family is not looked at: the page, which has all cards a moment later, does.
    """
    settings = app.settings.current
    key = _KEYS[settings.extra_networks_card_order_field]
    family = app.selected_family.name if app.selected_checkpoint is not None else None
    fitting = kind not in FITTING or settings.lora_show_all or family is None
    unknown = kind != "lora" or family not in settings.lora_hide_unknown_for_versions
    hidden = settings.extra_networks_hidden_models == "Always"

    def is_shown(entry: Entry) -> bool:
        own = entry.facts.family
        fits = fitting or (own == family if own else unknown)
        return fits and (hidden or "/." not in os.path.dirname(f"/{entry.found.relative}"))  # noqa: PTH120

    if settings.extra_networks_card_order == "Descending":
        return heapq.nlargest(count, entries, key=lambda entry: (is_shown(entry), key(entry)))
    return heapq.nsmallest(count, entries, key=lambda entry: (not is_shown(entry), key(entry)))


def shown_name(kind: ModelKind, entry: Entry) -> str:
    """What a card is called."""
    return entry.found.name.rsplit(".", 1)[0] if kind == "checkpoint" else entry.name


def created(path: str) -> int:
    """When a file was made, in seconds since 1970; 0 for one that is gone."""
    try:
        status = os.stat(path)  # noqa: PTH116 - strings throughout: this runs for each of thousands
    except OSError:
        return 0
    return int(getattr(status, "st_birthtime", status.st_ctime))


def modified(entry: Entry) -> int:
    """When a file was last written, in seconds since 1970; 0 where nothing is known of it yet."""
    return int(entry.row.stamp[1] // 1_000_000_000) if entry.row is not None else 0


def _natural(text: str) -> str:
    """A text by which v2 comes before v10, as the page orders them."""
    return _DIGITS.sub(lambda digits: digits[0].rjust(12, "0"), text.lower())


_KEYS: Mapping[str, Callable[[Entry], str | int]] = {
    "Path": lambda entry: _natural(entry.found.relative),
    "Name": lambda entry: _natural(entry.name),
    "Date Created": lambda entry: created(entry.found.path),
    "Date Modified": modified,
}
