"""txt2img and img2img, from the request to the picture."""

from __future__ import annotations

import base64
import io
import json
import socket
import threading
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from modules.application.jobs.job import JobState
from modules.imaging.numbering import highest_number
from tests.api.conftest import Served, wait_until


def picture_of(text: str) -> Image.Image:
    image = Image.open(io.BytesIO(base64.b64decode(text, validate=True)))
    image.load()
    return image


def as_base64(image: Image.Image, kind: str = "PNG") -> str:
    buffer = io.BytesIO()
    image.save(buffer, kind)
    return base64.b64encode(buffer.getvalue()).decode()


def test_words_become_a_png_that_says_how_it_was_made(served: Served) -> None:
    response = served.txt2img(prompt="a red cat", negative_prompt="dog", sampler_name="Euler")
    assert response.status_code == 200
    answer = response.json()
    assert set(answer) == {"images", "parameters", "info"}
    (text,) = answer["images"]
    image = picture_of(text)
    assert (image.format, image.size, image.mode) == ("PNG", (64, 64), "RGB")
    info = json.loads(answer["info"])
    assert info["infotexts"] == [image.info["parameters"]]
    assert image.info["parameters"].startswith("a red cat\nNegative prompt: dog\nSteps: 2, Sampler: Euler, ")
    assert "CFG scale: 7.0, Seed: 7, Size: 64x64" in image.info["parameters"]
    assert (info["seed"], info["all_seeds"], info["prompt"], info["sampler_name"]) == (7, [7], "a red cat", "Euler")
    assert answer["parameters"]["prompt"] == "a red cat"
    assert answer["parameters"]["n_iter"] == 1
    assert {"load", "encode", "sample", "decode", "save"} <= set(info["timings"])
    assert all(seconds >= 0 for seconds in info["timings"].values())


def test_the_same_seed_gives_the_same_picture(served: Served) -> None:
    one, again, other = (served.txt2img(seed=seed).json()["images"][0] for seed in (3, 3, 4))
    assert picture_of(one).tobytes() == picture_of(again).tobytes()
    assert picture_of(one).tobytes() != picture_of(other).tobytes()


def test_batches_count_their_seeds_on(served: Served) -> None:
    answer = served.txt2img(batch_size=2, n_iter=2, seed=10).json()
    assert len(answer["images"]) == 4
    assert json.loads(answer["info"])["all_seeds"] == [10, 11, 12, 13]


def test_a_seed_is_chosen_when_none_is_given(served: Served) -> None:
    info = json.loads(served.txt2img(seed=-1).json()["info"])
    assert info["seed"] >= 0
    assert f"Seed: {info['seed']}," in info["infotexts"][0]


def test_what_old_and_careless_clients_send_is_understood(served: Served) -> None:
    fields: dict[str, Any] = {
        "sampler_index": "k_euler_a",
        "sampler_name": None,
        "scheduler": None,
        "steps": 2.0,
        "width": "64",
        "denoising_strength": None,
        "hr_second_pass_steps": 7.5,
        "firstphase_width": 0,
        "styles": None,
        "override_settings": None,
        "alwayson_scripts": None,
        "script_name": None,
        "script_args": None,
        "eta": None,
        "tiling": None,
        "no_such_field": {"a": [1]},
    }
    answer = served.txt2img(**fields).json()
    assert json.loads(answer["info"])["sampler_name"] == "Euler a"


def test_always_on_scripts_are_known_by_any_case_and_change_nothing_that_the_request_says(served: Served) -> None:
    scripts = {
        "Seed": {"args": [99, True, 3, 0.5]},
        "SAMPLER": {"args": [9, "LMS"]},
        "refiner": {"args": [False, "", 0.8]},
        "Extra options": {},
        "Sampler": {"args": []},
    }
    info = json.loads(served.txt2img(alwayson_scripts=scripts, sampler_name="Heun").json()["info"])
    assert (info["seed"], info["sampler_name"], info["steps"], info["subseed_strength"]) == (7, "Heun", 2, 0)
    assert "warnings" not in info
    info = json.loads(served.txt2img(alwayson_scripts={"refiner": {"args": [True, "other", 0.5]}}).json()["info"])
    assert any("refiner_checkpoint" in warning for warning in info["warnings"])


