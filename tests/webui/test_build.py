"""Building and serving the page without a browser."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar, cast

import gradio
import pytest
from gradio.data_classes import ImageData
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from starlette.applications import Starlette
from starlette.responses import HTMLResponse, PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from modules.application.application import Application
from modules.application.registries import AddedTab
from modules.settings.declare import Section, choices_of, setting
from modules.settings.flags import Flags
from modules.settings.model import SECTIONS, Settings
from modules.webui.assets import MANIFEST_LINK, HeadTags, head_tags, user_style
from modules.webui.choices import named_choices
from modules.webui.page import build_page
from modules.webui.quicksettings import checkpoint_state
from modules.webui.tab_bar import Tab, tab_rules
from modules.webui.tabs.settings import ELSEWHERE, from_page, section_tabs, to_page
from modules.webui.tokens import TokenCounter

ROOT = Path(__file__).resolve().parents[2]


class GlowSection(Section):
    """How much pictures glow."""

    title: ClassVar[str] = "Glow"

    glow_amount: float = setting(0.5, "Amount of glow", ge=0.0, le=1.0)


@pytest.fixture
def app(tmp_path: Path) -> Iterator[Application]:
    application = Application(Flags(data_dir=tmp_path))
    yield application
    application.close()


def built(app: Application) -> list[Any]:
    """The components of the page. Outside a running event loop Gradio makes loops of its own and leaves them open."""

    async def build() -> list[Any]:
        return list(build_page(app)[0].blocks.values())

    return asyncio.run(build())


def test_serving_the_page_imports_no_engine_and_tells_the_browser_all_of_it(tmp_path: Path) -> None:
    program = f"""
