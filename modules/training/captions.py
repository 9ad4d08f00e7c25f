"""What is said of the pictures of a training: captions, words in file names, tags, templates."""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from pathlib import Path

from modules.foundation.errors import RequestError
from modules.foundation.text_files import read_text
from modules.foundation.user_pattern import UserPattern

_NUMBERS_IN_FRONT = re.compile(r"^[-\d]+\s*")
_REPEATS = re.compile(r"^(\d+)_(.*)$")

NAME, WORDS = "[name]", "[filewords]"
"""What stands in a template for the name of what is trained and for the words of the picture."""


def caption_of(picture: Path, *, words: UserPattern | None = None, join: str = " ") -> str:
    """The words of a picture: the text file beside it, else its folder's name behind `10_`, else its own name.

    Of a name the number in front is left out; with `words` only what that finds counts, put together with `join`.
    Raises OSError where a text file is there and cannot be read, and RequestError for a pattern that takes too long.
    """
    beside = picture.with_suffix(".txt")
    if beside.is_file():
        return " ".join(read_text(beside).split("\n")).strip()
    if (named := _REPEATS.match(picture.parent.name)) is not None and named[2]:
        return named[2].strip()
    name = _NUMBERS_IN_FRONT.sub("", picture.stem)
    return name if words is None else join.join(words.found_in(name))


def word_pattern(pattern: str) -> UserPattern | None:
    """What finds the words in names of files; None where the whole name counts. Raises RequestError for no pattern."""
    return (
        UserPattern(pattern, "dataset_filename_word_regex", "which finds words in names of files") if pattern else None
    )


def repeats_of(folder: Path) -> int:
    """How often the pictures of a folder count in one round: the number in front of its name, as in `10_cats`."""
    named = _REPEATS.match(folder.name)
    return max(int(named[1]), 1) if named else 1


def varied(caption: str, chance: random.Random, *, shuffle: bool, dropout: float, keep: int = 0) -> str:
    """The tags of a caption, some left out and in another order. The first `keep` tags stay where they are."""
    if not shuffle and not dropout:
        return caption
    tags = [tag.strip() for tag in caption.split(",")]
    kept, others = tags[:keep], tags[keep:]
    if dropout:
        others = [tag for tag in others if chance.random() >= dropout]
    if shuffle:
        chance.shuffle(others)
    return ", ".join([*kept, *others])


def read_template(path: Path) -> tuple[str, ...]:
    """The lines of a template file that are not empty. Raises RequestError for a file without any, or not readable."""
    try:
        lines = tuple(line.strip() for line in read_text(path).split("\n") if line.strip())
    except OSError as error:
        raise RequestError(f"The template {path} cannot be read ({error.strerror}).", "template_filename") from error
    if not lines:
        raise RequestError(
            f"The template {path} has no line of text. Write one such as: a {NAME}.", "template_filename"
        )
    return lines


def prompt_of(lines: Sequence[str], caption: str, name: str, chance: random.Random) -> str:
    """One of the template's lines with name and caption put in; the caption itself where there are no lines."""
    if not lines:
        return caption
    return chance.choice(lines).replace(NAME, name).replace(WORDS, caption)