def test_a_sampler_name_may_end_in_a_schedule(served: Served) -> None:
    info = json.loads(served.txt2img(sampler_name="Euler Karras").json()["info"])
    assert info["sampler_name"] == "Euler"
    assert "Schedule type: Karras" in info["infotexts"][0]


def test_without_a_sampler_it_is_euler_as_a_client_expects(served: Served) -> None:
    assert json.loads(served.txt2img().json()["info"])["sampler_name"] == "Euler"


def test_a_body_without_content_type_is_json(served: Served) -> None:
    content = json.dumps({"steps": 1, "width": 64, "height": 64})
    response = served.client.post("/sdapi/v1/txt2img", content=content)
    assert response.status_code == 200


def test_pictures_are_left_out_when_they_are_not_wanted(served: Served) -> None:
    answer = served.txt2img(send_images=False).json()
    assert answer["images"] == []
    assert len(json.loads(answer["info"])["infotexts"]) == 1


def files_of(served: Served) -> list[str]:
    return sorted(path.name for path in (served.data / "outputs").rglob("*.*") if path.is_file())


def test_pictures_are_saved_only_on_request_and_come_byte_for_byte(served: Served) -> None:
    before = files_of(served)
    served.txt2img()
    assert files_of(served) == before
    answer = served.txt2img(save_images=True, seed=99).json()
    (folder,) = (served.data / "outputs" / "txt2img-images").iterdir()
    saved = folder / f"{highest_number(folder):05}-99.png"
    assert base64.b64decode(answer["images"][0]) == saved.read_bytes()


def test_a_grid_comes_first_when_pictures_are_saved(served: Served) -> None:
    answer = served.txt2img(save_images=True, batch_size=2).json()
    assert [picture_of(text).size for text in answer["images"]] == [(128, 64), (64, 64), (64, 64)]
    assert json.loads(answer["info"])["index_of_first_image"] == 1
    assert len(served.txt2img(save_images=True, do_not_save_grid=True, batch_size=2).json()["images"]) == 2
    before = files_of(served)
    served.txt2img(save_images=True, do_not_save_samples=True)
    assert files_of(served) == before


def test_the_file_format_of_the_settings_is_used(served: Served) -> None:
    answer = served.txt2img(override_settings={"samples_format": "webp", "webp_lossless": True}).json()
    image = picture_of(answer["images"][0])
    assert image.format == "WEBP"
    assert b"S\0t\0e\0p\0s" in image.info["exif"]


def test_a_setting_that_is_null_is_left_as_it_is(served: Served) -> None:
    overrides = {"sd_model_checkpoint": None, "sd_vae": None, "samples_format": None, "nobody": None}
    info = json.loads(served.txt2img(override_settings=overrides).json()["info"])
    assert info["sd_model_name"] == "tiny"
    assert "warnings" not in info


def test_settings_of_one_request_do_not_stay(served: Served) -> None:
    answer = served.txt2img(override_settings={"CLIP_stop_at_last_layers": 2})
    assert "Clip skip: 2" in json.loads(answer.json()["info"])["infotexts"][0]
    assert served.app.settings.current.CLIP_stop_at_last_layers == 1


def test_settings_that_do_not_exist_are_named_in_a_warning(served: Served) -> None:
    info = json.loads(served.txt2img(override_settings={"no_such_setting": 1}).json()["info"])
    assert any("no_such_setting" in warning for warning in info["warnings"])
    assert "warnings" not in json.loads(served.txt2img(override_settings={"jpeg_quality": 70}).json()["info"])


def test_settings_stay_when_they_are_not_to_be_restored(served: Served) -> None:
    overrides = {"CLIP_stop_at_last_layers": 2}
    served.txt2img(override_settings=overrides, override_settings_restore_afterwards=False)
    assert served.app.settings.current.CLIP_stop_at_last_layers == 2