import sys
from pathlib import Path
from modules.api.server import create_api
from modules.application.application import Application
from modules.settings.declare import choices_of
from modules.settings.flags import Flags
from modules.webui.quick_import import import_gradio
import_gradio()
from modules.webui.page import mount_page
app = Application(Flags(data_dir=Path({str(tmp_path)!r})))
page = mount_page(create_api(app), app)
print(sorted({{"torch", "diffusers", "transformers", "scipy", "pandas"}} & set(sys.modules)))
told = page.config
print(len(told["components"]) - len(page.blocks), len(told["dependencies"]) - len(page.fns), told["theme"])
bearers = {{tuple(each["show_progress_on"] or ()) for each in told["dependencies"] if each["backend_fn"]}}
print(bearers == {{(page.bearer._id,)}}, sum("api_info" in each for each in told["components"]))
app.close()
"""
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    imported, told, one_bearer = done.stdout.splitlines()[-3:]
    assert imported == "[]", done.stdout
    # What the browser is told is the whole page, with what was said when it was mounted.
    assert told == "0 0 base", done.stdout
    # With a bearer for each output, every click cost half a second of looking them up. No endpoint is described.
    assert one_bearer == "True 0", done.stdout


def test_the_users_ui_config_decides_what_the_controls_begin_with(app: Application) -> None:
    app.paths.ui_config_file.write_text(
        json.dumps({"txt2img/Width/value": 768, "customscript/sampler.py/txt2img/Sampling method/value": "Euler a"}),
        encoding="utf-8",
    )
    components = {block.elem_id: block for block in built(app) if block.elem_id}
    assert components["txt2img_width"].value == 768
    assert components["txt2img_sampling"].value == "Euler a"
    written = json.loads(app.paths.ui_config_file.read_text(encoding="utf-8"))
    assert written["txt2img/Width/value"] == 768
    assert written["txt2img/CFG Scale/maximum"] == 30.0


@pytest.mark.filterwarnings("ignore::ResourceWarning")  # gradio leaves the file that it looks at open
@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "LA", "P", "I;16"])
def test_a_dropped_picture_is_the_file_itself(app: Application, tmp_path: Path, mode: str) -> None:
    path = tmp_path / "dropped.png"
    chunks = PngInfo()
    chunks.add_text("parameters", "a cat")
    Image.new(mode, (8, 8)).save(path, pnginfo=chunks)
    dropped = ImageData(path=str(path), orig_name="dropped.png")
    images = [each for each in built(app) if isinstance(each, gradio.Image) and each.interactive]
    assert images
    assert all(image.preprocess(dropped) == str(path) for image in images)


def test_every_setting_has_one_control(app: Application) -> None:
    ids = [block.elem_id for block in built(app) if (block.elem_id or "").startswith("setting_")]
    assert sorted(ids) == sorted(f"setting_{key}" for key in Settings.model_fields)


def test_every_section_has_its_page_and_no_two_share_an_id() -> None:
    names = [tab.name for tab in section_tabs(SECTIONS)]
    assert len(set(names)) == len(names) == sum(bool(set(part.model_fields) - ELSEWHERE) for part in SECTIONS)


def test_every_default_survives_the_way_to_the_page_and_back() -> None:
    settings = Settings()
    for key in Settings.model_fields:
        assert from_page(key, to_page(key, settings)) == getattr(settings, key), key


def test_an_emptied_number_is_the_default_again() -> None:
    assert from_page("eta_noise_seed_delta", None) == 0


def test_the_rules_show_the_first_tab_before_any_script_has_run() -> None:
    rules = tab_rules("tab", (Tab(name="a", label="A", elem_id="tab_a"), Tab(name="b", label="B", elem_id="tab_b")))
    assert "html:not([data-tab]) #tab_a" in rules
    assert "html[data-tab='b'] #tab_b" in rules


def test_the_tags_stand_in_the_head_of_the_page_alone() -> None:
    page = '<html><head><title>x</title><link rel="manifest" href="/manifest.json" /></head><body></head></body></html>'
    inner = Starlette(
        routes=[
            Route("/", lambda request: HTMLResponse(page, headers={"etag": "1"})),
            Route("/other", lambda request: HTMLResponse(page)),
            Route("/text", lambda request: PlainTextResponse("</head>")),
        ]
    )
    with TestClient(HeadTags(inner, lambda: "<b></b>", lambda: "<i>")) as client:
        answer = client.get("/", headers={"if-none-match": "1", "accept-encoding": "gzip"})
        assert answer.text == "<html><head><i><title>x</title><b></b></head><body></head></body></html>"
        assert int(answer.headers["content-length"]) == len(answer.content)
        assert client.get("/other").text == page
        assert client.get("/text").text == "</head>"
        assert client.head("/").status_code == 200


def test_the_link_that_is_taken_out_is_the_one_that_gradio_writes() -> None:
    template = Path(gradio.__file__).parent / "templates" / "frontend" / "index.html"
    assert template.read_bytes().count(MANIFEST_LINK) == 1


def test_the_users_own_rules_are_in_the_page_and_cannot_end_their_tag(tmp_path: Path) -> None:
    assert user_style(tmp_path / "user.css") == ""
    (tmp_path / "user.css").write_text("a { color: red }\n/* </style><b> */", encoding="utf-8")
    style = user_style(tmp_path / "user.css")
    assert style.startswith('<style id="user_css">a { color: red }')
    assert style.count("</") == 1
    assert user_style(tmp_path) == ""


def test_nothing_in_the_options_can_end_their_script() -> None:
    tags = head_tags({"x": "</script><b>"}, "", "dark")
    assert "</script><b>" not in tags
    assert '"theme": "dark"' in tags


def test_settings_that_choose_among_files_offer_the_files_that_are_there(app: Application) -> None:
    (app.paths.lora).mkdir(parents=True, exist_ok=True)
    (app.paths.lora / "film.safetensors").write_bytes(b"whatever it holds")
    app.networks.refresh()
    lists = named_choices(app)
    assert lists["loras"] == ["None", "film"]
    assert lists["vaes"][:2] == ["Automatic", "None"]
    named = {choices for field in Settings.model_fields.values() if isinstance(choices := choices_of(field), str)}
    assert named == set(lists)


def test_a_tab_and_a_section_of_settings_that_are_added_are_drawn_and_their_hook_hears_of_the_page(
    app: Application,
) -> None:
    heard: list[Any] = []
    app.registries.tabs.register(
        "plug-in",
        AddedTab(name="glow", label="Glow", build=lambda _: cast(None, gradio.Textbox(elem_id="glow_text"))),
    )
    app.registries.settings.register("plug-in", GlowSection)
    app.hooks.page_built.attach("plug-in", heard.append)
    ids = {getattr(block, "elem_id", None) for block in built(app)}
    assert {"tab_glow", "glow_text", "settings_glow", "setting_glow_amount"} <= ids
    assert heard[0].page is not None
    app.remove_owner("plug-in")
    assert "tab_glow" not in {getattr(block, "elem_id", None) for block in built(app)}


def test_the_page_lies_as_the_settings_say(app: Application) -> None:
    usual = {part.elem_id: part for part in built(app) if getattr(part, "elem_id", None)}
    app.settings.change(
        {
            "compact_prompt_box": True,
            "samplers_in_dropdown": False,
            "dimensions_and_batch_together": False,
            "txt2img_settings_accordion": True,
        }
    )
    other = {part.elem_id: part for part in built(app) if getattr(part, "elem_id", None)}
    assert usual.keys() - other.keys() == set()  # extensions look for all of them
    assert isinstance(usual["txt2img_sampling"], gradio.Dropdown)
    assert isinstance(other["txt2img_sampling"], gradio.Radio)
    assert _above(usual["txt2img_prompt"]).isdisjoint({"txt2img_settings", "txt2img_results_panel"})
    assert "txt2img_settings" in _above(other["txt2img_prompt"])
    assert "txt2img_results_panel" in _above(other["txt2img_generate"])
    assert "txt2img_settings_accordion" in _above(other["txt2img_steps"])
    assert "img2img_settings_accordion" not in other


def _above(part: Any) -> set[str]:
    """The ids of the elements around one."""
    ids: set[str] = set()
    while (part := part.parent) is not None:
        ids.add(getattr(part, "elem_id", None) or "")
    return ids


def test_short_names_of_checkpoints_leave_their_folders_out(app: Application) -> None:
    folder = app.paths.models / "Stable-diffusion" / "people"
    folder.mkdir(parents=True)
    (folder / "faces.safetensors").write_bytes(b"no checkpoint")
    app.catalogue.refresh()
    label, value = checkpoint_state(app)["choices"][0]
    assert (label.split(" (")[0].removeprefix("⚠ "), value) == ("people/faces.safetensors", "people/faces.safetensors")
    app.settings.change({"sd_checkpoint_dropdown_use_short": True})
    label, value = checkpoint_state(app)["choices"][0]
    assert (label.split(" (")[0].removeprefix("⚠ "), value) == ("faces.safetensors", "people/faces.safetensors")


def test_styles_are_counted_with_the_prompt_unless_the_settings_say_no(app: Application) -> None:
    (app.paths.data / "styles.csv").write_text("name,prompt,negative_prompt\nNight,dark sky,\n", encoding="utf-8")
    counter = TokenCounter(app)
    assert ">4/75<" in counter.html("a", 20, ["Night"], negative=False)
    app.settings.change({"include_styles_into_token_counters": False})
    assert ">1/75<" in counter.html("a", 20, ["Night"], negative=False)


def test_tokens_are_counted_in_the_dialect_of_the_settings(app: Application) -> None:
    counter = TokenCounter(app)
    counts = {}
    for dialect in ("A1111", "NovelAI", "none"):
        app.settings.change({"prompt_dialect": dialect})
        counts[dialect] = counter.html("{a} (b)", 20, [], negative=False)
    # A1111's round brackets weigh, NovelAI's curly ones do; "none" reads all of them as characters.
    assert ">4/75<" in counts["A1111"]
    assert ">4/75<" in counts["NovelAI"]
    assert ">6/75<" in counts["none"]
