"""Pictures that are there already: enlarging them, restoring faces; and with what."""

from __future__ import annotations

import asyncio
import html
from typing import TYPE_CHECKING

from fastapi import APIRouter, Response

from modules.api.large_json import LargeJson, PackedFile
from modules.api.pictures import Intake, decode_picture
from modules.api.sdapi.bodies import ExtrasBatchImagesRequest, ExtrasBody, ExtrasSingleImageRequest
from modules.api.sdapi.responses import (
    ExtrasBatchImagesResponse,
    ExtrasSingleImageResponse,
    FaceRestorerItem,
    LatentUpscalerModeItem,
    RealesrganItem,
    UpscalerItem,
)
from modules.application.application import Application
from modules.application.jobs.awaiting import result_of
from modules.application.jobs.job import TaskJob
from modules.faces.catalogue import RestorerInfo
from modules.generation.progress import RunControl
from modules.imaging.encode import PictureText, encode
from modules.settings.model import Settings
from modules.upscalers.catalogue import UpscalerInfo
from modules.upscalers.known import LATENT_MODES, REAL_ESRGAN

if TYPE_CHECKING:
    from PIL import Image

    from modules.pipeline.extras import ExtrasImage


def routes(app: Application) -> APIRouter:
    """POST extra-single-image and extra-batch-images, GET the lists of what they can be done with."""
    router = APIRouter(prefix="/sdapi/v1", tags=["extras"])
    _add_work(router, app)
    _add_lists(router, app)
    return router


def _add_work(router: APIRouter, app: Application) -> None:
    @router.post("/extra-single-image", response_model=ExtrasSingleImageResponse, summary="Work on one picture")
    async def single(body: ExtrasSingleImageRequest) -> Response:
        """Enlarge a picture, restore its faces, or both, and answer when it is done. It is not saved."""
        image = await asyncio.to_thread(decode_picture, body.image, "image", Intake.of(app))
        done, settings = await _run(app, body, (image,))
        pictures = await asyncio.to_thread(_encoded, done, settings)
        return LargeJson.of({"html_info": _html(done), "image": pictures[0] if pictures else None}).response()

    @router.post("/extra-batch-images", response_model=ExtrasBatchImagesResponse, summary="Work on several pictures")
    async def batch(body: ExtrasBatchImagesRequest) -> Response:
        """The same for several pictures. When it is interrupted, those that are finished are answered."""
        fields = [(file.data, f"imageList[{index}].data") for index, file in enumerate(body.imageList)]
        intake = Intake.of(app)
        images = [await asyncio.to_thread(decode_picture, text, field, intake) for text, field in fields]
        done, settings = await _run(app, body, tuple(images))
        pictures = await asyncio.to_thread(_encoded, done, settings)
        return LargeJson.of({"html_info": _html(done), "images": pictures}).response()


def _add_lists(router: APIRouter, app: Application) -> None:
    @router.get("/upscalers", summary="Upscalers", response_model_exclude_unset=True)
    def upscalers() -> list[UpscalerItem]:
        """The built-in ones, every model file, and well-known models whose files are missing; `problem` says so."""
        settings = app.settings.current
        enabled = {
            "realesrgan_enabled_models": settings.realesrgan_enabled_models,
            "dat_enabled_models": settings.dat_enabled_models,
        }
        return [_item(info) for info in app.upscalers.offered(enabled)]

    @router.get("/face-restorers", summary="Face restorers", response_model_exclude_unset=True)
    def face_restorers() -> list[FaceRestorerItem]:
        """Those that Easel knows; `problem` says which file to put where for one that cannot be used."""
        return [
            FaceRestorerItem(name=info.name, cmd_dir=str(info.folder) if info.weights else None, **_problem(info))
            for info in app.restorers.all()
        ]

    @router.get("/latent-upscale-modes", summary="Ways to enlarge latents")
    def latent_upscale_modes() -> list[LatentUpscalerModeItem]:
        """What hires fix can enlarge with instead of an upscaler."""
        return [LatentUpscalerModeItem(name=name) for name in LATENT_MODES]

    @router.get("/realesrgan-models", summary="Real-ESRGAN models")
    def realesrgan_models() -> list[RealesrganItem]:
        """The well-known Real-ESRGAN models: where the file is, or where it can be had."""
        files = {info.name: info.path for info in app.upscalers.all()}
        return [
            RealesrganItem(name=known.name, path=str(files.get(known.name) or known.url), scale=known.scale)
            for known in REAL_ESRGAN
        ]


async def _run(
    app: Application, body: ExtrasBody, images: tuple[Image.Image, ...]
) -> tuple[tuple[ExtrasImage, ...], Settings]:
    """Queue the work and wait for it. Importing it imports torch, which is not for the server's loop."""

    def work(control: RunControl) -> tuple[ExtrasImage, ...]:
        from modules.pipeline.extras import ExtrasRequest, run_extras

        to_size = body.resize_mode == 1
        request = ExtrasRequest(
            images=images,
            scale=body.upscaling_resize,
            width=body.upscaling_resize_w if to_size else None,
            height=body.upscaling_resize_h if to_size else None,
            crop=body.upscaling_crop,
            upscaler=body.upscaler_1,
            second_upscaler=body.upscaler_2,
            second_visibility=body.extras_upscaler_2_visibility,
            gfpgan_visibility=body.gfpgan_visibility,
            codeformer_visibility=body.codeformer_visibility,
            codeformer_weight=body.codeformer_weight,
            upscale_first=body.upscale_first,
        )
        return run_extras(request, app.engine, control)

    for name, field in ((body.upscaler_1, "upscaler_1"), (body.upscaler_2, "upscaler_2")):
        app.upscalers.find(name, field)  # a wrong name is answered at once, not when its turn comes
    for name, visibility in (("GFPGAN", body.gfpgan_visibility), ("CodeFormer", body.codeformer_visibility)):
        if visibility > 0:
            app.restorers.find(name, f"{name.lower()}_visibility")
    settings = app.settings.current
    task = TaskJob(work, kind="extras", title=f"Extras on {len(images)} pictures")
    job = await asyncio.to_thread(app.submit_task, task)
    return await result_of(job), settings


def _encoded(images: tuple[ExtrasImage, ...], settings: Settings) -> list[PackedFile]:
    return [PackedFile(_file(each, settings)) for each in images]


def _file(image: ExtrasImage, settings: Settings) -> bytes:
    text = image.text if settings.enable_pnginfo else PictureText()
    return encode(
        image.image, settings.samples_format, text=text, quality=settings.jpeg_quality, lossless=settings.webp_lossless
    )


def _html(images: tuple[ExtrasImage, ...]) -> str:
    text = images[-1].done if images else "Interrupted before the first picture was done."
    return f"<p>{html.escape(text)}</p>"


def _item(info: UpscalerInfo) -> UpscalerItem:
    return UpscalerItem(
        name=info.name,
        model_name=info.model_name,
        model_path=str(info.path) if info.path else info.url,
        model_url=None,
        scale=info.scale,
        **_problem(info),
    )


def _problem(info: UpscalerInfo | RestorerInfo) -> dict[str, str]:
    return {"problem": info.problem} if info.problem else {}
