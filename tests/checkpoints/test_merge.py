"""Merging checkpoints: against numpy, in every form, and what happens when models do not go together."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import shutil
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file

from modules.checkpoints.info import CheckpointInfo
from modules.checkpoints.layout import vae_layout
from modules.checkpoints.ldm_keys import KeyMap, vae_modules
from modules.checkpoints.merge import arithmetic
from modules.checkpoints.merge.merge import Merged, merge_checkpoints
from modules.checkpoints.merge.recipe import ConfigSource, MergeMethod, MergeRecipe
from modules.checkpoints.vae_files import VaeInfo
from modules.foundation.errors import CheckpointError, Interrupted, RequestError
from modules.library.digests import sha256_of
from tests.tiny_models import make_tiny_checkpoint

Arrays = dict[str, np.ndarray]

FIRST = "model.diffusion_model.input_blocks.0.0.weight"
OTHER = "model.diffusion_model.out.2.weight"
TEXT = "cond_stage_model.transformer.text_model.final_layer_norm.weight"
POSITIONS = "cond_stage_model.transformer.text_model.embeddings.position_ids"
TABLE = "alphas_cumprod"
VAE = "first_stage_model.decoder.conv_in.weight"


def arrays(seed: int, channels: int = 4, dtype: Any = np.float32) -> Arrays:
    generator = np.random.default_rng(seed)
    shapes = {FIRST: (8, channels, 3, 3), OTHER: (4, 8, 3, 3), TEXT: (7,), VAE: (5, 3, 3, 3)}
    made = {key: generator.standard_normal(shape).astype(dtype) for key, shape in shapes.items()}
    return {
        **made,
        TABLE: np.linspace(1, 0.1 + seed / 100, 10, dtype=np.float32),
        POSITIONS: np.arange(7, dtype=np.int64)[None] + seed,
    }


def write(path: Path, content: Arrays, metadata: dict[str, str] | None = None) -> CheckpointInfo:
    tensors = {key: torch.from_numpy(array.copy()) for key, array in content.items()}
    if path.suffix == ".safetensors":
        save_file(tensors, path, metadata)
    else:
        torch.save({"state_dict": tensors}, path)
    return CheckpointInfo(path=path, name=path.name)


def read(path: Path) -> Arrays:
    if path.suffix != ".safetensors":
        content = torch.load(path, weights_only=True)["state_dict"]
        return {key: tensor.numpy() for key, tensor in content.items()}
    with safe_open(path, framework="np") as file:
        return {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 - it is no dictionary


def metadata_of(path: Path) -> dict[str, str]:
    with safe_open(path, framework="np") as file:
        return file.metadata()


def merge(recipe: MergeRecipe, folder: Path, **more: Any) -> Merged:
    return merge_checkpoints(recipe, folder, sha256=sha256_of, **more)


@pytest.fixture
def models(tmp_path: Path) -> dict[str, CheckpointInfo]:
    return {name: write(tmp_path / f"{name}.safetensors", arrays(seed)) for seed, name in enumerate("abc", 1)}


def assert_same(found: Arrays, expected: Arrays) -> None:
    assert found.keys() == expected.keys()
    for key, array in expected.items():
        assert found[key].dtype == array.dtype, key
        assert np.array_equal(found[key], array), key


MERGED = (FIRST, OTHER, TEXT, VAE)
"""What is combined; tables of the schedule and positions are the primary's."""


