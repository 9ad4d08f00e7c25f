"""webuiapi, the customary Python client, drives a running server: every call answers as it expects."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest
import webuiapi
from PIL import Image

from tests.api.conftest import Served, wait_until

SIZE = {"width": 64, "height": 64}


@pytest.fixture
def client(served: Served) -> Iterator[Any]:
    url = served.client.base_url
    api = webuiapi.WebUIApi(host=url.host, port=url.port or 80, sampler="Euler a", scheduler="automatic", steps=2)
    yield api
    api.session.close()


def source(size: tuple[int, int] = (64, 64)) -> Image.Image:
    return Image.linear_gradient("L").resize(size).convert("RGB")


def test_txt2img_with_everything_that_the_client_sends(client: Any) -> None:
    result = client.txt2img(
        prompt="a cat",
        negative_prompt="a dog",
        seed=1003,
        styles=["ink"],
        cfg_scale=7,
        batch_size=2,
        n_iter=1,
        override_settings={"CLIP_stop_at_last_layers": 2},
        **SIZE,
    )
    assert [image.size for image in result.images] == [(64, 64)] * 2
    assert result.image is result.images[0]
    assert result.info["all_seeds"] == [1003, 1004]
    assert result.info["all_prompts"][0] == "a cat, ink drawing"
    assert result.info["sampler_name"] == "Euler a"
    assert "Clip skip: 2" in result.info["infotexts"][0]
    assert result.parameters["steps"] == 2


def test_hires_fix(client: Any) -> None:
    result = client.txt2img(
        prompt="a cat",
        seed=5,
        enable_hr=True,
        hr_scale=2,
        hr_upscaler=webuiapi.HiResUpscaler.Latent,
        hr_second_pass_steps=2,
        denoising_strength=0.6,
        **SIZE,
    )
    assert result.image.size == (128, 128)
    assert "Hires upscaler: Latent" in result.info["infotexts"][0]
    sized = client.txt2img(
        enable_hr=True,
        hr_resize_x=96,
        hr_resize_y=72,
        hr_upscaler=webuiapi.HiResUpscaler.Lanczos,
        hr_sampler_name="Euler",
        hr_prompt="a dog",
        **SIZE,
    )
    assert sized.image.size == (96, 72)


def test_img2img(client: Any) -> None:
    result = client.img2img(
        images=[source((80, 48))], prompt="a cat", seed=5, cfg_scale=6.5, denoising_strength=0.6, resize_mode=1, **SIZE
    )
    assert result.image.size == (64, 64)
    assert "Denoising strength: 0.6" in result.info["infotexts"][0]
    assert result.parameters["init_images"] is None


def test_inpainting_changes_what_the_mask_shows(client: Any) -> None:
    mask = Image.new("RGB", (64, 64))
    mask.paste((255, 255, 255), (32, 0, 64, 64))
    picture = source()
    result = client.img2img(
        images=[picture],
        mask_image=mask,
        prompt="a cat",
        seed=5,
        steps=4,
        inpainting_fill=1,
        inpaint_full_res=False,
        denoising_strength=0.9,
        mask_blur=2,
        **SIZE,
    )
    made = result.images[0].convert("RGB")
    assert made.crop((0, 0, 24, 64)).tobytes() == picture.crop((0, 0, 24, 64)).tobytes()
    assert made.crop((40, 0, 64, 64)).tobytes() != picture.crop((40, 0, 64, 64)).tobytes()


def test_extras(client: Any) -> None:
    single = client.extra_single_image(image=source(), upscaler_1=webuiapi.Upscaler.Lanczos, upscaling_resize=1.5)
    assert single.image.size == (96, 96)
    assert isinstance(single.info, str)
    several = client.extra_batch_images(
        images=[source(), source((32, 48))], upscaler_1=webuiapi.Upscaler.Nearest, upscaling_resize=2
    )
    assert [image.size for image in several.images] == [(128, 128), (64, 96)]


def test_png_info(client: Any) -> None:
    made = client.txt2img(prompt="a cat", seed=5, **SIZE)
    told = client.png_info(made.image)
    assert told.info == made.info["infotexts"][0]
    assert told.parameters["Seed"] == "5"


def test_options_are_read_changed_and_sent_back_whole(client: Any, served: Served) -> None:
    options = client.get_options()
    options["CLIP_stop_at_last_layers"] = 2
    client.set_options(options)
    assert served.app.settings.current.CLIP_stop_at_last_layers == 2
    assert client.get_options()["CLIP_stop_at_last_layers"] == 2


def test_the_checkpoint_is_chosen_by_a_name_that_comes_near(client: Any, capsys: Any) -> None:
    client.util_set_model("other")
    assert client.util_get_current_model().startswith("other.safetensors")
    client.util_set_model("tiny")
    assert client.util_get_current_model().startswith("tiny.safetensors")
    assert "model changed" in capsys.readouterr().out


def test_progress_interrupt_and_skip(client: Any, served: Served) -> None:
    wait_until(lambda: client.get_progress()["state"]["job_count"] == 0)
    client.util_wait_for_ready(check_interval=0.05)
    results: list[Any] = []
    running = threading.Thread(
        target=lambda: results.append(client.txt2img(prompt="a cat", steps=2000, n_iter=2, **SIZE))
    )
    running.start()
    try:
        wait_until(lambda: client.get_progress()["state"]["sampling_steps"] == 2000)
        progress = client.get_progress()
        assert progress["state"]["job_count"] == 2
        assert 0 <= progress["progress"] < 1
        assert client.skip() is None
        wait_until(lambda: client.get_progress()["state"]["job_no"] == 1)
        assert client.interrupt() == {}
    finally:
        served.client.post("/sdapi/v1/interrupt")
        running.join(60)
    assert results


def test_every_list_is_one(client: Any) -> None:
    lists = {
        "get_samplers": "name",
        "get_schedulers": "label",
        "get_sd_vae": "model_name",
        "get_upscalers": "name",
        "get_latent_upscale_modes": "name",
        "get_loras": "name",
        "get_sd_models": "title",
        "get_hypernetworks": "name",
        "get_face_restorers": "name",
        "get_realesrgan_models": "name",
        "get_prompt_styles": "name",
    }
    for call, key in lists.items():
        answer = getattr(client, call)()
        assert isinstance(answer, list), call
        assert all(key in item for item in answer), call
    assert "Euler a" in client.util_get_sampler_names()
    assert "karras" in client.util_get_scheduler_names()
    assert any(name.startswith("tiny") for name in client.util_get_model_names())
    assert {"Lanczos", "None"} <= {item["name"] for item in client.get_upscalers()}
    assert "Latent" in {item["name"] for item in client.get_latent_upscale_modes()}


def test_objects_have_the_keys_that_are_read(client: Any) -> None:
    assert {"txt2img", "img2img"} <= set(client.get_scripts())
    assert {"loaded", "skipped"} == set(client.get_embeddings())
    assert {"ram", "cuda"} == set(client.get_memory())
    assert "api_auth" in client.get_cmd_flags()
    assert client.refresh_checkpoints() is None
    assert client.custom_get("sdapi/v1/options")["samples_format"] == "png"


def test_what_is_refused_is_an_error_of_the_client(client: Any) -> None:
    with pytest.raises(RuntimeError) as caught:
        client.txt2img(prompt="a cat", script_name="Nobody's script", **SIZE)
    assert caught.value.args[0] == 422
    assert "Nobody's script" in caught.value.args[1]
    with pytest.raises(RuntimeError) as caught:
        client.interrogate(source())
    assert caught.value.args[0] == 422
    assert "BLIP" in caught.value.args[1]
