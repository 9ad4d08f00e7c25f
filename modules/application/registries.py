"""What outsiders may add to: one registry for each kind of thing, the program's own in them like all others."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from modules.application.built_in_scripts import BUILT_IN_SCRIPTS
from modules.application.cards import CardPage
from modules.application.extras_operations import ExtrasOperation
from modules.application.page_guests import PageGuest
from modules.application.scripts import script_registry
from modules.checkpoints.families import FamilyRegistry
from modules.faces.catalogue import RestorerCatalogue
from modules.foundation.registry import Registry
from modules.imaging.filenames import NAME_TOKENS
from modules.interrogate.catalogue import CaptionerCatalogue
from modules.sampling.samplers.registry import SAMPLERS
from modules.sampling.schedules import SCHEDULES
from modules.settings.store import SettingsStore
from modules.upscalers.catalogue import UpscalerCatalogue

if TYPE_CHECKING:
    from fastapi import APIRouter

    from modules.application.application import Application
    from modules.networks.kinds import AdapterKind


@dataclass(frozen=True, kw_only=True)
class Routes:
    """Routes of the API: `build(app)` makes a router, when the server is built. `name` says what they are for."""

    name: str
    build: Callable[[Application], APIRouter]


@dataclass(frozen=True, kw_only=True)
class AddedTab:
    """A tab of the page: `build` draws it with gradio's components, inside its own column.

    `label` is what people and the settings call it, `name` its short name (`tab_{name}` its id). `build` is given the
    page that is being drawn, a `modules.webui.builder.PageBuilder`.
    """

    name: str
    label: str
    build: Callable[[Any], None]


class Registries:
    """The registries of an application. What an owner registered in any of them goes with `unregister(owner)`.

    Samplers, schedules, kinds of networks and tokens of file names are code that every part of the program looks up by
    name, so that their registries are the process's; the others are the application's own.
    """

    def __init__(
        self,
        settings: SettingsStore,
        upscalers: UpscalerCatalogue,
        restorers: RestorerCatalogue,
        captioners: CaptionerCatalogue,
        families: FamilyRegistry,
    ) -> None:
        self.settings, self.families = settings.sections, families
        self.scripts = script_registry(BUILT_IN_SCRIPTS)
        self.samplers, self.schedules, self.name_tokens = SAMPLERS, SCHEDULES, NAME_TOKENS
        self.upscalers, self.face_restorers = upscalers.added, restorers.added
        self.captioners = captioners.added
        self.tabs: Registry[AddedTab] = Registry("tab", lambda tab: (tab.name, tab.label))
        self.page_guests: Registry[PageGuest] = Registry("guest of the page", lambda guest: (guest.name,))
        self.card_pages: Registry[CardPage] = Registry("page of cards", lambda page: (page.name, page.title))
        self.extras_operations: Registry[ExtrasOperation] = Registry("extras operation", lambda each: (each.name,))
        self.routes: Registry[Routes] = Registry("set of routes", lambda routes: (routes.name,))

    @functools.cached_property
    def network_kinds(self) -> Registry[AdapterKind]:
        """The kinds of networks that change weights. First use imports torch."""
        from modules.networks.kinds import KINDS

        return KINDS

    def __iter__(self) -> Iterator[Registry[Any]]:
        """Every registry that is in use."""
        return (each for each in vars(self).values() if isinstance(each, Registry))

    def unregister(self, owner: str) -> None:
        """Take away everything that `owner` registered."""
        for registry in self:
            registry.unregister(owner)
