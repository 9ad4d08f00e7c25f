"""The page has A1111's element ids: scripts, extensions and users' own styles hold on to them.

`data/element_ids.txt` lists the ids of A1111 1.10.1 with the extensions that come with it. `data/missing_ids.tsv` says
of each that is not in the page why not: its feature is not here ("feature"), it is drawn when it is opened ("opened"),
or the feature does without that element ("helper").
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from tests.webui.conftest import Watched

pytestmark = pytest.mark.shared_page

DATA = Path(__file__).with_name("data")


def test_the_page_has_a1111s_element_ids_or_says_why_not(new_web: Watched) -> None:
    wanted = (DATA / "element_ids.txt").read_text(encoding="utf-8").split()
    rows = [line.split("\t") for line in (DATA / "missing_ids.tsv").read_text(encoding="utf-8").splitlines()]
    reasons = {name: kind for name, kind, reason in rows if reason.endswith(".")}
    # What is in closed parts is drawn once the page is of use.
    new_web.page.wait_for_selector("#hires_prompt textarea", state="attached")
    new_web.page.wait_for_selector("#modelmerger_save_metadata", state="attached")
    missing = set(new_web.page.evaluate("ids => ids.filter((id) => !document.getElementById(id))", wanted))
    assert missing - reasons.keys() == set()
    assert reasons.keys() - missing == set(), "They are there now: take them out of missing_ids.tsv."
    kinds = Counter(reasons.values())
    assert len(missing) <= 0.10 * len(wanted)
    assert kinds["opened"] + kinds["helper"] <= 0.03 * (len(wanted) - kinds["feature"])
    assert new_web.errors == []


def test_helpers_of_cards_open_notes_and_calculate_hashes(web: Watched) -> None:
    page = web.page
    page.locator("#txt2img_checkpoints_edit_user_metadata_name textarea").evaluate("(box) => { box.value = 'tiny' }")
    page.locator("#txt2img_checkpoints_edit_user_metadata_button").dispatch_event("click")
    editor = page.locator("#txt2img_checkpoints_edit_user_metadata[data-open]")
    editor.wait_for()
    assert "tiny" in editor.locator("h2").inner_text()
    assert editor.locator("#checpoint_edit_user_metadata_preferred_vae select").input_value() == ""
    page.keyboard.press("Escape")
    page.locator("#txt2img_save_preview").dispatch_event("click")
    page.get_by_text("No card has its picture in").wait_for()
    page.click("#tab_settings-button")
    page.click("#settings_tab_actions-button")
    page.click("#calculate_all_checkpoint_hash")
    page.get_by_text("calculated while nothing else is done").or_(page.get_by_text("All hashes are known")).wait_for()
    assert web.errors == []
