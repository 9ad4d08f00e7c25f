"""Pages of cards that extensions add: `modules.ui_extra_networks`."""

from __future__ import annotations

import html
import json
import urllib.parse
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from modules.a1111.current import OWNER, current
from modules.application.card_files import card_pages
from modules.application.cards import Card, CardPage
from modules.foundation.plain import JsonObject
from modules.foundation.text_files import read_file

if TYPE_CHECKING:
    from modules.application.application import Application

PREVIEW_SUFFIXES = ("png", "jpg", "jpeg", "webp", "gif")


def quote_js(s: str) -> str:
    """A text as a string of JavaScript."""
    return '"' + s.replace("\\", "\\\\").replace('"', '\\"') + '"'


class ExtraNetworksPage:
    """A page of cards. `list_items` gives a dict for each: name, filename, preview, prompt, search_terms, ..."""

    def __init__(self, title: str) -> None:
        self.title = title
        self.name = title.lower()
        self.id_page = self.name.replace(" ", "_")
        self.extra_networks_tabname = self.id_page
        self.metadata: JsonObject = {}
        self.items: dict[str, JsonObject] = {}
        self.allow_prompt, self.allow_negative_prompt = True, False

    def refresh(self) -> None:
        """Read again what there is."""

    def list_items(self) -> Iterator[JsonObject | None]:
        """The cards."""
        raise NotImplementedError

    def create_item(self, name: str, index: int | None = None, enable_filter: bool = True) -> JsonObject | None:
        """One card."""
        raise NotImplementedError

    def allowed_directories_for_previews(self) -> list[str]:
        """Folders whose pictures may be shown."""
        return []

    def read_user_metadata(self, item: JsonObject, use_cache: bool = True) -> None:
        """Take over what the user has noted of a card, from the JSON beside its file."""
        if not item.get("filename"):
            return
        file = Path(item["filename"]).with_suffix(".json")
        try:
            noted: object = json.loads(read_file(file))
        except (OSError, ValueError):
            noted = {}
        if isinstance(noted, dict):
            item["user_metadata"] = noted
            if "description" in noted:
                item["description"] = noted["description"]

    def link_preview(self, filename: str) -> str:
        """The address of a picture."""
        path = Path(filename)
        stamp = path.stat().st_mtime if path.exists() else 0
        return f"./sd_extra_networks/thumb?filename={urllib.parse.quote(path.as_posix())}&mtime={stamp}"

    def search_terms_from_path(self, filename: str, possible_directories: Sequence[str] | None = None) -> str:
        """The path below one of the folders, by which a card is found."""
        path = Path(filename).absolute()
        for folder in possible_directories or self.allowed_directories_for_previews():
            if path.is_relative_to(Path(folder).absolute()):
                return f"/{path.relative_to(Path(folder).absolute()).as_posix()}"
        return ""

    def find_preview(self, path: str) -> str | None:
        """The address of the picture beside a file, `path` being without a suffix."""
        for suffix in PREVIEW_SUFFIXES:
            for file in (f"{path}.{suffix}", f"{path}.preview.{suffix}"):
                if Path(file).is_file():
                    return self.link_preview(file)
        return None

    find_embedded_preview = None

    def find_description(self, path: str) -> str | None:
        """The text in the .txt or .description.txt beside a file."""
        for file in (Path(f"{path}.txt"), Path(f"{path}.description.txt")):
            try:
                return read_file(file).decode("utf-8", errors="replace")
            except OSError:
                continue
        return None

    def get_sort_keys(self, path: str) -> JsonObject:
        """What cards are sorted by."""
        file = Path(path)
        stat = file.stat() if file.exists() else None
        return {
            "date_created": int(stat.st_mtime) if stat else 0,
            "date_modified": int(stat.st_mtime) if stat else 0,
            "name": file.name.lower(),
            "path": str(file).lower(),
        }

    def card(self, tabname: str, item: JsonObject) -> str:
        """One card as HTML."""
        keys = " ".join(
            f'data-sort-{html.escape(str(key))}="{html.escape(str(value))}"'
            for key, value in (item.get("sort_keys") or {}).items()
        )
        prompts = (item.get("prompt") or quote_js(""), item.get("negative_prompt") or quote_js(""))
        negative = str(self.allow_negative_prompt).lower()
        arguments = ", ".join((quote_js(tabname), *prompts, negative))
        clicked = item.get("onclick") or f"cardClicked({arguments})"
        preview = item.get("preview")
        picture = f'<img src="{html.escape(preview)}" class="preview" loading="lazy">' if preview else ""
        name, text = html.escape(str(item.get("name", ""))), html.escape(str(item.get("description") or ""))
        return (
            f'<div class="card" data-name="{name}" {keys} onclick="{html.escape(clicked)}">{picture}'
            f'<div class="actions"><span class="name">{name}</span><span class="description">{text}</span></div></div>'
        )

    def create_html(self, tabname: str, *, empty: bool = False) -> str:
        """All cards as HTML."""
        self.items = {} if empty else {str(item["name"]): item for item in self.list_items() if item is not None}
        for item in self.items.values():
            if "user_metadata" not in item:
                self.read_user_metadata(item)
        cards = "".join(self.card(tabname, item) for item in self.items.values())
        return f'<div id="{tabname}_{self.id_page}_cards" class="extra-network-cards">{cards}</div>'

    def cards(self) -> Iterator[Card]:
        """The same cards as Easel's own pages show."""
        self.create_html("txt2img")
        for name, item in self.items.items():
            prompt, negative = _text_of(item.get("prompt")), _text_of(item.get("negative_prompt"))
            path = self.search_terms_from_path(str(item.get("filename") or ""))
            folder, keys = str(item.get("filename") or "").removesuffix(path), item.get("sort_keys") or {}
            words = item.get("search_terms") or item.get("search_term") or ""
            yield Card(
                name=name,
                path=path.lstrip("/"),
                folder=folder if path else "",
                prompt=prompt or "",
                negative=negative or "",
                preview=item.get("preview"),
                description=str(item.get("description") or ""),
                words=words if isinstance(words, str) else " ".join(map(str, words)),
                created=_whole(keys.get("date_created")),
                modified=_whole(keys.get("date_modified")),
                script=self._script_of(item, plain=prompt is not None and negative is not None),
            )

    def _script_of(self, item: Mapping[str, object], *, plain: bool) -> str | None:
        """What a click does where it is not adding two plain texts."""
        if clicked := item.get("onclick"):
            return html.unescape(str(clicked)).strip('"')
        if plain:
            return None
        prompts = (item.get("prompt") or '""', item.get("negative_prompt") or '""')
        return f"cardClicked(easelTab(), {prompts[0]}, {prompts[1]}, {str(self.allow_negative_prompt).lower()})"


