"""Where the browser finds a picture: saved ones as the files they are, others out of memory."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote, urljoin

import gradio as gr

from modules.application.jobs.job import Job
from modules.generation.result import FinishedImage, GenerationResult

if TYPE_CHECKING:
    import fastapi
    from PIL import Image

    from modules.application.application import Application

UNSAVED_URL = "easel/picture"


def picture_addresses(job: Job[GenerationResult], result: GenerationResult, request: gr.Request) -> list[str]:
    """What the gallery is given for each picture: the path of its file, or an address that serves it from memory.

    Files go out byte for byte, so a downloaded picture still holds its parameters.
    """
    page = request.headers.get("referer") or f"http://{request.headers.get('host', 'localhost')}/"
    addresses: list[str] = []
    for index, image in enumerate(result.images):
        if image.path is not None:
            addresses.append(served_path(image.path))
        else:
            addresses.append(urljoin(page, f"{UNSAVED_URL}/{quote(job.id, safe='')}/{index}.png"))
    return addresses


def served_path(path: Path) -> str:
    """The path of a file that Gradio may send as it is; its folder is added to those it may read from."""
    from gradio.utils import is_static_file, set_static_paths

    path = path.resolve()
    if not is_static_file(path):
        set_static_paths([path.parent])
    return str(path)


def may_be_read(path: Path) -> bool:
    """Whether a browser may name this file: an upload, or a picture that Gradio may send it."""
    from gradio.utils import get_upload_folder, is_static_file

    path = path.resolve()
    return path.is_relative_to(Path(get_upload_folder()).resolve()) or is_static_file(path)


def as_file(image: FinishedImage) -> Path:
    """A picture as a file that Gradio may send: the saved one, or one among the uploads."""
    if image.path is not None and image.path.is_file():
        return Path(served_path(image.path))
    return _upload(_png(image), f"{image.seed}.png")


def as_upload(path: Path) -> Path:
    """A copy of a picture among the uploads, from where Gradio may send it and take it back."""
    return _upload(path.read_bytes(), path.name)


def picture_as_upload(picture: Image.Image, name: str) -> Path:
    """A new picture as a PNG file among the uploads."""
    buffer = io.BytesIO()
    picture.save(buffer, "PNG", compress_level=1)
    return _upload(buffer.getvalue(), name)


def _upload(content: bytes, name: str) -> Path:
    from gradio.utils import get_upload_folder

    folder = Path(get_upload_folder()) / hashlib.sha256(content).hexdigest()
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / name
    file.write_bytes(content)
    return file


def add_unsaved_route(api: fastapi.FastAPI, app: Application) -> None:
    """Serve the pictures that are in no file: GET easel/picture/JOB/NUMBER.png."""
    import fastapi

    @api.get(f"/{UNSAVED_URL}/{{task}}/{{index}}.png", include_in_schema=False)
    def picture(task: str, index: int) -> fastapi.Response:
        job = app.queue.find(task)
        images = job.result.images if job and isinstance(job.result, GenerationResult) else ()
        if not 0 <= index < len(images):
            raise fastapi.HTTPException(404, "This picture is no longer in memory.")
        headers = {"Content-Disposition": f'inline; filename="{images[index].seed}.png"', "Cache-Control": "no-store"}
        return fastapi.Response(_png(images[index]), media_type="image/png", headers=headers)


def _png(image: FinishedImage) -> bytes:
    from PIL.PngImagePlugin import PngInfo

    chunks = PngInfo()
    if image.infotext:
        chunks.add_itxt("parameters", image.infotext) if not image.infotext.isascii() else chunks.add_text(
            "parameters", image.infotext
        )
    buffer = io.BytesIO()
    image.image.save(buffer, "PNG", pnginfo=chunks)
    return buffer.getvalue()
