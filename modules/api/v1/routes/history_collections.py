"""Many pictures of the history at once: which fit, how many of what; marked, thrown away, moved, packed."""

from __future__ import annotations

import asyncio
import datetime
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, get_args

from fastapi import APIRouter, Query, Response
from fastapi.responses import FileResponse
from starlette.background import BackgroundTask

from modules.api.v1.answers import job_infos
from modules.api.v1.bodies import (
    ChangedPictures,
    FolderBody,
    HistoryCounts,
    HistoryNumbers,
    HistoryQuery,
    JobInfo,
    MarkBody,
    MoveFilesBody,
    Numbers,
)
from modules.application import history_files
from modules.application.access_policy import FOLDER_SETTINGS
from modules.application.application import Application
from modules.application.history import Counted, History
from modules.application.history_folders import take_folders
from modules.application.history_search import Search
from modules.application.jobs.store import record_of
from modules.foundation.errors import Forbidden, RequestError

NumbersText = Annotated[
    str, Query(max_length=60_000, description="Numbers of pictures and ranges of them: 7,12-40. Empty: all that fit.")
]

MOST_NUMBERS = 1_000_000


def search_of(query: HistoryQuery) -> Search:
    """What a query looks for. Raises RequestError."""
    fields = query.model_dump(include=set(Search.__dataclass_fields__) - {"since", "until"})
    return Search(**fields, text=query.q, since=_seconds(query.since, "since"), until=_seconds(query.until, "until"))


def add_collections(router: APIRouter, app: Application) -> None:
    """Add the routes. FastPath of those with an id in them, which would take their names for one."""
    _add_views(router, app)
    _add_archives(router, app)
    _add_changes(router, app)


def _history(app: Application) -> History:
    return app.jobs.recorder.history


def _add_views(router: APIRouter, app: Application) -> None:
    @router.get("/history/numbers", summary="The numbers of all pictures that fit")
    def numbers(query: Annotated[HistoryQuery, Query()]) -> HistoryNumbers:
        """Newest first: what a list has to know to show any part of it. The part itself comes from `/history`."""
        return HistoryNumbers.model_construct(numbers=_history(app).numbers(search_of(query)))

    @router.get("/history/counts", summary="How many pictures have which model, sampler, network, rating and mark")
    def counts(query: Annotated[HistoryQuery, Query()]) -> HistoryCounts:
        """Counted over the pictures that fit the query."""
        history, search = _history(app), search_of(query)
        columns: Sequence[Counted] = get_args(Counted)
        return HistoryCounts(
            total=history.count(search), **{column: history.counts(search, column) for column in columns}
        )


def _add_archives(router: APIRouter, app: Application) -> None:
    def chosen(query: HistoryQuery, numbers: str) -> list[int]:
        return numbers_of(numbers) if numbers else _history(app).numbers(search_of(query))

    @router.get("/history/table", response_class=Response, summary="Pictures as CSV")
    def table(query: Annotated[HistoryQuery, Query()], numbers: NumbersText = "") -> Response:
        """A line each: its parameters, its rating and its mark."""
        text = history_files.table(_history(app).with_numbers(chosen(query, numbers)))
        headers = {"Content-Disposition": 'attachment; filename="pictures.csv"', "Cache-Control": "no-store"}
        return Response(text, media_type="text/csv; charset=utf-8", headers=headers)

    @router.get("/history/archive", response_class=Response, summary="Pictures as a zip archive")
    async def archive(
        query: Annotated[HistoryQuery, Query()],
        numbers: NumbersText = "",
        metadata: Annotated[bool | None, Query(description="False: without parameters. As the settings say.")] = None,
    ) -> Response:
        """The files as they were saved, or without what they say about themselves."""
        bare = app.settings.current.strip_metadata_on_download if metadata is None else not metadata

        def packed() -> Path:
            with tempfile.NamedTemporaryFile(suffix=".zip", delete=False) as file:
                path = Path(file.name)
                try:
                    history_files.pack(_history(app).with_numbers(chosen(query, numbers)), file, bare=bare)
                except BaseException:
                    path.unlink()
                    raise
            return path

        path = await asyncio.to_thread(packed)
        return FileResponse(
            path, media_type="application/zip", filename="pictures.zip", background=BackgroundTask(path.unlink)
        )


