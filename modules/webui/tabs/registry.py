"""Which tabs the page has, and in which order."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from modules.settings.model import Settings
from modules.webui.builder import PageBuilder
from modules.webui.tab_bar import Tab
from modules.webui.tabs.extensions import build_extensions
from modules.webui.tabs.extras import build_extras
from modules.webui.tabs.history import build_history
from modules.webui.tabs.img2img import build_img2img
from modules.webui.tabs.modelmerger import build_modelmerger
from modules.webui.tabs.models import build_models
from modules.webui.tabs.pnginfo import build_pnginfo
from modules.webui.tabs.settings import build_settings
from modules.webui.tabs.train import build_train
from modules.webui.tabs.txt2img import build_txt2img


@dataclass(frozen=True, kw_only=True)
class PageTab:
    """A tab of the page: `label` is what people and the settings call it, `name` its short name (`tab_{name}` its id).

    `build` draws it, inside its column, and notes with `PageBuilder.when_drawn` what is to be tied to other tabs.
    """

    name: str
    label: str
    build: Callable[[PageBuilder], None]

    @property
    def tab(self) -> Tab:
        """Its entry in the bar."""
        return Tab(name=self.name, label=self.label, elem_id=f"tab_{self.name}")


TABS: tuple[PageTab, ...] = (
    PageTab(name="txt2img", label="txt2img", build=build_txt2img),
    PageTab(name="img2img", label="img2img", build=build_img2img),
    PageTab(name="extras", label="Extras", build=build_extras),
    PageTab(name="pnginfo", label="PNG Info", build=build_pnginfo),
    PageTab(name="modelmerger", label="Checkpoint Merger", build=build_modelmerger),
    PageTab(name="train", label="Train", build=build_train),
    PageTab(name="models", label="Models", build=build_models),
    PageTab(name="history", label="History", build=build_history),
    PageTab(name="settings", label="Settings", build=build_settings),
    PageTab(name="extensions", label="Extensions", build=build_extensions),
)
"""In the order of the page; a new tab is a file beside this one and a line here."""

UNHIDEABLE = "settings"
"""The tab that stays: without it nothing could be brought back."""


def ordered_tabs(tabs: Sequence[PageTab], settings: Settings) -> list[PageTab]:
    """The tabs as `ui_tab_order` has them, those that it does not name behind."""
    order = {label: place for place, label in reversed(list(enumerate(settings.ui_tab_order)))}
    return sorted(tabs, key=lambda tab: order.get(tab.label, len(order)))


def hidden_tabs(tabs: Sequence[PageTab], settings: Settings) -> list[str]:
    """The names of tabs without a button. They are drawn all the same: scripts and other tabs reach into them."""
    return [tab.name for tab in tabs if tab.label in settings.hidden_tabs and tab.name != UNHIDEABLE]
