"""The page: its parts, what ties them together, and its place beside the API."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import gradio as gr
from starlette.routing import Mount

from modules.foundation.avif import unpack_elsewhere
from modules.foundation.picture_file import forbid_ghostscript
from modules.hooks.events import PageEvent
from modules.pipeline.output_folders import output_folders
from modules.settings.sections.page import WHITESPACE
from modules.webui import assets, gradio_scripts, sound
from modules.webui.blocks import PageBlocks
from modules.webui.builder import PageBuilder
from modules.webui.canvas.options import canvas_options
from modules.webui.craft_options import craft_options
from modules.webui.first_start import first_inputs
from modules.webui.footer import draw_footer
from modules.webui.localization import localization_tags
from modules.webui.page_calls import PageCalls
from modules.webui.page_document import PageDocument
from modules.webui.page_errors import add_page_error_handlers
from modules.webui.panel.generation_panel import state_rules
from modules.webui.panel.keeping import wire_keeping
from modules.webui.pictures import add_unsaved_route
from modules.webui.preloads import gradio_files, own_files, preload_tags
from modules.webui.quicksettings import build_quicksettings, wire_quicksettings
from modules.webui.static_files import KEPT, StaticFolder
from modules.webui.tab_bar import tab_buttons, tab_rules
from modules.webui.tabs.registry import TABS, UNHIDEABLE, PageTab, hidden_tabs, ordered_tabs
from modules.webui.uploads import forget_broken_uploads, use_temp_dir

if TYPE_CHECKING:
    import fastapi

    from modules.application.application import Application


def mount_page(api: fastapi.FastAPI, app: Application) -> gr.Blocks:
    """Put the page at "/" of `api` and return it: the mount answers every path that no route before it does."""
    from modules.webui.theme import easel_theme

    use_temp_dir(app.settings.current, app.paths)
    forget_broken_uploads()
    page, built = build_page(app)
    gr.set_static_paths([folder.resolve() for folder in output_folders(app.settings.current, app.paths)])
    _mount_files(api)
    add_unsaved_route(api, app)
    sound.add_route(api, app)
    gradio_scripts.add_routes(api)
    _add_head(api, app, page, built)
    forbid_ghostscript()
    unpack_elsewhere()
    gr.mount_gradio_app(
        api,
        page,
        path="/",
        root_path=_root_path(app),
        theme=easel_theme(),
        favicon_path=str(assets.STATIC_FOLDER / "favicon.svg"),
        footer_links=[],
        run_history=False,
        ssr_mode=False,
        mcp_server=False,
        pwa=False,
        show_error=True,
    )
    add_page_error_handlers(mounted_page(api))
    mounted_page(api).add_middleware(PageDocument)
    mounted_page(api).add_middleware(PageCalls)
    page.describe()
    return page


def _add_head(api: fastapi.FastAPI, app: Application, page: PageBlocks, built: PageBuilder) -> None:
    rules, panels, runs = "".join(built.rules), list(built.panels), dict(built.runs)
    kinds = {block.get_block_name() for block in page.blocks.values()}
    of_gradio = [f"assets/{name}" for name in gradio_files(gradio_scripts.assets_folder(), kinds)]
    own = own_files(assets.STATIC_FOLDER)

    def first() -> str:
        base = assets.versioned_url()
        return preload_tags([*of_gradio, *(f"{base}/{name}" for name in own)])

    def tags() -> str:
        base = assets.versioned_url()
        guests = localization_tags(app, base)
        guests += "".join(guest.head() for guest in app.registries.page_guests)
        guests += assets.user_style(app.paths.data / "user.css")
        built_in = {"panels": panels, "runs": runs, "firstInputs": first_inputs(app, built.ui)}
        return assets.head_tags({**script_options(app), **built_in}, rules, theme_of(app), guests=guests, base=base)

    api.add_middleware(assets.HeadTags, tags=tags, first=first)


def _mount_files(api: fastapi.FastAPI) -> None:
    folder, joined = assets.STATIC_FOLDER, {assets.PAGE_SHEET: assets.STYLE_SHEETS}
    api.mount(f"/{assets.VERSIONS_URL}", StaticFolder(folder, cache=KEPT, joined=joined, versioned=True))
    api.mount(f"/{assets.STATIC_URL}", StaticFolder(folder, joined=joined))


def mounted_page(api: fastapi.FastAPI) -> Any:
    """Gradio's own application, which was mounted on `api` last."""
    return next(route.app for route in reversed(api.router.routes) if isinstance(route, Mount) and route.path == "")