@pytest.mark.parametrize("dtype", [np.float32, np.float16])
@pytest.mark.parametrize("multiplier", [0.0, 0.3, 1.0, -0.5])
@pytest.mark.parametrize("suffix", ["safetensors", "ckpt"])
def test_a_weighted_sum_is_what_numpy_computes(
    dtype: Any, multiplier: float, suffix: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(arithmetic, "PIECE", 5)  # every tensor comes in several pieces, the last one shorter
    a, b = arrays(1, dtype=dtype), arrays(2, dtype=dtype)
    recipe = MergeRecipe(
        primary=write(tmp_path / "a.safetensors", a),
        secondary=write(tmp_path / "b.ckpt", b),
        multiplier=multiplier,
        name="out",
        format=suffix,
    )
    merged = merge(recipe, tmp_path / "results")
    assert merged.path == tmp_path / "results" / f"out.{suffix}"
    keep, take = np.float32(1 - multiplier), np.float32(multiplier)
    expected = {key: (a[key].astype("f4") * keep + b[key].astype("f4") * take).astype(dtype) for key in MERGED}
    assert_same(read(merged.path), {**a, **expected})


def test_a_difference_is_what_numpy_computes_and_needs_both_of_its_sides(tmp_path: Path) -> None:
    a, b, c = arrays(1), arrays(2), arrays(3)
    del b[TEXT], c[VAE]
    b["model.only.in.b"] = np.ones(3, np.float32)
    recipe = MergeRecipe(
        primary=write(tmp_path / "a.safetensors", a),
        secondary=write(tmp_path / "b.safetensors", b),
        tertiary=write(tmp_path / "c.safetensors", c),
        method=MergeMethod.ADD_DIFFERENCE,
        multiplier=0.7,
    )
    merged = merge(recipe, tmp_path)
    assert merged.path.name == "a + 0.7(b - c).safetensors"
    expected = {key: a[key] + (b[key] - c[key]) * np.float32(0.7) for key in (FIRST, OTHER)}
    assert_same(read(merged.path), {**a, **expected})


def test_no_interpolation_converts_one_model(models: dict[str, CheckpointInfo], tmp_path: Path) -> None:
    recipe = MergeRecipe(
        primary=models["a"], method=MergeMethod.NO_INTERPOLATION, half=True, format="ckpt", name="half"
    )
    merged = merge(recipe, tmp_path)
    a = arrays(1)
    assert_same(read(merged.path), {**a, **{key: a[key].astype(np.float16) for key in MERGED}})


def test_what_only_the_secondary_has_joins_a_weighted_sum(tmp_path: Path) -> None:
    a, b = arrays(1), arrays(2)
    del a[VAE]
    b["marker"] = np.ones(2, np.float32)
    recipe = MergeRecipe(
        primary=write(tmp_path / "a.safetensors", a), secondary=write(tmp_path / "b.safetensors", b), multiplier=0.5
    )
    found = read(merge(recipe, tmp_path).path)
    assert np.array_equal(found[VAE], b[VAE])
    assert "marker" not in found


def test_mixed_types_are_kept_in_the_wider_one(tmp_path: Path) -> None:
    a, b = arrays(1, dtype=np.float16), arrays(2)
    recipe = MergeRecipe(
        primary=write(tmp_path / "a.safetensors", a), secondary=write(tmp_path / "b.safetensors", b), multiplier=0.25
    )
    found = read(merge(recipe, tmp_path).path)
    assert found[OTHER].dtype == np.float32
    assert np.array_equal(found[OTHER], a[OTHER].astype("f4") * np.float32(0.75) + b[OTHER] * np.float32(0.25))


@pytest.mark.parametrize(("channels", "kind"), [(9, "inpainting"), (8, "instruct-pix2pix"), (5, "depth")])
@pytest.mark.parametrize("method", [MergeMethod.WEIGHTED_SUM, MergeMethod.ADD_DIFFERENCE])
def test_the_further_channels_of_the_primary_are_kept(
    channels: int, kind: str, method: MergeMethod, models: dict[str, CheckpointInfo], tmp_path: Path
) -> None:
    a, b, c = arrays(5, channels), arrays(2), arrays(3)
    special = write(tmp_path / "special.safetensors", a)
    recipe = MergeRecipe(
        primary=special, secondary=models["b"], tertiary=models["c"], method=method, multiplier=0.4, name="new"
    )
    merged = merge(recipe, tmp_path)
    assert merged.path.name == f"new.{kind}.safetensors"
    assert merged.image_input == kind
    found = read(merged.path)[FIRST]
    part = a[FIRST][:, :4]
    if method is MergeMethod.WEIGHTED_SUM:
        expected = part * np.float32(0.6) + b[FIRST] * np.float32(0.4)
    else:
        expected = part + (b[FIRST] - c[FIRST]) * np.float32(0.4)
    assert np.array_equal(found[:, :4], expected)
    assert np.array_equal(found[:, 4:], a[FIRST][:, 4:])
    turned = dataclasses.replace(recipe, primary=models["b"], secondary=special, method=MergeMethod.WEIGHTED_SUM)
    with pytest.raises(CheckpointError, match=rf"the {kind} model must be A"):
        merge(turned, tmp_path)


def test_models_of_two_families_are_refused_with_the_tensor_and_leave_nothing(
    models: dict[str, CheckpointInfo], tmp_path: Path
) -> None:
    b = arrays(2)
    b[OTHER] = np.zeros((4, 16, 3, 3), np.float32)
    other = write(tmp_path / "other.safetensors", b)
    with pytest.raises(CheckpointError, match=rf"a\.safetensors and other\.safetensors cannot be merged: {OTHER}"):
        merge(MergeRecipe(primary=models["a"], secondary=other), tmp_path / "results")
    assert not (tmp_path / "results").exists()


def test_weights_are_left_out_by_name(models: dict[str, CheckpointInfo], tmp_path: Path) -> None:
    recipe = MergeRecipe(primary=models["a"], secondary=models["b"], discard=r"^first_stage|out\.2")
    assert read(merge(recipe, tmp_path).path).keys() == {FIRST, TEXT, TABLE, POSITIONS}
    with pytest.raises(RequestError, match="no regular expression"):
        merge(dataclasses.replace(recipe, discard="("), tmp_path)
    with pytest.raises(RequestError, match="Nothing would be left"):
        merge(dataclasses.replace(recipe, discard="."), tmp_path)


def test_the_recipe_stands_in_the_metadata_and_goes_on_when_merged_again(
    models: dict[str, CheckpointInfo], tmp_path: Path
) -> None:
    first = merge(MergeRecipe(primary=models["a"], secondary=models["b"], name="first"), tmp_path)
    again = CheckpointInfo(path=first.path, name=first.path.name)
    second = merge(
        MergeRecipe(
            primary=again, secondary=models["c"], multiplier=0.6, half=True, discard="x", metadata={"author": "me"}
        ),
        tmp_path,
    )
    said = metadata_of(second.path)
    recipe, made_of = json.loads(said["sd_merge_recipe"]), json.loads(said["sd_merge_models"])
    assert recipe["type"] == "webui"
    assert recipe["interp_method"] == "Weighted sum"
    assert (recipe["multiplier"], recipe["save_as_half"], recipe["discard_weights"]) == (0.6, True, "x")
    assert recipe["primary_model_hash"] == sha256_of(first.path)
    assert recipe["secondary_model_hash"] == sha256_of(models["c"].path)
    assert recipe["tertiary_model_hash"] is None
    assert {entry["name"] for entry in made_of.values()} == {
        "first.safetensors", "a.safetensors", "b.safetensors", "c.safetensors"
    }  # fmt: skip
    earlier = made_of[sha256_of(first.path)]
    assert earlier["sd_merge_recipe"]["multiplier"] == 0.3
    assert earlier["legacy_hash"] == hashlib.sha256(first.path.read_bytes()[0x100000:0x110000]).hexdigest()[:8]
    assert said["author"] == "me"


def test_metadata_is_left_out_when_it_is_not_wanted_but_not_what_tells_the_architecture(tmp_path: Path) -> None:
    declared = json.dumps({"unet": {"num_heads": 2}})
    a = write(tmp_path / "a.safetensors", arrays(1), {"note": "private"})
    b = write(tmp_path / "b.safetensors", arrays(2), {"easel.architecture": declared})
    recipe = MergeRecipe(primary=a, secondary=b, save_metadata=False, name="plain")
    assert metadata_of(merge(recipe, tmp_path).path) == {"format": "pt", "easel.architecture": declared}
    unconfigured = dataclasses.replace(recipe, config_source=ConfigSource.NONE, name="none")
    assert metadata_of(merge(unconfigured, tmp_path).path) == {"format": "pt"}


def test_the_sidecar_of_the_config_source_goes_with_the_result(
    models: dict[str, CheckpointInfo], tmp_path: Path
) -> None:
    models["b"].sidecar.write_text("model: {}")
    for source, copied in ((ConfigSource.FIRST_FOUND, True), (ConfigSource.B, True), (ConfigSource.NONE, False)):
        recipe = MergeRecipe(primary=models["a"], secondary=models["b"], config_source=source, name=source.name)
        merged = merge(recipe, tmp_path / "results")
        assert merged.path.with_suffix(".yaml").exists() == copied


@pytest.mark.parametrize("prefix", ["", "first_stage_model."])
def test_a_baked_vae_takes_the_place_of_the_models(
    prefix: str, models: dict[str, CheckpointInfo], tmp_path: Path
) -> None:
    vae = {
        f"{prefix}decoder.conv_in.weight": np.full((5, 3, 3, 3), 7, np.float32),
        f"{prefix}encoder.conv_in.weight": np.full((2, 3), 8, np.float32),
        "loss.logvar": np.zeros(1, np.float32),
        "model_ema.decay": np.zeros(1, np.float32),
    }
    info = VaeInfo(path=tmp_path / "my.vae.pt", name="my.vae.pt")
    write(info.path, vae)
    recipe = MergeRecipe(primary=models["a"], secondary=models["b"], vae=info, half=True)
    merged = merge(recipe, tmp_path)
    found = read(merged.path)
    assert np.array_equal(found[VAE], np.full((5, 3, 3, 3), 7, np.float16))
    assert found["first_stage_model.encoder.conv_in.weight"].dtype == np.float16
    assert {key for key in found if "first_stage" in key or "loss" in key or "ema" in key} == {
        VAE, "first_stage_model.encoder.conv_in.weight"
    }  # fmt: skip
    assert json.loads(metadata_of(merged.path)["sd_merge_recipe"])["bake_in_vae"] == "my.vae.pt"


def test_a_file_without_a_vae_cannot_be_baked_in(models: dict[str, CheckpointInfo], tmp_path: Path) -> None:
    write(tmp_path / "no.safetensors", {"lora": np.zeros(1, np.float32)})
    info = VaeInfo(path=tmp_path / "no.safetensors", name="no.safetensors")
    with pytest.raises(CheckpointError, match=r"no\.safetensors holds no VAE"):
        merge(MergeRecipe(primary=models["a"], secondary=models["b"], vae=info), tmp_path)


def test_numbers_beyond_float16_are_an_error_instead_of_infinity(tmp_path: Path) -> None:
    a = arrays(1)
    a[OTHER][0, 0, 0, 0] = 1e6
    info = write(tmp_path / "a.safetensors", a)
    with pytest.raises(CheckpointError, match=rf"{OTHER} has numbers beyond what float16 can hold \(1e\+06\)"):
        merge(MergeRecipe(primary=info, method=MergeMethod.NO_INTERPOLATION, half=True, name="x"), tmp_path / "results")
    assert list((tmp_path / "results").iterdir()) == []


def test_an_interrupted_merge_leaves_nothing_and_progress_goes_up(
    models: dict[str, CheckpointInfo], tmp_path: Path
) -> None:
    shares: list[float] = []

    def stop(share: float) -> None:
        shares.append(share)
        if share > 0.5:
            raise Interrupted

    with pytest.raises(Interrupted):
        merge(MergeRecipe(primary=models["a"], secondary=models["b"]), tmp_path / "results", on_progress=stop)
    assert list((tmp_path / "results").iterdir()) == []
    assert shares == sorted(shares)


def test_a_disk_without_room_is_told_before_anything_is_written(
    models: dict[str, CheckpointInfo], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    full = shutil.disk_usage(tmp_path)._replace(free=1000)
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: full)
    with pytest.raises(CheckpointError, match="Make room"):
        merge(MergeRecipe(primary=models["a"], secondary=models["b"]), tmp_path / "results")
    assert not (tmp_path / "results").exists()


def test_a_name_that_is_taken_is_only_replaced_when_allowed_and_never_a_model_of_the_recipe(
    models: dict[str, CheckpointInfo], tmp_path: Path
) -> None:
    recipe = MergeRecipe(primary=models["a"], secondary=models["b"], name="c")
    with pytest.raises(RequestError, match="exists already"):
        merge(recipe, tmp_path)
    merge(recipe, tmp_path, overwrite=True)
    with pytest.raises(RequestError, match="one of the models"):
        merge(dataclasses.replace(recipe, name="a"), tmp_path, overwrite=True)
    outside = merge(dataclasses.replace(recipe, name="../../x/..\\deep:er/n?"), tmp_path / "results")
    assert outside.path == tmp_path / "results" / "x" / "deep_er" / "n_.safetensors"
    with pytest.raises(RequestError, match="no name"):
        merge(dataclasses.replace(recipe, name=".."), tmp_path)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"secondary": None}, "needs a model B"),
        ({"method": MergeMethod.ADD_DIFFERENCE}, "needs a model C"),
        ({"multiplier": float("nan")}, "multiplier"),
    ],
)
def test_a_recipe_that_makes_no_sense_is_refused(
    changes: dict[str, Any], words: str, models: dict[str, CheckpointInfo], tmp_path: Path
) -> None:
    recipe = dataclasses.replace(MergeRecipe(primary=models["a"], secondary=models["b"]), **changes)
    with pytest.raises(RequestError, match=words):
        merge(recipe, tmp_path)


