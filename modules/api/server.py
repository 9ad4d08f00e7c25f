"""The FastAPI application: every route of the API, its guards and its errors."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fastapi import FastAPI
from fastapi.middleware.cors import CORSMiddleware
from fastapi.responses import FileResponse, RedirectResponse
from starlette.routing import Mount
from starlette.types import Scope

from modules.api.errors import add_error_handlers
from modules.api.failure import Failure
from modules.api.fast_path import FastPath, job_orders, progress_questions
from modules.api.guards.access_log import AccessLog
from modules.api.guards.duplicate_slashes import DuplicateSlashes
from modules.api.guards.hosts import CheckHost, OwnNames
from modules.api.guards.login import RequireUser
from modules.api.guards.origin import RefuseForeignOrigins, allowed_origins, origin_pattern
from modules.api.guards.request_size import LimitRequests
from modules.api.live_previews import Previews
from modules.api.openai import routes as openai
from modules.api.openapi_document import DescribedApi
from modules.api.sdapi.routes import (
    embeddings,
    extra_networks,
    extras,
    files,
    generation,
    internal,
    interrogate,
    listings,
    loaded_checkpoint,
    machine,
    networks,
    options,
    png_info,
    progress,
    server,
    training,
)
from modules.api.v1.routes import (
    cards,
    checkpoint,
    events,
    history,
    img2img_batch,
    jobs,
    metrics,
    model_files,
    model_list,
    model_notes,
    prompt_advice,
    prompt_tools,
    prompts,
    recurring,
    save_button,
    settings,
    trainings,
)
from modules.application.application import Application
from modules.hooks.events import PageEvent

DOCS_PAGE = Path(__file__).with_name("static") / "docs.html"


PARTS: tuple[Any, ...] = (
    progress,
    internal,
    generation,
    options,
    settings,
    listings,
    loaded_checkpoint,
    model_files,
    embeddings,
    networks,
    extra_networks,
    cards,
    model_notes,
    model_list,
    checkpoint,
    png_info,
    save_button,
    extras,
    interrogate,
    training,
    machine,
    metrics,
    server,
    openai,
    files,
    jobs,
    img2img_batch,
    recurring,
    events,
    history,
    prompts,
    prompt_advice,
    prompt_tools,
    trainings,
)
"""Files of routes, in the order in which the documentation shows them."""


def create_api(app: Application) -> FastAPI:
    """The API over `app`. Builds routes and nothing else: no torch, no model, no file is touched."""
    api = DescribedApi(
        title="Easel",
        description="Text-to-image diffusion over HTTP, with the routes and shapes of AUTOMATIC1111's API.",
        # The usual pages are drawn by scripts from elsewhere; ours works without a network.
        docs_url=None,
        redoc_url=None,
        # Clients leave the content type out, or send JSON as something else; `RefuseForeignOrigins` guards instead.
        strict_content_type=False,
        responses={"default": {"model": Failure, "description": "Why it was not done."}},
    )
    api.state.application = app
    previews = Previews()
    for added in app.registries.routes:
        api.include_router(added.build(app))
    for part in PARTS:
        with_previews = part in (progress, internal, jobs)
        api.include_router(part.routes(app, previews) if with_previews else part.routes(app))
    api.add_api_route("/docs", lambda: FileResponse(DOCS_PAGE), include_in_schema=False)
    if app.flags.nowebui:
        api.add_api_route("/", lambda: RedirectResponse("docs"), include_in_schema=False)
    add_error_handlers(api)
    api.add_middleware(FastPath, questions=progress_questions(app, previews), orders=job_orders(app))
    _add_guards(api, app)
    return api


def tell_started(api: FastAPI, app: Application, page: object = None) -> None:
    """Tell attachments that all is ready to be served; their routes go before the page, which takes all paths."""
    app.hooks.app_started(PageEvent(api=api, page=page))
    # A stable sort: all else stays in its order.
    api.router.routes.sort(key=lambda route: isinstance(route, Mount) and route.path == "")
    _build_routes(api)


def _build_routes(api: FastAPI) -> None:
    """Have FastAPI work out every route's arguments now. It would do so with the first request that is led past it.

    That is on the event loop, where every other client waits for it, and with the garbage collector at work.
    """
    scope: Scope = {"type": "http", "method": "GET", "path": "/no/such/path", "root_path": "", "headers": []}
    for route in api.router.routes:
        route.matches(dict(scope))


def _add_guards(api: FastAPI, app: Application) -> None:
    """What stands between a request and its answer; the one added last is asked first."""
    flags, origins = app.flags, allowed_origins(app.flags.cors_allow_origins)
    api.add_middleware(LimitRequests, megabytes=flags.max_request_mb)
    api.add_middleware(RequireUser, policy=app.policy, page=not flags.nowebui)
    names, pattern = OwnNames(flags), origin_pattern(flags.cors_allow_origins_regex)
    api.add_middleware(RefuseForeignOrigins, names=names, allowed=origins, pattern=pattern)
    if origins or flags.cors_allow_origins_regex:
        api.add_middleware(
            CORSMiddleware,
            allow_origins=list(origins),
            allow_origin_regex=flags.cors_allow_origins_regex,
            allow_methods=["*"],
            allow_headers=["*"],
            allow_credentials=True,
        )
    api.add_middleware(CheckHost, names=names)
    if flags.api_log:
        api.add_middleware(AccessLog)
    api.add_middleware(DuplicateSlashes)
