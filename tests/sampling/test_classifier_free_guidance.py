"""Guidance: how conditional and unconditional estimates are asked for and put together."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor

from modules.foundation.errors import Interrupted
from modules.sampling.classifier_free_guidance import GuidedModel, combine, rescale_guidance
from modules.sampling.conditioning import Cond, CondBatch, StepConds
from modules.sampling.denoiser import Denoiser, SigmaDenoiser, TimestepDenoiser
from modules.sampling.guidance_hooks import GuidanceHooks, GuidanceInput, GuidanceOutput, NetworkCall
from modules.sampling.inpainting import HardBlend
from modules.sampling.network import ConditionedNetwork
from modules.sampling.options import SamplingOptions
from tests.sampling.models import SCHEDULE, prompt


class Recorder:
    """A network whose noise estimate is the mean of a row's tokens; keeps what it was called with."""

    def __init__(self) -> None:
        self.calls: list[tuple[Tensor, Tensor, CondBatch]] = []

    def __call__(self, x: Tensor, t: Tensor, cond: CondBatch) -> Tensor:
        self.calls.append((x, t, cond))
        return cond.tokens.mean(dim=(1, 2))[:, None, None, None].expand_as(x)


def guided(held: StepConds | Callable[[int], StepConds], unet: Any = None, **arguments: Any) -> GuidedModel:
    conds = held if callable(held) else lambda call: held
    brought = {name: arguments.pop(name) for name in ("empty_prompt", "image_cond") if name in arguments}
    network = ConditionedNetwork(predict=unet or Recorder(), schedule=SCHEDULE, conds=conds, **brought)
    return GuidedModel(network, **{"denoiser": TimestepDenoiser, "guidance_scale": 7.0, "total_calls": 8, **arguments})


ONE = StepConds(positive=(((prompt(2.0), 1.0),),), negative=(prompt(0.5),))
X = torch.zeros(1, 4, 2, 2)


def test_guidance_goes_from_uncond_towards_cond_and_beyond() -> None:
    assert torch.allclose(guided(ONE)(X, 500.0), torch.tensor(0.5 + 7 * 1.5))


def test_prompts_joined_by_and_add_their_weighted_directions() -> None:
    held = StepConds(
        positive=(((prompt(2.0), 1.0), (prompt(-1.0), 0.5), (prompt(4.0), -0.25)), ((prompt(3.0), 1.2),)),
        negative=(prompt(0.5), prompt(1.0)),
    )
    unet = Recorder()
    out = guided(held, unet)(torch.zeros(2, 4, 2, 2), 500.0)
    expected = [0.5 + 7 * (1.5 * 1.0 - 1.5 * 0.5 - 3.5 * 0.25), 1.0 + 7 * 1.2 * 2.0]
    assert out[:, 0, 0, 0].tolist() == pytest.approx(expected)
    (call,) = unet.calls
    assert call[2].images == (0, 0, 0, 1, 0, 1)


def test_both_sides_share_one_network_call_where_lengths_agree() -> None:
    unet = Recorder()
    guided(ONE, unet)(X, 500.0)
    ((x, t, cond),) = unet.calls
    assert x.shape == (2, 4, 2, 2)
    assert t.tolist() == [500.0, 500.0]
    assert cond.tokens[:, 0, 0].tolist() == [2.0, 0.5]


def test_prompts_of_different_length_are_asked_one_after_the_other() -> None:
    held = StepConds(positive=(((prompt(2.0, length=6), 1.0),),), negative=(prompt(0.5),))
    unet = Recorder()
    out = guided(held, unet)(X, 500.0)
    assert [tuple(cond.tokens.shape) for _, _, cond in unet.calls] == [(1, 6, 2), (1, 3, 2)]
    assert torch.allclose(out, torch.tensor(0.5 + 7 * 1.5))


def test_the_two_sides_can_be_kept_apart_by_the_setting() -> None:
    unet = Recorder()
    guided(ONE, unet, options=SamplingOptions(batch_cond_uncond=False))(X, 500.0)
    assert [len(x) for x, _, _ in unet.calls] == [1, 1]