def test_a_request_can_name_its_checkpoint(served: Served) -> None:
    answer = served.txt2img(override_settings={"sd_model_checkpoint": "other"}).json()
    assert json.loads(answer["info"])["sd_model_name"] == "other"
    assert json.loads(served.txt2img().json()["info"])["sd_model_name"] == "tiny"


def test_styles_are_put_around_the_prompts(served: Served) -> None:
    info = json.loads(served.txt2img(styles=["ink", "nowhere"], negative_prompt="dog").json()["info"])
    assert info["all_prompts"] == ["a cat, ink drawing"]
    assert info["all_negative_prompts"] == ["dog, photo"]
    assert any("nowhere" in warning for warning in info["warnings"])


def test_an_infotext_fills_in_what_the_request_leaves_out(served: Served) -> None:
    text = (
        "a boat\nNegative prompt: fog\nSteps: 3, Sampler: DPM++ 2M Karras, CFG scale: 4.5, Seed: 42, "
        "Size: 72x64, Clip skip: 2, Version: v1.10.1"
    )
    response = served.client.post("/sdapi/v1/txt2img", json={"infotext": text, "seed": 43})
    info = json.loads(response.json()["info"])
    assert (info["prompt"], info["negative_prompt"], info["seed"]) == ("a boat", "fog", 43)
    assert (info["steps"], info["cfg_scale"], info["width"], info["clip_skip"]) == (3, 4.5, 72, 2)
    assert "Sampler: DPM++ 2M, Schedule type: Karras" in info["infotexts"][0]


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        ("euler_ancestral", "Sampler: Euler a, Schedule type: Automatic"),
        ("dpmpp_2m_sde_karras", "Sampler: DPM++ 2M SDE, Schedule type: Karras"),
    ],
)
def test_an_infotext_may_call_a_sampler_as_other_programs_do(served: Served, theirs: str, ours: str) -> None:
    text = f"a cat\nSteps: 2, Sampler: {theirs}, CFG scale: 7, Seed: 1, Size: 64x64"
    response = served.client.post("/sdapi/v1/txt2img", json={"infotext": text})
    assert response.status_code == 200
    assert ours in json.loads(response.json()["info"])["infotexts"][0]


@pytest.mark.parametrize(
    ("text", "own", "used"),
    [
        ("Sampler: Euler a Karras", {}, "Sampler: Euler a, Schedule type: Karras"),
        ("Sampler: Euler a Karras, Schedule type: Simple", {}, "Sampler: Euler a, Schedule type: Karras"),
        ("Sampler: Euler a Karras", {"scheduler": "Simple"}, "Sampler: Euler a, Schedule type: Simple"),
        ("Sampler: Euler a, Schedule type: Simple", {}, "Sampler: Euler a, Schedule type: Simple"),
        (
            "Sampler: Euler a, Schedule type: Simple",
            {"sampler_name": "Heun Karras"},
            "Sampler: Heun, Schedule type: Karras",
        ),
        ("Sampler: Euler a Karras", {"sampler_name": "Heun"}, "Sampler: Heun, Schedule type: Automatic"),
    ],
)
def test_the_schedule_in_a_samplers_old_name_goes_before_that_of_a_text_but_not_of_the_request(
    served: Served, text: str, own: dict[str, str], used: str
) -> None:
    body = {"infotext": f"a boat\nSteps: 1, {text}, CFG scale: 4.5, Seed: 42, Size: 64x64", **own}
    info = json.loads(served.client.post("/sdapi/v1/txt2img", json=body).json()["info"])
    assert used in info["infotexts"][0]


def test_an_infotext_says_which_restorer_faces_had(served: Served) -> None:
    text = "a boat\nSteps: 2, Sampler: Euler, CFG scale: 7.0, Seed: 1, Face restoration: GFPGAN, Size: 64x64"
    info = json.loads(served.client.post("/sdapi/v1/txt2img", json={"infotext": text}).json()["info"])
    assert (info["restore_faces"], info["face_restoration_model"]) == (True, "GFPGAN")


