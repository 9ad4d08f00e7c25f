"""Requests in the form in which known clients send them, down to fields that mean nothing to this program."""

from __future__ import annotations

import base64
import io
import json
from typing import Any

import pytest
from PIL import Image

from tests.api.conftest import Served, wait_until


def picture_of(text: str) -> Image.Image:
    image = Image.open(io.BytesIO(base64.b64decode(text)))
    image.load()
    return image


def as_base64(image: Image.Image, kind: str = "PNG", **more: Any) -> str:
    buffer = io.BytesIO()
    image.save(buffer, kind, **more)
    return base64.b64encode(buffer.getvalue()).decode()


def test_a_chat_program_asks_for_lists_chooses_a_model_and_makes_a_picture(served: Served) -> None:
    """As SillyTavern does by way of its server."""
    get = served.client.get
    for path, key in (("upscalers", "name"), ("latent-upscale-modes", "name"), ("samplers", "name"), ("sd-vae", None)):
        items = get(f"/sdapi/v1/{path}").json()
        assert all(key is None or isinstance(item[key], str) for item in items)
    assert all({"title", "model_name"} <= set(item) for item in get("/sdapi/v1/sd-models").json())
    assert get("/sdapi/v1/schedulers").json()[0]["name"] == "automatic"
    assert served.client.post("/sdapi/v1/options", json={"sd_model_checkpoint": "tiny.safetensors"}).status_code == 200
    progress: dict[str, Any] = {}

    def is_ready() -> bool:
        progress.update(get("/sdapi/v1/progress").json())
        return progress["state"]["job_count"] == 0 and progress["progress"] == 0.0

    wait_until(is_ready)
    body = {
        "prompt": "best quality, a cat",
        "negative_prompt": "blurry",
        "sampler_name": "DPM++ 2M Karras",
        "scheduler": "karras",
        "steps": 2,
        "cfg_scale": 7.5,
        "width": 64,
        "height": 64,
        "restore_faces": False,
        "enable_hr": False,
        "hr_upscaler": "Latent",
        "hr_scale": 1.5,
        "hr_second_pass_steps": 0,
        "denoising_strength": 0.7,
        "override_settings": {"CLIP_stop_at_last_layers": 2, "sd_vae": "Automatic"},
        "override_settings_restore_afterwards": True,
        "clip_skip": 2,
        "save_images": True,
        "send_images": True,
        "do_not_save_grid": False,
        "do_not_save_samples": False,
    }
    answer = served.client.post("/sdapi/v1/txt2img", json=body).json()
    assert picture_of(answer["images"][0]).size == (64, 64)
    assert "Schedule type: Karras" in json.loads(answer["info"])["infotexts"][0]


def test_a_web_front_end_sends_little_and_asks_for_several_pictures(served: Served) -> None:
    """As Open WebUI does."""
    assert served.client.get("/sdapi/v1/options", headers={"Authorization": "Basic Og=="}).status_code == 200
    body = {"prompt": "a cat", "batch_size": 2, "width": 64, "height": 64, "steps": 1, "negative_prompt": ""}
    answer = served.client.post("/sdapi/v1/txt2img", json=body).json()
    assert len(answer["images"]) == 2
    openai = {"model": "tiny", "prompt": "a cat", "n": 1, "size": "64x64", "response_format": "b64_json", "steps": 1}
    answer = served.client.post("/v1/images/generations", json=openai, headers={"Authorization": "Bearer none"}).json()
    assert picture_of(answer["data"][0]["b64_json"]).size == (64, 64)


def test_a_plug_in_of_a_paint_program_sends_layers_as_it_has_them(served: Served) -> None:
    """As plug-ins for Photoshop and Krita do: data addresses, transparency, fields for everything."""
    layer = Image.new("RGBA", (48, 64), (200, 30, 30, 255))
    layer.putpixel((0, 0), (0, 0, 0, 0))
    body = {
        "init_images": ["data:image/png;base64," + as_base64(layer)],
        "prompt": "a cat",
        "negative_prompt": "",
        "seed": "12",
        "steps": "2",
        "cfg_scale": "7",
        "width": 48.0,
        "height": 64,
        "denoising_strength": "0.5",
        "sampler_index": "Euler a",
        "inpaint_full_res": True,
        "inpaint_full_res_padding": 64,
        "inpainting_mask_invert": 0,
        "inpainting_fill": 1,
        "mask_blur": 8,
        "mask": None,
        "resize_mode": 1,
        "restore_faces": False,
        "alwayson_scripts": {},
        "script_args": [],
        "include_init_images": True,
        "session_id": 3,
        "backend_type": "auto1111",
        "uniqueDocumentId": "a-b-c",
    }
    answer = served.client.post("/sdapi/v1/img2img", json=body).json()
    assert picture_of(answer["images"][0]).size == (48, 64)
    assert answer["parameters"]["init_images"] == body["init_images"]
    assert json.loads(answer["info"])["seed"] == 12
    assert served.client.get("/sdapi/v1/progress?skip_current_image=false").status_code == 200
    assert served.client.get("/controlnet/model_list").status_code == 404


