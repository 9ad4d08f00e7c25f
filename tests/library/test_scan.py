"""Whole scans: through real headers, over processes that end badly, from folders of another program."""

from __future__ import annotations

import json
import os
import shutil
import signal
import struct
import subprocess
import sys
from pathlib import Path

import pytest

from modules.application.application import Application
from modules.settings.flags import Flags

ROOT = Path(__file__).parents[2]
FILES = 1500


def put_lora(path: Path, **metadata: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    entry = {"dtype": "F16", "shape": [2], "data_offsets": [0, 4]}
    text = json.dumps({"__metadata__": metadata, "lora_unet_x.lora_down.weight": entry}).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + bytes(4))


def application(data: Path, **flags: object) -> Application:
    return Application(Flags(data_dir=data, skip_load_model_at_start=True, **flags))  # type: ignore[arg-type]


@pytest.mark.skipif(os.name == "nt", reason="processes end otherwise there")
def test_a_scan_that_is_killed_goes_on_where_it_was(tmp_path: Path) -> None:
    folder = tmp_path / "models" / "Lora"
    for index in range(FILES):
        put_lora(folder / f"{index}.safetensors", ss_output_name=f"alias {index}")
    code = (
        "import sys; from pathlib import Path; from tests.library.test_scan import application;"
        "app = application(Path(sys.argv[1])); app.start()\n"
        "collection = app.networks.collections['lora']\n"
        "while not app.library.index.rows('lora'): pass\n"
        "print('some', flush=True); import time; time.sleep(60)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "some\n"
        other.send_signal(signal.SIGKILL)
        other.wait(timeout=60)
    app = application(tmp_path)
    known = app.library.index.rows("lora")
    assert 0 < len(known) <= FILES
    assert len(app.networks.all("lora")) == FILES
    found = app.networks.find("lora", f"alias {FILES - 1}")
    assert found is not None
    assert found.name == str(FILES - 1)
    assert len(app.library.index.rows("lora")) == FILES
    app.close()


def test_a_lost_index_costs_a_scan_and_nothing_else(tmp_path: Path) -> None:
    put_lora(tmp_path / "models" / "Lora" / "a.safetensors", ss_output_name="alias")
    for _ in range(2):
        app = application(tmp_path)
        assert app.networks.alias(app.networks.all("lora")[0]) == "alias"
        app.close()
        shutil.rmtree(tmp_path / "cache")


def test_two_programs_list_one_folder_from_one_index(tmp_path: Path) -> None:
    for index in range(50):
        put_lora(tmp_path / "models" / "Lora" / f"{index}.safetensors", ss_output_name=f"alias {index}")
    first, second = application(tmp_path), application(tmp_path)
    scans = [app.networks.collections["lora"].verify_soon() for app in (first, second)]
    for scan in scans:
        scan.result(60)
    path = tmp_path / "models" / "Lora" / "7.safetensors"
    digest = first.library.hashes.compute(path, "addnet")
    assert second.library.hashes.known(path, "addnet") == digest
    assert second.networks.name_by_hash(digest) is not None
    first.close()
    second.close()


@pytest.mark.parametrize("by", ["flag", "setting"])
def test_an_a1111_installation_is_pointed_to(tmp_path: Path, by: str) -> None:
    tree = tmp_path / "a1111"
    put_lora(tree / "models" / "Lora" / "theirs.safetensors")
    put_lora(tree / "models" / "Stable-diffusion" / "big.safetensors")
    put_lora(tree / "models" / "VAE" / "fine.safetensors")
    put_lora(tree / "embeddings" / "word.safetensors")
    put_lora(tmp_path / "data" / "models" / "Lora" / "mine.safetensors")
    app = application(tmp_path / "data", **({"a1111_dir": (tree,)} if by == "flag" else {}))
    if by == "setting":
        assert [info.name for info in app.networks.all("lora")] == ["mine"]
        app.settings.change({"further_model_folders": [str(tree)]}, save=False)
    assert [info.name for info in app.networks.all("lora")] == ["mine", "theirs"]
    assert app.catalogue.all()[0].name == "big.safetensors"
    assert [info.name for info in app.vaes.all()] == ["fine.safetensors"]
    assert [entry.name for entry in app.embeddings.collection.entries()] == ["word"]
    app.close()


def test_hidden_folders_are_looked_into_unless_a_setting_says_no(tmp_path: Path) -> None:
    put_lora(tmp_path / "models" / "Lora" / ".secret" / "a.safetensors")
    app = application(tmp_path)
    assert [info.name for info in app.networks.all("lora")] == ["a"]
    app.settings.change({"list_hidden_files": False}, save=False)
    assert app.networks.all("lora") == ()
    app.close()


def test_the_vae_of_the_flag_is_used_whatever_anybody_says(tmp_path: Path) -> None:
    vae, checkpoint = tmp_path / "elsewhere" / "mine.vae.pt", tmp_path / "models" / "Stable-diffusion" / "a.safetensors"
    put_lora(vae)
    put_lora(checkpoint)
    put_lora(checkpoint.with_suffix(".vae.safetensors"))
    app = application(tmp_path, vae_path=vae)
    info = app.catalogue.all()[0]
    for setting in ("Automatic", "None", "other.pt"):
        chosen = app.vaes.choose(setting, info)
        assert chosen is not None
        assert chosen.path == vae
    assert "mine.vae.pt" in [each.name for each in app.vaes.all()]
    app.close()
