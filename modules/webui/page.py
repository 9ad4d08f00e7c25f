"""The page: its parts, what ties them together, and its place beside the API."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import gradio as gr

from modules.pipeline.output_folders import output_folders
from modules.webui import assets, sound
from modules.webui.generate import generate, interrupt, restore, skip
from modules.webui.hires_panel import SAME_CHECKPOINT
from modules.webui.passes_events import QUIET, pass_files, sampler_lists, wire_passes, wire_upscale
from modules.webui.pictures import add_unsaved_route
from modules.webui.pnginfo import build_pnginfo
from modules.webui.quicksettings import QuickSettings, build_quicksettings, checkpoint_state, wire_quicksettings
from modules.webui.restoring import wire_pasting
from modules.webui.settings_page import SettingsPanel, build_settings, current_values, section_tabs, wire_settings
from modules.webui.small_events import wire_small_events
from modules.webui.tabs import Tab, tab_bar, tab_rules
from modules.webui.txt2img import Txt2ImgPanel, build_txt2img
from modules.webui.ui_config import UiConfig
from modules.webui.uploads import use_temp_dir

if TYPE_CHECKING:
    import fastapi

    from modules.application.application import Application
    from modules.settings.model import Settings

TABS = (
    Tab(name="txt2img", label="txt2img", elem_id="tab_txt2img"),
    Tab(name="pnginfo", label="PNG Info", elem_id="tab_pnginfo"),
    Tab(name="settings", label="Settings", elem_id="tab_settings"),
)


def mount_page(api: fastapi.FastAPI, app: Application) -> None:
    """Put the page at "/" of `api`. To be called last: the mount answers every path that no route before it does."""
    from modules.webui.theme import easel_theme

    use_temp_dir(app.settings.current, app.paths)
    page = build_page(app)
    gr.set_static_paths([folder.resolve() for folder in output_folders(app.settings.current, app.paths)])
    api.mount(f"/{assets.STATIC_URL}", assets.RevalidatedFiles(directory=assets.STATIC_FOLDER))
    add_unsaved_route(api, app)
    sound.add_route(api, app)
    rules = tab_rules("tab", TABS) + tab_rules("settings", section_tabs())
    api.add_middleware(assets.HeadTags, tags=lambda: assets.head_tags(script_options(app), rules, theme_of(app)))
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


def build_page(app: Application) -> gr.Blocks:
    """All parts of the page, wired. Also completes ui-config.json."""
    ui = UiConfig(app.paths.ui_config_file)
    built_with = app.settings.current
    # Uploaded pictures are of no use after a day.
    with gr.Blocks(title="Easel", analytics_enabled=False, fill_width=True, delete_cache=(3600, 86400)) as page:
        quick = build_quicksettings(app)
        with gr.Column(elem_id="tabs"):
            tab_bar("tab", TABS, "Parts of the page")
            with gr.Column(elem_id="tab_txt2img", elem_classes=["tabitem"]):
                txt2img = build_txt2img(ui, built_with, [style.name for style in app.styles.all()], pass_files(app))
            with gr.Column(elem_id="tab_pnginfo", elem_classes=["tabitem"]):
                pnginfo = build_pnginfo()
            with gr.Column(elem_id="tab_settings", elem_classes=["tabitem"]):
                settings = build_settings(app, built_with)
        wire_quicksettings(app, quick)
        _wire_running(app, txt2img, quick)
        wire_small_events(app, txt2img)
        wire_passes(app, txt2img)
        wire_pasting(app, txt2img, pnginfo)
        samplers = [txt2img.controls.sampler, txt2img.controls.hr_sampler]
        wire_settings(app, settings).then(lambda *chosen: sampler_lists(app, *chosen), samplers, samplers, **QUIET)
        page.load(
            *_on_opening(app, quick, txt2img, settings, built_with), show_progress="hidden", api_visibility="private"
        )
    ui.write()
    return page


def script_options(app: Application) -> dict[str, Any]:
    """What the scripts of the page want to know when it is opened."""
    settings = app.settings.current
    return {
        "previewPeriod": settings.live_preview_refresh_period,
        "previews": settings.live_previews_enable,
        "progressInTitle": settings.show_progress_in_title,
        "sound": sound.address(app),
        "volume": settings.notification_volume / 100,
    }


def theme_of(app: Application) -> str | None:
    """The colours that the command line asks for; None leaves them to the browser."""
    return app.flags.theme if app.flags.theme in ("light", "dark") else None


def _wire_running(app: Application, panel: Txt2ImgPanel, quick: QuickSettings) -> None:
    results = panel.results
    outputs = [
        results.gallery,
        results.selected,
        results.generation_info,
        results.html_info,
        results.html_log,
        quick.checkpoint,
    ]
    quiet: dict[str, Any] = {"show_progress": "hidden", "concurrency_limit": None, "api_visibility": "private"}

    async def on_generate(request: gr.Request, task: str, *rest: Any) -> tuple[Any, ...]:
        return await generate(app, task, list(rest), request)

    async def on_restore(request: gr.Request, task: str) -> tuple[Any, ...]:
        return await restore(app, task, request)

    # The browser names the run before it asks for it, so that it can watch it at once; see static/progress.js.
    panel.top.generate.click(
        on_generate,
        [panel.task, *panel.controls.components],
        outputs,
        js="(...values) => easel.begin('txt2img', values)",
        **quiet,
    ).then(None, js="() => easel.finished('txt2img')")
    wire_upscale(app, panel, outputs)
    panel.top.restore_progress.click(
        on_restore, [panel.task], outputs, js="() => easel.runningTask('txt2img')", **quiet
    ).then(None, js="() => easel.finished('txt2img')")
    for button, act in (
        (panel.top.interrupt, interrupt),
        (panel.top.interrupting, interrupt),
        (panel.top.skip, skip),
    ):
        script = f"() => easel.{'skipping' if act is skip else 'interrupting'}('txt2img')"
        # The second press of a hasty finger counts too: it turns "after this batch" into "at once".
        button.click(_bound(act, app), [panel.task], None, js=script, trigger_mode="multiple", **quiet)


def _bound(act: Any, app: Application) -> Any:
    def handler(task: str) -> None:
        act(app, task)

    return handler


def _on_opening(
    app: Application, quick: QuickSettings, txt2img: Txt2ImgPanel, settings: SettingsPanel, built_with: Settings
) -> tuple[Callable[..., list[Any]], list[Any], list[Any]]:
    """Handler, inputs and outputs of the page's opening: it shows what is so now, not since the program started."""

    def on_open(*samplers: str) -> list[Any]:
        files = pass_files(app)
        return [
            gr.Dropdown(**checkpoint_state(app)),
            gr.Dropdown(choices=[style.name for style in app.styles.all()]),
            gr.Dropdown(choices=files.upscalers),
            gr.Dropdown(choices=[SAME_CHECKPOINT, *files.checkpoints]),
            gr.Dropdown(choices=["", *files.checkpoints]),
            *sampler_lists(app, *samplers),
            *current_values(app, settings, built_with),
        ]

    controls = txt2img.controls
    lists = [controls.styles, controls.hr_upscaler, controls.hr_checkpoint, controls.refiner_checkpoint]
    samplers = [controls.sampler, controls.hr_sampler]
    return on_open, samplers, [quick.checkpoint, *lists, *samplers, settings.shown, *settings.components.values()]


def _root_path(app: Application) -> str | None:
    subpath = (app.flags.subpath or "").strip("/")
    return f"/{subpath}" if subpath else None
