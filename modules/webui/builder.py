"""What each tab is given to draw itself and to be tied to the rest of the page."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import gradio as gr
from gradio.components import Component

from modules.application.card_files import card_pages
from modules.application.training import template_names
from modules.foundation.plain import JsonObject
from modules.sampling.latent_upscale import LATENT_UPSCALERS
from modules.sampling.schedules import names as schedule_names
from modules.settings.model import Settings
from modules.webui.blocks import bearer_of
from modules.webui.choices import named_choices, sampler_names
from modules.webui.panel.cards_area import card_rules
from modules.webui.panel.control import Offers
from modules.webui.panel.drawing import Drawing
from modules.webui.panel.extra_options import extra_options
from modules.webui.panel.generation_panel import GenerationPanel
from modules.webui.panel.inputs import Inputs
from modules.webui.quicksettings import QuickSettings
from modules.webui.tab_bar import Tab, tab_bar, tab_rules
from modules.webui.ui_config import UiConfig

if TYPE_CHECKING:
    from modules.application.application import Application

Opening = Callable[[], Sequence[object]]
"""New values for the components it was given with."""

Lists = Callable[..., Sequence[object]]
"""From the values of dropdowns to the dropdowns with the choices of this moment."""


class PageBuilder:
    """The page that is being built. A tab draws itself, then has its events tied when all tabs are drawn.

    `panels` are the generation panels by tab, `inputs` the controls of every tab that has any to keep, for those that
    send something to them. `runs` are the tabs that begin jobs, with the kind of the job. `rules` are style rules that
    depend on what was drawn.
    """

    def __init__(self, app: Application, quick: QuickSettings, tab_labels: Sequence[str]) -> None:
        self.app, self.tab_labels = app, list(tab_labels)
        self.settings: Settings = app.settings.current
        self.ui = UiConfig(app.paths.ui_config_file)
        self.offers = offers(app)
        self.quick = quick
        self.panels: dict[str, GenerationPanel] = {}
        self.inputs: dict[str, Inputs] = {}
        self.runs: dict[str, str] = {}
        self.rules: list[str] = []
        self._when_drawn: list[Callable[[], None]] = []
        self._on_open: list[tuple[Sequence[Component], Opening]] = []
        self._lists: list[tuple[Sequence[Component], Lists]] = []

    def tab_bar(self, group: str, tabs: Sequence[Tab], label: str, hidden: Sequence[str] = ()) -> gr.HTML:
        """Draw the buttons that choose among `tabs`, whose columns follow; see `tab_bar.py`."""
        self.rules.append(tab_rules(group, tabs))
        return tab_bar(group, [tab for tab in tabs if tab.name not in hidden], label)

    def drawing(self, tab: str) -> Drawing:
        """For a generation panel on `tab`."""
        cards = card_pages(self.app)
        self.rules.append(card_rules(tab, cards))
        guests = tuple(self.app.registries.page_guests)
        keys = self.settings.extra_options_img2img if tab == "img2img" else self.settings.extra_options_txt2img
        lists = named_choices(self.app, self.tab_labels) if keys else {}
        options = extra_options(keys, self.app.settings.declared, self.settings, lists)
        return Drawing(tab, self.ui, self.settings, self.offers, guests, cards=cards, extra_options=options)

    def add_panel(self, panel: GenerationPanel) -> None:
        """A generation panel was drawn; its lists are kept up to date."""
        self.panels[panel.tab] = panel
        self.add_inputs(panel, panel.tab)

    def add_inputs(self, inputs: Inputs, kind: str) -> None:
        """Controls that begin jobs of `kind` were drawn; their values are kept, their lists up to date."""
        self.inputs[inputs.tab], self.runs[inputs.tab] = inputs, kind
        self.keep_lists(inputs.changing_components, lambda *chosen: inputs.lists(offers(self.app), chosen))

    def when_drawn(self, wire: Callable[[], None]) -> None:
        """Call `wire` once every tab is drawn, to tie events that reach into other tabs."""
        self._when_drawn.append(wire)

    def on_open(self, components: Sequence[Component], values: Opening) -> None:
        """Whenever a browser opens the page, give `components` the `values()` of that moment."""
        self._on_open.append((components, values))

    def keep_lists(self, components: Sequence[Component], lists: Lists) -> None:
        """Give dropdowns the choices of the moment whenever a browser opens the page or settings are changed."""
        self._lists.append((components, lists))

    @property
    def listed(self) -> list[Component]:
        """The dropdowns of `keep_lists`. Complete when every tab is drawn."""
        return [component for components, _ in self._lists for component in components]

    def lists_now(self, values: Sequence[object]) -> list[object]:
        """From the values of `listed` to the dropdowns as they are to be now."""
        remaining, made = iter(values), list[object]()
        for components, lists in self._lists:
            made.extend(lists(*(next(remaining) for _ in components)))
        return made

    def finish(self, page: gr.Blocks) -> None:
        """Tie what was noted. To be called within the page, when all is drawn."""
        for panel in self.panels.values():
            panel.guests.configure(self.ui)
        for wire in self._when_drawn:
            wire()
        shown = [component for components, _ in self._on_open for component in components]

        def opened(*chosen: object) -> list[object]:
            for problem in (*self.app.settings.problems, *self.ui.problems, *self.app.styles.problems()):
                gr.Warning(problem, title="A file cannot be read as it is", duration=20)
            return [*self.lists_now(chosen), *(value for _, values in self._on_open for value in values())]

        listed = self.listed
        # What was kept of the inputs comes after this, or the lists would put their first entries in its place.
        arguments: JsonObject = {"show_progress": "hidden", "show_progress_on": bearer_of(page)}
        page.load(opened, listed, [*listed, *shown], api_visibility="private", **arguments).then(
            None, js="() => { document.documentElement.dataset.opened = 'yes' }"
        )
        self.ui.write()


def offers(app: Application) -> Offers:
    """What the dropdowns of the tabs offer now."""
    upscalers = [info.name for info in app.upscalers.usable()]
    return Offers(
        samplers=sampler_names(app.settings.current.hide_samplers),
        schedules=schedule_names(),
        checkpoints=[info.title for info in app.catalogue.all()],
        upscalers=[*LATENT_UPSCALERS, *upscalers],
        picture_upscalers=upscalers,
        captioners=[info.name for info in app.captioners.all()],
        vaes=[info.name for info in app.vaes.all()],
        styles=[style.name for style in app.styles.all()],
        embeddings=sorted({Path(file.path).stem for file in app.embeddings.collection.files()}),
        hypernetworks=[info.name for info in app.networks.all("hypernet")],
        templates=template_names(app),
    )
