"""Names that extensions take from modules where A1111's modules have them by chance: from those beside them."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from modules import processing
from tests.a1111.conftest import Stage


def test_extensions_find_the_modules_beside_a_module_in_it(stage: Callable[..., Stage]) -> None:
    source = """
import modules.images
import modules.textual_inversion
import modules
assert modules.shared_items.sd_vae_items and modules.lowvram.is_enabled
from modules import processing, sd_models, scripts
from modules.processing import extra_networks, sd_samplers, sd_vae_approx
from modules.shared import errors

assert modules.images.errors is errors
assert processing.devices.device is not None
assert sd_models.script_callbacks is scripts.script_callbacks
assert extra_networks.parse_prompt and sd_samplers.all_samplers
assert modules.textual_inversion.textual_inversion.EmbeddingDatabase and modules.textual_inversion.dataset
from modules.processing import opts, state, images_tensor_to_samples
from modules.sd_samplers import sample_to_image
from modules.ui import setup_progressbar, resize_from_to_html
assert "Clip skip" in modules.shared_items.get_infotext_names()
assert "64x32</span> to <span class='resolution'>96x48" in resize_from_to_html(64, 32, 1.5)
assert opts is modules.shared.opts and state is modules.shared.state
assert not hasattr(processing, "application") and not hasattr(processing, "no such module")
"""
    made = stage(neighbours=source)
    assert made.dialect.errors == {}
    with pytest.raises(ImportError):
        importlib.import_module("modules.processing.extra_networks")


def test_p_has_what_it_names(stage: Callable[..., Stage]) -> None:
    made = stage(none="from modules import scripts\n")
    for kind in (processing.StableDiffusionProcessingTxt2Img, processing.StableDiffusionProcessingImg2Img):
        p: Any = kind()
        assert [name for name in dir(p) if name != "sd_model" and not hasattr(p, name)] == []
    p.mask_blur = 6
    assert (p.mask_blur_x, p.mask_blur_y, p.mask_blur) == (6, 6, 6)
    assert made.dialect.errors == {}


def test_conditionings_are_put_together_cut_and_filled_up() -> None:
    from modules.a1111.conditioning import DictWithShape
    from modules.prompt_parser import stack_conds
    from modules.sd_samplers_cfg_denoiser import catenate_conds, pad_cond, subscript_cond

    one, other, empty = torch.ones(1, 2, 3), torch.zeros(1, 2, 3), torch.full((1, 1, 3), 7.0)
    assert catenate_conds([one, other]).shape == (2, 2, 3)
    assert torch.equal(subscript_cond(catenate_conds([one, other]), 1, 2), other)
    assert pad_cond(one, 2, empty)[0, :, 0].tolist() == [1.0, 1.0, 7.0, 7.0]
    both = [DictWithShape({"crossattn": each, "vector": each[:, 0]}) for each in (one, other)]
    joined = catenate_conds(both)
    assert (joined.shape, joined["vector"].shape) == ((2, 2, 3), (2, 3))
    assert torch.equal(subscript_cond(joined, 1, 2)["crossattn"], other)
    assert pad_cond(joined, 1, empty).shape == (2, 3, 3)
    assert stack_conds([torch.ones(2, 3), torch.ones(4, 3)]).shape == (2, 4, 3)


def test_methods_of_what_is_not_here_are_kept_and_put_back_but_not_called(stage: Callable[..., Stage]) -> None:
    source = """
from ldm.models.diffusion import ddim
kept = ddim.DDIMSampler.make_schedule
ddim.DDIMSampler.make_schedule = lambda self: None
ddim.DDIMSampler.make_schedule = kept
assert ddim.DDIMSampler.make_schedule is kept
try:
    kept()
except NotImplementedError as error:
    assert "DDIMSampler.make_schedule is wanted by" in str(error)
else:
    raise AssertionError("it cannot be called")
"""
    assert stage(keeps=source).dialect.errors == {}


def test_the_programs_own_kind_of_network_is_in_the_registry(stage: Callable[..., Stage]) -> None:
    source = """
from modules import extra_networks
import extra_networks_lora

class Mine(extra_networks_lora.ExtraNetworkLora):
    seen = []
    def activate(self, p, params_list):
        Mine.seen.append([params.items for params in params_list])
        super().activate(p, params_list)

assert isinstance(extra_networks.extra_network_registry["lora"], extra_networks_lora.ExtraNetworkLora)
extra_networks.register_extra_network(Mine())
assert isinstance(extra_networks.extra_network_registry["lora"], Mine)
"""
    made = stage(networks=source)
    made.make(prompt="a cat <lora:none:0.5>")
    assert made.dialect.errors == {}
    assert sys.modules["networks.py"].Mine.seen == [[["none", "0.5"]]]


def test_the_setting_of_the_checkpoint_says_which_one_it_is(stage: Callable[..., Stage]) -> None:
    made = stage(none="from modules import scripts\n")
    opts = made.dialect.shared.opts
    title = made.application.catalogue.all()[0].title
    assert made.application.settings.current.sd_model_checkpoint is None
    assert (opts.sd_model_checkpoint, opts.data["sd_model_checkpoint"]) == (title, title)


def test_files_of_models_and_the_font_are_found(stage: Callable[..., Stage], tmp_path: Path) -> None:
    from modules.images import get_font
    from modules.modelloader import load_models, load_upscalers

    stage(none="from modules import scripts\n")
    for name in ("a.pth", "sub/b.PTH", "c.txt", "d.vae.pth"):
        path = tmp_path / "files" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    found = load_models(str(tmp_path / "files"), ext_filter=[".pth"], ext_blacklist=[".vae.pth"])
    assert [Path(each).name for each in found] == ["a.pth", "b.PTH"]
    assert load_models(str(tmp_path / "none"), model_url="https://example.org/a.pth") == ["https://example.org/a.pth"]
    load_upscalers()
    assert Path(importlib.import_module("modules.paths_internal").roboto_ttf_file).is_file()
    assert get_font(12).getlength("wide") > 10
