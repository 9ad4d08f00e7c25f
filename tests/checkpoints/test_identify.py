from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from safetensors.torch import save_file

from modules.checkpoints.architectures import sd1
from modules.checkpoints.architectures.architecture import Architecture
from modules.checkpoints.architectures.configs import unet_config, vae_config
from modules.checkpoints.declared import Declared, read_declared
from modules.checkpoints.identify import identify
from modules.checkpoints.layout import UNetLayout, VaeLayout, unet_layout
from modules.checkpoints.ldm_keys import KeyMap, unet_modules, vae_modules
from modules.checkpoints.tensors import open_tensors
from modules.foundation.errors import CheckpointError, UnknownArchitecture
from tests.tiny_models import make_tiny_checkpoint

SD1_UNET = UNetLayout(
    in_channels=4,
    out_channels=4,
    channels=(320, 640, 1280, 1280),
    res_blocks=2,
    depths=((1, 1), (1, 1), (1, 1), (0, 0)),
    up_depths=((1, 1, 1), (1, 1, 1), (1, 1, 1), (0, 0, 0)),
    middle_depth=1,
    context_width=768,
    linear_projection=False,
)
SD1_VAE = VaeLayout(channels=(128, 256, 512, 512), res_blocks=2, latent_channels=4, has_quant_conv=True)


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    return make_tiny_checkpoint(tmp_path / "tiny.safetensors", "sd1")


def _identify(path: Path) -> Architecture:
    with open_tensors(path) as source:
        return identify(source, path)


def test_dimensions_are_read_off_the_shapes(tiny: Path) -> None:
    architecture = _identify(tiny)
    assert architecture.family is sd1.FAMILY
    assert architecture.unet.config["block_out_channels"] == (32, 64, 128, 128)
    assert architecture.unet.config["cross_attention_dim"] == 48
    assert architecture.unet.config["attention_head_dim"] == (8, 8, 8, 8)
    assert architecture.vae.config["block_out_channels"] == (32, 64, 128, 128)
    assert architecture.text_encoders[0].config["num_hidden_layers"] == 4


def test_the_official_sizes_have_the_published_parameter_counts() -> None:
    with torch.device("meta"):
        unet = UNet2DConditionModel(**unet_config(SD1_UNET, Declared(), lambda width: 8))
        vae = AutoencoderKL(**vae_config(SD1_VAE, Declared()))
    assert sum(parameter.numel() for parameter in unet.parameters()) == 859_520_964
    assert sum(parameter.numel() for parameter in vae.parameters()) == 83_653_863


def test_the_key_maps_reach_every_parameter_of_the_official_networks_exactly_once() -> None:
    with torch.device("meta"):
        networks = (
            (UNet2DConditionModel(**unet_config(SD1_UNET, Declared(), lambda width: 8)), dict(unet_modules(SD1_UNET))),
            (AutoencoderKL(**vae_config(SD1_VAE, Declared())), dict(vae_modules(SD1_VAE))),
        )
    for network, modules in networks:
        back = KeyMap((ours, theirs) for theirs, ours in modules.items())
        forth = KeyMap(iter(modules.items()))
        for name in network.state_dict():
            ldm = back(name)
            assert ldm is not None, name
            assert forth(ldm) == name


def _rewritten(path: Path, change: object, metadata: dict[str, str] | None = None) -> Path:
    with open_tensors(path) as source:
        tensors = {key: source.read(key).clone() for key in source.shapes}
    change(tensors)  # type: ignore[operator]
    save_file(tensors, path, metadata=metadata)
    return path


def test_metadata_says_what_shapes_cannot(tiny: Path) -> None:
    said = {
        "unet": {"num_heads": 2, "norm_num_groups": 8},
        "vae": {"norm_num_groups": 4},
        "text_encoder": {"num_heads": 3},
    }
    _rewritten(tiny, lambda tensors: None, {"easel.architecture": json.dumps(said)})
    architecture = _identify(tiny)
    assert architecture.unet.config["attention_head_dim"] == (2, 2, 2, 2)
    assert architecture.unet.config["norm_num_groups"] == 8
    assert architecture.vae.config["norm_num_groups"] == 4
    assert architecture.text_encoders[0].config["num_attention_heads"] == 3


def test_a_sidecar_outranks_metadata_and_a_broken_one_is_named(tiny: Path) -> None:
    sidecar = tiny.with_suffix(".yaml")
    sidecar.write_text(
        "model:\n  params:\n    parameterization: v\n    scale_factor: 0.2\n    unet_config: {params: {num_heads: 4}}\n"
    )
    declared = read_declared({"easel.architecture": '{"unet": {"num_heads": 2}}'}, sidecar)
    assert declared == Declared(unet_heads=4, prediction="v_prediction", latent_scale=0.2)
    sidecar.write_text("model: [")
    with pytest.raises(CheckpointError, match=r"tiny\.yaml"):
        _identify(tiny)


def test_malformed_metadata_is_an_error_not_a_guess(tiny: Path) -> None:
    _rewritten(tiny, lambda tensors: None, {"easel.architecture": "heads: 2"})
    with pytest.raises(CheckpointError, match=r"easel\.architecture is malformed"):
        _identify(tiny)


@pytest.mark.parametrize(
    ("key", "what"),
    [
        ("conditioner.embedders.1.model.text_projection", None),
        ("double_blocks.0.img_attn.qkv.weight", "Flux"),
        ("joint_blocks.0.x_block.attn.qkv.weight", "Stable Diffusion 3"),
    ],
)
def test_other_families_are_refused_by_name(tmp_path: Path, key: str, what: str | None) -> None:
    path = tmp_path / "other.safetensors"
    save_file({key: torch.zeros(2, 2)}, path)
    with pytest.raises(UnknownArchitecture, match=what or "not SD1, because there is no UNet"):
        _identify(path)


@pytest.mark.parametrize(("channels", "what"), [(6, "takes 6 channels"), (7, "upscaler"), (13, "takes 13 channels")])
def test_models_that_need_other_pictures_are_refused_with_their_reason(tiny: Path, channels: int, what: str) -> None:
    def widen(tensors: dict[str, torch.Tensor]) -> None:
        tensors["model.diffusion_model.input_blocks.0.0.weight"] = torch.zeros(32, channels, 3, 3)

    with pytest.raises(UnknownArchitecture, match=what):
        _identify(_rewritten(tiny, widen))


def test_a_checkpoint_without_its_vae_says_what_is_missing(tiny: Path) -> None:
    def strip(tensors: dict[str, torch.Tensor]) -> None:
        for key in [key for key in tensors if key.startswith("first_stage_model.")]:
            del tensors[key]

    with pytest.raises(CheckpointError, match=r"tiny\.safetensors is not a usable checkpoint: it holds no VAE"):
        _identify(_rewritten(tiny, strip))


def test_uneven_levels_are_no_known_unet(tiny: Path) -> None:
    with open_tensors(tiny) as source:
        shapes = dict(source.shapes)
    gone = "model.diffusion_model.input_blocks.2."
    with pytest.raises(CheckpointError, match="no known family"):
        unet_layout({key: shape for key, shape in shapes.items() if not key.startswith(gone)})
