"""How pictures are described, as the settings say it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Protocol

from modules.settings.model import Settings


class Watcher(Protocol):
    """Who is told how far the work is, and may stop it; `RunControl` is one."""

    def check(self) -> None:
        """Raise Interrupted when the work should be left."""
        ...

    def at_phase(self, phase: str) -> None:
        """Report the phase of work that begins."""
        ...


class NoWatcher:
    """No progress is reported, and nothing is interrupted."""

    def check(self) -> None:
        """Never interrupts."""

    def at_phase(self, phase: str) -> None:
        """Reports nothing."""


@dataclass(frozen=True, kw_only=True)
class TagOptions:
    """How tags become a text. `excluded` are written with underscores; `ranks` adds each tag's probability."""

    alphabetical: bool = False
    spaces: bool = True
    escaped: bool = True
    excluded: frozenset[str] = frozenset()
    ranks: bool = False
    keeps_kaomoji: bool = False


@dataclass(frozen=True, kw_only=True)
class InterrogateOptions:
    """What the settings of the section Interrogate say. Lengths are in tokens, thresholds probabilities 0..1."""

    beams: int = 1
    least_length: int = 24
    most_length: int = 48
    most_lines: int = 1500
    skipped_categories: frozenset[str] = frozenset()
    ranks: bool = False
    keep_models: bool = False
    deepbooru_threshold: float = 0.5
    deepbooru_tags: TagOptions = TagOptions(alphabetical=True)
    wd14_general_threshold: float = 0.35
    wd14_character_threshold: float = 0.85
    wd14_tags: TagOptions = TagOptions(keeps_kaomoji=True)

    @property
    def without_ranks(self) -> InterrogateOptions:
        """The same, naming no probabilities."""
        return replace(
            self,
            ranks=False,
            deepbooru_tags=replace(self.deepbooru_tags, ranks=False),
            wd14_tags=replace(self.wd14_tags, ranks=False),
        )

    @classmethod
    def of(cls, settings: Settings) -> InterrogateOptions:
        """The options of some settings."""
        return cls(
            beams=settings.interrogate_clip_num_beams,
            least_length=settings.interrogate_clip_min_length,
            most_length=settings.interrogate_clip_max_length,
            most_lines=int(settings.interrogate_clip_dict_limit),
            skipped_categories=frozenset(settings.interrogate_clip_skip_categories),
            ranks=settings.interrogate_return_ranks,
            keep_models=settings.interrogate_keep_models_in_memory,
            deepbooru_threshold=settings.interrogate_deepbooru_score_threshold,
            deepbooru_tags=TagOptions(
                alphabetical=settings.deepbooru_sort_alpha,
                spaces=settings.deepbooru_use_spaces,
                escaped=settings.deepbooru_escape,
                excluded=tag_set(settings.deepbooru_filter_tags),
                ranks=settings.interrogate_return_ranks,
            ),
            wd14_general_threshold=settings.wd14_general_threshold,
            wd14_character_threshold=settings.wd14_character_threshold,
            wd14_tags=TagOptions(
                alphabetical=settings.wd14_sort_alpha,
                spaces=settings.wd14_use_spaces,
                escaped=settings.wd14_escape,
                excluded=tag_set(settings.wd14_exclude_tags),
                ranks=settings.interrogate_return_ranks,
                keeps_kaomoji=True,
            ),
        )


def tag_set(text: str) -> frozenset[str]:
    """Tags from a text with commas or line breaks between them, written with spaces or underscores, escaped or not.

    >>> sorted(tag_set("Long hair, 1girl\\nsaber \\\\(fate\\\\)"))
    ['1girl', 'long_hair', 'saber_(fate)']
    """
    parts = text.replace("\n", ",").replace("\\(", "(").replace("\\)", ")").split(",")
    return frozenset(part.strip().replace(" ", "_").casefold() for part in parts if part.strip())
