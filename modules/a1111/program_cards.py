"""The program's own pages of cards as classes that extensions make and ask for their cards."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from modules.a1111.current import current
from modules.a1111.extra_pages import ExtraNetworksPage
from modules.application.card_files import card_pages
from modules.application.cards import CardPage, tag_text
from modules.foundation.plain import JsonObject

__all__ = [
    "ExtraNetworksPageCheckpoints",
    "ExtraNetworksPageHypernetworks",
    "ExtraNetworksPageLora",
    "ExtraNetworksPageTextualInversion",
    "ProgramPage",
]


class ProgramPage(ExtraNetworksPage):
    """A page of the program's own. `name` is its short name; the classes below have one."""

    short_name = ""

    def __init__(self, page: CardPage | None = None) -> None:
        found = page or next(each for each in card_pages(current().app) if each.name == self.short_name)
        super().__init__(found.title)
        self.id_page, self._page = found.name, found
        self.allow_negative_prompt = found.takes_negative

    def refresh(self) -> None:
        """Look at the files again."""
        self._page.refresh()

    def list_items(self) -> Iterator[JsonObject | None]:
        """The cards, as A1111 has them."""
        weight = current().app.settings.current.extra_networks_default_multiplier
        for index, card in enumerate(self._page.cards()):
            text = tag_text(self._page.tag, card.name, {}, weight) if card.prompt is None else card.prompt
            found_by = f"/{card.path}" if card.path else card.name
            yield {
                "name": card.name,
                "filename": str(Path(card.folder) / card.path) if card.path else None,
                "shorthash": card.hash or None,
                "preview": card.preview,
                "description": card.description,
                "search_terms": [found_by, *([card.words] if card.words else [])],
                "search_term": found_by,
                "prompt": json.dumps(text),
                "negative_prompt": json.dumps(card.negative),
                "local_preview": None,
                "metadata": {},
                "user_metadata": {},
                "sort_keys": {
                    "default": index,
                    "date_created": card.created,
                    "date_modified": card.modified,
                    "name": card.name.lower(),
                    "path": found_by.lower(),
                },
            }

    def allowed_directories_for_previews(self) -> list[str]:
        """The folders of the files."""
        return sorted({card.folder for card in self._page.cards() if card.folder})


class ExtraNetworksPageCheckpoints(ProgramPage):
    """Checkpoints."""

    short_name = "checkpoints"


class ExtraNetworksPageHypernetworks(ProgramPage):
    """Hypernetworks."""

    short_name = "hypernetworks"


class ExtraNetworksPageLora(ProgramPage):
    """Networks."""

    short_name = "lora"


class ExtraNetworksPageTextualInversion(ProgramPage):
    """Embeddings."""

    short_name = "textual_inversion"
