"""The examples of clients, against a served Easel."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from examples import client, standing_job
from modules.infotext.picture_metadata import read_picture_metadata
from modules.settings.flags import Flags
from tests.api.conftest import Served, serving
from tests.tiny_models import make_tiny_sd1

SMALL = {"steps": 2, "width": 64, "height": 64}


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    data = tmp_path_factory.mktemp("easel")
    checkpoint = make_tiny_sd1(data / "models" / "Stable-diffusion" / "tiny.safetensors")
    (data / "config.json").write_text(json.dumps({"sd_model_checkpoint": checkpoint.name}), encoding="utf-8")
    with serving(Flags(data_dir=data, use_cpu=("all",), nowebui=True)) as easel:
        yield easel


def test_the_client_asks_for_a_picture_and_gets_its_parameters(served: Served) -> None:
    easel = client.Easel(str(served.client.base_url))
    assert "Euler a" in easel.samplers()
    picture, parameters = easel.picture("a red cat", seed=5, **SMALL)
    with Image.open(io.BytesIO(picture)) as image:
        assert image.size == (64, 64)
    assert parameters.startswith("a red cat\nSteps: 2, ")
    assert "Seed: 5," in parameters


def test_the_client_says_what_was_wrong(served: Served) -> None:
    with pytest.raises(RuntimeError, match="Unknown sampler 'Euler b'"):
        client.Easel(str(served.client.base_url)).picture("a cat", sampler_name="Euler b", **SMALL)


def test_the_client_saves_a_picture_as_a_file(
    served: Served, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = client.Easel.picture
    monkeypatch.setattr(client.Easel, "picture", lambda self, prompt: whole(self, prompt, **SMALL))
    client.main(str(served.client.base_url), "a castle", str(tmp_path / "castle.png"))
    assert read_picture_metadata(tmp_path / "castle.png").infotext == capsys.readouterr().out.strip()


def test_a_standing_job_makes_its_pictures_and_tells_of_each(served: Served) -> None:
    told: list[int] = []
    address = str(served.client.base_url)
    job = standing_job.begin(address, "a cat", 3, **SMALL)
    record = standing_job.follow(address, job, told.append, pause=0.01)
    assert (record["state"], record["made"], told[-1]) == ("done", 3, 3)


def test_a_standing_job_is_ended_on_request(served: Served) -> None:
    address = str(served.client.base_url)
    job = standing_job.begin(address, "a cat", 1000, **SMALL)
    standing_job.stop(address, job)
    assert standing_job.follow(address, job, lambda made: None, pause=0.01)["state"] == "stopped"
