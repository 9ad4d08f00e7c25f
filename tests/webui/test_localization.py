"""Which languages there are, and what the page is told of the chosen one."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from modules.application.application import Application
from modules.settings.flags import parse_flags
from modules.webui.choices import named_choices
from modules.webui.localization import ENGLISH, OWN_FOLDER, localization_tags, translations
from tests.extension_host.test_host import make
from tests.webui.panels import built_page

OWN = ["ja_JP", "ko_KR", "ru_RU", "zh_CN"]
"""Those that come with the program."""


@pytest.fixture
def app(tmp_path: Path) -> Iterator[Application]:
    (tmp_path / "localizations").mkdir()
    texts = {"Generate": "Erzeugen", "rtl": False, "Steps": 3, "</script>": "</script>"}
    (tmp_path / "localizations" / "de.json").write_text("\ufeff" + json.dumps(texts), encoding="utf-8")
    (tmp_path / "localizations" / "broken.json").write_text("{", encoding="utf-8")
    (tmp_path / "localizations" / "list.json").write_text("[]", encoding="utf-8")
    make(tmp_path, "words", localizations__fr_dot_json='{"Generate": "Créer"}', localizations__de_dot_json="{}")
    made = Application(parse_flags(["--data-dir", str(tmp_path), "--use-cpu", "all"]))
    made.extensions.find()
    yield made
    made.close()


def test_files_of_the_data_folder_and_of_extensions_are_offered(app: Application) -> None:
    assert named_choices(app)["localizations"] == ["None", "broken", "de", "list", "fr", *OWN]
    assert localization_tags(app) == ""


def test_the_chosen_one_is_told_to_the_page_and_cannot_end_its_tag(app: Application) -> None:
    app.settings.change({"localization": "de"})
    assert translations(app) == {"Generate": "Erzeugen", "rtl": False, "</script>": "</script>"}
    tags = localization_tags(app)
    assert tags.count("</script>") == tags.count("<script")
    assert "Erzeugen" in tags
    app.settings.change({"localization": "fr"})
    assert (
        "Créer" in json.loads(localization_tags(app).split("window.localization = ")[1].split(";</script>")[0]).values()
    )


@pytest.mark.parametrize("name", ["broken", "list", "gone", "../de"])
def test_one_that_cannot_be_read_is_named_and_the_page_stays(
    app: Application, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    app.settings.change({"localization": name})
    with caplog.at_level(logging.WARNING):
        assert localization_tags(app) == ""
    assert name in caplog.text


def catalogue(name: str) -> dict[str, str]:
    return json.loads((OWN_FOLDER / f"{name}.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def texts() -> dict[str, str]:
    """Every text of a page with the scripts that come with the program."""
    from docs.texts import built_blocks, catalogue

    return catalogue(built_blocks())


def test_the_english_catalogue_has_every_text_of_the_page_and_no_other(texts: dict[str, str]) -> None:
    assert catalogue(ENGLISH) == texts, "modules/webui/localizations/en.json is behind: run python -m docs.texts"


@pytest.mark.parametrize("name", OWN)
def test_a_translation_that_comes_with_the_program_says_the_generation_panels(name: str) -> None:
    english, translated = catalogue(ENGLISH), catalogue(name)
    assert [text for text in translated if text not in english] == []
    assert [text for text, words in translated.items() if not words.strip() or words == text] == []
    # Numbers, keys and signs in a text are in its translation as well.
    for text, words in translated.items():
        for part in re.findall(r"Ctrl\+\w+|Alt\+\w+|Esc|-1|\bCFG\b|\bX/Y\b", text):
            assert part in words, (text, words)


@pytest.mark.parametrize("tab", ["txt2img", "img2img"])
def test_every_control_of_a_generation_panel_is_translated(app: Application, tab: str) -> None:
    labels = {control.label for control in built_page(app).panels[tab].declared.values() if control.label}
    assert labels
    for name in OWN:
        assert sorted(labels - set(catalogue(name))) == [], name


def test_a_file_of_ones_own_stands_in_for_the_programs(app: Application, tmp_path: Path) -> None:
    app.settings.change({"localization": "ru_RU"})
    assert translations(app)["Generate"] == "Создать"
    (tmp_path / "localizations" / "ru_RU.json").write_text('{"Generate": "Рисовать"}', encoding="utf-8")
    assert translations(app) == {"Generate": "Рисовать"}
