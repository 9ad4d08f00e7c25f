"""What can complete a word of a prompt: tags of lists, networks, embeddings, wildcards, styles."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from modules.prompts.craft.tag_index import TagIndex, read_tags, written
from modules.prompts.craft.weights import number

if TYPE_CHECKING:
    from modules.application.application import Application

KINDS = ("tag", "embedding", "lora", "hypernetwork", "wildcard", "style")

TAG_LISTS = "tags"
"""The folder of csv files in the data folder."""


@dataclass(frozen=True, kw_only=True)
class CompletionItem:
    """Something to complete with: `text` is put into the prompt, `label` is shown, `detail` stands beside it.

    Of a style there are its own words for both prompts.
    """

    kind: str
    label: str
    text: str
    category: str = ""
    count: int | None = None
    style_prompt: str = ""
    style_negative_prompt: str = ""
    detail: str = ""


class TagLists:
    """The tags of all csv files in a folder, read when they are first asked for and when the files change."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._lock = threading.Lock()
        self._state: tuple[tuple[str, int, int], ...] | None = None
        self._index = TagIndex(())
        self.problems: list[str] = []

    def index(self) -> TagIndex:
        """The tags as the files have them now. Reading 200,000 rows takes a second or two, once."""
        with self._lock:
            files = self._files()
            state = tuple((str(path), stat.st_mtime_ns, stat.st_size) for path, stat in files)
            if state != self._state:
                problems: list[str] = []
                self._index = TagIndex(row for path, _ in files for row in read_tags(path, problems))
                self._state, self.problems = state, problems
            return self._index

    def _files(self) -> list[tuple[Path, Any]]:
        try:
            paths = sorted(path for path in self.folder.iterdir() if path.suffix.lower() == ".csv")
            return [(path, path.stat()) for path in paths]
        except OSError:
            return []


class Completion:
    """Completes words from everything that one application has."""

    def __init__(self, app: Application) -> None:
        self._app = app
        self.tags = TagLists(app.paths.data / TAG_LISTS)

    def find(self, word: str, kinds: Sequence[str] = KINDS, limit: int = 20) -> list[CompletionItem]:
        """What `word` may become, tags last, for there are most of them.

        "<" or "<lora:" before it asks for networks alone, "__" for wildcards.
        """
        word = word.strip()
        if word.startswith("<"):
            kinds, word = [kind for kind in kinds if kind in ("lora", "hypernetwork")], word[1:].rpartition(":")[2]
        elif word.startswith("__"):
            kinds, word = [kind for kind in kinds if kind == "wildcard"], word[2:]
        if not word and set(kinds) & {"tag"}:
            return []
        sources: dict[str, Callable[[str, int], Iterator[CompletionItem]]] = {
            "embedding": self._embeddings,
            "lora": self._loras,
            "hypernetwork": self._hypernetworks,
            "wildcard": self._wildcards,
            "style": self._styles,
            "tag": self._tags,
        }
        found: list[CompletionItem] = []
        for kind, source in sources.items():
            if kind in kinds:
                room = limit - len(found) if kind == "tag" else max(1, min(limit - len(found), limit // 2))
                found += list(source(word, room))[: max(0, room)]
        return found[:limit]

    def _tags(self, word: str, limit: int) -> Iterator[CompletionItem]:
        settings = self._app.settings.current
        for hit in self.tags.index().search(word, limit):
            yield CompletionItem(
                kind="tag",
                label=hit.tag.name,
                text=written(
                    hit.tag.name,
                    blanks=settings.completion_replace_underscores,
                    escape=settings.completion_escape_brackets and settings.prompt_dialect.startswith("A1111"),
                ),
                category=hit.tag.category,
                count=hit.tag.count,
                detail=hit.alias,
            )

    def _entries(self, kind: str, word: str, limit: int) -> Iterator[str]:
        names = [entry.name for entry in self._app.models.entries(kind) if entry.problem is None]
        yield from _fitting(names, word, limit)

    def _embeddings(self, word: str, limit: int) -> Iterator[CompletionItem]:
        for name in self._entries("embedding", word, limit):
            yield CompletionItem(kind="embedding", label=name, text=name)

    def _loras(self, word: str, limit: int) -> Iterator[CompletionItem]:
        default = self._app.settings.current.extra_networks_default_multiplier
        for name in self._entries("lora", word, limit):
            item = self._app.models.find("lora", name)
            notes = item.user_metadata if item is not None else {}
            weight = notes.get("preferred weight")
            strength = float(weight) if isinstance(weight, int | float) and weight else default
            trigger = str(notes.get("activation text") or "").strip()
            tag = f"<lora:{name}:{number(strength)}>"
            yield CompletionItem(
                kind="lora",
                label=name,
                text=f"{tag}, {trigger}" if trigger else tag,
                category=(item.family or "") if item is not None else "",
                detail=trigger,
            )

    def _hypernetworks(self, word: str, limit: int) -> Iterator[CompletionItem]:
        default = self._app.settings.current.extra_networks_default_multiplier
        for name in self._entries("hypernetwork", word, limit):
            yield CompletionItem(kind="hypernetwork", label=name, text=f"<hypernet:{name}:{number(default)}>")

    def _wildcards(self, word: str, limit: int) -> Iterator[CompletionItem]:
        for name in _fitting(self._app.prompt_craft.wildcards.names(), word, limit):
            yield CompletionItem(kind="wildcard", label=name, text=f"__{name}__")

    def _styles(self, word: str, limit: int) -> Iterator[CompletionItem]:
        styles = {style.name: style for style in self._app.styles.all()}
        for name in _fitting(list(styles), word, limit):
            style = styles[name]
            yield CompletionItem(
                kind="style",
                label=name,
                text=name,
                detail=style.prompt[:200],
                style_prompt=_own_words(style.prompt),
                style_negative_prompt=_own_words(style.negative_prompt),
            )


def _own_words(text: str) -> str:
    """The words of a style without the place of the prompt that they are put around."""
    return ", ".join(part for each in text.split("{prompt}") if (part := each.strip().strip(",").strip()))


def _fitting(names: Sequence[str], word: str, limit: int) -> list[str]:
    """The names that hold a word, those first that begin with it."""
    wanted = word.casefold()
    holding = [name for name in names if wanted in name.casefold()]
    return sorted(holding, key=lambda name: (not name.casefold().startswith(wanted), name.casefold()))[:limit]
