"""Textual inversions (Gal et al. 2022): learned vectors that stand for a word, looked up by the name of their file."""

from __future__ import annotations

import functools
import logging
import threading
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from modules.checkpoints.families import FamilyRegistry
from modules.foundation.errors import EaselError
from modules.library.digests import sha256_of
from modules.library.facts import Stamp, stamp_of
from modules.library.library import Folders, Library

if TYPE_CHECKING:
    from modules.text_encoders.tokenizer import ClipTokenizer

from modules.text_encoders.describe import describe_embedding
from modules.text_encoders.textual_inversion import TextualInversion

log = logging.getLogger(__name__)

SUFFIXES = (".pt", ".bin", ".safetensors", ".png", ".webp", ".jxl", ".avif")

VERSION = 1
"""Of what the index says of embeddings; to be raised when files would be described differently."""


class EmbeddingTable:
    """Finds embeddings among the tokens of one tokenizer. Of several that match at a place the longest name wins."""

    def __init__(self, embeddings: Iterable[TextualInversion], tokenizer: ClipTokenizer) -> None:
        embeddings = list(embeddings)
        self._by_first: dict[int, list[tuple[list[int], TextualInversion]]] = {}
        for ids, embedding in zip(tokenizer.encode_batch([each.name for each in embeddings]), embeddings, strict=True):
            if ids:
                self._by_first.setdefault(ids[0], []).append((ids, embedding))
        for candidates in self._by_first.values():
            candidates.sort(key=lambda candidate: len(candidate[0]), reverse=True)

    def find(self, tokens: Sequence[int], position: int) -> tuple[TextualInversion, int] | None:
        """The embedding whose name begins at `position` and the number of tokens of that name, or None."""
        for ids, embedding in self._by_first.get(tokens[position], ()):
            if list(tokens[position : position + len(ids)]) == ids:
                return embedding, len(ids)
        return None


class EmbeddingCatalogue:
    """The embeddings in some folders and their sub-folders. Files are read when they appear or change."""

    def __init__(self, library: Library, folders: Folders, families: FamilyRegistry | None = None) -> None:
        families = families or FamilyRegistry()
        self.collection = library.collect(
            "embedding",
            folders,
            SUFFIXES,
            functools.partial(describe_embedding, families=families),
            version=VERSION,
            # "name.preview.png" is the picture of another embedding.
            accepts=lambda folder, name: not name.lower().rsplit(".", 1)[0].endswith(".preview"),
        )
        families.observe(lambda: self.collection.describe_again(families.state))
        self._hashes = library.hashes
        self._lock = threading.Lock()
        self._read: dict[str, tuple[Stamp | None, TextualInversion | None]] = {}
        self._reported: set[str] = set()
        self._all: tuple[TextualInversion, ...] | None = None
        self._tables: dict[Hashable, EmbeddingTable] = {}

    def refresh(self) -> None:
        """Look at the folders again, whatever their times say."""
        self.collection.refresh()
        self.update()

    def update(self) -> None:
        """Read new and changed files; forget removed ones."""
        with self._lock:
            self._scan()

    def all(self) -> tuple[TextualInversion, ...]:
        """Every readable embedding, one of each name, sorted by name."""
        with self._lock:
            return self._scan() if self._all is None else self._all

    def fitting(self, widths: Mapping[str, int]) -> tuple[list[TextualInversion], list[TextualInversion]]:
        """Those made for a model whose text encoders have these names and widths, and the others."""
        every = self.all()
        return [each for each in every if each.fits(widths)], [each for each in every if not each.fits(widths)]

    def table(
        self, tokenizer: ClipTokenizer, widths: Mapping[str, int], further: Iterable[TextualInversion] = ()
    ) -> EmbeddingTable:
        """A look-up of the embeddings that fit; the same object until something changes.

        `further` ones come from elsewhere and go before files of the same name.
        """
        added = {each.name: each for each in further if each.fits(widths)}
        fitting = [*added.values(), *(each for each in self.fitting(widths)[0] if each.name not in added)]
        key = (tokenizer.key, tuple(sorted(widths.items())), tuple(added.values()))
        with self._lock:
            if key not in self._tables:
                self._tables[key] = EmbeddingTable(fitting, tokenizer)
            return self._tables[key]

    def _scan(self) -> tuple[TextualInversion, ...]:
        before, self._read = self._read, {}
        found: dict[str, TextualInversion] = {}
        hashed: list[tuple[Path, str]] = []
        for file in self.collection.files():
            stamp, known = stamp_of(file.path), before.get(file.path)
            if known is None or known[0] != stamp:
                known = stamp, self._try_to_read(Path(file.path), hashed)
            self._read[file.path] = known
            if (embedding := known[1]) is not None and found.setdefault(embedding.name, embedding) is not embedding:
                self._tell_once(embedding.name, file.path, found[embedding.name].path)
        if hashed:
            self._hashes.remember("sha256", hashed)
        every = tuple(found[name] for name in sorted(found, key=str.casefold))
        if every != self._all:
            self._all, self._tables = every, {}
        return every

    def _try_to_read(self, path: Path, hashed: list[tuple[Path, str]]) -> TextualInversion | None:
        from modules.text_encoders.embedding_files import read_embedding

        try:
            found = read_embedding(path)
            if found is None:
                return None
            digest = self._hashes.known(path)
            if digest is None:
                digest = sha256_of(path)
                hashed.append((path, digest))
        except (EaselError, OSError) as error:
            log.warning("Embedding %s is not used: %s", path, error)
            self.collection.note_problem(str(path), str(error))
            return None
        return replace(found, path=path, digest=digest)

    def _tell_once(self, name: str, path: str, used: Path | None) -> None:
        is_link = used is not None and used.resolve() == Path(path).resolve()
        if path not in self._reported and not is_link:
            self._reported.add(path)
            log.warning("Two embeddings are called %r; %s is not used. Rename one of them.", name, path)


def hashes_text(used: Iterable[TextualInversion]) -> str:
    """The value of infotext's "TI hashes"; empty when there is none."""
    return ", ".join(f"{_label(each.name)}: {each.short_hash}" for each in used if each.digest)


def _label(name: str) -> str:
    return name.replace(":", "").replace(",", "")