def test_a_picture_made_from_its_own_infotext_is_the_same(served: Served) -> None:
    first = served.txt2img(sampler_name="Euler a", cfg_scale=5).json()
    text = json.loads(first["info"])["infotexts"][0]
    again = served.client.post("/sdapi/v1/txt2img", json={"infotext": text}).json()
    assert again["images"] == first["images"]


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_a_picture_becomes_another_picture(served: Served, kind: str) -> None:
    source = Image.radial_gradient("L").resize((80, 48)).convert("RGB")
    body = {"prompt": "a cat", "steps": 4, "width": 64, "height": 64, "seed": 1, "denoising_strength": 0.5}
    body["init_images"] = ["data:image/png;base64," + as_base64(source, kind)]
    answer = served.client.post("/sdapi/v1/img2img", json=body).json()
    assert picture_of(answer["images"][0]).size == (64, 64)
    assert "Denoising strength: 0.5" in json.loads(answer["info"])["infotexts"][0]
    assert answer["parameters"]["init_images"] is None
    answer = served.client.post(
        "/sdapi/v1/img2img", json={**body, "include_init_images": True, "resize_mode": 1}
    ).json()
    assert answer["parameters"]["init_images"] == body["init_images"]


BAD: list[tuple[dict[str, Any], int, str]] = [
    ({"sampler_name": "Eulre"}, 404, "Euler"),
    ({"scheduler": "Karas"}, 404, "Karras"),
    ({"override_settings": {"sd_model_checkpoint": "tinny"}}, 404, "tiny"),
    ({"override_settings": {"CLIP_stop_at_last_layers": 99}}, 422, "CLIP_stop_at_last_layers"),
    ({"override_settings": {"samples_format": "xyz"}}, 422, "samples_format"),
    ({"steps": 0}, 422, "steps"),
    ({"steps": 10**9}, 422, "steps"),
    ({"width": 0}, 422, "width"),
    ({"height": -64}, 422, "height"),
    ({"width": 10**7}, 422, "width"),
    ({"width": 16384, "height": 16384}, 422, "pixels"),
    ({"batch_size": 0}, 422, "batch_size"),
    ({"n_iter": 0}, 422, "n_iter"),
    ({"seed": 2**70}, 422, "seed"),
    ({"enable_hr": True, "hr_upscaler": "Lanczosh"}, 404, "Lanczos"),
    ({"enable_hr": True, "hr_checkpoint_name": "tinny"}, 404, "tiny"),
    ({"enable_hr": True, "hr_sampler_name": "Eulre"}, 404, "Euler"),
    ({"enable_hr": True, "hr_scale": 1000}, 422, "hr_scale"),
    ({"enable_hr": True, "hr_resize_x": -8}, 422, "hr_resize_x"),
    ({"enable_hr": True, "hr_second_pass_steps": -1}, 422, "hr_second_pass_steps"),
    ({"enable_hr": True, "denoising_strength": 1.5}, 422, "denoising_strength"),
    ({"enable_hr": True, "firstpass_image": "no picture"}, 422, "firstpass_image"),
    ({"refiner_checkpoint": "tinny"}, 404, "tiny"),
    ({"script_name": "X/Y/Z plot"}, 422, "X/Y/Z plot"),
    ({"alwayson_scripts": {"ADetailer": {"args": []}}}, 422, "ADetailer"),
    ({"alwayson_scripts": {"seed": {"args": {"0": 1}}}}, 422, "seed"),
]


@pytest.mark.parametrize(("fields", "status", "words"), BAD, ids=lambda value: str(value)[:50])
def test_what_cannot_be_done_is_refused_with_a_sentence(
    served: Served, fields: dict[str, Any], status: int, words: str
) -> None:
    response = served.txt2img(**fields)
    assert response.status_code == status
    answer = response.json()
    assert set(answer) == {"error", "detail", "body", "errors"}
    assert words.casefold() in answer["detail"].casefold()
    assert answer["detail"].endswith((".", "?"))


