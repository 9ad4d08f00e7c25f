"""What the catalogue tells of files, sound ones and broken ones."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from modules.checkpoints.catalogue import Catalogue
from modules.checkpoints.describe import describe_checkpoint, describe_vae
from modules.checkpoints.restricted_unpickler import pickle_shapes, read_pickle
from modules.foundation.errors import CheckpointError
from modules.library.library import Library
from tests.checkpoints.bad_files import BAD, TENSORS, torch_file
from tests.tiny_models import make_tiny_sd1

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_tiny_sd1(tmp_path_factory.mktemp("tiny") / "tiny.safetensors")


@pytest.mark.skipif(os.name == "nt", reason="its module is called otherwise there")
@pytest.mark.parametrize("kind", BAD)
def test_a_bad_file_is_listed_with_its_name_and_the_reason(tmp_path: Path, model_library: Library, kind: str) -> None:
    name, content, reason = BAD[kind]
    folder = tmp_path / "models"
    folder.mkdir()
    path = folder / name
    path.write_bytes(content(tmp_path / "was run"))
    catalogue = Catalogue(model_library, lambda: [folder], [], tmp_path / "starter.safetensors")
    catalogue.collection.settle()
    (info,) = catalogue.all()
    assert info.name == name
    assert info.problem is not None
    assert str(path) in info.problem
    assert reason in info.problem
    assert not (tmp_path / "was run").exists()


def test_a_bad_checkpoint_is_never_the_default(tmp_path: Path, tiny: Path, model_library: Library) -> None:
    (tmp_path / "a.safetensors").write_bytes(b"")
    (tmp_path / "b.safetensors").symlink_to(tiny)
    catalogue = Catalogue(model_library, lambda: [tmp_path], [], tmp_path / "starter.safetensors")
    catalogue.collection.settle()
    assert catalogue.default().name == "b.safetensors"
    assert catalogue.find("a").name == "a.safetensors"


def test_two_checkpoints_of_one_name_are_both_listed(tmp_path: Path, model_library: Library) -> None:
    folders = [tmp_path / "1", tmp_path / "2"]
    for folder in folders:
        folder.mkdir()
        (folder / "a.safetensors").write_bytes(bytes(str(folder), "utf-8"))
    catalogue = Catalogue(model_library, lambda: folders, [], tmp_path / "starter.safetensors")
    first, second = catalogue.all()
    assert (first.path, second.path) == (folders[0] / "a.safetensors", folders[1] / "a.safetensors")
    assert second.problem is not None
    assert "same name" in second.problem
    assert catalogue.find("a") == first
    assert catalogue.find(str(second.path)).path == second.path


def test_a_checkpoint_is_told_by_its_family_and_found_by_its_old_hash(
    tmp_path: Path, tiny: Path, model_library: Library
) -> None:
    (tmp_path / "mine.safetensors").write_bytes(tiny.read_bytes())
    catalogue = Catalogue(model_library, lambda: [tmp_path], [], tmp_path / "starter.safetensors")
    catalogue.collection.settle()
    (info,) = catalogue.all()
    assert (info.family, info.variant, info.problem) == ("SD1", None, None)
    assert info.size == tiny.stat().st_size
    assert info.old_hash is not None
    assert catalogue.find(info.old_hash) == info


def test_every_form_of_a_file_is_told_alike(tmp_path: Path, tiny: Path) -> None:
    tensors = load_file(tiny)
    torch.save({"state_dict": tensors, "epoch": 3}, tmp_path / "new.ckpt")
    torch.save(tensors, tmp_path / "old.ckpt", _use_new_zipfile_serialization=False)
    expected = {key: tuple(tensor.shape) for key, tensor in tensors.items()}
    for name in ("new.ckpt", "old.ckpt"):
        assert pickle_shapes(read_pickle(tmp_path / name)) == expected
        facts = describe_checkpoint(tmp_path / name)
        assert (facts.family, facts.problem) == ("SD1", None)


def test_containers_of_training_scripts_are_read(tmp_path: Path) -> None:
    parameter = torch.nn.Parameter(torch.zeros(2, 3))
    content = {
        "string_to_param": torch.nn.ParameterDict({"*": parameter}),
        "step": 5,
        "half": torch.zeros(1).bfloat16(),
    }
    (tmp_path / "a.pt").write_bytes(torch_file(content))
    found = read_pickle(tmp_path / "a.pt")
    assert found["step"] == 5
    assert found["string_to_param"]["*"].shape == (2, 3)
    assert found["half"].shape == (1,)


def test_a_folder_of_diffusers_is_told_by_its_configurations(tmp_path: Path) -> None:
    folder = tmp_path / "pipe"
    for name, content in {
        "model_index.json": {"_class_name": "StableDiffusionPipeline"},
        "unet/config.json": {"in_channels": 9},
        "text_encoder/config.json": {"hidden_act": "gelu"},
    }.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(json.dumps(content))
    problem = describe_checkpoint(folder).problem
    assert problem is not None
    assert "no weights" in problem
    save_file(TENSORS, folder / "unet" / "diffusion_pytorch_model.safetensors")
    facts = describe_checkpoint(folder)
    assert (facts.family, facts.details, facts.problem) == ("SD2", {"variant": "inpainting"}, None)
    (folder / "unet" / "config.json").write_text("{broken")
    problem = describe_checkpoint(folder).problem
    assert problem is not None
    assert "config.json is damaged" in problem


def test_a_vae_is_told_from_other_files(tmp_path: Path, tiny: Path) -> None:
    vae = {key: tensor for key, tensor in load_file(tiny).items() if key.startswith("first_stage_model.")}
    save_file(
        {key.removeprefix("first_stage_model."): tensor for key, tensor in vae.items()}, tmp_path / "v.safetensors"
    )
    assert describe_vae(tmp_path / "v.safetensors").problem is None
    assert describe_vae(tiny).problem is None
    save_file(TENSORS, tmp_path / "other.safetensors")
    problem = describe_vae(tmp_path / "other.safetensors").problem
    assert problem is not None
    assert "no decoder" in problem


def test_other_models_are_named(tmp_path: Path) -> None:
    save_file({"double_blocks.0.img_attn.qkv.weight": torch.zeros(1)}, tmp_path / "flux.safetensors")
    problem = describe_checkpoint(tmp_path / "flux.safetensors").problem
    assert problem is not None
    assert "Flux" in problem


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"gone\.ckpt cannot be read"):
        read_pickle(tmp_path / "gone.ckpt")


def test_describing_needs_no_torch(tiny: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from modules.checkpoints.describe import describe_checkpoint;"
        "facts = describe_checkpoint(Path(sys.argv[1])); sys.exit('torch' in sys.modules or facts.family != 'SD1')"
    )
    assert subprocess.run([sys.executable, "-c", code, str(tiny)], cwd=ROOT, check=False, timeout=60).returncode == 0
