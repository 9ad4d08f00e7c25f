from __future__ import annotations

import contextlib
import math
from typing import Any

import pytest
import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from transformers import CLIPTextConfig, CLIPTextModel

from modules.checkpoints.architectures.architecture import Architecture
from modules.checkpoints.assembly import unet_without_numbers
from modules.checkpoints.ldm_keys import KeyMap
from modules.checkpoints.openclip_keys import to_transformers
from modules.checkpoints.tensors import Shapes
from modules.checkpoints.unsupported import unsupported_kind
from modules.foundation.errors import CheckpointError, UnknownArchitecture
from tests.checkpoints import official

REFINER = 2_259_526_660

UNETS = {
    "SD1.5": (official.sd15, 859_520_964),
    "SD1.5 inpainting": (lambda: official.sd15(9), 859_535_364),
    "SD2.1": (official.sd21, 865_910_724),
    "SD1.5 InstructPix2Pix": (lambda: official.sd15(8), 859_532_484),
    "SD2 inpainting": (lambda: official.sd21(9), 865_925_124),
    "SDXL": (official.sdxl, 2_567_463_684),
    "SDXL inpainting": (lambda: official.sdxl(9), 2_567_478_084),
    "SDXL refiner": (official.sdxl_refiner, REFINER),
}


def _unet(architecture: Architecture) -> UNet2DConditionModel:
    return unet_without_numbers(architecture.unet.config)


