from __future__ import annotations

import json
from pathlib import Path
from typing import Any, cast

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from modules.checkpoints.architectures import sdxl_refiner
from modules.checkpoints.architectures.architecture import Architecture
from modules.checkpoints.identify import identify
from modules.checkpoints.info import CheckpointInfo
from modules.checkpoints.load import LoadedCheckpoint, load_checkpoint
from modules.checkpoints.tensors import open_tensors
from modules.checkpoints.unet_vector import vector_arguments
from modules.foundation.errors import CheckpointError, UnknownArchitecture
from modules.hardware.device import Hardware
from tests.parity import make_tiny
from tests.tiny_models import Family, make_tiny_checkpoint

PARTS = ("model.diffusion_model.", "first_stage_model.", "cond_stage_model.", "conditioner.")
NOT_WEIGHTS = ("position_ids", "logit_scale", "text_projection")


def _info(path: Path) -> CheckpointInfo:
    return CheckpointInfo(path=path, name=path.name)


def _identify(path: Path) -> Architecture:
    with open_tensors(path) as source:
        return identify(source, path)


def _sidecar(checkpoint: Path, family: Family) -> None:
    checkpoint.with_suffix(".yaml").write_text(json.dumps(make_tiny.sidecar(f"tiny-{family}", "clip-tiny")))


