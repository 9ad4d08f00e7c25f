"""What extensions hang into sampling, on real runs of one application."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

import numpy
import pytest
import torch

from modules.sd_samplers_cfg_denoiser import CFGDenoiser
from tests.a1111.conftest import Stage
from tests.a1111.seams import alike, here, listening, pixels

__all__ = ["here"]


def test_callbacks_of_guidance_see_every_row_and_change_nothing_by_looking(here: Stage) -> None:
    asked = {"prompt": "a AND b", "cfg_scale": 5}
    seen: list[Any] = []

    def denoiser(params: Any) -> None:
        shapes = [tuple(each.shape) for each in (params.x, params.sigma, params.text_cond, params.text_uncond)]
        counts = (params.sampling_step, params.total_sampling_steps, params.denoiser.step, params.denoiser.steps)
        seen.append((shapes, counts))

    plain = pixels(here, **asked)
    with (
        listening(here, "cfg_denoiser", denoiser),
        listening(here, "cfg_denoised", lambda params: seen.append(tuple(params.x.shape))),
        listening(here, "cfg_after_cfg", lambda params: seen.append(tuple(params.x.shape))),
    ):
        looked = pixels(here, **asked)
    # Two parts of the prompt, one negative prompt.
    assert seen[:3] == [
        ([(3, 4, 8, 8), (3,), (2, 77, 48), (1, 77, 48)], (0, 2, 0, 2)),
        (3, 4, 8, 8),
        (1, 4, 8, 8),
    ]
    assert seen[3][1][2] == 1
    assert len(seen) == 6
    assert alike(looked, plain)


def test_a_stand_in_of_a_picture_is_beside_the_latent_and_may_be_changed_to_no_effect(here: Stage) -> None:
    shapes: list[tuple[int, ...]] = []

    def look(params: Any) -> None:
        shapes.append(tuple(params.image_cond.shape))
        params.image_cond = params.image_cond.clone() + 1

    plain = pixels(here)
    with listening(here, "cfg_denoiser", look):
        assert alike(pixels(here), plain)
    assert set(shapes) == {(2, 5, 1, 1)}


def test_rows_are_those_of_each_picture_then_the_negative_prompts(here: Stage) -> None:
    seen: list[Any] = []

    def denoiser(params: Any) -> None:
        seen.append((params.x.clone(), params.text_cond.clone(), params.text_uncond.clone()))

    with listening(here, "cfg_denoiser", denoiser):
        here.make(prompt="a AND b", batch_size=2)
    x, cond, uncond = seen[0]
    assert [len(each) for each in (x, cond, uncond)] == [6, 4, 2]
    first, second = x[0], x[2]
    assert not bool((first == second).all())
    assert all(bool((x[row] == first).all()) for row in (1, 4))
    assert all(bool((x[row] == second).all()) for row in (3, 5))
    assert bool((cond[0] == cond[2]).all())
    assert bool((cond[1] == cond[3]).all())
    assert not bool((cond[0] == cond[1]).all())


def write(params: Any, name: str, value: Any, *, at: Any = slice(None)) -> None:
    getattr(params, name)[at] = value


CHANGES: dict[str, Callable[[Any], None]] = {
    "x in place": lambda params: params.x.mul_(0.5),
    "another x": lambda params: setattr(params, "x", params.x * 0.5),
    "sigma in place": lambda params: params.sigma.mul_(0.8),
    "sigma of one row": lambda params: write(params, "sigma", params.sigma[0] * 0.8, at=0),
    "another sigma": lambda params: setattr(params, "sigma", params.sigma * 0.8),
    "text_cond in place": lambda params: write(params, "text_cond", 0),
    "another text_cond": lambda params: setattr(params, "text_cond", params.text_cond * 0),
    "text_uncond in place": lambda params: write(params, "text_uncond", 1),
}


@pytest.mark.parametrize("change", CHANGES)
def test_what_a_callback_writes_before_the_network_counts(here: Stage, change: str) -> None:
    plain = pixels(here)
    with listening(here, "cfg_denoiser", CHANGES[change]):
        assert not alike(pixels(here), plain)
    assert alike(pixels(here), plain)


@pytest.mark.parametrize("moment", ["cfg_denoised", "cfg_after_cfg"])
@pytest.mark.parametrize("change", ["x in place", "another x"])
def test_what_a_callback_writes_after_the_network_counts(here: Stage, moment: str, change: str) -> None:
    plain = pixels(here)
    with listening(here, moment, CHANGES[change]):
        assert not alike(pixels(here), plain)


@pytest.mark.parametrize("sampler", ["Euler", "DDIM", "LCM"])
@pytest.mark.parametrize("prompt", ["a cat", "a AND b:0.3"])
def test_levels_of_rows_that_are_the_level_of_all_give_the_same_picture(here: Stage, sampler: str, prompt: str) -> None:
    asked = {"sampler": sampler, "prompt": prompt, "cfg_scale": 4}
    plain = pixels(here, **asked)
    with listening(here, "cfg_denoiser", lambda params: params.sigma.mul_(1.0)):
        assert alike(pixels(here, **asked), plain)


@pytest.mark.parametrize("factor", [1.0, 0.5])
def test_guidance_can_be_combined_in_another_way(here: Stage, factor: float, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = {"prompt": "a AND b:0.5", "cfg_scale": 5.0}
    plain, seen = pixels(here, **asked), list[Any]()
    original = CFGDenoiser.combine_denoised

    def combine(self: Any, x_out: Any, conds_list: Any, uncond: Any, cond_scale: float) -> Any:
        seen.append((tuple(x_out.shape), conds_list, len(uncond), cond_scale))
        return original(self, x_out, conds_list, uncond, cond_scale) * factor

    monkeypatch.setattr(CFGDenoiser, "combine_denoised", combine)
    assert alike(pixels(here, **asked), plain) == (factor == 1.0)
    assert seen[0] == ((3, 4, 8, 8), [[(0, 1.0), (1, 0.5)]], 1, 5.0)


def test_the_network_can_be_called_once_more(here: Stage) -> None:
    seen: list[Any] = []

    def denoised(params: Any) -> None:
        if not seen:
            again = params.inner_model(
                asked["x"], asked["sigma"], cond={"c_crossattn": [asked["cond"]], "c_concat": []}
            )
            seen.append(float((again - params.x).abs().max()))

    asked: dict[str, Any] = {}

    def denoiser(params: Any) -> None:
        import torch

        if not asked:
            asked.update(x=params.x.clone(), sigma=params.sigma.clone())
            asked["cond"] = torch.cat([params.text_cond, params.text_uncond])

    with listening(here, "cfg_denoiser", denoiser), listening(here, "cfg_denoised", denoised):
        here.make()
    assert seen[0] < 1e-3


def test_nothing_is_attached_for_nobody(here: Stage) -> None:
    here.make()
    hooks = here.application.hooks
    points = (hooks.guidance_input, hooks.guidance_output, hooks.combination, hooks.guided, hooks.step)
    assert not any(each.owner.startswith("a1111") for point in points for each in point.attachments)


def test_a_callback_that_raises_is_named_and_the_picture_is_made(here: Stage) -> None:
    plain = pixels(here)
    with listening(here, "cfg_denoiser", lambda params: 1 / 0):
        assert alike(pixels(here), plain)
    assert any("on_cfg_denoiser" in what for each in here.dialect.errors.values() for what in each)


def test_scripts_may_blend_what_inpainting_keeps_in_another_way(here: Stage) -> None:
    from PIL import Image

    from modules.generation.inpaint import InpaintRequest

    picture = Image.new("RGB", (64, 64), (200, 30, 30))
    mask = Image.new("L", (64, 64), 0)
    mask.paste(255, (0, 0, 32, 64))
    asked = {"init_images": (picture,), "inpaint": InpaintRequest(mask=mask, only_masked=False), "steps": 4}
    plain, seen = pixels(here, **asked), list[Any]()
    script: Any = here.dialect.scripts_img2img.alwayson_scripts[0]

    def blend(mba: Any) -> None:
        seen.append((mba.is_final_blend, tuple(mba.nmask.shape)))
        mba.blended_latent = mba.current_latent

    kind: Any = type(script)
    kind.blend = staticmethod(blend)
    try:
        changed = pixels(here, **asked)
    finally:
        kind.blend = None
    assert seen[0][0] is False
    assert seen[-1][0] is True
    assert not alike(plain, changed)


def test_the_forward_of_an_attention_layer_can_be_replaced_and_put_back(here: Stage) -> None:
    plain, seen = pixels(here), list[Any]()
    unet = here.dialect.shared.sd_model.model.diffusion_model
    layers = {name: layer for name, layer in unet.named_modules() if name.endswith("attn2")}
    assert "middle_block.1.transformer_blocks.0.attn2" in layers
    assert all(type(layer).__name__ == "CrossAttention" and layer.heads for layer in layers.values())
    before = {name: layer.forward for name, layer in layers.items()}

    def hooked(name: str, factor: float) -> Callable[..., Any]:
        def forward(x: Any, context: Any = None, mask: Any = None) -> Any:
            seen.append((x.ndim, tuple(context.shape)))
            return before[name](x, context=context, mask=mask) * factor

        return forward

    for name, layer in layers.items():
        layer.forward = hooked(name, 1.0)
    assert alike(pixels(here), plain)
    assert seen[0] == (3, (2, 77, 48))
    layer = next(iter(layers.values()))
    assert layer.to_out(layer.to_v(torch.zeros(1, 2, 48))).shape == (1, 2, layer.to_q.in_features)
    for name, layer in layers.items():
        layer.forward = hooked(name, 0.0)
    assert not alike(pixels(here), plain)
    for name, layer in layers.items():
        if name.startswith("middle"):
            layer.forward = before[name]
        else:
            del layer.forward
    seen.clear()
    assert alike(pixels(here), plain)
    assert seen == []


def test_a_forward_that_raises_is_taken_away_with_all_of_its_kind_and_named(here: Stage) -> None:
    plain = pixels(here)
    unet = here.dialect.shared.sd_model.model.diffusion_model
    layers = [layer for name, layer in unet.named_modules() if name.endswith("attn2")]

    def forward(x: Any, context: Any = None, mask: Any = None) -> Any:
        raise RuntimeError("no attention today")

    for layer in layers:
        layer.forward = forward
    assert alike(pixels(here), plain)
    assert all("forward" not in layer.__dict__ for layer in layers)
    told = [what for file, what in here.dialect.errors.items() if file == __file__]
    assert len(told) == 1
    assert "no attention today" in told[0][0]


def test_a_line_is_laid_out_in_chunks_with_its_weights(here: Stage) -> None:
    encoder = here.dialect.shared.sd_model.cond_stage_model
    chunks, count = encoder.tokenize_line("a (red:1.5) cat")
    assert (len(chunks), count) == (1, 3)
    assert (len(chunks[0].tokens), chunks[0].multipliers[:5]) == (77, [1.0, 1.0, 1.5, 1.0, 1.0])
    assert [chunk.tokens[0] for chunk in encoder.tokenize_line("cat " * 80)[0]] == [encoder.id_start] * 2


def test_extensions_tell_text_encoders_apart_and_read_their_words(here: Stage) -> None:
    here.make()
    kinds: Any = importlib.import_module("ldm.modules.encoders.modules")
    loaded: Any = here.dialect.shared.sd_model
    clip = loaded.cond_stage_model
    assert isinstance(clip.wrapped, kinds.FrozenCLIPEmbedder)
    assert not isinstance(clip.wrapped, kinds.FrozenOpenCLIPEmbedder)
    assert not isinstance("text", kinds.FrozenCLIPEmbedder)
    tokenizer = clip.wrapped.tokenizer
    words = {number: word for word, number in tokenizer.get_vocab().items()}
    spelled = "".join(words[number] for number in clip.tokenize(["caf\u00e9 \u732b"])[0]).replace("</w>", "")
    assert bytearray(tokenizer.byte_decoder[letter] for letter in spelled).decode() == "caf\u00e9\u732b"


def test_what_an_extension_makes_of_prompts_is_encoded_and_the_infotext_stays(
    here: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    from modules import prompt_parser

    read, seen = prompt_parser.get_multicond_prompt_list, list[list[str]]()

    def other(prompts: Any) -> Any:
        seen.append(list(prompts))
        return read(["a red cat AND a dog :0.5" for _ in prompts])

    wanted = pixels(here, prompt="a red cat AND a dog :0.5")
    monkeypatch.setattr(prompt_parser, "get_multicond_prompt_list", other)
    made = here.make(prompt="a cat AND_SALT a dog")
    assert alike(numpy.asarray(made.samples[0].image).astype(int), wanted)
    assert seen == [["a cat AND_SALT a dog"]]
    assert made.samples[0].infotext.startswith("a cat AND_SALT a dog")

    def bad(prompts: Any) -> Any:
        raise RuntimeError("no prompts today")

    monkeypatch.setattr(prompt_parser, "get_multicond_prompt_list", bad)
    assert here.make().samples[0].image is not None
    assert any("no prompts today" in what for each in here.dialect.errors.values() for what in each)
