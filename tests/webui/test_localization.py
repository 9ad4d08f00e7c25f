"""Which languages there are, and what the page is told of the chosen one."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from modules.application.application import Application
from modules.settings.flags import parse_flags
from modules.webui.choices import named_choices
from modules.webui.localization import localization_tags, translations
from tests.extension_host.test_host import make


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
    assert named_choices(app)["localizations"] == ["None", "broken", "de", "list", "fr"]
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