def build_page(app: Application) -> tuple[PageBlocks, PageBuilder]:
    """All parts of the page, tied together. Also completes ui-config.json."""
    settings = app.settings.current
    added = (PageTab(name=each.name, label=each.label, build=each.build) for each in app.registries.tabs)
    tabs = ordered_tabs((*TABS, *added), settings)
    # A page may stay open over a weekend, with a picture that was given to it before.
    with contextlib.ExitStack() as stack:
        for guest in app.registries.page_guests:
            stack.enter_context(guest.building())
        page = stack.enter_context(
            PageBlocks(title="Easel", analytics_enabled=False, fill_width=True, delete_cache=(3600, 7 * 86400))
        )
        # First in the page, where it is soonest found.
        page.bearer = gr.HTML("", visible=False)
        quick = build_quicksettings(app)
        builder = PageBuilder(app, quick, [each.label for each in tabs])
        with gr.Column(elem_id="tabs"):
            _draw_tabs(builder, tabs)
        draw_footer()
        wire_quicksettings(builder, quick)
        builder.when_drawn(lambda: wire_keeping(builder))
        for guest in app.registries.page_guests:
            guest.drawn(builder)
        builder.finish(page)
        app.hooks.page_built(PageEvent(page=page))
    builder.rules.extend(state_rules(tab) for tab in builder.runs)
    return page, builder


def _draw_tabs(builder: PageBuilder, tabs: Sequence[PageTab]) -> None:
    """Draw the bar and the tabs. Guests add theirs when the panels are there; the settings list all of them."""
    settings = builder.settings
    bar = gr.HTML("", elem_classes=["tab-bar", "tab-bar-tab"], apply_default_css=False)
    known = list(tabs)
    for each in sorted(tabs, key=lambda tab: tab.name == UNHIDEABLE):
        if each.name == UNHIDEABLE:
            for guest in builder.app.registries.page_guests:
                for added in guest.tabs():
                    known.append(PageTab(name=added.name, label=added.label, build=added.build))
                    builder.tab_labels.append(added.label)
                    _draw_tab(builder, known[-1])
        _draw_tab(builder, each)
    known = ordered_tabs(known, settings)
    hidden = hidden_tabs(known, settings)
    builder.rules.append(tab_rules("tab", [each.tab for each in known]))
    bar.value = tab_buttons("tab", [each.tab for each in known if each.name not in hidden], "Parts of the page")


def _draw_tab(builder: PageBuilder, tab: PageTab) -> None:
    with gr.Column(elem_id=tab.tab.elem_id, elem_classes=["tabitem"]):
        tab.build(builder)


def script_options(app: Application) -> dict[str, object]:
    """What the scripts of the page want to know when it is opened."""
    settings = app.settings.current
    return {
        "previewPeriod": settings.live_preview_refresh_period,
        "previews": settings.live_previews_enable,
        "progressBar": settings.show_progressbar,
        "keepAwake": settings.prevent_screen_sleep_during_generation,
        "galleryHeight": settings.gallery_height,
        "craft": craft_options(app),
        "tokenCounters": not settings.disable_token_counters,
        "progressInTitle": settings.show_progress_in_title,
        "sound": sound.address(app),
        "volume": settings.notification_volume / 100,
        "canvas": canvas_options(settings),
        "keyedit": {
            "attention": settings.keyedit_precision_attention,
            "extra": settings.keyedit_precision_extra,
            "delimiters": settings.keyedit_delimiters
            + "".join(WHITESPACE[name] for name in settings.keyedit_delimiters_whitespace if name in WHITESPACE),
            "move": settings.keyedit_move,
        },
        "viewer": {
            "on": settings.js_modal_lightbox,
            "zoomed": settings.js_modal_lightbox_initially_zoomed,
            "gamepad": settings.js_modal_lightbox_gamepad,
            "repeat": settings.js_modal_lightbox_gamepad_repeat,
            "icons": settings.sd_webui_modal_lightbox_icon_opacity,
            "bar": settings.sd_webui_modal_lightbox_toolbar_opacity,
        },
    }


def theme_of(app: Application) -> str | None:
    """The colours that the command line asks for; None leaves them to the browser."""
    return app.flags.theme if app.flags.theme in ("light", "dark") else None


def _root_path(app: Application) -> str | None:
    subpath = (app.flags.subpath or "").strip("/")
    return f"/{subpath}" if subpath else None