def _add_changes(router: APIRouter, app: Application) -> None:
    @router.patch("/history", summary="Rate and mark pictures")
    def mark(body: MarkBody) -> ChangedPictures:
        """What is given is set on all of them."""
        marks = {"rating": body.rating, "favourite": body.favourite, "mark": body.mark}
        values = {name: value for name, value in marks.items() if value is not None}
        if not values:
            raise RequestError('Give at least one of "rating", "favourite" and "mark".', "rating")
        done = _history(app).change(body.numbers, values)
        app.jobs.recorder.events.tell("history", None, {"numbers": body.numbers[:1000], **values})
        return ChangedPictures(done=done, problems=[])

    def changed(what: str, act: Callable[[], history_files.Done]) -> ChangedPictures:
        app.policy.check_files(what)
        outcome = act()
        app.jobs.recorder.events.tell("history", None, {"changed": outcome.done})
        return ChangedPictures(done=outcome.done, problems=outcome.problems)

    @router.post("/history/trash", summary="Put pictures into the trash")
    def trash(body: Numbers) -> ChangedPictures:
        """Their files go to the folder `trash` of the data folder; `restore` brings them back."""
        return changed("Throwing pictures away", lambda: history_files.trash(_history(app), body.numbers))

    @router.post("/history/restore", summary="Take pictures out of the trash")
    def restore(body: Numbers) -> ChangedPictures:
        """They lie where they lay before."""
        return changed("Bringing pictures back", lambda: history_files.restore(_history(app), body.numbers))

    @router.post("/history/erase", summary="Delete pictures of the trash for good")
    def erase(body: Numbers) -> ChangedPictures:
        """Those that are not in the trash stay."""
        return changed("Deleting pictures", lambda: history_files.erase(_history(app), body.numbers))

    @router.post("/history/move", summary="Move the files of pictures")
    def move(body: MoveFilesBody) -> ChangedPictures:
        """Into a folder, which is made."""
        folder = target_folder(app, body.folder)
        return changed("Moving pictures", lambda: history_files.move(_history(app), body.numbers, folder))

    @router.post("/history/folders", status_code=201, summary="Take pictures that lie in a folder into the history")
    def folders(body: FolderBody) -> JobInfo:
        """A job reads them, and those in the folders inside. Files stay where they are."""
        app.policy.check_files("Reading folders")
        if body.folder:
            _check_whole_path(app)
        job = take_folders(app, body.folder)
        return job_infos(app, [record_of(job)])[0]


def numbers_of(text: str) -> list[int]:
    """The numbers that a text like `7,12-40` names. Raises RequestError."""
    numbers: list[int] = []
    for part in text.split(","):
        first, dash, last = part.strip().partition("-")
        if not (first.isdecimal() and (last.isdecimal() or not dash)) or len(part) > 40:
            raise RequestError(f"{part[:40]!r} is neither a number nor a range of numbers like 12-40.", "numbers")
        low, high = int(first), int(last or first)
        if len(numbers) + high - low >= MOST_NUMBERS:
            raise RequestError(f"More than {MOST_NUMBERS:,} numbers are named. Name fewer at a time.", "numbers")
        numbers.extend(range(low, high + 1))
    return numbers


def target_folder(app: Application, folder: str) -> Path:
    """The folder that a client names: below the output folder, or anywhere where it may choose. Raises EaselError."""
    path = Path(folder.strip())
    if path.is_absolute():
        _check_whole_path(app)
        return path
    below = (app.paths.outputs / path).resolve()
    if not below.is_relative_to(app.paths.outputs.resolve()):
        raise RequestError(
            f"{folder!r} leads out of the output folder. Give a folder in it, or a whole path.", "folder"
        )
    return below


def _check_whole_path(app: Application) -> None:
    if app.policy.frozen & FOLDER_SETTINGS:
        raise Forbidden("Folders cannot be chosen from here: a flag of this Easel says so. Name one below the outputs.")


def _seconds(moment: datetime.datetime | None, field: str) -> float | None:
    if moment is None:
        return None
    try:
        return moment.timestamp()
    except (OverflowError, ValueError, OSError) as error:
        raise RequestError(f"{field} is no date that the history could hold.", field) from error
