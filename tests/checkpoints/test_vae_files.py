from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, cast

import pytest
import torch
from safetensors.torch import load_file, save_file

from modules.checkpoints.info import CheckpointInfo
from modules.checkpoints.load import load_checkpoint
from modules.checkpoints.load_vae import load_vae
from modules.checkpoints.vae_files import VaeCatalogue
from modules.foundation.errors import CheckpointError, UnknownName
from modules.hardware.device import Hardware
from modules.library.library import Library
from tests.parity import make_tiny
from tests.tiny_models import make_tiny_checkpoint


class VaeFolders:
    def __init__(self, root: Path, library: Library) -> None:
        self.library = library
        self.vaes, self.checkpoints = root / "VAE", root / "Stable-diffusion"
        self.vaes.mkdir()
        self.checkpoints.mkdir()

    def add(self, *names: str) -> None:
        for name in names:
            path = (self.checkpoints if ".vae." in name else self.vaes) / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(name.encode())

    def checkpoint(self, name: str = "model.safetensors", **metadata: object) -> CheckpointInfo:
        path = self.checkpoints / name
        path.write_bytes(b"checkpoint")
        if metadata:
            path.with_suffix(".json").write_text(json.dumps(metadata))
        return CheckpointInfo(path=path, name=name)

    def catalogue(self) -> VaeCatalogue:
        return VaeCatalogue(self.library, lambda: [self.vaes], lambda: [self.checkpoints])


@pytest.fixture
def folders(tmp_path: Path, model_library: Library) -> VaeFolders:
    return VaeFolders(tmp_path, model_library)


def test_vae_files_are_listed_from_both_places_and_nothing_else(folders: VaeFolders) -> None:
    folders.add("b.safetensors", "A.ckpt", "sub/c.pt", "model.vae.pt", "notes.txt", "b.png")
    folders.checkpoint()
    assert [info.name for info in folders.catalogue().all()] == ["A.ckpt", "b.safetensors", "c.pt", "model.vae.pt"]


def test_two_files_of_one_name_can_both_be_chosen(folders: VaeFolders) -> None:
    folders.add("a.pt", "sub/a.pt")
    catalogue = folders.catalogue()
    first, second = sorted(catalogue.all(), key=lambda info: len(info.name))
    assert first.name == "a.pt"
    assert catalogue.find(second.name).path != catalogue.find("a.pt").path


@pytest.mark.parametrize("name", ["b.safetensors", "B.safetensors", "b"])
def test_a_vae_is_found_by_its_names(folders: VaeFolders, name: str) -> None:
    folders.add("b.safetensors")
    assert folders.catalogue().find(name).path == folders.vaes / "b.safetensors"


def test_an_unknown_vae_is_answered_with_near_ones_and_a_new_file_is_found(folders: VaeFolders) -> None:
    folders.add("animevae.pt")
    catalogue = folders.catalogue()
    with pytest.raises(UnknownName, match=r"animevae\.pt"):
        catalogue.find("animevea.pt")
    folders.add("animevea.pt")
    assert catalogue.find("animevea.pt").name == "animevea.pt"


@pytest.mark.parametrize(
    ("files", "chosen"),
    [
        ([], None),
        (["other.pt"], None),
        (["model.pt", "model-long.pt"], "model.pt"),
        (["model.vae.pt"], "model.vae.pt"),
        (["model.vae.safetensors", "model-a.pt"], "model.vae.safetensors"),
        (["model_kl-f8.safetensors"], "model_kl-f8.safetensors"),
    ],
)
def test_automatic_takes_the_file_that_is_called_like_the_checkpoint(
    folders: VaeFolders, files: list[str], chosen: str | None
) -> None:
    folders.add(*files)
    found = folders.catalogue().choose("Automatic", folders.checkpoint())
    assert (found.name if found else None) == chosen


def test_files_that_come_and_go_are_noticed(folders: VaeFolders) -> None:
    folders.add("model-one.pt")
    catalogue, checkpoint = folders.catalogue(), folders.checkpoint()
    chosen = catalogue.choose("Automatic", checkpoint)
    assert chosen is not None
    chosen.path.unlink()
    assert catalogue.choose("Automatic", checkpoint) is None
    folders.add("model.vae.pt")
    chosen = catalogue.choose("Automatic", checkpoint)
    assert chosen is not None
    assert chosen.name == "model.vae.pt"


def test_none_and_a_name_mean_what_they_say(folders: VaeFolders) -> None:
    folders.add("model.vae.pt", "other.pt")
    catalogue, checkpoint = folders.catalogue(), folders.checkpoint()
    assert catalogue.choose("None", checkpoint) is None
    chosen = catalogue.choose("other.pt", checkpoint)
    assert chosen is not None
    assert chosen.name == "other.pt"
    with pytest.raises(UnknownName, match="gone"):
        catalogue.choose("gone.pt", checkpoint)


