from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from modules.application.application import Application
from modules.application.card_files import card_pages
from modules.application.cards import packed
from modules.settings.flags import Flags
from tests.application.test_card_files import lora

FILES = ("v10", "v2", "B/x", "a/z", "a/y", ".own/first", "c/for-sdxl")


@pytest.fixture
def app(tmp_path: Path) -> Iterator[Application]:
    for number, name in enumerate(FILES):
        path = lora(tmp_path, name, width=2048 if name.endswith("sdxl") else 768)
        os.utime(path, (1_000_000_000, 1_000_000_000 + number * 10))
    application = Application(Flags(data_dir=tmp_path))
    application.library.collections["lora"].settle()
    application.settings.change({"lora_show_all": True})  # whatever checkpoint there is on this machine
    yield application
    application.close()


def first(app: Application, count: int) -> list[str]:
    """The paths of the first cards."""
    page = next(each for each in card_pages(app) if each.name == "lora")
    assert page.beginning is not None
    return [card.path.removesuffix(".safetensors") for card in page.beginning(count).cards]


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        ("Path", ["a/y", "a/z", "B/x", "c/for-sdxl", "v2", "v10"]),
        ("Name", ["c/for-sdxl", "v2", "v10", "B/x", "a/y", "a/z"]),
        ("Date Modified", ["v10", "v2", "B/x", "a/z", "a/y", "c/for-sdxl"]),
    ],
)
@pytest.mark.parametrize("direction", ["Ascending", "Descending"])
@pytest.mark.parametrize("count", [1, 3, 6])
def test_the_first_cards_are_those_of_the_order_that_the_settings_say(
    app: Application, field: str, expected: list[str], direction: str, count: int
) -> None:
    app.settings.change({"extra_networks_card_order_field": field, "extra_networks_card_order": direction})
    wanted = expected if direction == "Ascending" else expected[::-1]
    assert first(app, count) == wanted[:count]


def test_cards_in_hidden_folders_come_last_unless_they_are_shown(app: Application) -> None:
    assert first(app, 100)[-1] == ".own/first"
    app.settings.change({"extra_networks_hidden_models": "Always"})
    assert first(app, 1) == [".own/first"]


def test_cards_for_another_family_than_the_chosen_checkpoints_come_last(
    app: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Application, "selected_checkpoint", property(lambda app: app))
    monkeypatch.setattr(
        Application,
        "selected_family",
        property(lambda app: next(each for each in app.families.built_in if each.name == "SD1")),
    )
    app.settings.change({"lora_show_all": False})
    assert first(app, 6)[4:] == ["v10", ".own/first"]
    assert "c/for-sdxl" not in first(app, 5)
    app.settings.change({"lora_show_all": True})
    assert "c/for-sdxl" in first(app, 5)


def test_the_first_are_told_with_how_many_there_are_and_where_they_lie(app: Application) -> None:
    page = next(each for each in card_pages(app) if each.name == "lora")
    some, every = packed(page, first=2), packed(page)
    assert len(some["cards"]) == 2
    assert len(every["cards"]) == some["total"] == every["total"] == len(FILES)
    assert some["places"] == every["places"] == [".own", "B", "a", "c"]
