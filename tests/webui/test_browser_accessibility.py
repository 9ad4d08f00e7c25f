"""What axe-core finds on each tab, light and dark: nothing serious."""

from __future__ import annotations

import os

import pytest

from tests.javascript.check import MODULES, missing
from tests.webui.conftest import PATIENCE, Watched

RUN = """async ({ parts, rules }) => {
  const where = parts.length ? { include: parts.map((part) => [part]) } : document;
  const { violations } = await axe.run(where, { resultTypes: ['violations'], ...(rules ? { runOnly: rules } : {}) });
  return violations.filter(({ impact }) => impact === 'serious' || impact === 'critical').map(
    ({ id, nodes }) => `${id}: ${nodes.slice(0, 3).map(({ target }) => target.join(' ')).join(', ')}`);
}"""
# The themes differ in their colours alone.
THEMES: tuple[tuple[str, list[str] | None], ...] = (("light", None), ("dark", ["color-contrast", "link-in-text-block"]))


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
    for number, name in enumerate(tabs):
        page.click(f"#{name}")
        if name == "tab_settings-button":
            page.click("#settings_show_all_pages")
        panel = f"#{name.removesuffix('-button')}"
        assert page.is_visible(panel)
        # What is around the tabs is looked through once.
        parts = [panel, ".tab-bar-tab"] if number else []
        for theme, rules in THEMES:
            page.evaluate("(dark) => document.body.classList.toggle('dark', dark)", theme == "dark")
            if violations := page.evaluate(RUN, {"parts": parts, "rules": rules}):
                found[f"{name} {theme}"] = violations
    page.click("#tab_txt2img-button")
    page.click("#txt2img_prompt_tools")
    for part in page.locator("#prompt_tools_panel [role=tab]").all():
        part.click()
        page.wait_for_selector(".prompt-tools-part > *")
        for theme, rules in THEMES:
            page.evaluate("(dark) => document.body.classList.toggle('dark', dark)", theme == "dark")
            if violations := page.evaluate(RUN, {"parts": ["#prompt_tools_panel"], "rules": rules}):
                found[f"tools, {part.text_content()} {theme}"] = violations
    assert found == {}
