"""Making and training embeddings and hypernetworks."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from modules.networks.hypernetwork import read_hypernetwork
from modules.networks.info import NetworkInfo
from modules.text_encoders.embedding_files import read_embedding
from tests.api.conftest import Served, flags_for, serving
from tests.tiny_models import make_tiny_checkpoint
from tests.training.conftest import put_pictures


def create(served: Served, what: str, **body: Any) -> Any:
    return served.client.post(f"/sdapi/v1/create/{what}", json=body)


def test_a_new_embedding_begins_as_its_words_and_can_be_used(served: Served) -> None:
    answer = create(served, "embedding", name="mine", num_vectors_per_token=2, init_text="red cat")
    path = served.data / "embeddings" / "mine.pt"
    assert answer.json() == {"info": f"create embedding filename: {path}"}
    embedding = read_embedding(path)
    assert embedding is not None
    model = served.app.engine.model
    assert model is not None
    (encoder,) = model.text_encoder.encoders
    words = encoder.model.embeddings.token_embedding(torch.tensor(encoder.tokenizer.encode("red cat")))
    assert torch.equal(embedding.tensors[""], words.detach().float())
    assert "mine" in served.client.get("/sdapi/v1/embeddings").json()["loaded"]
    told = json.loads(served.txt2img(prompt="mine").json()["info"])["infotexts"][0]
    assert "TI hashes: " in told
    assert (
        served.txt2img(prompt="mine", override_settings={"enable_pnginfo": False}).json()["images"]
        == (served.txt2img(prompt="red cat", override_settings={"enable_pnginfo": False}).json()["images"])
    )


def test_few_words_are_spread_over_many_vectors_and_no_words_are_zeros(served: Served) -> None:
    create(served, "embedding", name="spread", num_vectors_per_token=4, init_text="red cat")
    create(served, "embedding", name="blank", num_vectors_per_token=3, init_text="")
    spread = read_embedding(served.data / "embeddings" / "spread.pt")
    blank = read_embedding(served.data / "embeddings" / "blank.pt")
    assert spread is not None
    assert blank is not None
    vectors = spread.tensors[""]
    assert torch.equal(vectors[0], vectors[1])
    assert torch.equal(vectors[2], vectors[3])
    assert not torch.equal(vectors[0], vectors[2])
    assert blank.tensors[""].shape == (3, 48)
    assert not blank.tensors[""].any()


def test_sdxl_gets_an_embedding_for_both_encoders(tmp_path: Any) -> None:
    make_tiny_checkpoint(tmp_path / "models" / "Stable-diffusion" / "xl.safetensors", "sdxl")
    with serving(flags_for(tmp_path)) as served:
        served.app.settings.change({"sd_model_checkpoint": "xl.safetensors"})
        assert create(served, "embedding", name="both").status_code == 200
        embedding = read_embedding(tmp_path / "embeddings" / "both.safetensors")
        assert embedding is not None
        assert {name: tuple(tensor.shape) for name, tensor in embedding.tensors.items()} == {
            "clip_l": (1, 48),
            "clip_g": (1, 80),
        }
        assert list(served.client.get("/sdapi/v1/embeddings").json()["loaded"]) == ["both"]


def test_nothing_is_overwritten_without_being_asked(served: Served) -> None:
    for what in ("embedding", "hypernetwork"):
        assert create(served, what, name="once").status_code == 200
        again = create(served, what, name="once")
        assert again.status_code == 422
        assert "overwrite_old" in again.json()["detail"]
        assert create(served, what, name="once", overwrite_old=True).status_code == 200


@pytest.mark.parametrize("name", ["../out", "..", "", "a/../../b", "c:\\x", "\u0000", "n" * 300])
def test_no_name_leads_out_of_the_folder(served: Served, name: str) -> None:
    before = set(served.data.parent.rglob("*.pt"))
    answer = create(served, "hypernetwork", name=name, enable_sizes=[320], overwrite_old=True)
    made = set(served.data.parent.rglob("*.pt")) - before
    if answer.status_code == 200:
        assert {path.parent for path in made} == {served.data / "models" / "hypernetworks"}
    else:
        assert answer.status_code == 422
        assert not made


def test_a_new_hypernetwork_can_be_read_and_hardly_changes_a_picture(served: Served) -> None:
    body = {
        "name": "fresh",
        "enable_sizes": ["320", "768"],
        "layer_structure": "1, 2, 1.5, 1",
        "activation_func": "relu",
        "weight_init": "KaimingNormal",
        "add_layer_norm": True,
        "use_dropout": True,
    }
    answer = create(served, "hypernetwork", **body)
    path = served.data / "models" / "hypernetworks" / "fresh.pt"
    assert answer.json() == {"info": f"create hypernetwork filename: {path}"}
    network = read_hypernetwork(NetworkInfo(path=path, folder=path.parent, kind="hypernet"))
    assert set(network.layers) == {320, 768}
    assert {"name": "fresh", "path": str(path)} in served.client.get("/sdapi/v1/hypernetworks").json()
    create(served, "hypernetwork", name="plain", enable_sizes=[320])
    plain = served.data / "models" / "hypernetworks" / "plain.pt"
    small = read_hypernetwork(NetworkInfo(path=plain, folder=plain.parent, kind="hypernet"))
    context = torch.randn(1, 7, 320)
    assert torch.allclose(small.applied(context, 0, 1.0), context, atol=0.5)
    assert not torch.equal(small.applied(context, 0, 1.0), context)


@pytest.mark.parametrize(
    "fields",
    [
        {"enable_sizes": []},
        {"enable_sizes": [333]},
        {"layer_structure": [1]},
        {"layer_structure": [2, 1]},
        {"layer_structure": [1, 1e9, 1]},
        {"layer_structure": "one"},
        {"activation_func": "boom"},
        {"weight_init": "Magic"},
        {"dropout_structure": [0, 1]},
        {"dropout_structure": [0, 2, 0]},
    ],
    ids=str,
)
def test_what_no_hypernetwork_can_be_made_of_is_refused(served: Served, fields: dict[str, Any]) -> None:
    assert create(served, "hypernetwork", name="bad", **fields).status_code == 422
    assert not (served.data / "models" / "hypernetworks" / "bad.pt").exists()


@pytest.mark.parametrize("what", ["embedding", "hypernetwork"])
def test_training_in_the_words_of_a1111_changes_the_file(served: Served, what: str, tmp_path: Path) -> None:
    put_pictures(tmp_path, 2)
    assert served.client.post(f"/sdapi/v1/train/{what}", json={}).status_code == 404
    assert served.client.post(f"/sdapi/v1/train/{what}", json={f"{what}_name": "nobody's"}).status_code == 404
    sizes = {"enable_sizes": [320]} if what == "hypernetwork" else {}
    create(served, what, name="pupil", overwrite_old=True, **sizes)
    folder = "embeddings" if what == "embedding" else "models/hypernetworks"
    path = served.data / folder / "pupil.pt"
    body = {
        f"{what}_name": "pupil",
        "learn_rate": "0.1:1, 0.01",
        "data_root": str(tmp_path),
        "log_directory": str(tmp_path / "log"),
        "training_width": 64,
        "training_height": 64,
        "steps": 2,
        "batch_size": 2,
        "gradient_step": 2,
        "clip_grad_mode": "norm",
        "clip_grad_value": "1.0",
        "shuffle_tags": True,
        "tag_drop_out": 0.1,
        "latent_sampling_method": "random",
        "create_image_every": 0,
        f"save_{what}_every": 1,
        "template_filename": "style_filewords.txt",
        "preview_from_txt2img": False,
    }
    response = served.client.post(f"/sdapi/v1/train/{what}", json=body)
    assert response.json() == {"info": f"train {what} complete: filename: {path} error: None"}
    assert torch.load(path)["step"] == 2
    assert len(list((tmp_path / "log").glob(f"*/pupil/{what}s/pupil-1.pt"))) == 1


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"learn_rate": "0.1:1, fast"}, "part 2"),
        ({"learn_rate": ""}, "learn_rate"),
        ({"data_root": "/no/such/folder"}, "not a folder"),
        ({"data_root": ""}, "Name a folder"),
        ({"data_root": "\u0000"}, "folder"),
        ({"template_filename": "../../secret.txt"}, "template"),
        ({"template_filename": "nothing.txt"}, "template"),
        ({"clip_grad_mode": "value", "clip_grad_value": "much"}, "part 1"),
    ],
    ids=str,
)
def test_what_cannot_be_trained_is_told_before_it_is_queued(
    served: Served, wrong: dict[str, Any], said: str, tmp_path: Path
) -> None:
    create(served, "embedding", name="pupil", overwrite_old=True)
    put_pictures(tmp_path, 1)
    body = {"embedding_name": "pupil", "data_root": str(tmp_path), "steps": 1, **wrong}
    response = served.client.post("/sdapi/v1/train/embedding", json=body)
    assert response.status_code in (404, 422)
    assert said in response.text


def test_strangers_on_an_open_network_train_nothing(tmp_path: Path) -> None:
    make_tiny_checkpoint(tmp_path / "models" / "Stable-diffusion" / "tiny.safetensors", "sd1")
    put_pictures(tmp_path / "pictures", 1)
    with serving(flags_for(tmp_path, listen=True)) as served:
        for route, body in (
            ("/sdapi/v1/train/embedding", {"embedding_name": "x", "data_root": str(tmp_path / "pictures")}),
            ("/sdapi/v1/train/hypernetwork", {"hypernetwork_name": "x", "data_root": "/etc"}),
            ("/api/v1/training", {"kind": "lora", "name": "x", "dataset": {"folder": "/etc"}, "dry_run": True}),
        ):
            response = served.client.post(route, json=body)
            assert response.status_code == 403
            assert "--gradio-auth" in response.json()["detail"]
