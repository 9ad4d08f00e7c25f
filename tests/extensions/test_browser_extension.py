"""An extension in a real browser: its panel, its tab, its script and language; and the Extensions tab."""

from __future__ import annotations

import json
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from modules.extension_host.installing import install
from tests.extension_host.test_host import make
from tests.extension_host.test_installing import git
from tests.tiny_models import make_tiny_sd1
from tests.webui.conftest import PATIENCE, Easel, Watched, easel, free_port, open_page

if TYPE_CHECKING:
    from playwright.sync_api import Page

LONG = PATIENCE * 1000

SCRIPT = """
import gradio as gr
from modules import script_callbacks, scripts, shared
from modules import generation_parameters_copypaste as params
from modules.ui_components import InputAccordion, ToolButton

class Weather(scripts.Script):
    def title(self): return "Weather"
    def show(self, is_img2img): return scripts.AlwaysVisible
    def ui(self, is_img2img):
        with gr.Accordion("Weather", open=True, elem_id=self.elem_id("box")):
            on = gr.Checkbox(False, label="Let it rain", elem_id=self.elem_id("on"))
            words = gr.Textbox("rain", label="Kind of weather", elem_id=self.elem_id("words"))
            shout = gr.Button("Louder", elem_id=self.elem_id("shout"))
            with gr.Row() as later:
                later.visible = False
                gr.HTML("<i>It clears up.</i>", elem_id=self.elem_id("later"))
            sign = ToolButton("\N{SUN}", elem_id=self.elem_id("sign"))
        sign.click(fn=lambda: gr.Row.update(visible=True), outputs=[later])
        with InputAccordion(False, label="Storm", elem_id=self.elem_id("storm")) as storm:
            gr.HTML("It blows.")
        shout.click(fn=lambda text: gr.Textbox.update(value=text.upper()), inputs=[words], outputs=[words])
        self.infotext_fields = [(on, lambda d: "Weather" in d), (words, "Weather")]
        return [on, words, storm]
    def process(self, p, on, words, storm):
        if storm:
            p.extra_generation_params["Storm"] = len(shared.opts.weather_places)
        if on:
            p.all_prompts = [f"{prompt}, {words}" for prompt in p.all_prompts]
            p.extra_generation_params["Weather"] = words

def tabs():
    with gr.Blocks() as blocks:
        text = gr.Textbox(label="Own words", elem_id="weather_text")
        button = gr.Button("Send it over", elem_id="weather_send")
        gr.HTML('<iframe id="weather_frame" src="file=extensions/weather/page.html" onload="weatherLoaded(this)"></iframe>')
        params.register_paste_params_button(
            params.ParamBinding(paste_button=button, tabname="txt2img", source_text_component=text)
        )
    return [(blocks, "Weather tab", "weather")]

def settings():
    choices = {"choices": ["sea", "land"]}
    info = shared.OptionInfo(["sea"], "Places", gr.CheckboxGroup, choices, section=("w", "Weather"))
    shared.opts.add_option("weather_places", info.info("where it blows"))

script_callbacks.on_ui_tabs(tabs)
script_callbacks.on_ui_settings(settings)
"""

