"""One page of a server for many journeys: opening a page costs seconds of a core, putting one back a moment."""

from __future__ import annotations

import secrets
import time
from pathlib import Path
from typing import TYPE_CHECKING

from tests.conftest import VIEWPORT, new_page

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

PATIENCE = 90.0

# What the page keeps of its controls is what it begins with again.
KEEP = """(session) => {
  sessionStorage.setItem('easel-session', session);
  const tabs = Object.keys(easelOptions.runs);
  const buttons = tabs.flatMap((tab) => [`${tab}_keep_inputs`, `${tab}_keep_guests`]);
  const there = buttons.filter((id) => document.getElementById(id));
  there.forEach((id) => document.getElementById(id).click());
  return there.length;
}"""

# Nothing that is being kept of the last journey's controls gets between.
PUT_BACK = """(session) => new Promise((done) => {
  const { withSession, inputsRestored } = easel;
  easel.withSession = (values, tab) => values.length > 1 ? withSession(values, tab) : [session];
  easel.inputsRestored = () => {
    Object.assign(easel, { withSession, inputsRestored });
    inputsRestored();
    // The values are there, but not drawn yet.
    setTimeout(() => requestAnimationFrame(() => requestAnimationFrame(done)), 50);
  };
  document.activeElement?.blur();
  document.querySelectorAll('.easel-canvas[data-open] .canvas-button.remove').forEach((button) => button.click());
  document.querySelectorAll('#extras_image, #img_inpaint_base, #img_inpaint_mask').forEach(
    (picture) => picture.querySelector('button[aria-label=Clear]')?.click());
  document.querySelectorAll('.toast-close').forEach((button) => button.click());
  document.getElementById('easel_restore_inputs').click();
  easel.openTab('txt2img');
  scrollTo(0, 0);
})"""

IN_THE_WAY = (
    "dialog[open], #lightboxModal, .easel-menu, [aria-modal=true][data-open], ul[role=listbox], .prompt-completion"
)
BUSY = (
    "html[data-txt2img-state=running], html[data-img2img-state=running], html[data-extras-state=running], .progressDiv"
)


def wait_opened(page: Page) -> None:
    """Wait until the page's scripts have found its elements and its settings have arrived."""
    page.wait_for_selector("#txt2img_generate[title]")
    page.wait_for_selector("#txt2img_gallery_container[data-pictures]")
    page.wait_for_selector("html[data-inputs=restored]")


class OpenedPage:
    """The page at `url`, whose server keeps what is typed in the folder `sessions`."""

    def __init__(self, url: str, sessions: Path) -> None:
        self.url, self._sessions = url, sessions
        self._page: Page | None = None
        self._address = self._beginning = ""

    def take(self, browser: Browser) -> Page:
        """The page as it is after opening; another one where the last journey left it in a state of its own."""
        if self._page is not None and self._page.context.browser is not browser:
            self._page = None
        if self._page is None or not self._is_put_back(self._page):
            self.drop()
            self._page = self._opened(browser)
        return self._page

    def drop(self) -> None:
        """Have the next journey begin with another page."""
        if self._page is not None:
            self._page.context.close()
        self._page = None

    def _opened(self, browser: Browser) -> Page:
        page = new_page(browser)
        page.goto(self.url)
        wait_opened(page)
        self._address, self._beginning = page.url, secrets.token_hex(16)
        number = page.evaluate(KEEP, self._beginning)
        end = time.monotonic() + PATIENCE
        while len(self._kept()) < number:
            assert time.monotonic() < end, "What the page begins with was not kept."
            page.wait_for_timeout(20)
        page.evaluate("(session) => sessionStorage.setItem('easel-session', session)", secrets.token_hex(16))
        return page

    def _kept(self) -> list[Path]:
        return list((self._sessions / self._beginning).glob("*.json"))

    def _is_put_back(self, page: Page) -> bool:
        if page.is_closed() or page.url != self._address:
            return False
        page.unroute_all()
        page.set_default_timeout(60_000)
        page.keyboard.press("Escape")
        if page.viewport_size != VIEWPORT:
            page.set_viewport_size(VIEWPORT)
        if page.query_selector(IN_THE_WAY) or page.query_selector(BUSY):
            return False
        for file in self._kept():
            file.touch()  # the sessions that were used last are kept
        page.evaluate(PUT_BACK, self._beginning)
        return True
