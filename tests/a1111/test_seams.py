"""What extensions hang into sampling, on real runs of one application."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import Any

import numpy
import pytest
import torch

from modules import patches, sd_samplers, sd_samplers_common, sd_samplers_kdiffusion
from modules.sd_samplers_cfg_denoiser import CFGDenoiser
from modules.sd_samplers_kdiffusion import KDiffusionSampler
from tests.a1111.conftest import Stage

ALWAYS = """
from modules import scripts

class Here(scripts.Script):
    blend = None
    def title(self): return "Here"
    def show(self, is_img2img): return scripts.AlwaysVisible
    def on_mask_blend(self, p, mba, *args):
        if Here.blend is not None:
            Here.blend(mba)
"""


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    folder: Path = tmp_path_factory.mktemp("seams")
    made = Stage(folder, {"always.py": ALWAYS})
    yield made
    made.close()


@contextlib.contextmanager
def listening(here: Stage, moment: str, function: Callable[..., Any]) -> Generator[None]:
    callbacks = here.dialect.callbacks
    callbacks.add(moment, function)
    try:
        yield
    finally:
        callbacks.remove_function(function)


def pixels(here: Stage, **asked: Any) -> Any:
    return numpy.asarray(here.make(**asked).samples[0].image).astype(int)


def alike(one: Any, other: Any) -> bool:
    return bool(numpy.abs(one - other).max() <= 1)


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


@pytest.mark.parametrize("sampler", ["Euler", "Euler a", "DPM++ 2M"])
def test_callback_state_is_looked_up_and_may_write_into_the_samplers_tensors(
    here: Stage, sampler: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = {"sampler": sampler, "steps": 3}
    plain, seen = pixels(here, **asked), list[Any]()
    original = KDiffusionSampler.callback_state

    def callback_state(self: Any, d: dict[str, Any]) -> None:
        seen.append((d["i"], sorted(d), self.p.is_hr_pass))
        d["x"] *= 0.9
        d["denoised"] *= 0.9
        original(self, d)

    monkeypatch.setattr(KDiffusionSampler, "callback_state", callback_state)
    assert not alike(pixels(here, **asked), plain)
    assert seen[0] == (0, ["denoised", "i", "sigma", "sigma_hat", "x"], False)
    assert [each[0] for each in seen] == [0, 1, 2]
    monkeypatch.undo()
    assert alike(pixels(here, **asked), plain)
    assert len(seen) == 3


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


def test_the_sampler_object_of_a_run_comes_from_create_sampler(here: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    original, made = sd_samplers.create_sampler, list[Any]()

    def create_sampler(name: str, model: Any) -> Any:
        sampler = original(name, model)
        made.append((name, model.is_sd1, type(sampler).__name__))
        sampler.model_wrap_cfg.combine_denoised = lambda x_out, conds_list, uncond, cond_scale: x_out[-len(uncond) :]
        return sampler

    monkeypatch.setattr(sd_samplers, "create_sampler", create_sampler)
    changed = pixels(here, cfg_scale=5)
    monkeypatch.undo()
    assert made == [("Euler", True, "KDiffusionSampler")]
    # The negative prompt's estimate alone is what a prompt equal to it gives.
    assert alike(changed, pixels(here, prompt="", cfg_scale=1.0))


def test_store_latent_is_called_once_a_step_where_it_is_replaced(here: Stage) -> None:
    seen: list[Any] = []

    def store(decoded: Any) -> None:
        seen.append(tuple(decoded.shape))
        original = patches.original("test", sd_samplers_common, "store_latent")
        assert original is not None
        original(decoded)

    patches.patch("test", sd_samplers_common, "store_latent", store)
    with pytest.raises(RuntimeError, match="already patched by test"):
        patches.patch("test", sd_samplers_common, "store_latent", store)
    here.make(steps=3)
    patches.undo("test", sd_samplers_common, "store_latent")
    here.make(steps=3)
    assert seen == [(1, 4, 8, 8)] * 3
    with pytest.raises(RuntimeError, match="no patch"):
        patches.undo("test", sd_samplers_common, "store_latent")


def sample_own(model: Any, x: Any, sigmas: Any, *, extra_args: Any, callback: Any, disable: Any) -> Any:
    for i in range(len(sigmas) - 1):
        denoised = model(x, sigmas[i] * x.new_ones([x.shape[0]]), **extra_args)
        slope = (x - denoised) / sigmas[i]
        callback({"x": x, "i": i, "sigma": sigmas[i], "sigma_hat": sigmas[i], "denoised": denoised})
        x = x + slope * (sigmas[i + 1] - sigmas[i])
    return x


def test_a_sampler_that_an_extension_adds_samples(here: Stage) -> None:
    data = sd_samplers_common.SamplerData(
        "Own Euler", lambda model: KDiffusionSampler(sample_own, model), ["own_euler"], {}
    )
    sd_samplers.all_samplers.append(data)
    try:
        assert sd_samplers.all_samplers_map["Own Euler"] is data
        assert sd_samplers.samplers_map["own_euler"] == "Own Euler"
        assert alike(pixels(here, sampler="Own Euler", steps=4), pixels(here, sampler="Euler", steps=4))
        assert "Sampler: Own Euler" in here.make(sampler="own_euler").samples[0].infotext
    finally:
        sd_samplers.all_samplers.remove(data)
    assert "own_euler" not in sd_samplers.samplers_map


def test_every_sampler_of_the_program_is_in_the_list(here: Stage) -> None:
    from modules.sampling.samplers import registry

    assert [data.name for data in sd_samplers.all_samplers] == registry.names()
    assert sd_samplers.find_sampler_config("Heun").total_steps(10) == 20
    assert sd_samplers_kdiffusion.CFGDenoiserKDiffusion is CFGDenoiser


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


def test_what_is_put_into_the_map_of_samplers_can_be_taken_away(here: Stage) -> None:
    from modules import sd_samplers

    sd_samplers.all_samplers_map["Own"] = sd_samplers.all_samplers[0]
    del sd_samplers.all_samplers_map["Own"]
    assert "Own" not in sd_samplers.all_samplers_map
    with pytest.raises(KeyError):
        del sd_samplers.all_samplers_map["Own"]


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


def test_a_sampler_that_a_script_puts_into_the_map_for_its_run_takes_the_place_of_the_chosen_one(here: Stage) -> None:
    from modules.a1111.script import Script

    plain, kind = pixels(here), type(here.dialect.scripts_txt2img.scripts[0])

    class Other(CFGDenoiser):
        def combine_denoised(self, x_out: Any, conds_list: Any, uncond: Any, cond_scale: float) -> Any:
            return super().combine_denoised(x_out, conds_list, uncond, 1.0)

    chosen = sd_samplers.all_samplers_map["Euler"]

    def constructor(model: Any) -> Any:
        made = chosen.constructor(model)
        made.model_wrap_cfg = Other(made)
        return made

    def put(self: Script, p: Any, *args: Any, **named: Any) -> None:
        sd_samplers.all_samplers_map["Euler of a test"] = chosen._replace(constructor=constructor)
        p.sampler_name = "Euler of a test"

    kind.process_batch = put
    try:
        assert not alike(pixels(here), plain)
    finally:
        del kind.process_batch
        del sd_samplers.all_samplers_map["Euler of a test"]
    assert alike(pixels(here), plain)
