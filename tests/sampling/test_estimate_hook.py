"""What asks the network for estimates may be replaced."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from modules.sampling.classifier_free_guidance import GuidedModel
from modules.sampling.conditioning import CondBatch, StepConds
from modules.sampling.denoiser import TimestepDenoiser
from modules.sampling.guidance_hooks import Estimate, GuidanceHooks, NetworkCall
from modules.sampling.network import ConditionedNetwork
from tests.sampling.models import SCHEDULE, prompt

X = torch.zeros(1, 4, 2, 2)


def mean_of_tokens(x: Tensor, t: Tensor, cond: CondBatch) -> Tensor:
    return cond.tokens.mean(dim=(1, 2))[:, None, None, None].expand_as(x)


def guided(hooks: GuidanceHooks) -> GuidedModel:
    conds = StepConds(positive=(((prompt(2.0), 1.0),),), negative=(prompt(0.5),))
    network = ConditionedNetwork(predict=mean_of_tokens, schedule=SCHEDULE, conds=lambda call: conds)
    return GuidedModel(network, denoiser=TimestepDenoiser, guidance_scale=7.0, total_calls=8, hooks=hooks)


def test_what_asks_the_network_may_be_replaced_and_asked_with_other_rows_and_levels() -> None:
    seen = list[Any]()

    def estimate(ask: Estimate) -> Estimate:
        def halves(x: Tensor, levels: Tensor, cond: CondBatch) -> Tensor:
            seen.append((len(x), levels.tolist()))
            parts = [ask(x[row : row + 1], levels[row : row + 1], cond.rows(row, row + 1)) for row in range(len(x))]
            return torch.cat(parts)

        return halves

    plain = guided(GuidanceHooks())(X, 500.0)
    assert torch.allclose(guided(GuidanceHooks(estimate=estimate))(X, 500.0), plain)
    assert seen == [(2 * len(X), [500.0] * 2 * len(X))]

    def elsewhere(ask: Estimate) -> Estimate:
        return lambda x, levels, cond: ask(x, torch.full_like(levels, 100.0), cond)

    times = list[float]()

    def watch(call: NetworkCall) -> NetworkCall:
        times.append(float(call.t[0]))
        return call

    guided(GuidanceHooks(estimate=elsewhere, network=watch))(X, 500.0)
    assert times == [100.0]
