"""Help with writing prompts: 200,000 tags read and searched for what is typed, and notes about a long prompt."""

from __future__ import annotations

import random
import statistics
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from benchmarks.report import table

TAGS = 200_000
LETTERS = 5_000
"""Characters of the prompt that is looked through."""


def measure(rounds: int, say: Callable[[str], None]) -> dict[str, Any]:
    """Milliseconds of the processor, which others do not change; the tags are drawn by chance, always the same."""
    from modules.application.application import Application
    from modules.prompts.craft.notes import notes
    from modules.settings.flags import parse_flags

    generator = random.Random(15)
    with tempfile.TemporaryDirectory(prefix="easel-benchmark-") as name:
        data = Path(name)
        names = _write_tags(data / "tags" / "danbooru.csv", generator)
        app = Application(parse_flags(["--data-dir", name, "--skip-load-model-at-start"]))
        try:
            craft = app.prompt_craft
            say(f"  reading {TAGS:,} tags")
            began = time.thread_time()
            craft.completion.find("aa")
            reading = time.thread_time() - began
            typed = [tag[:length] for tag in generator.sample(names, 200) for length in range(2, min(len(tag), 8))]
            keys = _milliseconds(typed, craft.completion.find)
            prompt = _prompt(names, generator)
            context, _ = craft.note_context("lowres, text")
            notes(prompt, context)  # the vocabulary is read with the first one
            looked = _milliseconds([prompt] * max(rounds, 3), lambda text: notes(text, context))
        finally:
            app.close()
    return {"tags": TAGS, "reading_seconds": reading, "keystroke": keys, "letters": len(prompt), "notes": looked}


def show(result: Mapping[str, Any]) -> str:
    """The table of the measurements."""
    rows = [
        [f"{result['tags']:,} tags read, once", f"{result['reading_seconds'] * 1000:.0f}", ""],
        ["a letter of a word completed", *_cells(result["keystroke"])],
        [f"notes about {result['letters']:,} characters", *_cells(result["notes"])],
    ]
    return table(["prompts", "median, ms", "99 of 100 below, ms"], rows)


def _cells(figures: Mapping[str, float]) -> list[str]:
    return [f"{figures['median']:.2f}", f"{figures['most']:.2f}"]


def _milliseconds(values: list[str], act: Callable[[str], object]) -> dict[str, float]:
    taken: list[float] = []
    for value in values:
        began = time.thread_time()
        act(value)
        taken.append((time.thread_time() - began) * 1000)
    taken.sort()
    return {"median": statistics.median(taken), "most": taken[min(len(taken) - 1, len(taken) * 99 // 100)]}


def _write_tags(path: Path, generator: random.Random) -> list[str]:
    consonants, vowels = "bcdfghjklmnprst", "aeiou"
    syllables = [first + second for first in consonants for second in vowels]
    words = ["".join(generator.choices(syllables, k=generator.randint(1, 3))) for _ in range(5_000)]
    names: dict[str, None] = {}
    while len(names) < TAGS:
        names["_".join(generator.choices(words, k=generator.randint(1, 3)))] = None
    path.parent.mkdir(parents=True)
    with path.open("w", encoding="utf-8") as file:
        for name in names:
            count = int(generator.paretovariate(0.6) * 10)
            file.write(f'{name},{generator.choice((0, 0, 0, 1, 3, 4))},{count},"{generator.choice(words)}"\n')
    return list(names)


def _prompt(names: list[str], generator: random.Random) -> str:
    pieces: list[str] = []
    while sum(map(len, pieces)) + 2 * len(pieces) < LETTERS:
        pieces.append(generator.choice(names).replace("_", " "))
    return ", ".join(pieces)[:LETTERS]