def test_a_broken_model_is_named_and_leaves_nothing(models: dict[str, CheckpointInfo], tmp_path: Path) -> None:
    broken = tmp_path / "broken.safetensors"
    broken.write_bytes(models["b"].path.read_bytes()[:-100])
    with pytest.raises(CheckpointError, match=r"broken\.safetensors .*cut off"):
        merge(
            MergeRecipe(primary=models["a"], secondary=CheckpointInfo(path=broken, name=broken.name)), tmp_path / "new"
        )
    (tmp_path / "folder").mkdir()
    folder = CheckpointInfo(path=tmp_path / "folder", name="folder")
    with pytest.raises(CheckpointError, match="form of diffusers"):
        merge(MergeRecipe(primary=folder, secondary=models["b"]), tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_a_written_ckpt_is_a_sound_zip_file_that_can_be_mapped(
    models: dict[str, CheckpointInfo], tmp_path: Path
) -> None:
    merged = merge(MergeRecipe(primary=models["a"], secondary=models["b"], format="ckpt"), tmp_path)
    with zipfile.ZipFile(merged.path) as archive:
        assert archive.testzip() is None
    mapped = torch.load(merged.path, weights_only=True, mmap=True)
    assert mapped["state_dict"][FIRST].shape == (8, 4, 3, 3)
    assert json.loads(mapped["sd_merge_recipe"])["interp_method"] == "Weighted sum"


def test_what_a_ckpt_says_of_itself_is_read_back_when_it_is_merged_again(tmp_path: Path) -> None:
    declared = json.dumps({"unet": {"num_heads": 2}})
    a = write(tmp_path / "a.safetensors", arrays(1), {"easel.architecture": declared, "note": "mine"})
    first = merge(MergeRecipe(primary=a, method=MergeMethod.NO_INTERPOLATION, format="ckpt", name="first"), tmp_path)
    again = CheckpointInfo(path=first.path, name=first.path.name)
    second = merge(MergeRecipe(primary=again, method=MergeMethod.NO_INTERPOLATION, name="second"), tmp_path)
    said = metadata_of(second.path)
    assert (said["easel.architecture"], said["note"]) == (declared, "mine")
    earlier = json.loads(said["sd_merge_models"])[sha256_of(first.path)]
    assert earlier["sd_merge_recipe"]["interp_method"] == "No interpolation"


@pytest.mark.parametrize("older", [False, True])
def test_a_vae_with_the_names_of_diffusers_is_baked_in_under_those_of_a_checkpoint(older: bool, tmp_path: Path) -> None:
    whole = read(make_tiny_checkpoint(tmp_path / "tiny.safetensors", "sd1"))
    prefix = "first_stage_model."
    own = {key.removeprefix(prefix): array for key, array in whole.items() if key.startswith(prefix)}
    own = {key: array for key, array in own.items() if key.startswith(("encoder", "decoder", "quant", "post_quant"))}
    translate = KeyMap(iter(vae_modules(vae_layout({key: array.shape for key, array in own.items()}, ""))))
    renamed: Arrays = {}
    for key, array in own.items():
        name = translate(key)
        assert name is not None
        for new, old in (
            (".to_q.", ".query."),
            (".to_k.", ".key."),
            (".to_v.", ".value."),
            (".to_out.0.", ".proj_attn."),
        ):
            name = name.replace(new, old) if older else name
        renamed[name] = array[:, :, 0, 0] if ".attentions." in name and array.ndim == 4 else array
    info = VaeInfo(path=tmp_path / "diffusers.safetensors", name="diffusers.safetensors")
    write(info.path, renamed)
    empty = {key: np.zeros_like(array) if key.startswith(prefix) else array for key, array in whole.items()}
    recipe = MergeRecipe(
        primary=write(tmp_path / "empty.safetensors", empty),
        method=MergeMethod.NO_INTERPOLATION,
        vae=info,
        name="baked",
    )
    found = read(merge(recipe, tmp_path).path)
    assert_same({key: found[prefix + key] for key in own}, own)
