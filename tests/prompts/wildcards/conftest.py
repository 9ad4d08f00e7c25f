from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from modules.prompts.wildcards.expansion import Expander
from modules.prompts.wildcards.folders import WildcardFolders
from modules.prompts.wildcards.template import ChoiceMode


class Pantry:
    """A folder of wildcards, and short ways to expand templates with it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.folders = WildcardFolders(lambda: [folder])

    def put(self, name: str, content: str | bytes) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    def expander(self, *, variants: bool = True) -> Expander:
        return Expander(self.folders.snapshot(), variants=variants)

    def all(self, template: str, most: int = 1000) -> list[str]:
        return [made.text for (made,) in self.expander().combinations([template], iter(range(most)))]

    def some(self, template: str, count: int = 100, sampler: ChoiceMode = "random") -> list[str]:
        expander = self.expander()
        return [expander.expand(template, seed, sampler).text for seed in range(count)]

    def turns(self, template: str, count: int) -> list[str]:
        return self.some(template, count, "cyclical")

    def notes(self, template: str) -> list[str]:
        return list(self.expander().expand(template, 1).notes)


@pytest.fixture
def pantry(tmp_path: Path) -> Pantry:
    return Pantry(tmp_path / "wildcards")


@pytest.fixture
def colours(pantry: Pantry) -> Callable[[], Pantry]:
    """Colours in two files, in the order of their names."""

    def filled() -> Pantry:
        pantry.put("colors-cold.txt", "# comment\nblue\ngreen\n")
        pantry.put("colors-warm.txt", "# comment\nred\nyellow\n")
        return pantry

    return filled