@pytest.mark.parametrize(
    ("fields", "place"),
    [
        ({"steps": "many"}, "steps"),
        ({"prompt": ["a"]}, "prompt"),
        ({"styles": "ink"}, "styles"),
        ({"cfg_scale": "seven"}, "cfg_scale"),
        ({"override_settings": []}, "override_settings"),
        ({"seed": 1e400}, "seed"),
    ],
    ids=str,
)
def test_a_value_of_the_wrong_kind_is_named(served: Served, fields: dict[str, Any], place: str) -> None:
    content = json.dumps({"width": 64, "height": 64, **fields})
    response = served.client.post("/sdapi/v1/txt2img", content=content)
    assert response.status_code == 422
    assert response.json()["detail"][0]["loc"][:2] == ["body", place]


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'"text"', b"\xff\xfe", b"null"])
def test_a_body_that_is_no_object_is_refused(served: Served, content: bytes) -> None:
    assert served.client.post("/sdapi/v1/txt2img", content=content).status_code == 422


@pytest.mark.parametrize(
    ("images", "words"),
    [
        ([], "init_images"),
        (None, "init_images"),
        (["not base64 at all!"], "init_images[0]"),
        ([base64.b64encode(b"no picture").decode()], "init_images[0]"),
        ([as_base64(Image.new("RGB", (8, 8)))[:60]], "init_images[0]"),
        ([17], "init_images[0]"),
        (["http://127.0.0.1/a.png"], "fetches no pictures"),
        ([as_base64(Image.new("1", (20000, 20000)))], "pixels"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_a_source_that_is_no_picture_is_refused(served: Served, images: Any, words: str) -> None:
    response = served.client.post("/sdapi/v1/img2img", json={"init_images": images})
    assert response.status_code in (403, 404, 422)
    assert words in response.json()["detail"]


def test_half_an_emoji_in_a_prompt_does_no_harm(served: Served) -> None:
    content = b'{"prompt": "a cat \\ud83d", "steps": 1, "width": 64, "height": 64, "save_images": true}'
    response = served.client.post("/sdapi/v1/txt2img", content=content)
    assert response.status_code == 200
    assert json.loads(response.json()["info"])["prompt"] == "a cat \ufffd"


def test_a_client_that_goes_away_loses_no_job(served: Served) -> None:
    body = json.dumps({"steps": 30, "width": 64, "height": 64, "force_task_id": "dropped", "save_images": True})
    request = (
        f"POST /sdapi/v1/txt2img HTTP/1.1\r\nHost: easel\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n\r\n{body}"
    )
    url = served.client.base_url
    with socket.create_connection((url.host, url.port or 80)) as connection:
        connection.sendall(request.encode())
        wait_until(lambda: served.app.queue.find("dropped") is not None)
    job = served.app.queue.find("dropped")
    assert job is not None
    wait_until(lambda: job.finished)
    assert job.state is JobState.DONE
    assert job.result is not None
    assert job.result.images[0].path is not None


def test_many_waiting_requests_do_not_hold_up_the_others(served: Served) -> None:
    answers: list[int] = []
    threads = [threading.Thread(target=lambda: answers.append(served.txt2img().status_code)) for _ in range(45)]
    for thread in threads:
        thread.start()
    for _ in range(20):  # the server has 40 threads; none of them may be taken by a request that only waits
        assert served.client.get("/sdapi/v1/samplers").status_code == 200
    for thread in threads:
        thread.join()
    assert answers == [200] * 45


def test_pictures_of_a_job_can_be_kept_afterwards(session_server: Served) -> None:
    session_server.txt2img(force_task_id="to-be-kept")
    kept = session_server.client.post("/api/v1/pictures/keep", json={"job": "to-be-kept", "archive": True}).json()
    assert [Path(path).exists() for path in (*kept["files"], kept["archive"])] == [True, True]
    assert kept["warnings"] == []
    gone = session_server.client.post("/api/v1/pictures/keep", json={"job": "nobody"})
    assert gone.status_code == 422
    assert "no longer in memory" in gone.json()["detail"]
