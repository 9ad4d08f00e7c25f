"""Extra networks as a user meets them: tags in prompts, of a real application over a tiny checkpoint."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from modules.foundation.errors import Refused
from modules.generation.result import GenerationResult
from modules.hooks.events import RunEvent
from modules.pipeline.run import run
from tests.pipeline.conftest import Studio
from tests.tiny_models import make_tiny_sd1

UNET = "lora_unet_down_blocks_0_attentions_0_transformer_blocks_0_attn2_to_k"
TEXT = "lora_te_text_model_encoder_layers_0_mlp_fc1"


def _randn(*shape: int, seed: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def _lora(layer: str, out: int, into: int, seed: int) -> dict[str, Tensor]:
    return {
        f"{layer}.lora_up.weight": _randn(out, 4, seed=seed),
        f"{layer}.lora_down.weight": _randn(4, into, seed=seed),
    }


def _pixels(result: GenerationResult, number: int = 0) -> np.ndarray:
    return np.asarray(result.samples[number].image)


def _same(one: GenerationResult, other: GenerationResult) -> bool:
    return bool(np.array_equal(_pixels(one), _pixels(other)))


@pytest.fixture(scope="module", autouse=True)
def networks(studio: Studio) -> None:
    folder = studio.data / "models" / "Lora"
    folder.mkdir(parents=True)
    both = {**_lora(UNET, 32, 48, 1), **_lora(TEXT, 192, 48, 2)}
    save_file(both, folder / "style.safetensors", {"ss_output_name": "my style"})
    save_file(_lora(UNET, 32, 48, 3), folder / "other.safetensors")
    save_file(_lora(UNET, 640, 2048, 3), folder / "large.safetensors", {"ss_base_model_version": "sdxl_base_v1-0"})
    bad = _lora(UNET, 32, 48, 4)
    bad[f"{UNET}.lora_up.weight"][0, 0] = math.nan
    save_file(bad, folder / "bad.safetensors")
    (folder / "text.safetensors").write_text("no network at all")
    bundle = {**_lora(UNET, 32, 48, 5), "bundle_emb.sparkle.string_to_param.*": _randn(2, 48, seed=6)}
    save_file(bundle, folder / "bundle.safetensors")
    hyper = studio.data / "models" / "hypernetworks"
    hyper.mkdir()
    layer = {
        "linear.0.weight": _randn(48, 48, seed=7) / 7,
        "linear.0.bias": torch.zeros(48),
        "linear.1.weight": _randn(48, 48, seed=8) / 7,
        "linear.1.bias": torch.zeros(48),
    }
    torch.save({48: (layer, layer), "activation_func": "linear"}, hyper / "bend.pt")


@pytest.fixture(scope="module")
def plain(studio: Studio) -> GenerationResult:
    return studio.make()


def _digest(studio: Studio) -> str:
    model = studio.application.engine.model
    assert model is not None
    digest = hashlib.sha256()
    for part in (model.checkpoint.unet, *model.checkpoint.text_models):
        for tensor in part.state_dict().values():
            digest.update(tensor.clone(memory_format=torch.contiguous_format).flatten().view(torch.uint8).numpy())
    return digest.hexdigest()


def test_a_tag_changes_the_picture_and_is_gone_afterwards(studio: Studio, plain: GenerationResult) -> None:
    before = _digest(studio)
    changed = studio.make(prompt="a cat<lora:style:0.8>")
    assert not _same(changed, plain)
    assert _digest(studio) == before
    assert _same(studio.make(), plain)
    assert _same(studio.make(prompt="a cat<lora:style:0.8>"), changed)


def test_the_text_without_tags_is_what_is_encoded(studio: Studio, plain: GenerationResult) -> None:
    assert _same(studio.make(prompt="a <lora:style:0>cat"), plain)
    assert _same(studio.make(prompt="a cat<unheard_of:thing>"), plain)


def test_the_infotext_keeps_the_tags_and_names_the_hashes(studio: Studio) -> None:
    result = studio.make(prompt="a cat<lora:my style:0.8> <lora:other:1>", override_settings={"tiling": True})
    folder = studio.data / "models" / "Lora"
    digests = []
    for name in ("style", "other"):
        data = (folder / f"{name}.safetensors").read_bytes()
        digests.append(hashlib.sha256(data[8 + int.from_bytes(data[:8], "little") :]).hexdigest()[:12])
    hashes = f"my style: {digests[0]}, other: {digests[1]}"
    text = result.samples[0].infotext
    assert text.startswith("a cat<lora:my style:0.8> <lora:other:1>\nSteps: 2, ")
    assert f'Tiling: True, Lora hashes: "{hashes}", Version: ' in text
    assert result.info["extra_generation_params"] == {"Lora hashes": hashes}
    without = studio.make(prompt="a cat<lora:other>", override_settings={"lora_add_hashes_to_infotext": False})
    assert "Lora hashes" not in without.samples[0].infotext


@pytest.mark.parametrize(
    ("tag", "warning"),
    [
        ("<lora:nobody:1>", "Networks not found: nobody"),
        ("<hypernet:nobody:1>", "Networks not found: nobody"),
        ("<lora:bad:1>", "bad.safetensors is damaged"),
        ("<lora:text:1>", "text.safetensors is not a usable model file"),
        ("<lora:large:1>", "'large' was made for SDXL models; the checkpoint is SD1"),
        ("<lora:style:much>", "'much' is not a number"),
    ],
)
def test_what_cannot_be_used_is_told_of_once_and_the_picture_is_made(
    studio: Studio, plain: GenerationResult, tag: str, warning: str
) -> None:
    result = studio.make(prompt=f"a cat{tag}", batch_count=2)
    assert len([text for text in result.warnings if warning in text]) == 1
    assert _same(result, plain)
    assert "Lora hashes" not in result.samples[0].infotext


@pytest.mark.parametrize("tag", ["<lora:nobody:1>", "<lora:bad:1>", "<lora:large:1>", "<lora:style:much>"])
def test_the_settings_can_make_it_an_error(studio: Studio, tag: str) -> None:
    before = _digest(studio)
    with pytest.raises(Refused, match=r"nobody|bad|large|much"):
        studio.make(prompt=f"a cat<lora:style:1>{tag}", override_settings={"lora_not_found_is_error": True})
    assert _digest(studio) == before


def test_strengths_for_text_and_unet_differ(studio: Studio, plain: GenerationResult) -> None:
    tags = ("<lora:style:1:0>", "<lora:style:0:1>", "<lora:style:1>", "<lora:style:1:1:2>")
    results = [studio.make(prompt=f"a cat{tag}") for tag in tags]
    pictures = [_pixels(result) for result in (plain, *results)]
    assert len({picture.tobytes() for picture in pictures}) == len(pictures)


def test_what_was_encoded_under_a_network_is_not_taken_for_what_was_not(
    studio: Studio, plain: GenerationResult
) -> None:
    text_only = studio.make(prompt="a cat<lora:style:1:0>")
    assert _same(studio.make(), plain)
    assert _same(studio.make(prompt="a cat<lora:style:1:0>"), text_only)
    half = studio.make(prompt="a cat<lora:style:0.5:0>")
    uncached = studio.make(prompt="a cat<lora:style:0.5:0>", override_settings={"persistent_cond_cache": False})
    assert _same(half, uncached)
    assert not _same(half, text_only)


def test_networks_come_from_the_first_prompt_of_each_batch(studio: Studio, plain: GenerationResult) -> None:
    with_network = studio.make(prompt="a cat<lora:style:1>")

    def different_prompts(plan: Any, event: RunEvent) -> Any:
        from dataclasses import replace

        return replace(plan, prompts=("a cat", "a cat<lora:style:1>"), seeds=(1, 1))

    detach = studio.application.hooks.plan.attach("test", different_prompts)
    try:
        together = studio.make(batch_size=2)
        apart = studio.make(batch_count=2)
    finally:
        detach()
    # One picture of two is computed in a batch of two, whose rounding differs.
    assert np.abs(_pixels(together, 1).astype(int) - _pixels(plain)).max() <= 1
    assert np.array_equal(_pixels(apart, 0), _pixels(plain))
    assert np.array_equal(_pixels(apart, 1), _pixels(with_network))


def test_negative_prompts_have_no_networks(studio: Studio, plain: GenerationResult) -> None:
    result = studio.make(negative_prompt="<lora:nobody:1>")
    assert not any("nobody" in text for text in result.warnings)
    # There it is text like any other.
    assert not _same(result, plain)


def test_a_hypernetwork_acts_and_leaves(studio: Studio, plain: GenerationResult) -> None:
    before = _digest(studio)
    assert not _same(studio.make(prompt="a cat<hypernet:bend:0.7>"), plain)
    assert _digest(studio) == before
    assert _same(studio.make(prompt="a cat<hypernet:bend:0>"), plain)


def test_bundled_embeddings_are_words_while_their_network_is_there(studio: Studio) -> None:
    without = studio.make(prompt="a sparkle cat")
    unet_only = studio.make(prompt="a cat<lora:bundle:0>")
    within = studio.make(prompt="a sparkle cat<lora:bundle:0>")
    assert not _same(within, without)
    assert _same(studio.make(prompt="a sparkle cat"), without)
    assert 'TI hashes: "sparkle: bundle"' in within.samples[0].infotext
    assert "TI hashes" not in unet_only.samples[0].infotext


def test_the_settings_can_add_networks_to_every_prompt(studio: Studio) -> None:
    settings = {"sd_lora": "style", "sd_hypernetwork": "bend", "extra_networks_default_multiplier": 0.5}
    added = studio.make(override_settings=settings)
    assert added.samples[0].infotext.startswith("a cat<lora:style:0.5><hypernet:bend:0.5>\n")
    assert _same(added, studio.make(prompt="a cat<lora:style:0.5><hypernet:bend:0.5>"))
    own = studio.make(prompt="a cat<lora:style:0.25>", override_settings={"sd_lora": "style"})
    assert own.samples[0].infotext.startswith("a cat<lora:style:0.25>\n")


def test_a_changed_file_is_read_again(studio: Studio) -> None:
    path = studio.data / "models" / "Lora" / "growing.safetensors"
    save_file(_lora(UNET, 32, 48, 20), path)
    first = studio.make(prompt="a cat<lora:growing:1>")
    save_file({**_lora(UNET, 32, 48, 21), **_lora(TEXT, 192, 48, 22)}, path)
    assert not _same(studio.make(prompt="a cat<lora:growing:1>"), first)


def test_a_run_within_a_run_has_networks_of_its_own(studio: Studio, plain: GenerationResult) -> None:
    alone = studio.make(prompt="a cat<lora:style:1>")
    inner: list[GenerationResult] = []

    def another(picture: Any, event: RunEvent) -> Any:
        if not inner:
            inner.append(plain)
            from modules.generation.progress import RunControl
            from modules.generation.request import GenerationRequest

            request = GenerationRequest(**{**event.request.__dict__, "prompt": "a cat"})
            inner[0] = run(request, studio.application.engine, RunControl())
        return picture

    detach = studio.application.hooks.picture.attach("test", another)
    try:
        outer = studio.make(prompt="a cat<lora:style:1>", batch_count=2, seed=1)
    finally:
        detach()
    assert _same(inner[0], plain)
    assert _same(outer, alone)
    assert np.array_equal(_pixels(outer, 1), _pixels(studio.make(prompt="a cat<lora:style:1>", seed=2)))
    assert "style" not in inner[0].samples[0].infotext
    assert "Lora hashes" in outer.samples[1].infotext


def test_memory_stays_flat_over_many_networks(studio: Studio) -> None:
    engine = studio.application.engine
    assert engine.model is not None
    patcher = engine.extra_networks.patcher(engine.model)
    sizes: set[int] = set()
    for number in range(6):
        studio.make(prompt=f"a cat<lora:style:{number / 10 + 0.1}>", steps=1)
        sizes.add(patcher.kept_bytes)
    assert len(sizes) == 1
    studio.make(steps=1)
    assert patcher.kept_bytes == 0


@pytest.fixture(autouse=True)
def nothing_was_skipped(studio: Studio) -> Iterator[None]:
    """A hook that fails is skipped; here that would hide what is tested."""
    yield
    assert not [failure for point in studio.application.hooks.all() for failure in point.failures]


def test_the_folders_are_those_of_a_customary_installation(studio: Studio) -> None:
    found = studio.application.networks.find("hypernet", "bend")
    assert found is not None
    assert found.path == Path(studio.data / "models" / "hypernetworks" / "bend.pt")


def test_a_lora_changes_the_model_that_begins_and_not_its_refiner(studio: Studio, plain: GenerationResult) -> None:
    make_tiny_sd1(studio.data / "models" / "Stable-diffusion" / "twin.safetensors")

    def refined(prompt: str, switch_at: float) -> GenerationResult:
        return studio.make(prompt=prompt, refiner_checkpoint="twin", refiner_switch_at=switch_at)

    assert _same(refined("a cat", 0.5), plain)
    assert _same(refined("a cat<lora:style:0.8>", 0.0), plain)
    half = refined("a cat<lora:style:0.8>", 0.5)
    assert "Refiner: twin" in half.samples[0].infotext
    assert "Lora hashes" in half.samples[0].infotext
    assert not _same(half, plain)
    assert not _same(half, studio.make(prompt="a cat<lora:style:0.8>"))
    twin = {"sd_model_checkpoint": "twin"}
    changed = studio.make(prompt="a cat<lora:style:0.8>")
    assert _same(studio.make(prompt="a cat<lora:style:0.8>", override_settings=twin), changed)


def test_a_hypernetwork_goes_on_with_the_refiner(studio: Studio) -> None:
    make_tiny_sd1(studio.data / "models" / "Stable-diffusion" / "twin.safetensors")
    alone = studio.make(prompt="a cat<hypernet:bend:1>")
    refined = studio.make(prompt="a cat<hypernet:bend:1>", refiner_checkpoint="twin", refiner_switch_at=0.5)
    assert "Refiner: twin" in refined.samples[0].infotext
    assert _same(refined, alone)


def test_a_network_named_twice_works_twice_as_its_last_tag_says(studio: Studio) -> None:
    twice = studio.make(prompt="a cat<lora:style:0.2><lora:style:0.5:0.4>")
    both = studio.make(prompt="a cat<lora:style:1.0:0.8>")
    difference = np.abs(_pixels(twice).astype(int) - _pixels(both).astype(int))
    assert difference.max() <= 1
    assert not _same(twice, studio.make(prompt="a cat<lora:style:0.7:0.6>"))
    named = studio.make(prompt="a cat<lora:style:0.2:unet=1><lora:style:te=0.5:unet=0.4>")
    assert _same(named, twice)