@pytest.mark.parametrize(
    ("setting", "overrides", "chosen"),
    [
        ("Automatic", True, "mine.pt"),
        ("other.pt", True, "other.pt"),
        ("other.pt", False, "mine.pt"),
        ("None", False, "mine.pt"),
        ("None", True, None),
    ],
)
def test_a_checkpoint_s_own_preference_counts_unless_the_setting_overrides(
    folders: VaeFolders, setting: str, overrides: bool, chosen: str | None
) -> None:
    folders.add("mine.pt", "other.pt", "model.vae.pt")
    found = folders.catalogue().choose(setting, folders.checkpoint(vae="mine.pt"), overrides=overrides)
    assert (found.name if found else None) == chosen


def test_a_preference_for_none_keeps_a_file_beside_the_checkpoint_out(folders: VaeFolders) -> None:
    folders.add("model.vae.pt")
    assert folders.catalogue().choose("Automatic", folders.checkpoint(vae="None")) is None


# Loading


@pytest.fixture
def bare(tmp_path: Path) -> Path:
    made = make_tiny.B(106)
    make_tiny.vae(made, "", 32, make_tiny.MULT)
    make_tiny.write(str(tmp_path / "bare.safetensors"), made.sd)
    return tmp_path / "bare.safetensors"


def _decoded(path: Path, cpu: Hardware) -> torch.Tensor:
    with torch.inference_mode():
        return (
            cast(Any, load_vae(path, cpu))
            .decode(torch.randn(1, 4, 4, 4, generator=torch.Generator().manual_seed(0)))
            .sample
        )


def test_all_forms_of_a_vae_file_give_the_same_network(bare: Path, cpu: Hardware, tmp_path: Path) -> None:
    expected, tensors = _decoded(bare, cpu), load_file(bare)
    prefixed = {f"first_stage_model.{key}": tensor for key, tensor in tensors.items()}
    save_file({**prefixed, "model.diffusion_model.out.2.bias": torch.zeros(4)}, tmp_path / "whole.safetensors")
    torch.save({"state_dict": {**tensors, "loss.logvar": torch.zeros(1)}}, tmp_path / "old.vae.pt")
    load_vae(bare, cpu).save_pretrained(tmp_path / "folder")
    (tmp_path / "folder" / "diffusion_pytorch_model.safetensors").rename(tmp_path / "diffusers.safetensors")
    for name in ("whole.safetensors", "old.vae.pt", "diffusers.safetensors"):
        assert torch.equal(_decoded(tmp_path / name, cpu), expected)


def test_a_checkpoint_s_vae_is_the_one_that_its_file_gives(cpu: Hardware, tmp_path: Path) -> None:
    path = make_tiny_checkpoint(tmp_path / "tiny.safetensors", "sd1")
    whole = load_checkpoint(CheckpointInfo(path=path, name=path.name), cpu)
    with torch.inference_mode():
        latent = torch.randn(1, 4, 4, 4, generator=torch.Generator().manual_seed(0))
        assert torch.equal(cast(Any, whole.vae).decode(latent).sample, _decoded(path, cpu))


@pytest.mark.parametrize("drop", ["decoder.", "encoder.down.0.block.0.conv1.weight", "decoder.up.0.block.0.norm1.bias"])
def test_a_file_that_is_no_whole_vae_is_named_with_the_reason(bare: Path, cpu: Hardware, drop: str) -> None:
    save_file({key: tensor for key, tensor in load_file(bare).items() if not key.startswith(drop)}, bare)
    with pytest.raises(CheckpointError, match=r"bare\.safetensors is not a usable VAE: .*(no VAE|lacks 1 tensors)"):
        load_vae(bare, cpu)


@pytest.mark.skipif(os.name == "nt", reason="links need rights there")
@pytest.mark.parametrize("link", ["b.pt", "sub/b.pt", "sub/a.pt"])
def test_a_link_beside_or_below_its_target_is_a_vae_too(folders: VaeFolders, link: str) -> None:
    folders.add("a.pt")
    (folders.vaes / "sub").mkdir()
    (folders.vaes / link).symlink_to(folders.vaes / "a.pt")
    (folders.vaes / "gone.pt").symlink_to(folders.vaes / "nowhere.pt")
    catalogue = folders.catalogue()
    assert [info.name for info in catalogue.all()] == sorted({"a.pt", Path(link).name})
    for name in (link, Path(link).name, str(folders.vaes / link)):
        chosen = catalogue.choose(name, folders.checkpoint())
        assert chosen is not None
        assert chosen.path.samefile(folders.vaes / "a.pt")


@pytest.mark.parametrize("name", ["sub\\b.pt", "sub/B.PT", "sub\\b", "b.pt [0123456789]", "elsewhere\\b.pt"])
def test_a_vae_is_found_by_a_name_that_another_system_wrote(folders: VaeFolders, name: str) -> None:
    folders.add("sub/b.pt", "a.pt")
    assert folders.catalogue().find(name).path == folders.vaes / "sub" / "b.pt"