def test_a_shorter_prompt_can_be_padded_with_the_empty_one() -> None:
    held = StepConds(positive=(((prompt(2.0, length=6), 1.0),),), negative=(prompt(0.5),))
    unet = Recorder()
    model = guided(held, unet, options=SamplingOptions(pad_cond_uncond=True), empty_prompt=torch.full((3, 2), 9.0))
    model(X, 500.0)
    ((_, _, cond),) = unet.calls
    assert cond.tokens[1, :, 0].tolist() == [0.5, 0.5, 0.5, 9.0, 9.0, 9.0]
    assert model.noted == {"Pad conds": True}


def test_a_longer_negative_prompt_makes_the_positive_one_longer() -> None:
    held = StepConds(positive=(((prompt(2.0), 1.0),),), negative=(prompt(0.5, length=6),))
    unet = Recorder()
    guided(held, unet, options=SamplingOptions(pad_cond_uncond=True), empty_prompt=torch.full((3, 2), 9.0))(X, 1.0)
    ((_, _, cond),) = unet.calls
    assert cond.tokens[0, :, 0].tolist() == [2.0, 2.0, 2.0, 9.0, 9.0, 9.0]


@pytest.mark.parametrize(("negative", "expected"), [(3, [0.5] * 6), (9, [0.5] * 6)])
def test_the_old_padding_repeats_or_cuts_the_negative_prompt(negative: int, expected: list[float]) -> None:
    held = StepConds(positive=(((prompt(2.0, length=6), 1.0),),), negative=(prompt(0.5, length=negative),))
    unet = Recorder()
    model = guided(held, unet, options=SamplingOptions(pad_cond_uncond_v0=True))
    model(X, 500.0)
    ((_, _, cond),) = unet.calls
    assert cond.tokens[1, :, 0].tolist() == expected
    assert model.noted == {"Pad conds v0": True}


def test_prompts_of_one_batch_are_brought_to_one_length_by_their_last_token() -> None:
    short, long = Cond(tokens=torch.tensor([[1.0], [2.0]])), Cond(tokens=torch.tensor([[3.0], [4.0], [5.0]]))
    held = StepConds(positive=(((short, 1.0), (long, 1.0)),), negative=(long,))
    unet = Recorder()
    guided(held, unet)(X, 500.0)
    assert unet.calls[0][2].tokens[0, :, 0].tolist() == [1.0, 2.0, 2.0]


def test_scale_one_asks_for_the_positive_prompt_only() -> None:
    unet = Recorder()
    out = guided(ONE, unet, guidance_scale=1.0)(X, 500.0)
    assert [len(x) for x, _, _ in unet.calls] == [1]
    assert torch.allclose(out, torch.tensor(2.0))


def test_scale_one_still_needs_the_negative_prompt_for_weighted_prompts() -> None:
    held = StepConds(positive=(((prompt(2.0), 0.5),),), negative=(prompt(1.0),))
    assert torch.allclose(guided(held, guidance_scale=1.0)(X, 500.0), torch.tensor(1.5))


def rows_per_call(model: GuidedModel, unet: Recorder, levels: list[float]) -> list[int]:
    for level in levels:
        model(X, level)
    return [len(x) for x, _, _ in unet.calls]


def test_early_steps_go_without_the_negative_prompt() -> None:
    unet = Recorder()
    model = guided(ONE, unet, options=SamplingOptions(skip_early_cond=0.25))
    assert rows_per_call(model, unet, [500.0] * 8) == [1, 1, 1, 2, 2, 2, 2, 2]
    assert model.noted == {"Skip Early CFG": 0.25}


def test_every_other_step_under_the_given_level_goes_without_the_negative_prompt() -> None:
    unet = Recorder()
    model = guided(ONE, unet, options=SamplingOptions(s_min_uncond=2.0))
    assert rows_per_call(model, unet, [9.0, 3.0, 1.9, 1.0, 0.8, 0.5, 0.2]) == [2, 2, 2, 1, 2, 1, 2]
    assert model.noted == {"NGMS": 2.0}


