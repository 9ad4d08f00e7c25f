"""The cards of model files: built from what the lists know of them, thousands at a time."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING
from urllib.parse import quote

from modules.application.card_order import created, modified, shown_first, shown_name
from modules.application.cards import Beginning, Card, CardPage, place_of, tag_text
from modules.application.model_list import ModelKind
from modules.foundation.plain import JsonMapping
from modules.library.collection import Entry
from modules.library.digests import SHORT, SHORT_NETWORK
from modules.library.sidecars import Sidecars, sidecars_of
from modules.networks.info import NetworkKind

if TYPE_CHECKING:
    from modules.application.application import Application

TAGS: Mapping[ModelKind, NetworkKind] = {"lora": "lora", "hypernetwork": "hypernet"}


def card_pages(app: Application) -> list[CardPage]:
    """Every page, in the order that the setting `ui_extra_networks_tab_reorder` says; those it does not name behind."""
    pages = [*file_pages(app), *app.registries.card_pages]
    wanted = [name.strip().casefold() for name in app.settings.current.ui_extra_networks_tab_reorder.split(",")]
    order = {name: place for place, name in reversed(list(enumerate(wanted)))}
    return sorted(pages, key=lambda page: order.get(page.title.casefold(), order.get(page.name, len(order))))


def file_pages(app: Application) -> tuple[CardPage, ...]:
    """The pages that the program itself has."""
    kinds: tuple[tuple[ModelKind, str, str], ...] = (
        ("embedding", "textual_inversion", "Textual Inversion"),
        ("hypernetwork", "hypernetworks", "Hypernetworks"),
        ("checkpoint", "checkpoints", "Checkpoints"),
        ("lora", "lora", "Lora"),
    )
    return tuple(
        CardPage(
            name=name,
            title=title,
            cards=_cards_of(app, kind),
            beginning=_beginning_of(app, kind),
            refresh=app.library.collections[kind].refresh,
            kind=kind,
            tag=TAGS.get(kind, ""),
            takes_negative=kind == "embedding",
        )
        for kind, name, title in kinds
    )


def _cards_of(app: Application, kind: ModelKind) -> Callable[[], Iterator[Card]]:
    return lambda: _cards(app, kind, app.models.entries(kind))


def _beginning_of(app: Application, kind: ModelKind) -> Callable[[int], Beginning]:
    def beginning(count: int) -> Beginning:
        entries = app.models.entries(kind)
        cards = tuple(_cards(app, kind, shown_first(app, kind, entries, count)))
        return Beginning(cards=cards, total=len(entries), places={place_of(each.found.relative) for each in entries})

    return beginning


def _cards(app: Application, kind: ModelKind, entries: Iterable[Entry]) -> Iterator[Card]:
    settings, names = app.settings.current, _tag_names(app, kind)
    families = {family.name for family in app.families}
    hashes = app.library.hashes.all("sha256")
    beside: dict[str, Mapping[str, Sidecars]] = {}
    folders = app.library.collections[kind].folders
    for entry in entries:
        path = entry.found.path
        folder = os.path.dirname(path)  # noqa: PTH120 - strings throughout: this runs for each of thousands
        if folder not in beside:
            beside[folder] = sidecars_of(folder, folders.names_beside(path))
        kept = beside[folder].get(os.path.basename(path).rpartition(".")[0])  # noqa: PTH119
        notes = kept.notes() if kept is not None else {}
        known = hashes.get(path)
        name, tag = shown_name(kind, entry), TAGS.get(kind)
        # Without notes the browser makes the tag itself.
        said = tag is not None and (notes or names.get(path, name) != name)
        yield Card(
            name=name,
            path=entry.found.relative,
            folder=entry.found.folder,
            prompt=tag_text(tag, names.get(path, name), notes, settings.extra_networks_default_multiplier)
            if tag and said
            else None,
            negative=str(notes.get("negative text") or ""),
            preview=_preview(kept, entry),
            description=str(notes.get("description") or (kept.description() if kept is not None else "")),
            words=" ".join(filter(None, (entry.facts.alias, entry.facts.words))),
            family=_family(notes, entry, families),
            hash=known[1][:SHORT] if known is not None else (entry.facts.told_hash or "")[:SHORT_NETWORK],
            problem=entry.problem,
            created=created(path),
            modified=modified(entry),
        )


def _tag_names(app: Application, kind: ModelKind) -> Mapping[str, str]:
    if kind == "lora":
        return app.networks.preferred_names("lora", app.settings.current.lora_preferred_name)
    return app.networks.preferred_names("hypernet", "Filename") if kind == "hypernetwork" else {}


def _family(notes: JsonMapping, entry: Entry, families: Collection[str]) -> str | None:
    """The family that the user noted, where it is one that there is; else that of the file."""
    noted = notes.get("sd version")
    return noted if isinstance(noted, str) and noted in families else entry.facts.family


def _preview(kept: Sidecars | None, entry: Entry) -> str | None:
    picture = kept.preview_of(entry.found.name) if kept is not None else None
    if picture is None:
        return None
    try:
        changed = os.stat(picture).st_mtime  # noqa: PTH116
    except OSError:
        return None
    return f"./sd_extra_networks/thumb?filename={quote(picture.replace(os.sep, '/'))}&mtime={changed:.0f}"
