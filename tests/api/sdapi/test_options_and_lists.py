"""Settings, lists, models."""

from __future__ import annotations

import base64
import hashlib
import io
import json
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from safetensors.torch import save_file

from modules.settings.model import Settings
from modules.settings.paths import Paths
from tests.api.conftest import Served, flags_for, serving, wait_until

DATA = Path(__file__).parent / "data"


def recorded(name: str) -> Any:
    return json.loads((DATA / f"{name}.json").read_text(encoding="utf-8"))


def test_all_settings_can_be_read_and_sent_back_unchanged(served: Served) -> None:
    values = served.client.get("/sdapi/v1/options").json()
    assert set(Settings.model_fields) <= set(values)
    assert values["sd_model_checkpoint"].startswith("tiny.safetensors")
    before = served.app.settings.current
    response = served.client.post("/sdapi/v1/options", json=values)
    assert (response.status_code, response.json()) == (200, None)
    assert served.app.settings.current == before


def test_every_setting_that_clients_know_is_there_with_its_default(served: Served) -> None:
    known, values = recorded("options"), served.client.get("/sdapi/v1/options").json()
    assert [key for key in known if key not in values] == []
    assert list(values)[: len(known)] == list(known)
    changed_by_the_tests = {"sd_model_checkpoint", "sd_checkpoint_hash", "show_progress_every_n_steps"}
    wanted = {
        key: value.replace("DATA", str(served.data)) if str(value).startswith("DATA/") else value
        for key, value in known.items()
        if key not in changed_by_the_tests and key != "api_enable_requests"  # off, for safety
    }
    assert {key: values[key] for key in wanted} == wanted


def test_a_value_of_the_wrong_kind_is_refused_by_its_key(served: Served) -> None:
    wrong: list[tuple[str, Any]] = [
        ("jpeg_quality", "high"),
        ("jpeg_quality", True),
        ("samples_save", "perhaps"),
        ("samples_format", 7),
        ("interrogate_clip_num_beams", "many"),
        ("hidden_tabs", "Extras"),
        ("ui_tab_order", {"a": 1}),
    ]
    for key, value in wrong:
        response = served.client.post("/sdapi/v1/options", json={key: value})
        assert response.status_code == 422, key
        assert f"'{key}'" in response.json()["detail"]
    response = served.client.post("/sdapi/v1/options", content=b'{"note": [NaN]}')
    assert response.status_code == 422
    assert "'note'" in response.json()["detail"]


def test_a_setting_that_is_only_kept_is_kept(served: Served) -> None:
    assert served.client.post("/sdapi/v1/options", json={"interrogate_clip_num_beams": 3}).status_code == 200
    assert served.client.get("/sdapi/v1/options").json()["interrogate_clip_num_beams"] == 3


def test_a_setting_is_changed_and_saved(served: Served) -> None:
    assert served.client.post("/sdapi/v1/options", json={"jpeg_quality": 55}).status_code == 200
    assert served.client.get("/sdapi/v1/options").json()["jpeg_quality"] == 55
    assert json.loads(served.app.paths.settings_file.read_text(encoding="utf-8"))["jpeg_quality"] == 55


def test_unknown_settings_are_kept(served: Served) -> None:
    served.client.post("/sdapi/v1/options", json={"extension_wish": {"a": 1}, "nothing": None})
    values = served.client.get("/sdapi/v1/options").json()
    assert values["extension_wish"] == {"a": 1}
    assert values["nothing"] is None


def test_half_an_emoji_in_a_setting_does_not_keep_the_settings_from_being_saved(served: Served) -> None:
    response = served.client.post("/sdapi/v1/options", content=b'{"note": ["\\ud83d"], "jpeg_quality": 61}')
    assert response.status_code == 200
    assert served.client.get("/sdapi/v1/options").json()["note"] == ["\ufffd"]
    assert json.loads(served.app.paths.settings_file.read_text(encoding="utf-8"))["jpeg_quality"] == 61


def test_null_leaves_a_setting_as_it_is(served: Served) -> None:
    assert served.client.post("/sdapi/v1/options", json={"jpeg_quality": None}).status_code == 200
    assert served.app.settings.current.jpeg_quality == 80


def test_a_setting_that_does_not_fit_changes_nothing(served: Served) -> None:
    response = served.client.post("/sdapi/v1/options", json={"n_rows": 3, "jpeg_quality": 1000})
    assert response.status_code == 422
    assert "jpeg_quality" in response.json()["detail"]
    assert served.app.settings.current.n_rows == -1


