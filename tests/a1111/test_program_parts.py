"""Parts of the program that extensions call by the names of A1111's modules."""

from __future__ import annotations

import importlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy
import pytest
import torch

from modules.a1111.install_process import COMMAND
from tests.a1111.conftest import Stage
from tests.extension_host.test_host import host, make

NAMES = {
    "initialize_util": "initialize",
    "restart": "restart_program is_restartable stop_program",
    "rng_philox": "Generator",
    "script_loading": "load_module",
    "sd_samplers_timesteps": "samplers_timesteps CompVisSampler",
    "shared_init": "initialize",
    "shared_items": "get_infotext_names sd_vae_items",
    "styles": "StyleDatabase PromptStyle merge_prompts prompt_styles",
    "sysinfo": "get",
    "textual_inversion.autocrop": "crop_image Settings download_and_cache_models",
    "torch_utils": "get_param float64",
    "ui_gradio_extensions": "webpath",
    "ui_settings": "UiSettings",
    "ui_tempdir": "is_gradio_temp_path register_tmp_file",
    "ui_toprow": "Toprow",
}


@pytest.mark.parametrize("name", NAMES)
def test_modules_of_the_original_can_be_imported_with_their_names(stage: Callable[..., Stage], name: str) -> None:
    made = stage(asking=f"from modules.{name} import {', '.join(NAMES[name].split())}\n")
    assert made.dialect.errors == {}


def test_an_extension_loads_files_of_its_own_as_its_own(stage: Callable[..., Stage]) -> None:
    source = """
from pathlib import Path
from modules import scripts, script_loading, ui_gradio_extensions, ui_loadsave
from modules.textual_inversion import autocrop

folder = Path(scripts.basedir()) / "parts"
folder.mkdir()
(folder / "part.py").write_text("import gradio as gr\\nfrom modules import scripts\\n"
                                "box, base = gr.Textbox.update(visible=False), scripts.basedir()\\n")
part = script_loading.load_module(str(folder / "part.py"))
assert part.base == scripts.basedir(), part.base
assert part.box["__type__"] == "update"
assert ui_gradio_extensions.webpath(str(folder / "part.py")).startswith("file=extensions/some/parts/part.py?")
"""
    assert stage(loading=source).dialect.errors == {}


def test_numbers_are_those_of_the_program(stage: Callable[..., Stage]) -> None:
    stage(none="from modules import scripts\n")
    philox: Any = importlib.import_module("modules.rng_philox")
    helpers: Any = importlib.import_module("modules.torch_utils")
    first = philox.Generator(3).randn((4,))
    assert first.dtype == numpy.float32
    assert (first == philox.Generator(3).randn((4,))).all()
    layer = torch.nn.Linear(2, 3)
    assert helpers.get_param(layer) is layer.weight
    assert helpers.float64(layer.weight) == torch.float64


def test_an_install_script_finds_the_folders_and_settings_of_the_program(tmp_path: Path) -> None:
    found = tmp_path / "found.json"
    source = f"""
import json, own_part
from modules import paths_internal, scripts, shared, shared_init

if not shared.opts:
    shared_init.initialize()
told = [paths_internal.extensions_dir, scripts.basedir(), shared.cmd_opts.lora_dir, shared.opts.data["of it"]]
open({str(found)!r}, "w").write(json.dumps(told))
"""
    make(tmp_path, "asks", install_dot_py=source, own_part_dot_py="")
    (tmp_path / "config.json").write_text('{"of it": 3}')
    started = host(tmp_path, "--lora-dir", str(tmp_path / "elsewhere"))
    started.install_command = COMMAND
    started.find()
    started.prepare()
    assert started.extensions[0].notes == []
    folders = [str(tmp_path / "extensions"), str(tmp_path), str(tmp_path / "elsewhere")]
    assert json.loads(found.read_text()) == [*folders, 3]
