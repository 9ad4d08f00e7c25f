"""Long lists of the page in a browser: ten thousand cards, two hundred thousand tags to complete with."""

from __future__ import annotations

import random
import time
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks import catalogue

if TYPE_CHECKING:
    from playwright.sync_api import Page

CARDS = catalogue.FILES
TAGS = 200_000
SYLLABLES = (
    "ka",
    "ro",
    "mi",
    "sun",
    "hair",
    "blue",
    "long",
    "dress",
    "ten",
    "light",
    "cat",
    "ear",
    "sky",
    "win",
    "ter",
)
WORDS = ("long ha", "blue sk", "sunl", "cat ea", "winter dr")

Times = dict[str, float]


def fill(data: Path) -> None:
    """Put model files and a list of tags into a data folder."""
    catalogue.write_files(data / "models" / "Lora", CARDS)
    chance = random.Random(0)
    tags = {"_".join(chance.choices(SYLLABLES, k=chance.randrange(1, 5))): None for _ in range(3 * TAGS)}
    numbered = (f"{tag}_({number})" for number, tag in enumerate(tags))
    names = [*tags, *numbered][:TAGS]
    (data / "tags").mkdir()
    lines = (f"{name},{chance.randrange(6)},{chance.randrange(1_000_000)}," for name in names)
    (data / "tags" / "many.csv").write_text("\n".join(lines), encoding="utf-8")


def measure(page: Page) -> Times:
    """Seconds, as the page sees them: from a press or a key to the frame after what it brings is in the document.

    `page` is the page of an Easel over a folder that was filled, ready to be used.
    """
    times = {"cards: until the first": page.evaluate(FIRST_CARD), **_filtered(page)}
    page.click("#txt2img_generation-button")
    return {**times, **_completed(page)}


def _filtered(page: Page) -> Times:
    page.wait_for_timeout(3000)  # the rest of the list comes after the first cards
    typed = sorted(page.evaluate(FILTERED, word) for word in ("portrait", "ink", "robot 42", "9999", "forest"))
    return {"cards: key until filtered, median": typed[2], "cards: key until filtered, greatest": typed[-1]}


def _completed(page: Page) -> Times:
    box = page.locator("#txt2img_prompt textarea")
    box.fill("")
    box.press_sequentially("blu", delay=100)
    page.wait_for_selector(".prompt-completion")  # the list of tags is read when it is first asked for
    page.evaluate(WATCH_LISTS)
    for word in WORDS:
        box.fill("")
        box.press_sequentially(word, delay=120)
        time.sleep(0.4)
    shown = sorted(page.evaluate("() => window.measuredLists"))
    return {
        "tags: key until the list, median": shown[len(shown) // 2] / 1000,
        "tags: key until the list, 95 of 100": shown[len(shown) * 95 // 100] / 1000,
    }


FIRST_CARD = """async () => {
  const begin = performance.now();
  document.querySelector('#txt2img_lora-button, #txt2img_extra_tabs [data-tab*=lora]').click();
  while (!document.querySelector('#txt2img_lora_cards .card, .extra-network-cards .card')) {
    await new Promise(requestAnimationFrame);
  }
  await new Promise(requestAnimationFrame);
  return (performance.now() - begin) / 1000;
}"""

FILTERED = """async (word) => {
  const box = [...document.querySelectorAll('.extra-network-control--search-text')].find((each) => each.offsetParent);
  const grid = [...document.querySelectorAll('.extra-network-cards')].find((each) => each.offsetParent);
  const begin = performance.now();
  const changed = new Promise((done) => new MutationObserver(done).observe(grid, { childList: true, subtree: true }));
  box.value = word;
  box.dispatchEvent(new Event('input', { bubbles: true }));
  await changed;
  await new Promise(requestAnimationFrame);
  return (performance.now() - begin) / 1000;
}"""

WATCH_LISTS = """() => {
  window.measuredLists = [];
  let pressed = 0;
  document.addEventListener('keydown', (event) => (pressed = event.timeStamp), true);
  new MutationObserver((changes) => {
    const shown = changes.some(({ target, addedNodes }) => [target, ...addedNodes].some((node) => (
      node.classList?.contains('prompt-completion'))));
    if (shown && pressed && document.querySelector('.prompt-completion')) {
      const begin = pressed;
      pressed = 0;
      requestAnimationFrame(() => setTimeout(() => window.measuredLists.push(performance.now() - begin)));
    }
  }).observe(document.body, { childList: true, subtree: true });
}"""