def test_the_checkpoint_is_switched_by_name_or_hash(served: Served) -> None:
    other = served.data / "models" / "Stable-diffusion" / "other.safetensors"
    assert served.client.post("/sdapi/v1/options", json={"sd_model_checkpoint": "other"}).status_code == 200
    assert served.client.get("/sdapi/v1/options").json()["sd_model_checkpoint"].startswith("other.safetensors")
    served.client.post("/sdapi/v1/reload-checkpoint")
    digest = hashlib.sha256(other.read_bytes()).hexdigest()

    def listed() -> Any:
        items = served.client.get("/sdapi/v1/sd-models").json()
        return next((item for item in items if item["title"] == f"other.safetensors [{digest[:10]}]"), None)

    wait_until(listed)
    assert listed()["sha256"] == digest
    served.client.post("/sdapi/v1/options", json={"sd_model_checkpoint": "tiny"})
    response = served.client.post("/sdapi/v1/options", json={"sd_model_checkpoint": digest[:10]})
    assert response.status_code == 200


def test_an_unknown_checkpoint_is_refused_with_its_neighbours(served: Served) -> None:
    response = served.client.post("/sdapi/v1/options", json={"sd_model_checkpoint": "tiiny.safetensors"})
    assert response.status_code == 404
    assert "tiny.safetensors" in response.json()["detail"]


def test_flags_are_listed_by_their_names(served: Served) -> None:
    flags = served.client.get("/sdapi/v1/cmd-flags").json()
    assert flags["data_dir"] == str(served.data)
    assert flags["use_cpu"] == ["all"]
    assert flags["no_half"] is True
    assert [name for name in recorded("cmd-flags") if name not in flags] == []
    assert flags["lora_dir"] == str(served.data / "models" / "Lora")
    assert flags["swinir_models_path"] == str(served.data / "models" / "SwinIR")
    assert (flags["gradio_queue"], flags["max_batch_count"], flags["ngrok_options"]) == (True, 16, {})


def test_checkpoints_are_listed_in_the_recorded_shape(served: Served) -> None:
    items = served.client.get("/sdapi/v1/sd-models").json()
    assert [item["model_name"] for item in items][:2] == ["other", "tiny"]
    assert set(items[0]) == {"title", "model_name", "hash", "sha256", "filename", "config"}
    assert items[0]["filename"] == str(served.data / "models" / "Stable-diffusion" / "other.safetensors")


def test_a_new_checkpoint_is_found_after_a_refresh(served: Served) -> None:
    extra = served.data / "models" / "Stable-diffusion" / "sub" / "new.safetensors"
    extra.parent.mkdir(exist_ok=True)
    extra.write_bytes(b"")
    try:
        assert served.client.post("/sdapi/v1/refresh-checkpoints").json() is None
        names = [item["model_name"] for item in served.client.get("/sdapi/v1/sd-models").json()]
        assert "sub_new" in names
    finally:
        extra.unlink()
        served.client.post("/sdapi/v1/refresh-checkpoints")


def test_vae_files_are_listed(served: Served) -> None:
    folder = served.data / "models" / "VAE"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "fine.safetensors").write_bytes(b"")
    (folder / "readme.txt").write_bytes(b"")
    assert served.client.post("/sdapi/v1/refresh-vae").json() is None
    items = served.client.get("/sdapi/v1/sd-vae").json()
    assert items == [{"model_name": "fine.safetensors", "filename": str(folder / "fine.safetensors")}]


@pytest.mark.parametrize("name", ["samplers", "schedulers"])
def test_the_lists_of_sampling_are_the_recorded_ones(served: Served, name: str) -> None:
    assert served.client.get(f"/sdapi/v1/{name}").json() == recorded(name)


def test_styles_are_listed(served: Served) -> None:
    styles = served.client.get("/sdapi/v1/prompt-styles").json()
    assert styles[0] == {"name": "ink", "prompt": "{prompt}, ink drawing", "negative_prompt": "photo"}


def test_embeddings_are_sorted_by_the_checkpoint_they_fit(served: Served) -> None:
    folder = served.data / "embeddings"
    folder.mkdir(exist_ok=True)
    save_file({"emb_params": torch.zeros(3, 48)}, folder / "fits.safetensors")
    save_file({"emb_params": torch.zeros(2, 768)}, folder / "other.safetensors")
    served.client.post("/sdapi/v1/reload-checkpoint")
    assert served.client.post("/sdapi/v1/refresh-embeddings").json() is None
    answer = served.client.get("/sdapi/v1/embeddings").json()
    nothing = {"step": None, "sd_checkpoint": None, "sd_checkpoint_name": None}
    assert answer["loaded"]["fits"] == {**nothing, "shape": 48, "vectors": 3}
    assert answer["skipped"]["other"] == {**nothing, "shape": 768, "vectors": 2}
    assert not answer["loaded"].keys() & answer["skipped"].keys()


