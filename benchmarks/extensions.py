"""What extensions cost: the machinery where there is none, and the page with nine of them."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from benchmarks.report import Spread, table
from benchmarks.server import ROOT

OWNER = "a1111"

PICTURES = 40

SCRIPT = """
import gradio as gr
from modules import script_callbacks, scripts, shared

class Script{n}(scripts.Script):
    def title(self): return "Measured {n}"
    def show(self, is_img2img): return scripts.AlwaysVisible
    def ui(self, is_img2img):
        with gr.Accordion("Measured {n}", open=False):
            enabled = gr.Checkbox(False, label="Enabled")
            amounts = [gr.Slider(0, 1, 0.5, label=f"Amount {{index}}") for index in range(8)]
            word = gr.Textbox(label="Word")
            enabled.change(lambda on: gr.Textbox.update(visible=on), [enabled], [word])
        return [enabled, *amounts, word]
    def process(self, p, enabled, *amounts):
        p.extra_generation_params["Measured {n}"] = enabled

def on_ui_tabs():
    with gr.Blocks() as tab:
        with gr.Tabs():
            for part in ("One", "Two"):
                with gr.Tab(part):
                    boxes = [gr.Textbox(label=f"{{part}} {{index}}") for index in range(10)]
                    gr.Button("Go").click(lambda *texts: texts[::-1], boxes, boxes)
    return [(tab, "Measured {n}", "measured_{n}")]

def on_ui_settings():
    info = shared.OptionInfo(True, "Measured", section=("measured_{n}", "Measured {n}"))
    shared.opts.add_option("measured_{n}", info)