JAVASCRIPT = """
window.weatherHeard = [];
window.weatherFrames = [];
window.weatherLoaded = (frame) => {
  const buttons = ["txt2img", "img2img", "extras"].map((tab) => gradioApp().querySelectorAll(`#image_buttons_${tab} button`).length);
  weatherFrames.push([frame.contentDocument.querySelector("p").textContent, Math.min(...buttons) > 0]);
};
onUiLoaded(() => {
  for (const place of ["#txt2img_generate", "#weather_send"]) {
    appendContextMenuOption(place, "Look outside", () => weatherHeard.push(`looked at ${place}`));
  }
  removeContextMenuOption(appendContextMenuOption("#weather_send", "Not wanted", () => {}));
});
onUiLoaded(() => weatherHeard.push("loaded"));
onUiTabChange(() => weatherHeard.push("tab"));
onOptionsChanged(() => weatherHeard.push("options"));
onUiLoaded(() => { throw new Error("of the test"); });
onUiLoaded(() => {
  // What is done at a button of the program comes after what the program does there.
  const width = () => gradioApp().querySelector("#txt2img_width input[type=number]").value;
  gradioApp().getElementById("txt2img_res_switch_btn").onclick = () => weatherHeard.push(`swapped to ${width()}`);
});
onUiLoaded(() => {
  // Ways through A1111's page, and parts of it.
  const ways = ["#tabs > .tab-nav > button.selected", ".tabs.gradio-tabs", "#tabs > div:first-child button",
    "#txt2img_extra_tabs > div > button", "#txt2img_prompt > label > textarea", "#setting_samples_format",
    '[style="display: block;"].tabitem', "#txt2img_lora_extra_refresh", "#sd_checkpoint_hash",
    "#settings_json textarea", "#lightboxModal .modalControls > .modalClose", "#lightboxModal > #modalImage"];
  window.weatherLost = ways.filter((way) => !gradioApp().querySelector(way) || !gradioApp().querySelectorAll(way).length);
  const slider = gradioApp().querySelector("#txt2img_steps input[type=range]");
  weatherHeard.push(slider.previousElementSibling.querySelector("label span").textContent.trim());
  const settings = JSON.parse(gradioApp().querySelector("#settings_json textarea").value);
  weatherHeard.push(settings.samples_format === opts.samples_format ? "settings" : "no settings");
});
onUiLoaded(() => weatherHeard.push(typeof opts.samples_format, getTranslation("Generate")));
"""


