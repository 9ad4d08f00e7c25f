"""The cards of networks, embeddings and checkpoints on the page: their lists."""

from __future__ import annotations

import json
from typing import Annotated

from fastapi import APIRouter, HTTPException, Query, Response
from pydantic import BaseModel, Field

from modules.application.application import Application
from modules.application.card_files import card_pages
from modules.application.cards import CardPage, packed
from modules.foundation.plain import JsonObject

PREFIXES = ("extra_networks_", "lora_show_all", "lora_hide_unknown_for_versions")
"""How the settings begin that say what the cards look like."""


First = Annotated[
    int | None,
    Query(ge=1, le=1000, description="No more cards than that are needed, in the order of the settings; soon."),
]


class PageOfCards(BaseModel):
    """A page of cards."""

    name: str
    title: str
    kind: str = Field(description="The kind of model file on it; empty for the page of an extension.")
    tag: str = Field(description="Kind of the tag that a click adds: <tag:name:weight>; empty for none.")
    takes_negative: bool = Field(description="A click adds to the negative prompt while the keyboard is there.")


class CardsOverview(BaseModel):
    """What there is, and what the settings say of it."""

    pages: list[PageOfCards]
    settings: JsonObject
    family: str | None = Field(description="Family of the checkpoint that is chosen.")
    checkpoint: str | None = Field(description="Its name, as the cards have it.")


def routes(app: Application) -> APIRouter:
    """GET cards and cards/{page}, POST its refresh; below /api/v1."""
    router = APIRouter(prefix="/api/v1", tags=["model files"])

    def page_of(name: str) -> CardPage:
        pages = card_pages(app)
        page = next((page for page in pages if name in (page.name, page.title)), None)
        if page is None:
            raise HTTPException(404, f"There is no page {name!r}. Pages: {', '.join(each.name for each in pages)}.")
        return page

    @router.get("/cards", summary="Pages of cards")
    def cards() -> CardsOverview:
        """The pages in their order, the settings for them, and the checkpoint that is chosen."""
        chosen, values = app.selected_checkpoint, app.settings.current.model_dump()
        return CardsOverview(
            pages=[PageOfCards.model_validate(page, from_attributes=True) for page in card_pages(app)],
            settings={key: value for key, value in values.items() if key.startswith(PREFIXES)},
            family=app.selected_family.name if chosen is not None else None,
            checkpoint=str(chosen.path) if chosen is not None else None,
        )

    @router.get("/cards/{page}", response_class=Response, summary="The cards of a page")
    def cards_of(page: str, first: First = None) -> Response:
        """`cards` has a list for each card, with values in the order of `fields`; `folder` is a place in `folders`."""
        text = json.dumps(packed(page_of(page), first), ensure_ascii=False, separators=(",", ":"))
        headers = {"Cache-Control": "no-store"}
        return Response(text.encode("utf-8", "replace"), media_type="application/json", headers=headers)

    @router.get("/cards/{page}/html", response_class=Response, summary="The cards of a page that draws them itself")
    def html_of(page: str, tab: str = "txt2img") -> Response:
        """The cards as HTML; pages of the program itself have none."""
        drawn = page_of(page).html
        if drawn is None:
            raise HTTPException(404, f"The page {page!r} does not draw its cards itself.")
        headers = {"Cache-Control": "no-store"}
        return Response(drawn(tab).encode("utf-8", "replace"), media_type="text/html", headers=headers)

    @router.post("/cards/{page}/refresh", summary="Look for a page's files again")
    def refresh(page: str) -> None:
        """Read the folders of a page again."""
        page_of(page).refresh()

    return router
