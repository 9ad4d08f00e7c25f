"""A model file from a hub into the folder of its kind, as a job of the queue."""

from __future__ import annotations

import contextlib
import hashlib
import re
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, unquote, urlsplit

from modules.application.downloads.transfer import Transfer, TransferRequest
from modules.application.jobs.job import TaskJob
from modules.application.model_list import ModelKind
from modules.checkpoints.safetensors_header import read_header
from modules.foundation.connect import HOST
from modules.foundation.errors import CheckpointError, DownloadError, Forbidden, RequestError
from modules.generation.progress import RunControl
from modules.settings.paths import Paths

if TYPE_CHECKING:
    from modules.application.application import Application

SAFE = (".safetensors",)
PICKLES = (".ckpt", ".pt", ".pth", ".bin")
"""Files of torch.save. Easel runs no code in them, but other programs do, so they are only fetched when asked for."""

KEPT_FOR = 30 * 24 * 3600.0
"""Seconds for which a part of a file is kept, to be gone on with."""

_FORBIDDEN = re.compile(r'[<>:"/\\|?*\x00-\x1f\x7f]')
_DEVICES = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\.|$)", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class Download:
    """What was asked for. `name` is the file's name here; an empty one is the server's, or the end of the address."""

    url: str
    kind: ModelKind = "checkpoint"
    name: str = ""
    sha256: str | None = None
    allow_pickle: bool = False
    overwrite: bool = False


@dataclass(frozen=True, kw_only=True)
class Downloaded:
    """The file, now in its folder."""

    path: Path
    size: int
    sha256: str


def submit_download(app: Application, download: Download, *, job_id: str | None = None) -> TaskJob[Downloaded]:
    """Queue a download; the file is in the lists when the job is done.

    Raises Forbidden where the program was started without downloads, RequestError for what cannot be right.
    """
    check_allowed(app)
    download = replace(download, url=file_address(download.url))
    _check(download)

    def work(control: RunControl) -> Downloaded:
        done = fetch(download, app.paths, control, only_public=app.settings.current.api_forbid_local_requests)
        _refresh(app, download.kind)
        return done

    title = f"{download.name or _name_in(download.url)} from {urlsplit(download.url).hostname}"
    return app.submit_task(TaskJob(work, kind="download", title=title, job_id=job_id, lane="background"))


def file_address(url: str) -> str:
    """The address of a file, where people copy that of its page at a hub (/blob/ instead of /resolve/)."""
    parts = _parts_of(url)
    if parts.hostname in ("huggingface.co", "hf.co") and "/blob/" in parts.path:
        return parts._replace(path=parts.path.replace("/blob/", "/resolve/", 1)).geturl()
    return url


def _parts_of(url: str) -> SplitResult:
    """The address taken apart. Raises RequestError for what cannot be one: half a bracket, a port of letters."""
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError as error:
        raise RequestError(f"url is no address ({error}).", "url") from error
    return parts


def check_allowed(app: Application) -> None:
    """Raise Forbidden, naming the flag, where the program was started without downloads."""
    for flag, is_set in (("--offline", app.flags.offline), ("--no-download-sd-model", app.flags.no_download_sd_model)):
        if is_set:
            raise Forbidden(f"Easel was started with {flag} and downloads nothing. Start it without that flag first.")
    if app.policy.is_open:
        raise Forbidden(
            "Everybody on the network may use this Easel (--listen without --gradio-auth), who must not fill its disk. "
            "Start it with --gradio-auth=USER:PASSWORD or without --listen to download models."
        )


def fetch(
    download: Download, paths: Paths, control: RunControl, *, only_public: bool = True, pause: float = 1.0
) -> Downloaded:
    """Fetch a file, look at it, and give it its name. What has arrived of an interrupted one is gone on with.

    Raises DownloadError or RequestError; nothing but a whole, looked-at file ever has the name.
    """
    folder = folder_of(download.kind, paths)
    # The server may name the file only with its answer, so what arrives is called by its address.
    name = download.name or _name_in(download.url)
    partial = folder / f".{hashlib.sha256(download.url.encode()).hexdigest()[:16]}.download"

    def report(done: int, total: int | None) -> None:
        control.check()
        if done >= 0:
            control.at(done / total if total else 0.0, "downloading")

    _forget_old(folder, partial)
    wanted = TransferRequest(url=download.url, sha256=download.sha256, only_public=only_public, pause=pause)
    transfer = Transfer(wanted, partial, report)
    if download.name or Path(name).suffix.lower() in (*SAFE, *PICKLES):
        _free_name(download, folder / clean_name(name))
    digest = transfer.run()
    try:
        if not download.name and transfer.suggested_name:
            name = transfer.suggested_name
        path = _free_name(download, folder / clean_name(name))
        _look_at(partial, path)
    except (RequestError, CheckpointError, DownloadError):
        transfer.discard()
        raise
    path.parent.mkdir(parents=True, exist_ok=True)
    size = partial.stat().st_size
    transfer.keep_as(path)
    return Downloaded(path=path, size=size, sha256=digest)