def test_networks_are_listed_with_what_their_trainers_wrote(served: Served) -> None:
    folder = served.data / "models" / "Lora"
    folder.mkdir(parents=True, exist_ok=True)
    metadata = {"ss_output_name": "Watery", "ss_tag_frequency": '{"a": {"b": 1}}', "ss_comment": "{not json"}
    save_file({"lora_unet_x.alpha": torch.ones(1)}, folder / "water.safetensors", metadata=metadata)
    assert served.client.post("/sdapi/v1/refresh-loras").json() is None
    (item,) = [each for each in served.client.get("/sdapi/v1/loras").json() if each["name"] == "water"]
    assert (item["name"], item["alias"], item["path"]) == ("water", "Watery", str(folder / "water.safetensors"))
    assert item["metadata"] == {**metadata, "ss_tag_frequency": {"a": {"b": 1}}}
    assert "water" not in [each["name"] for each in served.client.get("/sdapi/v1/hypernetworks").json()]


def test_scripts_are_listed_with_the_recorded_arguments(served: Served) -> None:
    ours = served.client.get("/sdapi/v1/script-info").json()
    recorded_by_name = {(each["name"], each["is_img2img"]): each for each in recorded("script-info")}
    assert ours
    for script in ours:
        known = recorded_by_name[script["name"], script["is_img2img"]]
        assert script["is_alwayson"] is known["is_alwayson"]
        titles = ["", *(model["title"] for model in served.client.get("/sdapi/v1/sd-models").json())]
        wanted = [{**each, "choices": titles} if each["label"] == "Checkpoint" else each for each in known["args"]]
        assert script["args"] == wanted
    names = served.client.get("/sdapi/v1/scripts").json()
    assert set(names) == {"txt2img", "img2img"}
    for kind, is_img2img in (("txt2img", False), ("img2img", True)):
        assert names[kind] == [each["name"] for each in ours if each["is_img2img"] is is_img2img]


def test_there_are_no_extensions_to_promise(served: Served) -> None:
    assert served.client.get("/sdapi/v1/extensions").json() == []


def test_memory_is_counted(served: Served) -> None:
    memory = served.client.get("/sdapi/v1/memory").json()
    assert memory["ram"]["total"] == memory["ram"]["free"] + memory["ram"]["used"]
    assert memory["cuda"]


def test_the_checkpoint_can_leave_memory_and_come_back(served: Served) -> None:
    assert served.client.post("/sdapi/v1/reload-checkpoint").json() == {}
    assert served.app.engine.model is not None
    assert served.client.post("/sdapi/v1/unload-checkpoint").json() == {}
    assert served.app.engine.model is None
    assert served.txt2img().status_code == 200


def test_a_picture_tells_its_parameters(served: Served) -> None:
    made = served.txt2img(prompt="a cat, (hat:1.2)").json()
    answer = served.client.post("/sdapi/v1/png-info", json={"image": made["images"][0]}).json()
    assert answer["info"] == json.loads(made["info"])["infotexts"][0]
    assert answer["parameters"]["Prompt"] == "a cat, (hat:1.2)"
    assert (answer["parameters"]["Seed"], answer["parameters"]["Size-1"]) == ("7", "64")


def test_a_picture_without_parameters_has_none(served: Served) -> None:
    buffer = io.BytesIO()
    Image.new("RGB", (4, 4)).save(buffer, "PNG")
    body = {"image": "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()}
    answer = served.client.post("/sdapi/v1/png-info", json=body).json()
    assert answer["info"] == ""
    assert answer["items"] == {}


def test_png_info_of_no_picture_is_refused(served: Served) -> None:
    response = served.client.post("/sdapi/v1/png-info", json={"image": "AAAA"})
    assert response.status_code == 422
    assert "image" in response.json()["detail"]
    assert served.client.post("/sdapi/v1/png-info", json={}).status_code == 422


def test_settings_are_known_by_their_labels(served: Served) -> None:
    hints = served.client.get("/internal/quicksettings-hint").json()
    assert {"name": "CLIP_stop_at_last_layers", "label": "Clip skip"} in hints


def test_a_wrong_address_is_answered_in_the_usual_form(served: Served) -> None:
    response = served.client.get("/sdapi/v1/no-such-thing")
    assert response.status_code == 404
    assert response.json() == {"error": "HTTPException", "detail": "Not Found", "body": "", "errors": ""}


def test_without_any_checkpoint_the_lists_are_there_and_pictures_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = Paths.from_flags
    # A program folder without the starter model, which is always there to fall back on otherwise.
    monkeypatch.setattr(Paths, "from_flags", lambda flags: real(flags, tmp_path))
    with serving(flags_for(tmp_path, nowebui=True)) as served:
        assert served.client.get("/sdapi/v1/sd-models").json() == []
        assert served.client.get("/sdapi/v1/options").json()["sd_model_checkpoint"] is None
        response = served.txt2img()
        assert response.status_code == 422
        assert "There is no checkpoint" in response.json()["detail"]
        assert served.client.get("/").status_code == 307