def _numbers(module: torch.nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


@pytest.mark.parametrize("name", UNETS)
def test_unets_of_official_size_have_the_published_parameter_counts(name: str) -> None:
    listing, count = UNETS[name]
    assert _numbers(_unet(official.identified(listing()))) == count


@pytest.mark.parametrize(
    ("shapes", "family", "image_input", "encoders"),
    [
        (official.sd15(), "SD1", "none", ["clip_l"]),
        (official.sd15(9), "SD1", "inpainting", ["clip_l"]),
        (official.sd15(8), "SD1", "edit", ["clip_l"]),
        (official.sd21(), "SD2", "none", ["clip_h"]),
        (official.sd21(9), "SD2", "inpainting", ["clip_h"]),
        (official.sd21(5), "SD2", "depth", ["clip_h"]),
        (official.sdxl(), "SDXL", "none", ["clip_l", "clip_g"]),
        (official.sdxl(9), "SDXL", "inpainting", ["clip_l", "clip_g"]),
        (official.ssd_1b(), "SDXL", "none", ["clip_l", "clip_g"]),
        (official.short_middle(), "SDXL", "none", ["clip_l", "clip_g"]),
        (official.sdxl_refiner(), "SDXL refiner", "none", ["clip_g"]),
        (official.without_middle(), "SD1", "none", ["clip_l"]),
    ],
    ids=[
        *("sd15", "sd15-inpaint", "pix2pix", "sd21", "sd2-inpaint", "sd2-depth", "sdxl", "sdxl-inpaint", "ssd-1b"),
        *("short-middle", "refiner", "no-middle"),
    ],
)
def test_every_tensor_of_an_official_checkpoint_has_its_place(
    shapes: Shapes, family: str, image_input: str, encoders: list[str]
) -> None:
    architecture = official.identified(shapes)
    assert (architecture.family.name, architecture.image_input) == (family, image_input)
    assert [encoder.name for encoder in architecture.text_encoders] == encoders
    with torch.device("meta"):
        vae = AutoencoderKL(**architecture.vae.config)
    assert _numbers(vae) == 83_653_863
    for component, network in ((architecture.unet, _unet(architecture)), (architecture.vae, vae)):
        wanted = {name: tuple(tensor.shape) for name, tensor in network.state_dict().items()}
        translate, prefix = KeyMap(iter(component.modules.items())), component.prefixes[0]
        found = {
            translate(name.removeprefix(prefix)): shape for name, shape in shapes.items() if name.startswith(prefix)
        }
        assert found.keys() == wanted.keys()
        # The VAE's attention has 1x1 convolutions in files and linear layers in the network.
        assert {name: math.prod(shape) for name, shape in found.items()} == {
            name: math.prod(shape) for name, shape in wanted.items()
        }


@pytest.mark.parametrize("shapes", [official.sd15(), official.sd21(), official.sdxl()], ids=["sd15", "sd21", "sdxl"])
def test_text_encoders_of_official_size_are_built_whole(shapes: Shapes) -> None:
    counts = {"clip_l": 123_060_480, "clip_h": 352_984_064, "clip_g": 693_021_440}
    for component in official.identified(shapes).text_encoders:
        with torch.device("meta"):
            model = CLIPTextModel(CLIPTextConfig(**component.config))
        assert _numbers(model) == counts[component.name]
        if component.kind == "openclip":
            prefix = component.prefixes[0]
            tensors = {
                name.removeprefix(prefix): torch.empty(shape, device="meta")
                for name, shape in shapes.items()
                if name.startswith(prefix)
            }
            found, projection = to_transformers(tensors)
            names = {name.removeprefix("text_model.") for name, _ in model.named_parameters()}
            assert found.keys() == names
            assert projection is not None


def test_heads_are_those_of_the_published_configurations() -> None:
    heads = {
        name: official.identified(listing()).unet.config["attention_head_dim"] for name, (listing, _) in UNETS.items()
    }
    assert heads["SD1.5"] == (8, 8, 8, 8)
    assert heads["SD2.1"] == (5, 10, 20, 20)
    assert heads["SDXL"] == (5, 10, 20)
    assert official.identified(official.sdxl_refiner()).unet.config["attention_head_dim"] == (6, 12, 24, 24)
    for shapes, wanted in ((official.sd21(), [16]), (official.sdxl(), [12, 20])):
        encoders = official.identified(shapes).text_encoders
        assert [encoder.config["num_attention_heads"] for encoder in encoders] == wanted


def test_a_pruned_unet_keeps_its_different_depths_up_and_down() -> None:
    config = official.identified(official.ssd_1b()).unet.config
    assert config["transformer_layers_per_block"] == (1, [2, 2], [4, 4])
    assert config["reverse_transformer_layers_per_block"] == ([4, 4, 10], [2, 1, 1], 1)
    assert _unet(official.identified(official.ssd_1b())).mid_block is not None


def test_only_the_weights_can_tell_what_a_bare_sd2_checkpoint_predicts() -> None:
    assert official.identified(official.sd21()).prediction is None
    assert official.identified(official.sdxl()).prediction == "epsilon"


def test_markers_of_trainers_are_read() -> None:
    shapes = official.sdxl()
    marked = official.identified({**shapes, "v_pred": (0,), "ztsnr": (0,)})
    assert (marked.prediction, marked.zero_terminal_snr) == ("v_prediction", True)
    assert not official.identified(shapes).zero_terminal_snr
    assert official.identified(official.sd15(), **{"modelspec.prediction_type": "v"}).prediction == "v_prediction"


def _without(shapes: Shapes, prefix: str) -> dict[str, tuple[int, ...]]:
    return {name: shape for name, shape in shapes.items() if not name.startswith(prefix)}


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda: _without(official.sdxl(), "conditioner.embedders.1."), "not SDXL, because there is no text encoder"),
        (lambda: {**official.sdxl(), "edm_mean": (4,)}, "continuous noise levels"),
        (lambda: official.sd21(7), "the x4 upscaler does"),
        (lambda: _without(official.sd21(), "cond_stage_model."), "not SD2, because there is no OpenCLIP text encoder"),
    ],
    ids=["one-encoder", "edm", "upscaler", "no-encoder"],
)
def test_relatives_that_cannot_be_run_are_refused_with_the_family_s_own_reason(change: Any, reason: str) -> None:
    with pytest.raises(UnknownArchitecture, match=reason):
        official.identified(change())


def test_text_encoders_of_another_model_do_not_pass_for_sdxl_s() -> None:
    wide = {**official.sdxl(), "conditioner.embedders.1.model.token_embedding.weight": (49408, 1024)}
    with pytest.raises(CheckpointError, match="do not fit its UNet"):
        official.identified(wide)


