"""Files by path, as old links have them: /file=PATH or /file/PATH, for folders of pictures and those a flag names."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

from fastapi import APIRouter, HTTPException
from fastapi.responses import FileResponse

from modules.application.application import Application
from modules.settings.known_options import FOLDERS
from modules.settings.paths import PROGRAM_FOLDER

log = logging.getLogger(__name__)

PICTURES = frozenset({".png", ".jpg", ".jpeg", ".webp", ".gif", ".avif", ".jxl"})
RESULTS = PICTURES | {".mp4", ".webm"}
"""What is served of folders that a setting names, since a client may be able to change the setting."""

SHOWN = RESULTS | {".txt", ".csv", ".json"}
"""What a browser may show; anything else could bring scripts of its own and is sent as a download."""

HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "sandbox; default-src 'none'; img-src 'self'; media-src 'self'",
    "Cache-Control": "no-cache",
}

OF_EXTENSIONS = {"X-Content-Type-Options": "nosniff", "Cache-Control": "no-cache"}


def routes(app: Application) -> APIRouter:
    """GET and HEAD of /file=PATH and /file/PATH."""
    router = APIRouter(tags=["files"])

    @router.api_route("/file={path:path}", methods=["GET", "HEAD"], include_in_schema=False)
    @router.api_route("/file/{path:path}", methods=["GET", "HEAD"], include_in_schema=False)
    def file(path: str) -> FileResponse:
        """A picture by its path, absolute or below the data folder."""
        found = allowed_file(app, path)
        if any(_is_below(found, extension.root) for extension in app.extensions.active):
            # Extensions bring pages of their own, with scripts; their code runs in the program itself anyway.
            return FileResponse(found, content_disposition_type="inline", headers=OF_EXTENSIONS)
        place = "inline" if found.suffix.lower() in SHOWN else "attachment"
        return FileResponse(found, filename=found.name, content_disposition_type=place, headers=HEADERS)

    return router


def allowed_file(app: Application, text: str) -> Path:
    """The file that `text` names. Raises HTTPException 403 for one that is not served, 404 if there is none.

    Links are followed before the folders are compared; hidden files and folders are not served.
    """
    forbidden = HTTPException(403, "This file is not served. Pictures are, and what --gradio-allowed-path names.")
    # A name of another machine must not even be looked at: on Windows that would log in there.
    if "\0" in text or "://" in text or text.replace("\\", "/").startswith("//"):
        raise forbidden
    try:
        wanted = Path(text)
        candidates = [wanted] if wanted.is_absolute() else [app.paths.data / wanted, PROGRAM_FOLDER / wanted]
        for candidate in candidates:
            resolved = candidate.resolve()
            if not _may_be_served(app, resolved):
                continue
            if resolved.is_file():
                return resolved
            raise HTTPException(404, "There is no such file.")
    except (OSError, ValueError, RuntimeError) as error:  # a name that no file system takes, a circle of links
        log.debug("No file: %s", error)
        raise HTTPException(404, "There is no such file.") from error
    raise forbidden


def _may_be_served(app: Application, path: Path) -> bool:
    suffix = path.suffix.lower()
    return any(
        (suffixes is None or suffix in suffixes) and _is_below(path, folder) for folder, suffixes in _open_folders(app)
    )


def _is_below(path: Path, folder: Path) -> bool:
    folder = folder.expanduser().resolve()
    return path.is_relative_to(folder) and not any(part.startswith(".") for part in path.relative_to(folder).parts)


def _open_folders(app: Application) -> Iterator[tuple[Path, frozenset[str] | None]]:
    """Folders of which something is served, and which kinds of files; None: all."""
    settings, paths = app.settings.current, app.paths
    for folder in app.flags.gradio_allowed_path:
        yield folder, None
    yield paths.outputs, SHOWN
    for key, default in {**FOLDERS, "outdir_samples": "", "outdir_grids": ""}.items():
        if chosen := getattr(settings, key, "") or default:
            yield paths.data / Path(str(chosen)).expanduser(), RESULTS
    for extension in app.extensions.active:
        yield extension.root, None
    # A1111's extensions write here what their scripts in the page read.
    yield paths.data / "tmp", None
    yield paths.data / "localizations", frozenset({".json"})
    # Previews of models lie beside them.
    models = (paths.models, *paths.checkpoint_folders, *paths.vae_folders)
    for folder in (*models, paths.lora, paths.lycoris, paths.hypernetworks, paths.embeddings):
        yield folder, PICTURES
