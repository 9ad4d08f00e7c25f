from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, cast

import pytest
import torch
from safetensors.torch import load_file, save_file

from modules.checkpoints.info import CheckpointInfo
from modules.checkpoints.load import LoadedCheckpoint, load_checkpoint
from modules.checkpoints.tensor_placement import place
from modules.checkpoints.tensors import open_tensors
from modules.foundation.errors import CheckpointError
from modules.hardware.device import Hardware
from tests.tiny_models import make_tiny_sd1


def _info(path: Path) -> CheckpointInfo:
    return CheckpointInfo(path=path, name=path.name)


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    return make_tiny_sd1(tmp_path / "tiny.safetensors")


def _picture_of(model: LoadedCheckpoint) -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    x, context = torch.randn(1, 4, 8, 8, generator=generator), torch.randn(1, 77, 48, generator=generator)
    with torch.inference_mode():
        noise = model.unet(x, torch.tensor([500]), encoder_hidden_states=context).sample
        return cast(Any, model.vae).decode(noise).sample


def test_every_weight_arrives_unchanged(tiny: Path, cpu: Hardware) -> None:
    stored = load_file(tiny)
    model = load_checkpoint(_info(tiny), cpu)
    assert torch.equal(model.unet.conv_in.weight, stored["model.diffusion_model.input_blocks.0.0.weight"])
    loaded = [tensor for part in (model.unet, model.vae, model.text_encoder) for tensor in part.parameters()]
    wanted = [
        tensor
        for key, tensor in stored.items()
        if key.startswith(("model.diffusion_model.", "first_stage_model.", "cond_stage_model."))
        and "position_ids" not in key
    ]
    assert sum(tensor.numel() for tensor in loaded) == sum(tensor.numel() for tensor in wanted)
    assert sum(tensor.double().sum() for tensor in loaded) == pytest.approx(sum(t.double().sum() for t in wanted))
    assert model.alphas_cumprod is not None
    assert torch.equal(model.alphas_cumprod, stored["alphas_cumprod"])


def test_networks_are_in_eval_mode_frozen_and_channels_last(tiny: Path, cpu: Hardware) -> None:
    model = load_checkpoint(_info(tiny), cpu)
    for part in (model.unet, model.vae, model.text_encoder):
        assert not part.training
        assert not any(parameter.requires_grad for parameter in part.parameters())
    assert model.unet.conv_in.weight.is_contiguous(memory_format=torch.channels_last)


def test_replacing_the_file_does_not_change_the_loaded_model(tiny: Path, cpu: Hardware) -> None:
    model = load_checkpoint(_info(tiny), cpu)
    before = _picture_of(model)
    with tiny.open("r+b") as file:
        file.seek(100_000)
        file.write(bytes(5_000_000))
    assert torch.equal(_picture_of(model), before)


def test_a_ckpt_gives_the_same_networks_as_safetensors(tiny: Path, cpu: Hardware, tmp_path: Path) -> None:
    torch.save({"state_dict": load_file(tiny)}, tmp_path / "tiny.ckpt")
    one, other = load_checkpoint(_info(tiny), cpu), load_checkpoint(_info(tmp_path / "tiny.ckpt"), cpu)
    assert torch.equal(_picture_of(one), _picture_of(other))


def test_a_diffusers_folder_gives_the_same_networks_as_the_single_file(
    tiny: Path, cpu: Hardware, tmp_path: Path
) -> None:
    one = load_checkpoint(_info(tiny), cpu)
    folder = tmp_path / "folder"
    one.unet.save_pretrained(folder / "unet")
    one.vae.save_pretrained(folder / "vae")
    one.text_encoder.save_pretrained(folder / "text_encoder")
    (folder / "scheduler").mkdir()
    (folder / "scheduler" / "scheduler_config.json").write_text(json.dumps({"beta_schedule": "scaled_linear"}))
    (folder / "model_index.json").write_text(json.dumps({"_class_name": "StableDiffusionPipeline"}))
    other = load_checkpoint(_info(folder), cpu)
    assert torch.equal(_picture_of(one), _picture_of(other))
    assert other.alphas_cumprod is not None
    assert torch.allclose(other.alphas_cumprod, one.alphas_cumprod, rtol=1e-5)  # type: ignore[arg-type]
    ids = torch.tensor([[49406, 320, 49407]])
    with torch.inference_mode():
        assert torch.equal(one.text_encoder(ids)[0], other.text_encoder(ids)[0])