def folder_of(kind: ModelKind, paths: Paths) -> Path:
    """Where files of a kind belong; one more folder given by a flag goes before the usual one."""
    return {
        "checkpoint": paths.checkpoint_folders[-1],
        "vae": paths.vae_folders[-1],
        "lora": paths.lora,
        "embedding": paths.embeddings,
        "hypernetwork": paths.hypernetworks,
        "upscaler": paths.upscaler_folders["ESRGAN"],
    }[kind]


def clean_name(name: str) -> str:
    """`name` as a file name that every system accepts and that names no folder; empty when nothing is left."""
    name = _FORBIDDEN.sub("_", name.replace("\\", "/").rpartition("/")[2]).strip(" .")
    stem, dot, suffix = name.rpartition(".")
    if not stem:
        return ""
    if _DEVICES.match(name):
        stem = f"_{stem}"
    return f"{stem.encode()[:200].decode(errors='ignore')}{dot}{suffix.lower()}"


def _check(download: Download) -> None:
    url = _parts_of(download.url)
    named = HOST.fullmatch(url.hostname or "") is not None
    if url.scheme not in ("http", "https") or not named or url.username or url.password:
        raise RequestError("url must be an http or https address without a user.", "url")
    if download.sha256 is not None and not re.fullmatch(r"[0-9a-fA-F]{64}", download.sha256):
        raise RequestError("sha256 must be 64 hexadecimal digits.", "sha256")
    if download.name:
        _check_suffix(download, clean_name(download.name))


def _check_suffix(download: Download, name: str) -> None:
    suffix = Path(name).suffix
    if suffix in PICKLES and not download.allow_pickle:
        raise RequestError(
            f"{name} is a file of torch.save, which can hold code that other programs run. Fetch a .safetensors file, "
            "or say allow_pickle if you trust where it comes from.",
            "allow_pickle",
        )
    if suffix not in (*SAFE, *PICKLES):
        raise RequestError(f"{name!r} does not end like a model file ({', '.join((*SAFE, *PICKLES))}).", "name")


def _free_name(download: Download, path: Path) -> Path:
    _check_suffix(download, path.name)
    if path.exists() and not download.overwrite:
        raise RequestError(f"{path} is there already. Give another name, or say overwrite.", "name")
    return path


def _look_at(partial: Path, path: Path) -> None:
    """Raise DownloadError for what is not what its name says."""
    if path.suffix in SAFE:
        try:
            read_header(partial)
        except CheckpointError as error:
            reason = str(error).partition(": ")[2] or str(error)
            raise DownloadError(f"What arrived for {path.name} is no safetensors file: {reason}") from error
    elif partial.stat().st_size < 1024:
        raise DownloadError(f"What arrived for {path.name} has {partial.stat().st_size} bytes; that is no model.")


def _forget_old(folder: Path, own: Path) -> None:
    """Remove what arrived long ago of downloads that were not asked for again."""
    for partial in folder.glob(".*.download"):
        note = partial.with_name(partial.name + ".json")
        with contextlib.suppress(OSError):
            if partial != own and time.time() - partial.stat().st_mtime > KEPT_FOR:
                partial.unlink()
                note.unlink(missing_ok=True)


def _name_in(url: str) -> str:
    return unquote(urlsplit(url).path).rpartition("/")[2]


def _refresh(app: Application, kind: ModelKind) -> None:
    lists = {
        "checkpoint": app.catalogue,
        "vae": app.vaes,
        "lora": app.networks,
        "hypernetwork": app.networks,
        "embedding": app.embeddings,
        "upscaler": app.upscalers,
    }
    lists[kind].refresh()