def test_all_steps_under_the_given_level_can_go_without_the_negative_prompt() -> None:
    unet = Recorder()
    model = guided(ONE, unet, options=SamplingOptions(s_min_uncond=2.0, s_min_uncond_all=True))
    assert rows_per_call(model, unet, [9.0, 3.0, 1.9, 1.0, 0.8]) == [2, 2, 1, 1, 1]
    assert model.noted == {"NGMS": 2.0, "NGMS all steps": True}


def test_settings_that_never_took_effect_are_not_noted() -> None:
    model = guided(ONE, options=SamplingOptions(s_min_uncond=0.01))
    model(X, 5.0)
    model(X, 5.0)
    assert model.noted == {}


def test_without_a_negative_prompt_the_first_of_several_prompts_takes_its_place() -> None:
    held = StepConds(positive=(((prompt(2.0), 1.0), (prompt(3.0), 0.5)),), negative=(prompt(-9.0),))
    out = guided(held, options=SamplingOptions(skip_early_cond=1.0))(X, 500.0)
    assert torch.allclose(out, torch.tensor(2.0 + 7 * 0.5 * 1.0))


def test_conditioning_follows_the_count_of_evaluations() -> None:
    schedule = [ONE, ONE, StepConds(positive=(((prompt(6.0), 1.0),),), negative=(prompt(1.0),))]
    unet = Recorder()
    model = guided(lambda call: schedule[call], unet)
    outs = [float(model(X, 500.0)[0, 0, 0, 0]) for _ in schedule]
    assert outs == pytest.approx([11.0, 11.0, 36.0])
    assert unet.calls[0][2] is unet.calls[1][2]  # the batch is put together once for as long as nothing changes


def test_one_image_of_a_batch_counts_for_itself() -> None:
    held = StepConds(positive=(((prompt(1.0), 1.0),), ((prompt(2.0), 1.0),)), negative=(prompt(0.0), prompt(0.5)))
    model = guided(held, image_cond=torch.tensor([3.0, 4.0]).reshape(2, 1, 1, 1))
    second = model.image(1)
    assert torch.allclose(second(X, 500.0), torch.tensor(0.5 + 7 * 1.5))
    assert (model.call, second.call) == (0, 1)
    assert second.network.image_cond is not None
    assert second.network.image_cond.tolist() == [[[[4.0]]]]


def test_what_goes_beside_the_latent_and_vectors_reach_every_row() -> None:
    first = Cond(tokens=torch.ones(3, 2), vector=torch.tensor([1.0, 2.0]))
    second = Cond(tokens=torch.zeros(3, 2), vector=torch.tensor([3.0, 4.0]))
    held = StepConds(positive=(((first, 1.0), (second, 1.0)), ((second, 1.0),)), negative=(second, first))
    unet = Recorder()
    guided(held, unet, image_cond=torch.tensor([7.0, 8.0]).reshape(2, 1, 1, 1))(torch.zeros(2, 4, 2, 2), 1.0)
    cond = unet.calls[0][2]
    assert cond.vector is not None
    assert cond.vector.tolist() == [[1, 2], [3, 4], [3, 4], [3, 4], [1, 2]]
    assert cond.image_cond is not None
    assert cond.image_cond.ravel().tolist() == [7, 7, 8, 7, 8]


def test_the_interrupt_check_comes_before_every_network_call() -> None:
    asked: list[int] = []

    def check() -> None:
        asked.append(len(unet.calls))
        if len(asked) == 4:
            raise Interrupted

    unet = Recorder()
    model = guided(ONE, unet, options=SamplingOptions(batch_cond_uncond=False), check=check)
    model(X, 500.0)
    with pytest.raises(Interrupted):
        model(X, 500.0)
    assert asked == [0, 1, 2, 3]
    assert len(unet.calls) == 3


