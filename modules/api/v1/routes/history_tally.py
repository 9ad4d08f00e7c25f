"""Pictures of the history counted by what made them and how they were judged."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, HTTPException, Query, Response
from pydantic import Field

from modules.api.v1.answers import history_item
from modules.api.v1.bodies import HistoryItem, HistoryQuery
from modules.api.v1.routes.history_collections import NumbersText, numbers_of, search_of
from modules.application.application import Application
from modules.application.history_tally import MOST_FIELDS, MOST_PICTURES, Tally, as_csv, tally
from modules.foundation.errors import RequestError

By = Annotated[
    list[Annotated[str, Field(max_length=200)]] | None,
    Query(max_length=MOST_FIELDS, description="Fields of the parameters; none given: the first two that differ."),
]


def add_tally(router: APIRouter, app: Application) -> None:
    """GET history/tally and history/tally/table, history/at. Ahead of the routes with an id in them."""

    def counted(query: HistoryQuery, by: list[str] | None, numbers: str) -> Tally:
        history = app.jobs.recorder.history
        chosen = numbers_of(numbers) if numbers else history.numbers(search_of(query))
        if len(chosen) > MOST_PICTURES:
            raise RequestError(
                f"{len(chosen):,} pictures are more than the {MOST_PICTURES:,} that are counted at once. Filter.", "q"
            )
        pictures = (image for image in history.with_numbers(sorted(chosen)) if image.kind != "grid")
        return tally(pictures, by or ())

    @router.get("/history/tally", summary="Pictures counted by what made them")
    def table_of_cells(query: Annotated[HistoryQuery, Query()], by: By = None, numbers: NumbersText = "") -> Tally:
        """How many pictures of each cell there are, and how many of them have which mark. Grids do not count."""
        return counted(query, by, numbers)

    @router.get("/history/tally/table", response_class=Response, summary="The counts as CSV")
    def table_as_text(query: Annotated[HistoryQuery, Query()], by: By = None, numbers: NumbersText = "") -> Response:
        """One line per cell of the table, as a CSV file to download."""
        headers = {"Content-Disposition": 'attachment; filename="counts.csv"', "Cache-Control": "no-store"}
        text = as_csv(counted(query, by, numbers))
        return Response(text, media_type="text/csv; charset=utf-8", headers=headers)

    @router.get("/history/at", summary="The picture in a file")
    def at(path: Annotated[str, Query(min_length=1, max_length=4096, description="The whole path.")]) -> HistoryItem:
        """As the history knows it."""
        image = app.jobs.recorder.history.at_path(app.paths.data / path)
        if image is None:
            raise HTTPException(404, "There is no such file in the history: only saved pictures are in files.")
        return history_item(image)
