"""Pictures counted by what made them and how they were judged."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from modules.application.history import HistoryImage
from modules.application.history_tally import as_csv, tally


def picture(
    number: int, prompt: str = "a cat", mark: str = "", cfg: float = 7, steps: int = 20, **more: Any
) -> HistoryImage:
    infotext = f"{prompt}\nSteps: {steps}, Sampler: Euler, CFG scale: {cfg:g}, Seed: {number}, Model hash: {number}"
    return HistoryImage(
        number=number,
        id=str(number),
        job="j",
        kind="sample",
        created=0.0,
        path=Path(f"{number}.png"),
        width=64,
        height=64,
        seed=number,
        subseed=0,
        prompt=prompt,
        negative_prompt="",
        model="m",
        model_hash="",
        networks=(),
        infotext=infotext,
        mark=mark,
        **more,
    )


def test_cells_of_a_plot_are_counted_by_the_fields_that_differ() -> None:
    pictures = [
        picture(index, mark="good" if cfg > 7 else "bad", cfg=cfg, steps=steps)
        for index, (cfg, steps) in enumerate([(7, 20), (7, 20), (9, 20), (7, 40), (9, 40)])
    ]
    counted = tally(pictures)
    assert set(counted.fields) == {"CFG scale", "Steps"}
    by = tally(pictures, ["Steps", "CFG scale"])
    assert [(row.values, row.total, row.marks) for row in by.rows] == [
        (("20", "7"), 2, {"bad": 2}),
        (("20", "9"), 1, {"good": 1}),
        (("40", "7"), 1, {"bad": 1}),
        (("40", "9"), 1, {"good": 1}),
    ]


def test_what_differs_by_itself_is_not_offered_and_prompts_come_last() -> None:
    counted = tally([picture(1, "red cat"), picture(2, "blue cat", steps=9)])
    assert counted.offered == ("Steps", "Prompt")
    assert tally([picture(1), picture(2)]).offered == ()
    assert tally([picture(1), picture(2)]).rows[0].total == 2
    assert tally([]).rows == ()


def test_a_field_that_some_do_not_have_counts_as_nothing() -> None:
    plain = picture(1)
    counted = tally([plain, picture(2)], ["Denoising strength"])
    assert [(row.values, row.total) for row in counted.rows] == [(("",), 2)]


def test_counts_are_told_as_a_table() -> None:
    pictures = [
        picture(1, mark="good", rating=4),
        picture(2, mark="good, really", favourite=True, rating=5),
        picture(3, cfg=9),
    ]
    assert as_csv(tally(pictures)).splitlines() == [
        'CFG scale,pictures,good,"good, really",without a mark,favourites,mean rating',
        "7,2,1,1,0,1,4.50",
        "9,1,0,0,1,0,",
    ]


@given(st.lists(st.tuples(st.sampled_from(["good", "bad", ""]), st.integers(1, 3), st.integers(1, 3)), max_size=40))
def test_every_picture_is_counted_once(drawn: list[tuple[str, int, int]]) -> None:
    pictures = [picture(n, mark=mark, cfg=cfg, steps=steps) for n, (mark, cfg, steps) in enumerate(drawn)]
    counted = tally(pictures, ["CFG scale", "Steps"])
    assert sum(row.total for row in counted.rows) == len(drawn)
    assert all(sum(row.marks.values()) == row.total for row in counted.rows)
    assert len({row.values for row in counted.rows}) == len(counted.rows)