def test_a_middle_that_no_family_has_is_refused() -> None:
    shapes = _without(official.sdxl(), f"{official.UNET}middle_block.2.")
    with pytest.raises(CheckpointError, match="middle that no known family has"):
        official.identified(shapes)


@pytest.mark.parametrize("listing", [official.sd15, official.sd21, official.sdxl, official.sdxl_refiner])
def test_a_damaged_listing_is_an_error_of_ours_whatever_is_missing_or_misshapen(listing: Any) -> None:
    """Every 97th tensor, taken out or given a shape that it cannot have; a family may still say that it is its own."""
    shapes = listing()
    for name in list(shapes)[::97]:
        for shape in (None, (), (3,), (7,) * 5):
            damaged = {key: value for key, value in shapes.items() if key != name}
            if shape is not None:
                damaged[name] = shape
            with contextlib.suppress(CheckpointError):
                official.identified(damaged)


FOREIGN = {
    "Flux": ["double_blocks.0.img_attn.qkv.weight", "img_in.weight"],
    "Chroma": ["double_blocks.0.img_attn.qkv.weight", "distilled_guidance_layer.in_proj.weight"],
    "Stable Diffusion 3 ": ["model.diffusion_model.joint_blocks.0.x_block.attn.qkv.weight"],
    r"Stable Diffusion 3\.5 transformer \(large": [
        "model.diffusion_model.joint_blocks.0.x_block.attn.qkv.weight",
        "model.diffusion_model.joint_blocks.0.x_block.attn.ln_q.weight",
    ],
    "medium": ["joint_blocks.0.x_block.attn.qkv.weight", "joint_blocks.0.x_block.attn2.qkv.weight"],
    "PixArt": ["y_embedder.y_proj.fc1.weight", "t_block.1.weight"],
    "HunyuanDiT": ["mlp_t5.0.weight"],
    "stage C of Stable Cascade": ["clip_txt_mapper.weight"],
    "stage B of Stable Cascade": ["effnet_mapper.0.weight"],
    "Würstchen": ["effnet_mappers.0.weight"],
    "AuraFlow": ["model.double_layers.0.attn.w1q.weight"],
    "Lumina": ["noise_refiner.0.attention.qkv.weight"],
    "Stable Video Diffusion": [
        "model.diffusion_model.input_blocks.0.0.weight",
        "model.diffusion_model.input_blocks.1.0.time_stack.in_layers.0.weight",
    ],
    "a ControlNet, not a checkpoint": ["controlnet_cond_embedding.conv_in.weight", "conv_in.weight"],
    "a ControlNet; Put it": ["control_model.input_blocks.0.0.weight", "model.diffusion_model.input_blocks.0.0.weight"],
    "a LoRA or one of its relatives.*models/Lora": ["lora_unet_down_blocks_0.lora_up.weight"],
    "a VAE.*models/VAE": ["encoder.conv_in.weight", "decoder.conv_in.weight"],
    "a textual inversion.*embeddings": ["emb_params"],
    "a UNet alone": ["input_blocks.0.0.weight", "out.2.weight"],
    "an upscaler": ["conv_first.weight"],
    "nothing but training averages": ["model_ema.diffusion_modelinput_blocks00weight"],
}


@pytest.mark.parametrize("what", FOREIGN)
def test_a_file_of_something_else_is_refused_by_its_name(what: str) -> None:
    with pytest.raises(UnknownArchitecture, match=rf"official\.safetensors is .*{what}"):
        official.identified(dict.fromkeys(FOREIGN[what], (2, 2)))


def test_no_checkpoint_is_taken_for_something_else() -> None:
    for listing in (official.sd15, official.sd21, official.sdxl, official.sdxl_refiner, official.ssd_1b):
        assert unsupported_kind(listing()) is None
        # A LoRA's or ControlNet's weights beside a whole checkpoint do not make it one.
        assert unsupported_kind({**listing(), "lora_unet_x.lora_up.weight": (1, 1), "model_ema.decay": ()}) is None
