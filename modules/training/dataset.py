"""The pictures of a training: found in a folder, looked at once, and put into batches of one size."""

from __future__ import annotations

import logging
import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

from PIL import Image, ImageOps

from modules.foundation.errors import RequestError, reason_of
from modules.foundation.picture_file import UNREADABLE, open_picture
from modules.foundation.user_pattern import UserPattern
from modules.training.buckets import Cut, cut_for, cut_picture
from modules.training.captions import caption_of, repeats_of, word_pattern
from modules.training.draws import chance
from modules.training.options import DatasetOptions

log = logging.getLogger(__name__)

SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".webp", ".avif", ".gif", ".tif", ".tiff", ".bmp", ".jxl"})
MOST_PIXELS = 256 * 1024 * 1024
"""Of one picture; what is larger is skipped, and named."""


@dataclass(frozen=True, kw_only=True)
class TrainingPicture:
    """A picture file with its words. `size` is (width, height) as it is shown; `repeats` counts in each round."""

    path: Path
    caption: str
    size: tuple[int, int]
    cut: Cut
    repeats: int = 1


@dataclass(frozen=True, kw_only=True)
class Dataset:
    """The usable pictures, and a sentence for each that is not."""

    pictures: tuple[TrainingPicture, ...]
    skipped: tuple[str, ...] = ()

    @property
    def folders(self) -> Mapping[str, tuple[int, int]]:
        """By the name of each folder its repeats and how many pictures are in it."""
        counted = Counter(picture.path.parent for picture in self.pictures)
        return {folder.name: (repeats_of(folder), count) for folder, count in counted.items()}

    def largest(self, count: int) -> Dataset:
        """The `count` pictures with most pixels."""
        by_size = sorted(self.pictures, key=lambda picture: picture.cut.size[0] * picture.cut.size[1], reverse=True)
        return replace(self, pictures=tuple(by_size[:count]))

    def tag_frequency(self) -> Mapping[str, Mapping[str, int]]:
        """By folder, how often each tag stands in the captions."""
        counts: dict[str, Counter[str]] = {}
        for picture in self.pictures:
            tags = (tag.strip() for tag in picture.caption.split(","))
            counts.setdefault(picture.path.parent.name, Counter()).update(tag for tag in tags if tag)
        return counts


def read_dataset(options: DatasetOptions, step: int) -> Dataset:
    """Look at every picture in the folder and its sub-folders. `step`: pixels that sides are multiples of.

    What cannot be read is named and skipped. Raises RequestError where nothing is left.
    """
    words = word_pattern(options.word_pattern)
    folder = Path(options.folder)
    if not folder.is_dir():
        raise RequestError(f"{folder} is not a folder that exists. Check its name.", "data_root")
    pictures: list[TrainingPicture] = []
    skipped: list[str] = []
    for path in _files(folder):
        try:
            pictures.append(_looked_at(path, options, step, words))
        except UNREADABLE as error:
            skipped.append(skipped_sentence(path, error))
    if not pictures:
        found = f"; {len(skipped)} files there cannot be read as pictures" if skipped else ""
        raise RequestError(f"There is no picture to learn from in {folder}{found}. Put some there.", "data_root")
    return Dataset(pictures=tuple(pictures), skipped=tuple(skipped))


def skipped_sentence(path: Path, error: BaseException) -> str:
    """Says that a picture is left out, and why."""
    sentence = f"{path.name} was skipped: it cannot be read ({reason_of(error)[:200]})."
    log.warning("%s: %s", path, sentence)
    return sentence


def _files(folder: Path) -> Iterator[Path]:
    for where, folders, names in os.walk(folder):
        folders.sort()
        for name in sorted(names):
            if Path(name).suffix.lower() in SUFFIXES and not name.startswith("."):
                yield Path(where) / name


def _looked_at(path: Path, options: DatasetOptions, step: int, words: UserPattern | None) -> TrainingPicture:
    with open_picture(path, MOST_PIXELS) as picture:
        # Cameras turn pictures by a note in the file.
        turned = picture.getexif().get(0x0112, 1) in (5, 6, 7, 8)
        size = (picture.height, picture.width) if turned else picture.size
    return TrainingPicture(
        path=path,
        caption=caption_of(path, words=words, join=options.word_join),
        size=size,
        cut=cut_for(size, options.fit, options.width, options.height, step),
        repeats=repeats_of(path.parent),
    )


def unpacked(picture: TrainingPicture) -> Image.Image:
    """The pixels for training, RGB or, where there is transparency, RGBA. Raises one of UNREADABLE."""
    with open_picture(picture.path, MOST_PIXELS) as file:
        shown = ImageOps.exif_transpose(file)
        has_alpha = "A" in shown.getbands() or "transparency" in shown.info
        return cut_picture(shown.convert("RGBA" if has_alpha else "RGB"), picture.cut)


class BatchEntry(NamedTuple):
    """A picture's place in a batch: its number from 0, and whether this round mirrors it."""

    number: int
    mirrored: bool


class Batches:
    """An endless row of batches. Each round has every picture as often as it repeats, in an order of its own.

    A batch holds pictures of one size; the last of a size may be smaller. Batch n follows from the seed alone.
    """

    def __init__(
        self,
        sizes: Sequence[tuple[int, int]],
        repeats: Sequence[int],
        batch_size: int,
        seed: int,
        *,
        flip: bool = False,
    ) -> None:
        self._groups: dict[tuple[int, int], list[int]] = {}
        for index, size in enumerate(sizes):
            self._groups.setdefault(size, []).extend([index] * repeats[index])
        self._batch_size, self._seed, self._flip = batch_size, seed, flip
        self._round: tuple[int, list[list[int]]] = (-1, [])
        self.count = sum(-(-len(group) // batch_size) for group in self._groups.values())
        """Batches of one round."""

    def at(self, batch: int) -> list[BatchEntry]:
        """The batch of this number, counted from 0 over all rounds."""
        turn, place = divmod(batch, self.count)
        if self._round[0] != turn:
            self._round = turn, self._made(turn)
        return [BatchEntry(number, self._flip and turn % 2 == 1) for number in self._round[1][place]]

    def _made(self, turn: int) -> list[list[int]]:
        batches: list[list[int]] = []
        shuffling = chance(self._seed, "round", turn)
        for group in self._groups.values():
            order = list(group)
            shuffling.shuffle(order)
            batches += [order[start : start + self._batch_size] for start in range(0, len(order), self._batch_size)]
        shuffling.shuffle(batches)
        return batches