@pytest.fixture(params=["sd1-inpaint", "sd2-v", "sdxl"])
def tiny(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    return make_tiny_checkpoint(tmp_path / f"tiny-{request.param}.safetensors", request.param)


def _networks(model: LoadedCheckpoint) -> tuple[torch.nn.Module, ...]:
    return (model.unet, model.vae, *model.text_models)


def test_every_weight_arrives_unchanged(tiny: Path, cpu: Hardware) -> None:
    stored = load_file(tiny)
    wanted = [tensor for key, tensor in stored.items() if key.startswith(PARTS) and not key.endswith(NOT_WEIGHTS)]
    loaded = [tensor for part in _networks(load_checkpoint(_info(tiny), cpu)) for tensor in part.parameters()]
    assert sum(tensor.numel() for tensor in loaded) == sum(tensor.numel() for tensor in wanted)
    total, expected = (sum(tensor.double().sum() for tensor in tensors) for tensors in (loaded, wanted))
    assert total == pytest.approx(expected)


def test_a_sidecar_says_the_same_as_the_rule_for_narrow_models(tiny: Path) -> None:
    bare = _identify(tiny)
    _sidecar(tiny, tiny.stem.removeprefix("tiny-"))  # type: ignore[arg-type]
    told = _identify(tiny)
    assert told.unet.config == bare.unet.config
    assert told.latents == bare.latents
    assert told.text_encoders == bare.text_encoders


def test_a_sidecar_of_either_form_says_what_the_model_predicts(tmp_path: Path) -> None:
    sd2 = make_tiny_checkpoint(tmp_path / "sd2.safetensors", "sd2-v")
    config = make_tiny.sidecar("tiny-sd2-v", "clip-tiny")
    for said, prediction in (("v", "v_prediction"), ("eps", "epsilon")):
        config["model"]["params"]["parameterization"] = said
        sd2.with_suffix(".yaml").write_text(json.dumps(config))
        assert _identify(sd2).prediction == prediction
    sdxl = make_tiny_checkpoint(tmp_path / "sdxl.safetensors", "sdxl")
    config = make_tiny.sidecar("tiny-sdxl", "clip-tiny")
    for said, prediction in (("VScaling", "v_prediction"), ("EpsScaling", "epsilon")):
        scaling = config["model"]["params"]["denoiser_config"]["params"]["scaling_config"]
        scaling["target"] = f"sgm.modules.diffusionmodules.denoiser_scaling.{said}"
        sdxl.with_suffix(".yaml").write_text(json.dumps(config))
        assert _identify(sdxl).prediction == prediction


def test_what_an_sd2_model_predicts_is_asked_of_its_weights(tmp_path: Path, cpu: Hardware) -> None:
    path = make_tiny_checkpoint(tmp_path / "sd2.safetensors", "sd2-v")
    assert _identify(path).prediction is None
    assert load_checkpoint(_info(path), cpu).prediction == "v_prediction"
    # The same tensors but for a UNet that gives noise back, as one trained to predict noise does.
    made = make_tiny.B(104)
    config = {"mc": 32, "mult": make_tiny.MULT, "ctx": 64, "depth": [1, 1, 1, 0], "mid_depth": 1, "linear": True}
    make_tiny.unet(made, "model.diffusion_model.", config)
    save_file({key: tensor.contiguous() for key, tensor in {**load_file(path), **made.sd}.items()}, path)
    assert load_checkpoint(_info(path), cpu).prediction == "epsilon"


def test_markers_in_the_file_change_prediction_and_schedule(tmp_path: Path, cpu: Hardware) -> None:
    path = make_tiny_checkpoint(tmp_path / "sdxl.safetensors", "sdxl")
    assert load_checkpoint(_info(path), cpu).prediction == "epsilon"
    save_file({**load_file(path), "v_pred": torch.tensor([]), "ztsnr": torch.tensor([])}, path)
    model = load_checkpoint(_info(path), cpu)
    assert (model.prediction, model.zero_terminal_snr) == ("v_prediction", True)


def test_training_averages_in_a_file_are_left_alone(tmp_path: Path, cpu: Hardware) -> None:
    path = make_tiny_checkpoint(tmp_path / "sd2.safetensors", "sd2-v")
    before = load_checkpoint(_info(path), cpu)
    averages = {f"model_ema.diffusion_modelinput_blocks00{part}": torch.zeros(3) for part in ("weight", "bias")}
    save_file({**load_file(path), **averages, "model_ema.num_updates": torch.tensor(7)}, path)
    after = load_checkpoint(_info(path), cpu)
    assert all(torch.equal(a, b) for a, b in zip(before.unet.parameters(), after.unet.parameters(), strict=True))


def test_half_precision_files_of_every_family_load(tiny: Path, cpu: Hardware) -> None:
    halves = {key: tensor.half() if tensor.is_floating_point() else tensor for key, tensor in load_file(tiny).items()}
    save_file(halves, tiny)
    model = load_checkpoint(_info(tiny), cpu)
    for network in _networks(model):
        assert {parameter.dtype for parameter in network.parameters()} == {torch.float32}
    assert torch.equal(model.unet.conv_in.weight.half(), halves["model.diffusion_model.input_blocks.0.0.weight"])


def test_an_openclip_projection_comes_along_where_the_family_pools(tmp_path: Path, cpu: Hardware) -> None:
    path = make_tiny_checkpoint(tmp_path / "sdxl.safetensors", "sdxl")
    first, second = load_checkpoint(_info(path), cpu).text_encoders
    assert first.projection is None
    assert second.projection is not None
    assert torch.equal(second.projection, load_file(path)["conditioner.embedders.1.model.text_projection"])


def test_a_damaged_text_encoder_is_named_as_such(tmp_path: Path, cpu: Hardware) -> None:
    path = make_tiny_checkpoint(tmp_path / "sd2.safetensors", "sd2-v")
    tensors = load_file(path)
    del tensors["cond_stage_model.model.transformer.resblocks.1.attn.in_proj_weight"]
    save_file(tensors, path)
    with pytest.raises(CheckpointError, match=r"sd2\.safetensors .*its text encoder lacks 3 tensors"):
        load_checkpoint(_info(path), cpu)


def _refiner(path: Path) -> Path:
    """A tiny refiner: SDXL's networks with the second text encoder alone."""
    made = make_tiny.B(7)
    config = {"mc": 32, "mult": [1, 2, 4], "ctx": 80, "depth": [0, 2, 0], "mid_depth": 2, "linear": True}
    make_tiny.unet(made, "model.diffusion_model.", {**config, "adm": 80 + 5 * 256})
    make_tiny.vae(made, "first_stage_model.", 32, make_tiny.MULT)
    make_tiny.open_clip(made, "conditioner.embedders.0.model.", 80, 4, 320, 80)
    make_tiny.write(str(path), made.sd)
    return path


def test_a_refiner_is_told_from_the_base_and_loads(tmp_path: Path, cpu: Hardware) -> None:
    model = load_checkpoint(_info(_refiner(tmp_path / "refiner.safetensors")), cpu)
    assert model.family is sdxl_refiner.FAMILY
    assert [encoder.name for encoder in model.text_encoders] == ["clip_g"]
    assert model.latents.scale == 0.13025


# Folders in diffusers' form


def _folder(model: LoadedCheckpoint, folder: Path, **scheduler: object) -> Path:
    model.unet.save_pretrained(folder / "unet")
    model.vae.save_pretrained(folder / "vae")
    for part, encoder in zip(("text_encoder", "text_encoder_2"), model.text_encoders, strict=False):
        _save_text(encoder.model, encoder.projection, folder / part)
    (folder / "scheduler").mkdir()
    (folder / "scheduler" / "scheduler_config.json").write_text(json.dumps(scheduler))
    (folder / "model_index.json").write_text(json.dumps({"_class_name": "StableDiffusionPipeline"}))
    return folder


def _save_text(model: torch.nn.Module, projection: Tensor | None, folder: Path) -> None:
    model.save_pretrained(folder)  # type: ignore[operator]
    if projection is not None:
        weights = folder / "model.safetensors"
        save_file({**load_file(weights), "text_projection.weight": projection.T.contiguous()}, weights)


def _answers(model: LoadedCheckpoint) -> tuple[Tensor, ...]:
    config = dict(model.unet.config)
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(1, config["in_channels"], 8, 8, generator=generator)
    context = torch.randn(1, 77, config["cross_attention_dim"], generator=generator)
    width = config.get("projection_class_embeddings_input_dim")
    added: dict[str, Any] = vector_arguments(model.unet, torch.randn(1, width, generator=generator)) if width else {}
    ids = torch.tensor([[49406, 320, 1125, 49407]])
    with torch.inference_mode():
        noise = model.unet(x, torch.tensor([500]), context, **added).sample
        return noise, cast(Any, model.vae).decode(noise).sample, *(text(ids)[0] for text in model.text_models)


def test_a_diffusers_folder_gives_the_same_networks_as_the_single_file(
    tiny: Path, cpu: Hardware, tmp_path: Path
) -> None:
    one = load_checkpoint(_info(tiny), cpu)
    other = load_checkpoint(_info(_folder(one, tmp_path / "folder", prediction_type=one.prediction)), cpu)
    assert (other.family, other.image_input, other.prediction) == (one.family, one.image_input, one.prediction)
    for mine, theirs in zip(_answers(one), _answers(other), strict=True):
        assert torch.equal(mine, theirs)
    for mine, theirs in zip(one.text_encoders, other.text_encoders, strict=True):
        assert mine.name == theirs.name
        if mine.name == "clip_g":
            assert mine.projection is not None
            assert theirs.projection is not None
            assert torch.equal(mine.projection, theirs.projection)


@pytest.mark.parametrize("form", ["index", "old index", "bin", "fp16"])
def test_a_folder_s_weights_may_be_in_several_files_or_in_other_forms(tmp_path: Path, cpu: Hardware, form: str) -> None:
    one = load_checkpoint(_info(make_tiny_checkpoint(tmp_path / "tiny.safetensors", "sd1")), cpu)
    folder = _folder(one, tmp_path / "folder")
    whole = folder / "unet" / "diffusion_pytorch_model.safetensors"
    tensors = load_file(whole)
    whole.unlink()
    if form == "bin":
        torch.save(tensors, whole.with_suffix(".bin"))
    elif form == "fp16":
        save_file({name: tensor.half() for name, tensor in tensors.items()}, whole.with_suffix(".fp16.safetensors"))
    else:
        names, half = sorted(tensors), len(tensors) // 2
        files = {
            name: f"shard-{index}.safetensors" for index, name in ((int(n >= half), n2) for n, n2 in enumerate(names))
        }
        for file in sorted(set(files.values())):
            save_file({name: tensors[name] for name in names if files[name] == file}, whole.with_name(file))
        index = {"index": "safetensors.index.json", "old index": "safetensors.index.fp16.json"}[form]
        whole.with_name(f"diffusion_pytorch_model.{index}").write_text(json.dumps({"weight_map": files}))
    other = load_checkpoint(_info(folder), cpu)
    for mine, theirs in zip(one.unet.parameters(), other.unet.parameters(), strict=True):
        assert torch.equal(mine.half() if form == "fp16" else mine, theirs.half() if form == "fp16" else theirs)


@pytest.mark.parametrize("name", ["gone.safetensors", "../outside.safetensors"])
def test_a_folder_s_index_that_names_a_file_that_is_not_there_is_an_error(
    tmp_path: Path, cpu: Hardware, name: str
) -> None:
    one = load_checkpoint(_info(make_tiny_checkpoint(tmp_path / "tiny.safetensors", "sd1")), cpu)
    folder = _folder(one, tmp_path / "folder")
    (folder / "unet" / "diffusion_pytorch_model.safetensors").rename(folder / "outside.safetensors")
    index = folder / "unet" / "diffusion_pytorch_model.safetensors.index.json"
    index.write_text(json.dumps({"weight_map": {"conv_in.weight": name}}))
    with pytest.raises(CheckpointError, match="is missing"):
        load_checkpoint(_info(folder), cpu)


def test_a_folder_s_sd2_encoder_has_no_layer_too_many(tmp_path: Path, cpu: Hardware) -> None:
    path = make_tiny_checkpoint(tmp_path / "sd2.safetensors", "sd2-v")
    one = load_checkpoint(_info(path), cpu)
    assert one.text_encoders[0].layers is None
    other = load_checkpoint(_info(_folder(one, tmp_path / "folder")), cpu)
    assert other.text_encoders[0].layers == one.text_encoder.config.num_hidden_layers


def test_a_folder_s_scheduler_says_that_training_ended_in_pure_noise(tmp_path: Path, cpu: Hardware) -> None:
    path = make_tiny_checkpoint(tmp_path / "sdxl.safetensors", "sdxl")
    one = load_checkpoint(_info(path), cpu)
    folder = _folder(one, tmp_path / "folder", prediction_type="v_prediction", rescale_betas_zero_snr=True)
    other = load_checkpoint(_info(folder), cpu)
    assert (other.prediction, other.zero_terminal_snr) == ("v_prediction", True)


@pytest.mark.parametrize(
    ("unet", "reason"),
    [({"in_channels": 7}, "the x4 upscaler does"), ({"class_embed_type": "timestep"}, "does not run it yet")],
)
def test_folders_of_other_kinds_are_refused(
    tmp_path: Path, cpu: Hardware, unet: dict[str, object], reason: str
) -> None:
    for part, config in (("unet", unet), ("text_encoder", {"hidden_act": "gelu"})):
        (tmp_path / part).mkdir()
        (tmp_path / part / "config.json").write_text(json.dumps(config))
    (tmp_path / "model_index.json").write_text(json.dumps({"_class_name": "SomePipeline"}))
    with pytest.raises(UnknownArchitecture, match=reason):
        load_checkpoint(_info(tmp_path), cpu)
