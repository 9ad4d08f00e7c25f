"""The UNet's blocks under LDM's names: with the same numbers, and with what extensions put into them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy
import pytest
import torch
from torch import nn

from modules import sd_hijack_unet
from modules.a1111.ldm.blocks import ResBlock, SpatialTransformer
from tests.a1111.conftest import Stage
from tests.a1111.seams import alike, here, pixels

__all__ = ["here"]


@pytest.fixture
def unet(here: Stage) -> Any:
    view = here.dialect.shared.sd_model.model.diffusion_model
    yield view
    view.restore()


@pytest.fixture(autouse=True, scope="module")
def loaded(here: Stage) -> None:
    here.make()


def parts(view: Any) -> dict[str, Any]:
    return dict(nn.Module.named_parameters(view))


@pytest.mark.parametrize("size", [(64, 64), (72, 104)])
def test_pictures_through_the_blocks_are_the_same_bit_for_bit(here: Stage, unet: Any, size: tuple[int, int]) -> None:
    asked = {"width": size[0], "height": size[1], "cfg_scale": 4.0}
    plain = pixels(here, **asked)
    assert "forward" not in vars(unet.unet)
    assert len(unet.input_blocks) == len(unet.output_blocks)
    assert "forward" in vars(unet.unet)
    assert numpy.array_equal(pixels(here, **asked), plain)


def test_weights_are_found_in_the_blocks_under_their_names(unet: Any) -> None:
    assert len(unet.middle_block) == 3
    by_block, by_name = parts(unet), unet.state_dict()
    assert by_block.keys() == by_name.keys()
    assert all(by_block[name].data_ptr() == by_name[name].data_ptr() for name in by_name)
    names = dict(unet.named_modules())
    assert isinstance(names["input_blocks.1.0"], ResBlock)
    assert names["middle_block.1"] is unet.middle_block[1]
    assert names["middle_block.1.transformer_blocks.0.attn1"] is unet.middle_block[1].transformer_blocks[0].attn1


def test_the_whole_model_names_its_layers_as_ldm_does(here: Stage, unet: Any) -> None:
    model = here.dialect.shared.sd_model
    names = dict(model.named_modules())
    assert names["model.diffusion_model"] is unet
    assert names["model.diffusion_model.out"] is unet.out
    assert "model.diffusion_model.middle_block.1.transformer_blocks.0.attn2" in names
    assert any(name.startswith("first_stage_model.decoder.") for name in names)
    assert names["cond_stage_model"] is model.cond_stage_model
    assert len(list(model.modules())) == len(names)


def test_the_network_is_called_as_in_ldm(here: Stage, unet: Any) -> None:
    x, t, context = torch.randn(2, 4, 8, 8), torch.tensor([10.0, 500.0]), torch.randn(2, 77, 48)
    with torch.inference_mode():
        told = unet(x, t, context=context)
        plain = type(unet.unet).forward(unet.unet, x, t, context, return_dict=False)[0]
    assert torch.equal(told, plain)


def test_a_block_that_is_replaced_in_its_list_is_called_until_it_is_put_back(here: Stage, unet: Any) -> None:
    plain, seen = pixels(here), list[Any]()

    class Around(nn.Module):
        def __init__(self, block: nn.Module) -> None:
            super().__init__()
            self.block = block

        def forward(self, x: Any, *more: Any) -> Any:
            seen.append((x.shape[1:], len(more)))
            return self.block(x, *more) * 0.5

    unet.input_blocks[1] = Around(unet.input_blocks[1])
    changed = pixels(here)
    unet.input_blocks[1] = unet.input_blocks[1].block
    assert not alike(changed, plain)
    assert seen[0] == ((32, 8, 8), 2)
    assert numpy.array_equal(pixels(here), plain)


def test_a_block_that_works_at_half_the_size_within_fits_what_is_handed_over(here: Stage, unet: Any) -> None:
    plain = pixels(here)

    class Scaled(nn.Module):
        def __init__(self, block: nn.Module, scale: float) -> None:
            super().__init__()
            self.block, self.scale = block, scale

        def forward(self, x: Any, *more: Any) -> Any:
            return self.block(nn.functional.interpolate(x, scale_factor=self.scale, mode="bicubic"), *more)

    inner, outer = unet.input_blocks[2], unet.output_blocks[-3]
    unet.input_blocks[2], unet.output_blocks[-3] = Scaled(inner, 0.5), Scaled(outer, 2.0)
    assert not alike(pixels(here), plain)
    unet.input_blocks[2], unet.output_blocks[-3] = inner, outer
    assert numpy.array_equal(pixels(here), plain)


@pytest.mark.parametrize("kind", [ResBlock, SpatialTransformer])
def test_hooks_of_torch_see_what_a_block_gives_and_may_change_it(here: Stage, unet: Any, kind: type) -> None:
    plain, seen = pixels(here), list[Any]()
    block = next(layer for layer in unet.middle_block if isinstance(layer, kind))

    def hook(module: Any, given: Any, output: Any) -> Any:
        seen.append((module is block, len(given), output.ndim))
        return output * 0.0

    handle = block.register_forward_hook(hook)
    assert not alike(pixels(here), plain)
    handle.remove()
    assert seen[0] == (True, 2, 4)
    assert numpy.array_equal(pixels(here), plain)


def test_hooks_on_the_network_itself_and_on_its_end_are_called(here: Stage, unet: Any) -> None:
    plain, seen = pixels(here), list[Any]()
    before = unet.register_forward_pre_hook(lambda module, given: seen.append((module is unet, given[0].ndim)))
    after = unet.register_forward_hook(lambda module, given, output: seen.append(output.shape == given[0].shape))
    assert numpy.array_equal(pixels(here), plain)
    assert seen == [(True, 4), True] * 2
    end = unet.out.register_forward_hook(lambda module, given, output: output * 0.5)
    assert not alike(pixels(here), plain)
    for handle in (before, after, end):
        handle.remove()
    assert numpy.array_equal(pixels(here), plain)


def test_hooks_on_attention_layers_are_called(here: Stage, unet: Any) -> None:
    plain, seen = pixels(here), list[Any]()
    layer = unet.middle_block._modules["1"].transformer_blocks._modules["0"].attn1
    handle = layer.register_forward_hook(lambda module, given, output: seen.append(output.ndim))
    assert isinstance(layer, nn.Module)
    assert numpy.array_equal(pixels(here), plain)
    handle.remove()
    assert seen == [3, 3]


def test_forwards_of_blocks_and_of_transformer_blocks_may_be_replaced(here: Stage, unet: Any) -> None:
    plain, block = pixels(here), unet.middle_block[1].transformer_blocks[0]
    for target in (block, unet.middle_block[0], unet.middle_block):
        before, seen = target.forward, list[Any]()

        def forward(*given: Any, before: Any = before, seen: Any = seen, **named: Any) -> Any:
            seen.append(len(given) + len(named))
            return before(*given, **named) * 0.5

        target.forward = forward
        assert not alike(pixels(here), plain)
        del target.forward
        assert len(seen) == 2
        assert numpy.array_equal(pixels(here), plain)


def test_the_unets_own_forward_may_be_replaced(here: Stage, unet: Any) -> None:
    plain, original, seen = pixels(here), unet.forward, list[Any]()

    def forward(x: Any, timesteps: Any = None, context: Any = None, **named: Any) -> Any:
        seen.append((tuple(x.shape), tuple(timesteps.shape), tuple(context.shape), named))
        return original(x, timesteps, context, **named) * 0.5

    unet.forward = forward
    assert not alike(pixels(here), plain)
    unet.forward = original
    assert seen[0] == ((2, 4, 8, 8), (2,), (2, 77, 48), {})
    assert numpy.array_equal(pixels(here), plain)


def test_the_function_that_joins_blocks_may_be_replaced(here: Stage, unet: Any) -> None:
    plain, seen = pixels(here), list[Any]()
    th: Any = sd_hijack_unet.th
    original = th.cat

    def cat(tensors: Any, *given: Any, **named: Any) -> Any:
        seen.append((len(tensors), named))
        inner, handed = tensors
        return original([inner * 1.5, handed], *given, **named)

    th.cat = cat
    try:
        assert not alike(pixels(here), plain)
    finally:
        th.cat = original
    assert seen[0] == (2, {"dim": 1})
    assert len(seen) == 2 * len(unet.output_blocks)
    assert th.float32 is torch.float32
    assert numpy.array_equal(pixels(here), plain)


def test_what_fails_in_the_unet_is_named_and_taken_away(here: Stage, unet: Any) -> None:
    plain = pixels(here)
    file = Path(here.data) / "extensions" / "some" / "scripts" / "broken.py"
    names: dict[str, Any] = {}
    exec(compile("def forward(*given, **named): raise RuntimeError('no blocks today')", str(file), "exec"), names)
    unet.middle_block.forward = names["forward"]
    assert numpy.array_equal(pixels(here), plain)
    assert "no blocks today" in here.dialect.errors[str(file)][-1]
    assert "forward" not in vars(unet.unet)


def test_a_failure_that_is_no_extensions_is_raised(here: Stage, unet: Any) -> None:
    def forward(*given: Any, **named: Any) -> Any:
        raise RuntimeError("no memory")

    unet.middle_block.forward = forward
    with pytest.raises(RuntimeError, match="no memory"):
        unet.unet(torch.zeros(1, 4, 8, 8), torch.zeros(1), torch.zeros(1, 77, 48))


def test_when_extensions_are_unloaded_the_network_computes_by_itself_again(tmp_path: Path) -> None:
    stage = Stage(tmp_path, {"none.py": "from modules import scripts\n"}, drawn=False)
    try:
        stage.make()
        model = stage.dialect.shared.sd_model
        unet, vae = model.model.diffusion_model, model.first_stage_model
        unet.middle_block[1].transformer_blocks[0].attn1.forward = lambda *given, **named: 1 / 0
        vae.decoder.forward = lambda x: 1 / 0
        changed = [unet.unet, vae.vae.decoder, unet.middle_block[1].transformer_blocks[0].attn1.__dict__["real"]]
        assert all("forward" in vars(each) for each in changed)
        stage.dialect.close()
        assert not any("forward" in vars(each) for each in changed)
    finally:
        stage.close()


def test_networks_find_layers_by_their_names(here: Stage, unet: Any) -> None:
    layers = here.dialect.shared.sd_model.network_layer_mapping
    name = "diffusion_model_middle_block_1_transformer_blocks_0_attn1"
    assert layers[name] is unet.middle_block[1].transformer_blocks[0].attn1
    assert layers[name].network_layer_name == name
    assert f"{name}_to_q" in layers