def test_a_chat_bot_names_its_wishes_by_settings_and_script(served: Served) -> None:
    """As Discord bots do: everything that they can set is always sent."""
    body = {
        "prompt": "a cat",
        "steps": 1,
        "width": 64,
        "height": 64,
        "seed": -1,
        "subseed": -1,
        "subseed_strength": 0.0,
        "seed_resize_from_h": 0,
        "seed_resize_from_w": 0,
        "styles": [],
        "n_iter": 1,
        "eta": 0,
        "s_churn": 0,
        "s_tmax": None,
        "s_tmin": 0,
        "s_noise": 1,
        "script_name": None,
        "script_args": None,
        "override_settings": {"sd_model_checkpoint": "other", "filter_nsfw": False, "eta_noise_seed_delta": 31337},
        "override_settings_restore_afterwards": False,
        "send_images": True,
        "save_images": False,
        "tiling": False,
    }
    info = json.loads(served.client.post("/sdapi/v1/txt2img", json=body).json()["info"])
    assert info["sd_model_name"] == "other"
    assert served.client.get("/sdapi/v1/options").json()["sd_model_checkpoint"].startswith("other")
    for path in ("cmd-flags", "prompt-styles", "embeddings", "hypernetworks", "scripts", "loras", "extensions"):
        assert served.client.get(f"/sdapi/v1/{path}").status_code == 200


def picture_in(mode: str, size: tuple[int, int] = (64, 64)) -> Image.Image:
    ramp = Image.linear_gradient("L").resize(size)
    if mode == "I;16":
        return ramp.convert("I").point(lambda value: value * 257).convert("I;16")
    if mode == "CMYK":
        return ramp.convert("RGB").convert("CMYK")
    if mode in ("P", "1"):
        return ramp.convert(mode)
    if mode == "LA":
        return Image.merge("LA", (ramp, Image.new("L", size, 255)))
    if mode == "RGBA":
        return Image.merge("RGBA", (ramp, ramp, ramp, Image.new("L", size, 255)))
    return ramp.convert(mode)


KINDS = [("L", "PNG"), ("RGB", "PNG"), ("RGBA", "PNG"), ("LA", "PNG"), ("P", "PNG"), ("I;16", "PNG"), ("1", "PNG")]
KINDS += [("CMYK", "JPEG"), ("L", "JPEG"), ("CMYK", "TIFF"), ("P", "GIF"), ("RGB", "BMP"), ("RGBA", "WEBP")]


@pytest.mark.parametrize(("mode", "kind"), KINDS, ids=str)
def test_pictures_of_every_kind_are_taken_for_what_they_show(served: Served, mode: str, kind: str) -> None:
    body = {"prompt": "", "steps": 1, "width": 64, "height": 64, "seed": 1, "denoising_strength": 0.0, "cfg_scale": 1}
    more: dict[str, Any] = {"quality": 95} if kind == "JPEG" else {"lossless": True} if kind == "WEBP" else {}
    sent = as_base64(picture_in(mode), kind, **more)
    wanted = as_base64(picture_in("1" if mode == "1" else "RGB").convert("RGB"))
    made = [
        served.client.post("/sdapi/v1/img2img", json={**body, "init_images": [text]}).json()["images"][0]
        for text in (sent, wanted)
    ]
    ours, theirs = (picture_of(text).convert("L").tobytes() for text in made)
    difference = sum(abs(a - b) for a, b in zip(ours, theirs, strict=True)) / len(ours)
    assert difference < 3


def test_of_a_moving_picture_the_first_frame_is_taken(served: Served) -> None:
    frames = [Image.new("RGB", (64, 64), colour) for colour in ("red", "blue")]
    moving = as_base64(frames[0], "GIF", save_all=True, append_images=frames[1:])
    body = {"steps": 1, "width": 64, "height": 64, "seed": 1, "denoising_strength": 0.0}
    made = [
        served.client.post("/sdapi/v1/img2img", json={**body, "init_images": [text]}).json()["images"][0]
        for text in (moving, as_base64(frames[0]))
    ]
    assert picture_of(made[0]).tobytes() == picture_of(made[1]).tobytes()


@pytest.mark.parametrize(
    "wrapped",
    [
        lambda text: "data:image/png;base64," + text,
        lambda text: "\n".join(text[index : index + 76] for index in range(0, len(text), 76)),
        lambda text: "\r\n" + text + "  ",
        lambda text: text.rstrip("="),
        lambda text: text.replace("+", "-").replace("/", "_"),
        lambda text: "DATA:image/png;base64," + text,
        lambda text: "data:;base64," + text,
    ],
    ids=["address", "lines", "space around", "no padding", "for addresses", "large letters", "no kind"],
)
def test_base64_is_read_in_every_customary_form(served: Served, wrapped: Any) -> None:
    noisy = Image.effect_noise((40, 40), 80).convert("RGB")
    response = served.client.post("/sdapi/v1/png-info", json={"image": wrapped(as_base64(noisy))})
    assert response.status_code == 200
    assert response.json()["info"] == ""