script_callbacks.on_ui_tabs(on_ui_tabs)
script_callbacks.on_ui_settings(on_ui_settings)
"""

JAVASCRIPT = "onUiLoaded(() => gradioApp().querySelectorAll('button').length);\n"


def measure(rounds: int, say: Callable[[str], None] = print, extensions: Path | None = None) -> dict[str, Any]:
    """Both measurements; `extensions` is a folder of others than the nine that are written for the purpose."""
    with tempfile.TemporaryDirectory(prefix="easel-benchmark-") as folder:
        say("  starts and pictures without an extension")
        alone = [_alone(Path(folder) / f"alone-{number}") for number in range(rounds)]
        opened: dict[str, list[tuple[float, float]]] = {"without": [], "with": []}
        datas = {name: Path(folder) / name for name in opened}
        _write(datas["with"] / "extensions", extensions)
        for number in range(rounds):
            for name, data in datas.items():
                opened[name].append(_opened(data))
                say(f"  page {number + 1} of {rounds}, {name}: usable after {opened[name][-1][0]:.2f} s")
    return {
        "rounds": rounds,
        "extensions": sorted(path.name for path in extensions.iterdir()) if extensions else "nine written ones",
        "alone": {name: Spread.of([each[name] for each in alone]).as_dict() for name in alone[0]},
        "opened": {
            f"{what}, {name} extensions": Spread.of([each[index] for each in opened[name]]).as_dict()
            for index, what in enumerate(("seconds until usable", "processor seconds of the page's thread"))
            for name in opened
        },
    }


def _write(folder: Path, others: Path | None) -> None:
    if others is not None:
        shutil.copytree(others, folder)
        return
    for number in range(9):
        root = folder / f"measured-{number}"
        for name, text in (("scripts/measured.py", SCRIPT.format(n=number)), ("javascript/measured.js", JAVASCRIPT)):
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(text, encoding="utf-8")


def _opened(data: Path) -> tuple[float, float]:
    """Seconds until the page can be used, in a browser that never saw it, and what its thread has computed by then."""
    from playwright.sync_api import sync_playwright

    from benchmarks.page import USABLE, metrics_of
    from benchmarks.page_server import chromium, serving_page

    data.mkdir(exist_ok=True)
    with serving_page(data, "--skip-install") as url, sync_playwright() as playwright:
        browser = chromium(playwright)
        page = browser.new_page(viewport={"width": 1400, "height": 900})
        devtools = page.context.new_cdp_session(page)
        devtools.send("Performance.enable", {"timeDomain": "threadTicks"})
        begin = time.perf_counter()
        page.goto(url)
        page.wait_for_selector(USABLE, timeout=120_000)
        seconds = time.perf_counter() - begin
        used = metrics_of(devtools)["TaskDuration"]
        browser.close()
    return seconds, used


def _alone(data: Path) -> dict[str, float]:
    command = [sys.executable, "-m", "benchmarks.extensions", str(data)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"The measurement failed:\n{done.stderr.strip()[-2000:]}")
    return json.loads(done.stdout.splitlines()[-1])


def _start_and_draw(data: Path) -> dict[str, float]:
    """In the process that is measured: a start, then pictures with every call into the dialect timed."""
    from modules.a1111.dialect import A1111Dialect
    from modules.api.server import create_api
    from modules.application.application import Application
    from modules.extension_host.host import ExtensionHost
    from modules.generation.request import GenerationRequest
    from modules.settings.flags import parse_flags
    from modules.webui.page import mount_page
    from modules.webui.quick_import import import_gradio

    application = Application(parse_flags(["--data-dir", str(data), "--no-half", "--use-cpu", "all"]))
    spent: dict[str, float] = {}
    for kind, name in (
        *((ExtensionHost, each) for each in ("find", "prepare", "ask_versions")),
        *((A1111Dialect, each) for each in ("_read_flags", "declare_settings")),
    ):
        setattr(kind, name, _timed(getattr(kind, name), spent))
    api = create_api(application)
    import_gradio()
    from modules.a1111.start import start_dialect

    start_dialect(application)
    mount_page(api, application)
    start = time.process_time()

    checkpoint = data / "models" / "Stable-diffusion" / "easel-starter.safetensors"
    checkpoint.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(ROOT / "models" / "Stable-diffusion" / checkpoint.name, checkpoint)
    application.catalogue.refresh()
    in_hooks: dict[str, float] = {}

    def note_call(point: str, owner: str, seconds: float) -> None:
        if owner == OWNER:
            in_hooks[point] = in_hooks.get(point, 0.0) + seconds

    request = GenerationRequest(prompt="a red circle", steps=20, width=512, height=512, seed=1)
    application.submit(request).wait(300)
    application.hooks.time_calls(note_call)
    begun = time.process_time()
    for seed in range(PICTURES // 20):
        application.submit(GenerationRequest(prompt="a red circle", steps=20, width=512, height=512, seed=seed)).wait(
            300
        )
    pictures = time.process_time() - begun
    application.close()
    return {
        "processor s of a start": start,
        "% of it in the machinery": 100 * sum(spent.values()) / start,
        "processor s of a picture, 512x512, 20 steps": pictures / (PICTURES // 20),
        "ms of it in calls of the machinery": 1000 * sum(in_hooks.values()) / (PICTURES // 20),
        "% of a picture in the machinery": 100 * sum(in_hooks.values()) / pictures,
    }


def _timed(function: Callable[..., Any], spent: dict[str, float]) -> Callable[..., Any]:
    def timed(*arguments: Any, **named: Any) -> Any:
        begun = time.process_time()
        try:
            return function(*arguments, **named)
        finally:
            spent[function.__qualname__] = spent.get(function.__qualname__, 0.0) + time.process_time() - begun

    return timed


def show(result: Mapping[str, Any]) -> str:
    """The tables of one result."""
    rows = [
        [name, *(f"{spread[part]:.3f}" for part in ("min", "median", "max"))]
        for name, spread in result["alone"].items()
    ]
    head = ["", "least", "median", "greatest"]
    alone = f"Without an extension, {result['rounds']} processes\n\n{table(head, rows)}"
    rows = [
        [name, *(f"{spread[part]:.2f}" for part in ("min", "median", "max"))]
        for name, spread in result["opened"].items()
    ]
    return f"{alone}\n\nThe page; {result['extensions']}\n\n{table(head, rows)}"


if __name__ == "__main__":
    print(json.dumps(_start_and_draw(Path(sys.argv[1]))))