def test_missing_tensors_are_counted_and_named(tiny: Path, cpu: Hardware) -> None:
    tensors = load_file(tiny)
    del tensors["model.diffusion_model.middle_block.1.norm.weight"]
    save_file(tensors, tiny)
    with pytest.raises(
        CheckpointError, match=r"tiny\.safetensors .*its UNet lacks 1 tensors, mid_block\.attentions\.0\.norm\.weight"
    ):
        load_checkpoint(_info(tiny), cpu)


def test_shapes_that_contradict_each_other_are_an_error_that_names_the_file(tiny: Path, cpu: Hardware) -> None:
    tensors = load_file(tiny)
    tensors["model.diffusion_model.middle_block.1.norm.weight"] = torch.zeros(7)
    save_file(tensors, tiny)
    with pytest.raises(
        CheckpointError, match=r"tiny\.safetensors is not a usable checkpoint: .*mid_block\.attentions\.0\.norm\.weight"
    ):
        load_checkpoint(_info(tiny), cpu)


def test_progress_of_a_load_rises_to_one(tiny: Path, cpu: Hardware) -> None:
    shares: list[float] = []
    load_checkpoint(_info(tiny), cpu, shares.append)
    assert shares == sorted(shares)
    assert shares[-1] == 1.0


def test_room_is_asked_for_after_the_file_was_checked_and_before_a_weight_is_read(tiny: Path, cpu: Hardware) -> None:
    heard: list[float] = []
    model = load_checkpoint(_info(tiny), cpu, heard.append, heard.append)
    assert heard[0] == pytest.approx(model.size, rel=0.01)
    assert heard[1] < 0.5
    tensors = load_file(tiny)
    del tensors["model.diffusion_model.middle_block.1.norm.weight"]
    save_file(tensors, tiny)
    heard.clear()
    with pytest.raises(CheckpointError, match="lacks 1 tensors"):
        load_checkpoint(_info(tiny), cpu, heard.append, heard.append)
    assert not heard


def test_models_may_be_loaded_on_several_threads_at_once(tiny: Path, cpu: Hardware) -> None:
    """Making a network without numbers must not reach into what other threads make meanwhile."""
    expected = _picture_of(load_checkpoint(_info(tiny), cpu))
    with ThreadPoolExecutor(2) as pool:
        loads = [pool.submit(load_checkpoint, _info(tiny), cpu) for _ in range(2)]
        made = [torch.nn.Linear(64, 64) for _ in range(200)]
        models = [load.result() for load in loads]
    assert not any(layer.weight.is_meta for layer in made)
    assert all(torch.equal(_picture_of(model), expected) for model in models)


@pytest.mark.parametrize("stored", [torch.float32, torch.float16, torch.bfloat16, torch.float64])
@pytest.mark.parametrize("wanted", [torch.float32, torch.float16, torch.bfloat16])
def test_weights_of_any_type_are_rounded_once(
    tmp_path: Path, cpu: Hardware, stored: torch.dtype, wanted: torch.dtype
) -> None:
    generator = torch.Generator().manual_seed(0)
    shapes = {"conv": (70, 60, 3, 3), "one": (40, 30, 1, 1), "linear": (300, 900), "bias": (7,), "number": ()}
    tensors = {name: torch.randn(shape, generator=generator).to(stored) for name, shape in shapes.items()}
    save_file({**tensors, "ids": torch.arange(5)}, tmp_path / "a.safetensors")
    with open_tensors(tmp_path / "a.safetensors") as source:
        for name, tensor in tensors.items():
            placed = place(source, name, wanted, cpu)
            assert placed.dtype == wanted
            assert torch.equal(placed, tensor.to(wanted))
        assert place(source, "conv", wanted, cpu).is_contiguous(memory_format=torch.channels_last)
        assert place(source, "ids", wanted, cpu).dtype == torch.int64
