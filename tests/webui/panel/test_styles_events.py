from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from modules.application.application import Application
from modules.settings.flags import Flags
from tests.webui.panels import built_page


@pytest.fixture
def app(tmp_path: Path) -> Iterator[Application]:
    application = Application(Flags(data_dir=tmp_path))
    yield application
    application.close()


def test_both_panels_have_the_dialog_under_the_ids_that_people_know(app: Application) -> None:
    for tab, panel in built_page(app).panels.items():
        ids = {component.elem_id for component in panel.parts.values()}
        names = [
            "edit_style_prompt",
            "edit_style_neg_prompt",
            "edit_style_save",
            "edit_style_delete",
            "edit_style_close",
        ]
        names += ["styles_edit_button", "styles_edit_select", "style_apply_dialog", "style_copy"]
        assert {f"{tab}_{name}" for name in names} <= ids
        assert panel.parts["style_select"].interactive


def test_the_signs_of_the_tools_have_names(app: Application) -> None:
    names = (Path(__file__).parents[3] / "modules" / "webui" / "static" / "names.js").read_text(encoding="utf-8")
    named = set(re.findall(r"^  (\w+):", names, re.MULTILINE))
    assert {"TAB_styles_edit_button", "TAB_style_apply_dialog", "TAB_style_copy"} <= named
    assert built_page(app).panels
