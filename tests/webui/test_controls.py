"""From the values of the controls to a request, and from parameters back to the controls."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, cast

import gradio as gr
import pytest

from modules.application.application import Application
from modules.application.infotexts import parameters_of
from modules.foundation.errors import RequestError
from modules.sampling import schedules
from modules.settings.flags import Flags
from modules.webui.builder import offers
from modules.webui.choices import sampler_names, split_sampler
from modules.webui.overrides import overrides_from_texts
from modules.webui.panel.control import Control, offered_again
from modules.webui.panel.request import txt2img_request
from modules.webui.paste.values import control_values, has_parameters
from tests.webui.panels import built_page, declared_controls

VALUES = {
    "prompt": "a cat",
    "negative_prompt": "a dog",
    "styles": ["Night"],
    "sampler": "Euler a",
    "scheduler": "Karras",
    "steps": 12,
    "width": 640,
    "height": 384,
    "batch_count": 2,
    "batch_size": 3,
    "cfg_scale": 5.5,
    "seed": 77,
    "extra": True,
    "subseed": 5,
    "subseed_strength": 0.25,
    "seed_resize_from_width": 512,
    "seed_resize_from_height": 256,
    "enable_hr": False,
    "hr_upscaler": "Latent",
    "hires_steps": 0,
    "denoising_strength": 0.7,
    "hr_scale": 2,
    "hr_resize_x": 0,
    "hr_resize_y": 0,
    "hr_checkpoint": "Use same checkpoint",
    "hr_sampler": "Use same sampler",
    "hr_scheduler": "Use same scheduler",
    "hr_cfg": 0,
    "hires_prompt": "",
    "hires_neg_prompt": "",
    "enable_refiner": False,
    "refiner_checkpoint": "",
    "refiner_switch_at": 0.8,
    "override_settings": ["Clip skip: 2"],
}

SECOND_PASS = (
    "a cat\nSteps: 20, Sampler: DPM++ SDE, Schedule type: Karras, CFG scale: 7, Seed: 3, Size: 512x768, "
    "Denoising strength: 0.5, Hires upscale: 1.5, Hires steps: 10, Hires upscaler: Lanczos, "
    'Hires prompt: "a dog, big", Hires sampler: Euler a, Hires schedule type: Exponential, Hires checkpoint: gone, '
    "Hires CFG Scale: 4.5, Refiner: gone too [0123456789], Refiner switch at: 0.6, Version: v1.10.1"
)

INFOTEXT = (
    "a dog, running\nNegative prompt: cat\n"
    "Steps: 33, Sampler: Euler a, Schedule type: Karras, CFG scale: 5.5, Seed: 77, "
    "Size: 256x320, Batch size: 2, Variation seed: 5, Variation seed strength: 0.25, Seed resize from: 64x128, "
    "Clip skip: 2, ENSD: 31337, Version: v1.10.1"
)


def values(**changes: object) -> dict[str, object]:
    return {**VALUES, **changes}


@pytest.fixture
def declared(app: Application) -> Mapping[str, Control]:
    return declared_controls(app, "txt2img")


@pytest.fixture
def app(tmp_path: Path) -> Iterator[Application]:
    (tmp_path / "styles.csv").write_text('name,prompt,negative_prompt\nNight,"{prompt}, night",day\n', encoding="utf-8")
    application = Application(Flags(data_dir=tmp_path))
    yield application
    application.close()


def test_every_control_reaches_the_request() -> None:
    request = txt2img_request(values())
    assert (request.prompt, request.negative_prompt, request.styles) == ("a cat", "a dog", ("Night",))
    assert (request.sampler, request.scheduler, request.steps) == ("Euler a", "Karras", 12)
    assert (request.width, request.height, request.batch_count, request.batch_size) == (640, 384, 2, 3)
    assert (request.cfg_scale, request.seed, request.subseed, request.subseed_strength) == (5.5, 77, 5, 0.25)
    assert (request.seed_resize_from_width, request.seed_resize_from_height) == (512, 256)
    assert dict(request.override_settings) == {"CLIP_stop_at_last_layers": "2"}


def test_without_extra_the_variation_is_left_out() -> None:
    request = txt2img_request(values(extra=False))
    assert (request.subseed, request.subseed_strength, request.seed_resize_from_width) == (-1, 0.0, 0)


def test_an_emptied_seed_means_a_random_one() -> None:
    assert txt2img_request(values(seed=None)).seed == -1


def test_an_emptied_number_is_named() -> None:
    with pytest.raises(RequestError, match="Width is empty") as caught:
        txt2img_request(values(width=None))
    assert caught.value.field == "width"


def test_an_override_that_no_setting_has_is_refused() -> None:
    with pytest.raises(RequestError, match="Nonsense: 1"):
        overrides_from_texts(["Nonsense: 1"])


def test_parameters_fill_the_controls(app: Application, declared: Mapping[str, Control]) -> None:
    found = control_values(parameters_of(INFOTEXT, app), app, declared)
    assert found.pop("override_settings") == ["ENSD: 31337", "Clip skip: 2"]
    assert {name: value for name, value in found.items() if not name.startswith(("hr_", "hires_", "enable_"))} == {
        "prompt": "a dog, running",
        "negative_prompt": "cat",
        "steps": 33,
        "width": 256,
        "height": 320,
        "batch_size": 2,
        "cfg_scale": 5.5,
        "seed": 77,
        "extra": True,
        "subseed": 5,
        "subseed_strength": 0.25,
        "seed_resize_from_width": 64,
        "seed_resize_from_height": 128,
        "sampler": "Euler a",
        "scheduler": "Karras",
    }


def test_what_is_overridden_can_be_asked_for(app: Application, declared: Mapping[str, Control]) -> None:
    texts = control_values(parameters_of(INFOTEXT, app), app, declared)["override_settings"]
    assert app.settings.current.changed(overrides_from_texts(cast(Any, texts))).eta_noise_seed_delta == 31337


def test_a_setting_that_is_so_already_is_not_overridden(app: Application, declared: Mapping[str, Control]) -> None:
    app.settings.change({"CLIP_stop_at_last_layers": 2, "eta_noise_seed_delta": 31337})
    assert control_values(parameters_of(INFOTEXT, app), app, declared)["override_settings"] == []


def test_the_checkpoint_of_a_picture_comes_back_where_the_settings_want_that(
    app: Application, declared: Mapping[str, Control]
) -> None:
    (app.paths.models / "Stable-diffusion").mkdir(parents=True, exist_ok=True)
    (app.paths.models / "Stable-diffusion" / "other.safetensors").write_bytes(b"x")
    text = f"{INFOTEXT}, Model: other"

    def overrides() -> list[str]:
        found = control_values(parameters_of(text, app), app, declared)["override_settings"]
        assert isinstance(found, list)
        return found

    assert not any("Model" in each for each in overrides())
    app.settings.change({"disable_weights_auto_swap": False, "sd_model_checkpoint": "easel-starter"})
    assert "Model hash: other.safetensors" in overrides()


def test_hidden_samplers_leave_the_lists_at_once_and_what_was_chosen_stays(app: Application) -> None:
    panel = built_page(app).panels["txt2img"]

    def lists(**chosen: str) -> dict[str, gr.Dropdown]:
        names = [control.name for control in panel.changing]
        values = [chosen.get(name) for name in names]
        return cast(Any, dict(zip(names, panel.lists(offers(app), values), strict=True)))

    app.settings.change({"hide_samplers": ["DPM++ 2M", "Euler"]})
    found = lists(sampler="LMS", hr_sampler="Euler")
    assert (found["sampler"].value, found["hr_sampler"].value) == ("LMS", "Use same sampler")
    for dropdown in (found["sampler"], found["hr_sampler"]):
        assert not {"DPM++ 2M", "Euler"} & {name for name, _ in dropdown.choices}
    app.settings.change({"hide_samplers": []})
    assert "Euler" in dict(lists(sampler="LMS")["sampler"].choices)


def test_styles_are_found_in_the_prompts(app: Application, declared: Mapping[str, Control]) -> None:
    found = control_values(
        parameters_of(INFOTEXT.replace("running", "night").replace("cat", "cat, day"), app), app, declared
    )
    assert (found["prompt"], found["negative_prompt"], found["styles"]) == ("a dog", "cat", ["Night"])


def test_the_schedule_may_be_part_of_an_older_samplers_name() -> None:
    assert split_sampler("DPM++ 2M Karras") == ("DPM++ 2M", "Karras")
    assert split_sampler("k_euler_a") == ("Euler a", None)
    assert split_sampler("Sorcery") == (None, None)


def test_words_alone_are_no_parameters() -> None:
    assert not has_parameters("a cat, best quality: very")
    assert has_parameters(INFOTEXT)


def test_hidden_samplers_are_not_offered_unless_all_are() -> None:
    assert "Euler" not in sampler_names(["Euler"])
    assert sampler_names(sampler_names()) == sampler_names()
    assert schedules.names()[0] == "Automatic"


def test_switches_decide_about_the_second_pass_and_the_refiner() -> None:
    plain = txt2img_request(values(refiner_checkpoint="other", hires_prompt="a dog"))
    assert (plain.hires, plain.refiner_checkpoint) == (None, None)
    asked = txt2img_request(
        values(enable_hr=True, enable_refiner=True, refiner_checkpoint="other", hires_prompt="a dog", hr_cfg=3.5)
    )
    assert asked.hires is not None
    assert (asked.hires.prompt, asked.hires.cfg_scale, asked.denoising_strength) == ("a dog", 3.5, 0.7)
    assert (asked.refiner_checkpoint, asked.refiner_switch_at) == ("other", 0.8)
    assert txt2img_request(values(), upscale=True).hires is not None


def test_parameters_of_a_second_pass_and_a_refiner_come_back(app: Application, declared: Mapping[str, Control]) -> None:
    found = control_values(parameters_of(SECOND_PASS, app), app, declared)
    assert {
        name: found[name] for name in VALUES if name.startswith(("hr_", "hires", "enable", "refiner", "denois"))
    } == {
        "enable_hr": True,
        "hr_upscaler": "Lanczos",
        "hires_steps": 10,
        "denoising_strength": 0.5,
        "hr_scale": 1.5,
        "hr_resize_x": 0,
        "hr_resize_y": 0,
        "hr_checkpoint": "Use same checkpoint",
        "hr_sampler": "Euler a",
        "hr_scheduler": "Exponential",
        "hr_cfg": 4.5,
        "hires_prompt": "a dog, big",
        "hires_neg_prompt": "",
        "enable_refiner": True,
        "refiner_checkpoint": "",
        "refiner_switch_at": 0.6,
    }
    plain = control_values(parameters_of(INFOTEXT, app), app, declared)
    assert (plain["enable_hr"], plain["enable_refiner"]) == (False, False)


def test_a_checkpoint_stays_chosen_when_its_hash_becomes_known() -> None:
    choices = ["", "a.safetensors [0123456789]", "b [draft].safetensors", "b [draft].safetensors [9876543210]"]
    assert offered_again("a.safetensors", choices) == choices[1]
    assert offered_again("a.safetensors [fedcba9876]", choices) == choices[1]
    assert offered_again("b [draft].safetensors", choices) == choices[2]
    assert offered_again("b [draft].safetensors [9876543210]", choices) == choices[3]
    assert offered_again("", choices) == ""
    assert offered_again("", choices[1:]) is None
    assert offered_again("gone.safetensors", choices) is None
    assert offered_again(None, choices) is None
