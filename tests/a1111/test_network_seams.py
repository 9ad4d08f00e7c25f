"""What extensions put in the place of the network, as samplers call it: `inner_model.forward`, `apply_model`."""

from __future__ import annotations

from typing import Any

import numpy
import pytest
import torch

from modules import sd_samplers
from tests.a1111.conftest import Stage
from tests.a1111.seams import alike, here, pixels

__all__ = ["here"]

KINDS = ["Euler", "DPM++ 2M", "DDIM"]


def hooked(monkeypatch: pytest.MonkeyPatch, hook: Any) -> None:
    original = sd_samplers.create_sampler

    def create_sampler(name: str, model: Any) -> Any:
        sampler = original(name, model)
        hook(sampler)
        return sampler

    monkeypatch.setattr(sd_samplers, "create_sampler", create_sampler)


@pytest.mark.parametrize("sampler", KINDS)
def test_the_networks_forward_may_be_replaced_by_one_that_calls_it(
    here: Stage, sampler: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = {"sampler": sampler, "steps": 3, "batch_size": 2}
    plain, seen, factor = pixels(here, **asked), list[Any](), [1.0]

    def hook(sampler: Any) -> None:
        inner = sampler.model_wrap_cfg.inner_model
        original = inner.forward

        def forward(x: Any, sigma: Any, cond: Any) -> Any:
            seen.append((tuple(x.shape), tuple(sigma.shape), tuple(cond["c_crossattn"][0].shape)))
            return original(x, sigma, cond=cond) * factor[0]

        inner.forward = forward

    hooked(monkeypatch, hook)
    assert numpy.array_equal(pixels(here, **asked), plain)
    assert seen[0] == ((4, 4, 8, 8), (4,), (4, 77, 48))
    factor[0] = 0.9
    assert not alike(pixels(here, **asked), plain)
    monkeypatch.undo()
    assert numpy.array_equal(pixels(here, **asked), plain)


def test_it_may_be_called_in_tiles_with_rows_of_its_own(here: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    plain, seen = pixels(here, width=128), list[Any]()

    def hook(sampler: Any) -> None:
        inner = sampler.model_wrap_cfg.inner_model
        original = inner.forward

        def forward(x: Any, sigma: Any, cond: Any) -> Any:
            tiles = torch.cat([x[..., :8], x[..., 8:]])
            tokens = [cond["c_crossattn"][0].repeat(2, 1, 1)]
            given = {"c_crossattn": tokens, "c_concat": [cond["c_concat"][0].repeat(2, 1, 1, 1)]}
            seen.append(len(tiles))
            left, right = original(tiles, sigma.repeat(2), cond=given).chunk(2)
            return torch.cat([left, right], dim=-1)

        inner.forward = forward

    hooked(monkeypatch, hook)
    tiled = pixels(here, width=128)
    assert seen == [4, 4]
    assert not alike(tiled, plain)
    left = pixels(here, width=128)
    assert numpy.array_equal(left, tiled)


@pytest.mark.parametrize("sampler", KINDS)
def test_apply_model_may_be_replaced_on_the_model_and_put_back(here: Stage, sampler: str) -> None:
    asked = {"sampler": sampler, "steps": 3}
    plain, seen = pixels(here, **asked), list[Any]()
    model = here.dialect.shared.sd_model
    original = model.apply_model

    def apply_model(x_in: Any, t_in: Any, cond: Any) -> Any:
        seen.append((tuple(x_in.shape), tuple(t_in.shape), sorted(cond)))
        return original(x_in, t_in, cond)

    model.apply_model = apply_model
    try:
        # A script has to listen, and one does: `Here`.
        assert alike(pixels(here, **asked), plain)
        model.apply_model = lambda x, t, cond: original(x, t, cond) * 0.5
        assert not alike(pixels(here, **asked), plain)
    finally:
        del model.apply_model
    assert seen[0] == ((2, 4, 8, 8), (2,), ["c_concat", "c_crossattn"])
    assert numpy.array_equal(pixels(here, **asked), plain)


def test_a_forward_that_raises_is_named_and_the_program_goes_on(here: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    plain, names = pixels(here), dict[str, Any]()
    file = here.data / "extensions" / "some" / "scripts" / "network.py"
    source = "def forward(x, sigma, cond): raise RuntimeError('no network today')"
    exec(compile(source, str(file), "exec"), names)
    hooked(monkeypatch, lambda sampler: setattr(sampler.model_wrap_cfg.inner_model, "forward", names["forward"]))
    assert numpy.array_equal(pixels(here), plain)
    assert "no network today" in here.dialect.errors[str(file)][-1]


def test_what_is_put_on_the_model_stays_there_from_run_to_run(here: Stage) -> None:
    here.make()
    model = here.dialect.shared.sd_model
    model.mine = "kept"
    here.make()
    assert here.dialect.shared.sd_model is model
    assert model.mine == "kept"
    del model.mine
