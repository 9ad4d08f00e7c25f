"""What axe-core finds on each tab, light and dark: nothing serious."""

from __future__ import annotations

import os

import pytest

from tests.javascript.check import MODULES, missing
from tests.webui.conftest import PATIENCE, Watched

RUN = """async () => {
  const { violations } = await axe.run(document, { resultTypes: ['violations'] });
  return violations.filter(({ impact }) => impact === 'serious' || impact === 'critical').map(
    ({ id, nodes }) => `${id}: ${nodes.slice(0, 3).map(({ target }) => target.join(' ')).join(', ')}`);
}"""


@pytest.mark.skipif(
    "axe-core" in missing() and not os.environ.get("CI"),
    reason="axe-core is not fetched yet: python -m tests.javascript.check",
)
def test_nothing_serious_is_found_on_any_tab_light_or_dark(web: Watched) -> None:
    page = web.page
    page.set_default_timeout(PATIENCE * 1000)
    page.evaluate((MODULES / "axe-core" / "axe.min.js").read_text(encoding="utf-8") + "; 0")
    page.add_style_tag(content="*, ::before, ::after { transition: none !important; animation: none !important }")
    tabs: list[str] = page.evaluate("[...document.querySelectorAll('.tab-bar-tab [role=tab]')].map(({ id }) => id)")
    assert len(tabs) >= 9
    found: dict[str, list[str]] = {}
    for name in tabs:
        page.click(f"#{name}")
        if name == "tab_settings-button":
            page.click("#settings_show_all_pages")
        for theme in ("light", "dark"):
            page.evaluate("(dark) => document.body.classList.toggle('dark', dark)", theme == "dark")
            if violations := page.evaluate(RUN):
                found[f"{name} {theme}"] = violations
    page.click("#tab_txt2img-button")
    page.click("#txt2img_prompt_tools")
    for part in page.locator("#prompt_tools_panel [role=tab]").all():
        part.click()
        page.wait_for_selector(".prompt-tools-part > *")
        for theme in ("light", "dark"):
            page.evaluate("(dark) => document.body.classList.toggle('dark', dark)", theme == "dark")
            if violations := page.evaluate(RUN.replace("document,", "document.getElementById('prompt_tools_panel'),")):
                found[f"tools, {part.text_content()} {theme}"] = violations
    assert found == {}
