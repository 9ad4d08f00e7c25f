"""The page of an Easel that was just installed: the starter model alone, and nothing that was kept."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page

from modules.webui.first_start import PROMPT
from tests.webui.conftest import Easel, Watched, easel, free_port, open_page


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Easel]:
    """A server over an empty folder."""
    with easel(tmp_path_factory.mktemp("fresh"), free_port()) as running:
        yield running


def test_the_first_prompt_makes_a_picture_and_what_is_typed_instead_stays(page: Page, fresh: Easel) -> None:
    web = Watched(page, fresh.url)
    open_page(web)
    assert [web.value(f"txt2img_{name}") for name in ("prompt", "width", "height")] == [PROMPT, "256", "256"]
    web.wait_text("txt2img_token_counter", "10/75")
    web.fill("txt2img_steps", 2)
    web.generate()
    assert "Size: 256x256" in web.wait_text("html_info_txt2img", PROMPT)
    web.fill("txt2img_prompt", "")
    page.wait_for_timeout(1500)  # what was typed is kept half a second later
    open_page(web)
    assert (web.value("txt2img_prompt"), web.value("txt2img_steps")) == ("", "2")