RESTLESS = """
// Changes the page whenever it is told of a change, which is a change; and again, and again.
let count = 0;
onUiUpdate(() => {
  count += 1;
  document.documentElement.dataset.restless = String(count);
  document.body.append(document.createElement("i"));
  document.body.lastChild.remove();
});
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Easel]:
    data = tmp_path_factory.mktemp("extended")
    make_tiny_sd1(data / "models" / "Stable-diffusion" / "tiny.safetensors")
    make(
        data,
        "weather",
        scripts__weather_dot_py=SCRIPT,
        javascript__weather_dot_js=JAVASCRIPT,
        style_dot_css="#weather_send { letter-spacing: 3px }",
        page_dot_html="<p></p><script>document.body.firstChild.textContent = 'It is fine.'</script>",
        localizations__latin_dot_json=json.dumps({"Generate": "Genera", "Let it rain": "Pluat", "Seed": "Semen"}),
    )
    origin = make(data / "elsewhere", "cloned", scripts__cloned_dot_py="")
    for step in (("init",), ("add", "."), ("commit", "-m", "one")):
        git(origin, *step)
    install(origin.as_uri(), data / "extensions")
    make(data, "restless", javascript__restless_dot_js=RESTLESS)
    make(data, "broken", scripts__broken_dot_py="raise RuntimeError('not today')\n")
    sizes = {"txt2img/Width/value": 64, "txt2img/Height/value": 64, "txt2img/Sampling steps/value": 2}
    panel = {"customscript/weather.py/txt2img/Kind of weather/value": "hail"}
    (data / "ui-config.json").write_text(json.dumps({**sizes, **panel}), encoding="utf-8")
    (data / "config.json").write_text(json.dumps({"localization": "latin"}), encoding="utf-8")
    with easel(data, free_port(), "--theme", "light", "--offline") as running:
        yield running


def choose(page: Page, elem_id: str, choice: str) -> None:
    box = page.locator(f"#{elem_id} input").first
    box.click()
    box.fill(choice)
    page.locator("ul.options li, ul[role=listbox] li", has_text=choice).first.click()


@pytest.fixture
def web(page: Page, server: Easel) -> Watched:
    watched = Watched(page, server.url)
    page.on("pageerror", lambda error: watched.errors.append(str(error)))
    open_page(watched)
    return watched


def test_a_panel_a_tab_a_script_and_a_language_of_an_extension_do_their_work(web: Watched) -> None:
    page, panel = web.page, "script_txt2img_weather"
    # The language: texts of the page and of the extension, also those that come later.
    expect(page.locator("#txt2img_generate")).to_have_text("Genera", timeout=LONG)
    expect(page.locator(f"#{panel}_on")).to_contain_text("Pluat")
    web.wait_value(f"{panel}_words", "hail")

    page.locator(f"#{panel}_shout").click()
    web.wait_value(f"{panel}_words", "HAIL")
    page.locator(f"#{panel}_on input").check()
    # A row that was hidden after it was made, shown by a button with a sign; a heading that is a checkbox.
    expect(page.locator(f"#{panel}_later")).to_be_hidden()
    assert page.evaluate(f"getComputedStyle(document.querySelector('#{panel}_sign')).fontSize") != "0px"
    page.locator(f"#{panel}_sign").click()
    expect(page.locator(f"#{panel}_later")).to_be_visible(timeout=LONG)
    page.locator(f"#{panel}_storm-visible-checkbox").check()
    expect(page.locator(f"#{panel}_storm .label-wrap")).to_have_class(re.compile("open"))
    page.click("#tab_settings-button")
    page.click("#settings_weather-button")
    expect(page.locator("#settings_weather")).to_contain_text("where it blows")
    page.locator("#setting_weather_places label", has_text="land").locator("input").check()
    page.click("#settings_submit")
    web.wait_text("settings_result", "Places")
    page.click("#tab_txt2img-button")

    web.fill("txt2img_prompt", "a mountain")
    web.generate()
    text = web.wait_text("html_info_txt2img", "Weather: HAIL")
    assert "Storm: 2" in text
    assert text.startswith("a mountain, HAIL")
    page.wait_for_timeout(800)  # what is typed is kept half a second later
    open_page(web)
    web.wait_value(f"{panel}_words", "HAIL")
    expect(page.locator(f"#{panel}_on input")).to_be_checked()

    page.click("#tab_weather-button")
    web.fill("weather_text", "a valley\nSteps: 3, Sampler: Euler, CFG scale: 5, Seed: 5, Size: 64x64, Weather: snow")
    page.click("#weather_send")
    web.wait_value("txt2img_prompt", "a valley")
    web.wait_value(f"{panel}_words", "snow")
    page.wait_for_selector("html[data-tab=txt2img]")

    web.fill("txt2img_height", 128)
    page.click("#txt2img_res_switch_btn")
    web.wait_value("txt2img_width", "128")
    web.wait_value("txt2img_height", "64")
    assert page.locator("#txt2img_lora_cards").count() == 1
    page.locator("#txt2img_extra_tabs [role=tab]", has_text="Lora").click()
    page.wait_for_selector("#txt2img_lora_cards[role=list]", state="attached", timeout=LONG)
    assert page.locator("#txt2img_lora_cards").count() == 1
    # All of it beside a script that answers each change of the page with another.
    assert page.evaluate("Number(document.documentElement.dataset.restless)") > 10
    heard = page.evaluate("window.weatherHeard")
    assert {"loaded", "tab", "string", "Genera", "swapped to 128"} <= set(heard)
    assert page.evaluate("getComputedStyle(document.querySelector('#weather_send')).letterSpacing") == "3px"
    assert web.errors == []


def test_scripts_find_their_ways_through_the_page_of_gradio_3_and_parts_that_easel_has_not(web: Watched) -> None:
    page = web.page
    page.wait_for_function("window.weatherHeard.includes('loaded')", timeout=LONG)
    heard = page.evaluate("window.weatherHeard")
    assert {"Sampling steps", "settings"} <= set(heard)
    assert page.evaluate("window.weatherLost") == []
    # A1111's viewer, which scripts open and put functions of their own into.
    page.evaluate("showModal({ target: { src: 'favicon.ico' } })")
    expect(page.locator("#modalImage")).to_be_visible()
    page.evaluate("const theirs = closeModal; window.closeModal = () => { weatherHeard.push('closed'); theirs(); }; null")
    page.locator("#lightboxModal .modalClose").click()
    expect(page.locator("#lightboxModal")).to_be_hidden()
    assert "closed" in page.evaluate("window.weatherHeard")
    assert web.errors == []
    web.generate()
    # The page's own viewer, and not what scripts find of A1111's in its place.
    page.click("#txt2img_gallery .preview .media-button")
    expect(page.locator(".lightbox")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator(".lightbox")).to_have_count(0)


def test_a_page_in_a_tab_finds_the_whole_page_and_menus_have_entries_of_extensions(web: Watched) -> None:
    page = web.page
    page.wait_for_function("window.weatherFrames.length > 0", timeout=LONG)
    assert page.evaluate("window.weatherFrames") == [["It is fine.", True]]
    page.locator("#txt2img_generate").click(button="right")
    menu = page.locator("#context-menu")
    expect(menu).to_contain_text("Generate forever")
    menu.get_by_role("menuitem", name="Look outside").click()
    expect(menu).to_have_count(0)
    # The button of a tab is found by its name as Gradio 3 wrote it.
    page.evaluate(
        "[...document.querySelectorAll('#tabs button')].find((each) => each.textContent === 'Weather tab ').click()"
    )
    page.locator("#weather_send").click(button="right")
    expect(menu.get_by_role("menuitem")).to_have_text(["Look outside"])
    menu.get_by_role("menuitem").click()
    assert page.evaluate("weatherHeard.filter((each) => each.startsWith('looked'))") == [
        "looked at #txt2img_generate",
        "looked at #weather_send",
    ]
    assert web.errors == []


def test_the_extensions_tab_tells_installs_and_switches(web: Watched, server: Easel, tmp_path: Path) -> None:
    page = web.page
    source = make(tmp_path, "another", scripts__another_dot_py="")
    page.click("#tab_extensions-button")
    table = page.locator("#extensions_installed_html")
    expect(table).to_contain_text("not today", timeout=LONG)
    expect(table).to_contain_text("weather")
    web.fill("extension_to_install", str(source))
    page.click("#install_extension_button")
    web.wait_text("extension_install_result", "another is installed")
    assert (server.data / "extensions" / "another" / "scripts" / "another.py").is_file()
    with zipfile.ZipFile(tmp_path / "zipped.zip", "w") as archive:
        archive.write(source / "scripts" / "another.py", "zipped-main/scripts/zipped.py")
    web.fill("extension_to_install", str(tmp_path / "zipped.zip"))
    page.click("#install_extension_button")
    web.wait_text("extension_install_result", "zipped is installed")
    assert (server.data / "extensions" / "zipped" / "scripts" / "zipped.py").is_file()
    web.fill("extension_to_install", str(tmp_path / "nowhere"))
    page.click("#install_extension_button")
    page.wait_for_selector("#extension_install_result .error")

    # A clone: looked at, brought up to date, and all of it set back.
    web.fill("extension_backup_name", "before")
    page.click("#extension_backup_save")
    web.wait_text("extension_install_result", "Kept as before")
    origin = server.data / "elsewhere" / "extensions" / "cloned"
    (origin / "scripts" / "cloned.py").write_text("newer = True\n")
    git(origin, "commit", "-am", "two")
    clone = server.data / "extensions" / "cloned" / "scripts" / "cloned.py"
    page.click("#extensions_check")
    web.wait_text("extensions_note", "cloned: behind by 1")
    page.click("#extensions_update")
    web.wait_text("extensions_note", " to ")
    assert "newer" in clone.read_text(encoding="utf-8")
    choose(page, "extension_backup_saved_configs", "before")
    page.click("#extension_backup_restore")
    web.wait_text("extension_install_result", "Restored")
    assert "newer" not in clone.read_text(encoding="utf-8")
    page.click("#extensions_again")
    web.wait_text("extensions_note", "Nothing has failed")
    choose(page, "extensions_unwanted", "cloned")
    page.click("#extensions_remove")
    web.wait_text("extension_install_result", "now lies in")
    assert not clone.exists()

    page.locator("#extensions_used label", has_text="broken").locator("input").uncheck()
    page.click("#extensions_apply")
    web.wait_text("extensions_note", "next start")
    assert json.loads((server.data / "config.json").read_text(encoding="utf-8"))["disabled_extensions"] == ["broken"]
    web.fill("extension_backup_name", "my set")
    page.click("#extension_backup_save")
    web.wait_text("extension_install_result", "Kept as my set")
    kept = json.loads((server.data / "config_states" / "my set.json").read_text(encoding="utf-8"))
    assert kept["extensions"]["broken"]["enabled"] is False
    page.locator("#tab_extensions").screenshot(path=str(server.data / "extensions.png"))
    assert web.errors == []