def _text_of(expression: object) -> str | None:
    """The text that an expression of JavaScript is, where it is nothing but a string; "" where there is none."""
    if not expression:
        return ""
    try:
        text = json.loads(str(expression), strict=False)
    except ValueError:
        return None
    return text if isinstance(text, str) else None


def _whole(value: Any) -> int:
    try:
        return int(value)
    except (TypeError, ValueError):
        return 0


def pages() -> list[ExtraNetworksPage]:
    """The pages that extensions have added."""
    return current().extras.setdefault("extra pages", [])


def show_pages(app: Application, failed: Callable[[str, str], None]) -> None:
    """Have the pages shown beside Easel's own. One without a name of its own is told to `failed`."""
    registry = app.registries.card_pages
    registry.unregister(OWNER)
    known = {each.name for each in card_pages(app)}
    for page in pages():
        if page.id_page in known:
            failed(page.title, "is no page of cards of its own: there is one of this name.")
            continue
        known.add(page.id_page)
        registry.register(
            OWNER,
            CardPage(
                name=page.id_page,
                title=page.title,
                cards=page.cards,
                refresh=page.refresh,
                takes_negative=page.allow_negative_prompt,
                html=page.create_html,
            ),
        )


def register_page(page: ExtraNetworksPage) -> None:
    """Add a page."""
    pages().append(page)


def get_page(name: str) -> ExtraNetworksPage | None:
    """The page of a title or name."""
    return next((page for page in pages() if name in (page.title, page.name, page.extra_networks_tabname)), None)