def test_rescaling_brings_the_spread_back_to_the_conditional_one() -> None:
    generator = torch.Generator().manual_seed(0)
    positive, wide = (torch.randn(2, 4, 8, 8, generator=generator) * size for size in (1.0, 3.0))
    full = rescale_guidance(wide, positive, 1.0)
    assert full.std(dim=(1, 2, 3)).tolist() == pytest.approx(positive.std(dim=(1, 2, 3)).tolist(), rel=1e-5)
    assert torch.equal(rescale_guidance(wide, positive, 0.0), wide)
    torch.testing.assert_close(rescale_guidance(wide, positive, 0.5), (full + wide) / 2)


def test_rescaling_acts_on_what_the_network_predicts() -> None:
    class Varied(Recorder):
        def __call__(self, x: Tensor, t: Tensor, cond: CondBatch) -> Tensor:
            pattern = torch.arange(x[0].numel(), dtype=torch.float32).reshape(x[0].shape)
            return super().__call__(x, t, cond) * pattern

    plain = guided(ONE, Varied())(X, 500.0)
    rescaled = guided(ONE, Varied(), options=SamplingOptions(cfg_rescale=1.0))(X, 500.0)
    assert float(rescaled.std()) == pytest.approx(float(plain.std()) * 2.0 / 11.0, rel=1e-5)


def test_hooks_see_and_change_each_stage() -> None:
    seen: list[str] = []

    def before(given: GuidanceInput) -> GuidanceInput:
        seen.append(f"before {given.call}/{given.total_calls}")
        return replace(given, cond=given.cond.with_tokens(given.cond.tokens + 1))

    def after(output: GuidanceOutput) -> GuidanceOutput:
        seen.append("after")
        return replace(output, uncond=output.uncond * 0)

    def changed(result: Tensor, output: GuidanceOutput) -> Tensor:
        seen.append("guided")
        return result + 100

    model = guided(ONE, hooks=GuidanceHooks(before=before, after=after, guided=changed))
    assert torch.allclose(model(X, 500.0), torch.tensor(7 * 3.0 + 100))
    assert seen == ["before 0/8", "after", "guided"]


def test_the_combination_can_be_replaced() -> None:
    def weaker(output: GuidanceOutput, scale: float) -> Tensor:
        return combine(output, scale / 2)

    model = guided(ONE, hooks=GuidanceHooks(combine=weaker))
    assert torch.allclose(model(X, 500.0), torch.tensor(0.5 + 3.5 * 1.5))


FIVES = HardBlend(kept=torch.full((1, 1, 1, 1), 5.0), mask=torch.zeros(1, 1, 1, 1))


@pytest.mark.parametrize("denoiser", [TimestepDenoiser, SigmaDenoiser])
def test_kept_parts_are_blended_before_or_after_the_network(denoiser: type[Denoiser]) -> None:
    unet = Recorder()
    model = guided(ONE, unet, hooks=GuidanceHooks(blend=FIVES), denoiser=denoiser)
    out = model(X, 500.0)
    assert float(unet.calls[0][0][0, 0, 0, 0]) == (5.0 if denoiser.blends_input else 0.0)
    assert torch.allclose(out, torch.tensor(11.0 if denoiser.blends_input else 5.0))


def test_the_last_evaluation_is_kept_for_previews() -> None:
    model = guided(ONE)
    assert model.last is None
    model(X, 500.0)
    assert model.last is not None
    assert float(model.last.cond[0, 0, 0, 0]) == 2.0
    assert float(model.last.uncond[0, 0, 0, 0]) == 0.5


def test_the_last_hook_sees_what_was_kept_already_blended_in() -> None:
    hooks = GuidanceHooks(blend=FIVES, guided=lambda result, output: result + 1)
    assert torch.allclose(guided(ONE, hooks=hooks, denoiser=SigmaDenoiser)(X, 500.0), torch.tensor(6.0))


class ImageReader:
    """A network whose noise estimate is the mean of a row's tokens and of the picture beside the latent."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, x: Tensor, t: Tensor, cond: CondBatch) -> Tensor:
        self.calls += 1
        assert cond.image_cond is not None
        level = cond.tokens.mean(dim=(1, 2)) + cond.image_cond.mean(dim=(1, 2, 3))
        return level[:, None, None, None].expand_as(x)


def edited(unet: ImageReader, scale: float | None, **arguments: Any) -> GuidedModel:
    network = ConditionedNetwork(
        predict=unet,
        schedule=SCHEDULE,
        conds=lambda call: ONE,
        image_cond=torch.full((1, 4, 2, 2), 3.0),
        image_guidance_scale=scale,
    )
    return GuidedModel(network, **{"denoiser": TimestepDenoiser, "guidance_scale": 7.0, "total_calls": 8, **arguments})


def test_a_picture_guides_besides_the_prompt() -> None:
    # Brooks et al. 2023, equation 3, with e(0, 0) = 0.5, e(image, 0) = 3.5 and e(image, text) = 5.
    unet = ImageReader()
    assert torch.allclose(edited(unet, 1.5)(X, 500.0), torch.tensor(0.5 + 1.5 * 3.0 + 7 * 1.5))
    assert unet.calls == 1
    apart = edited(unet, 1.5, options=SamplingOptions(batch_cond_uncond=False))
    assert torch.allclose(apart(X, 500.0), torch.tensor(0.5 + 1.5 * 3.0 + 7 * 1.5))
    assert unet.calls == 4
    assert torch.allclose(edited(unet, 1.5).image(0)(X, 500.0), torch.tensor(0.5 + 1.5 * 3.0 + 7 * 1.5))


@pytest.mark.parametrize("scale", [None, 1.0])
def test_at_a_scale_of_one_the_picture_needs_no_evaluation_of_its_own(scale: float | None) -> None:
    unet = ImageReader()
    assert torch.allclose(edited(unet, scale)(X, 500.0), torch.tensor(3.5 + 7 * 1.5))
    assert torch.allclose(edited(unet, scale, guidance_scale=1.0)(X, 500.0), torch.tensor(5.0))
    assert torch.allclose(edited(unet, 1.5, guidance_scale=1.0)(X, 500.0), torch.tensor(5.0 + 0.5 * 3.0))


def test_what_comes_before_the_network_may_be_written_to_and_the_next_evaluation_is_as_before() -> None:
    network, values = Recorder(), list[float]()

    def before(given: GuidanceInput) -> GuidanceInput:
        values.append(float(given.cond.tokens.mean()))
        given.cond.tokens.add_(1.0)
        given.x.mul_(2.0)
        return given

    plain, changed = guided(ONE, Recorder()), guided(ONE, network, hooks=GuidanceHooks(before=before))
    x = X.clone()
    expected, first, second = plain(x, 500.0), changed(x, 500.0), changed(x, 500.0)
    assert torch.equal(x, X)
    assert values[0] == values[1]
    assert torch.equal(first, second)
    assert not torch.equal(first, expected)


def test_the_network_may_be_told_another_level_and_other_latents_for_each_row() -> None:
    scale = 3.0

    def before(given: GuidanceInput) -> GuidanceInput:
        return replace(given, level=100.0, x_uncond=given.x + 1)

    seen = list[tuple[Tensor, float]]()

    def network(call: NetworkCall) -> NetworkCall:
        seen.append((call.x, float(call.t[0])))
        return call

    guided(ONE, hooks=GuidanceHooks(before=before, network=network), guidance_scale=scale)(X, 500.0)
    ((rows, level),) = seen
    assert level == 100.0
    assert torch.equal(rows, torch.cat([X, X + 1]))


def test_residuals_of_several_are_added_up_and_reach_the_network() -> None:
    def unet(x: Tensor, t: Tensor, cond: CondBatch) -> Tensor:
        assert cond.additions is not None
        assert cond.additions.mid is not None
        return torch.zeros_like(x) + cond.additions.mid + sum(cond.additions.down)

    def network(call: NetworkCall) -> NetworkCall:
        one = call.with_residuals([torch.tensor(1.0), torch.tensor(2.0)], torch.tensor(4.0))
        return one.with_residuals([torch.tensor(10.0), torch.tensor(20.0)]).with_attention(scale=1)

    model = guided(ONE, unet, hooks=GuidanceHooks(network=network))
    assert torch.allclose(model(X, 500.0), torch.tensor(37.0))
