"""Going from one checkpoint to another, as a run and those who watch it see it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from modules.foundation.errors import CheckpointError, Interrupted
from modules.generation.progress import RunControl
from modules.generation.request import GenerationRequest
from modules.pipeline.run import run
from tests.parity import make_tiny
from tests.pipeline.conftest import Studio
from tests.tiny_models import make_tiny_sd1

LAYER = "lora_unet_down_blocks_0_attentions_0_transformer_blocks_0_attn2_to_k"


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Studio]:
    studio = Studio(tmp_path_factory.mktemp("two"))
    make_tiny_sd1(studio.data / "models" / "Stable-diffusion" / "second.safetensors")
    yield studio
    studio.application.close()


def _request(checkpoint: str, **changes: object) -> GenerationRequest:
    asked: dict[str, object] = {"prompt": "a cat", "seed": 1, "steps": 1, "width": 64, "height": 64, **changes}
    return GenerationRequest(**asked, override_settings={"sd_model_checkpoint": checkpoint})  # type: ignore[arg-type]


class Watched(RunControl):
    """Remembers what could be seen of a load while it ran."""

    def __init__(self, studio: Studio, stop_at: float = 2.0) -> None:
        super().__init__()
        self.studio, self.stop_at = studio, stop_at
        self.seen: list[tuple[str, float | None, tuple[str, float] | None]] = []

    def at_load(self, share: float) -> None:
        if share >= self.stop_at:
            self.interrupt()
        super().at_load(share)
        now = self.snapshot()
        self.seen.append((now.phase, now.loaded, self.studio.application.loading))


def test_a_load_is_seen_as_part_of_its_job_and_by_everybody_else(two: Studio) -> None:
    two.make()
    control = Watched(two)
    run(_request("second"), two.application.engine, control)
    phases, shares, loading = zip(*control.seen, strict=True)
    assert set(phases) == {"loading"}
    assert list(shares[:-1]) == sorted(shares[:-1])
    assert shares[-1] is None
    assert loading[0] == ("second.safetensors", shares[0])
    assert two.application.loading is None
    assert control.snapshot().loaded is None


def test_a_job_is_stopped_while_its_checkpoint_is_read_and_the_next_one_runs(two: Studio) -> None:
    before = two.make().samples[0].image
    control = Watched(two, stop_at=0.3)
    with pytest.raises(Interrupted):
        run(_request("second"), two.application.engine, control)
    assert two.application.loading is None
    model = two.application.engine.model
    assert model is not None
    assert model.checkpoint.info.name == "tiny.safetensors"
    assert np.array_equal(np.asarray(two.make().samples[0].image), np.asarray(before))


def test_a_checkpoint_that_cannot_be_loaded_leaves_the_one_before_at_work(two: Studio) -> None:
    before = two.make().samples[0].image
    (two.data / "models" / "Stable-diffusion" / "text.safetensors").write_text("no model at all, but a long text")
    with pytest.raises(CheckpointError, match=r"text\.safetensors is not a usable model file"):
        two.make(override_settings={"sd_model_checkpoint": "text"})
    assert np.array_equal(np.asarray(two.make().samples[0].image), np.asarray(before))


def test_merged_weights_go_with_the_model_that_is_not_in_use_any_more(two: Studio) -> None:
    generator = torch.Generator().manual_seed(0)
    parts = {"up": (32, 4), "down": (4, 48)}
    tensors = {f"{LAYER}.lora_{name}.weight": torch.randn(shape, generator=generator) for name, shape in parts.items()}
    folder = two.data / "models" / "Lora"
    folder.mkdir(parents=True)
    save_file(tensors, folder / "style.safetensors")
    two.application.settings.change({"sd_checkpoints_limit": 2}, save=False)
    plain, changed = (two.make(prompt=prompt).samples[0].image for prompt in ("a cat", "a cat<lora:style:1>"))
    engine = two.application.engine
    first = engine.model
    assert first is not None
    assert engine.extra_networks.patcher(first).kept_bytes > 0
    run(_request("second"), engine, RunControl())
    assert engine.extra_networks.patcher(first).kept_bytes == 0
    again = [two.make(prompt=prompt).samples[0].image for prompt in ("a cat", "a cat<lora:style:1>")]
    assert engine.model is first
    assert all(np.array_equal(np.asarray(a), np.asarray(b)) for a, b in zip((plain, changed), again, strict=True))


def test_vaes_of_files_are_kept_as_many_as_the_settings_say(two: Studio) -> None:
    made = make_tiny.B(106)
    make_tiny.vae(made, "", 32, make_tiny.MULT)
    paths: list[Path] = []
    for name in ("one", "two"):
        path = two.data / "models" / "VAE" / f"{name}.safetensors"
        make_tiny.write(str(path), made.sd)
        paths.append(path)
    cache = two.application.engine.vae_cache
    first = cache.get(paths[0], 1)
    assert cache.get(paths[0], 1) is first
    cache.get(paths[1], 1)
    assert cache.get(paths[0], 2) is not first
    assert cache.get(paths[1], 0) is not None
    kept = cache.get(paths[0], 1)
    save_file({**made.sd, "note": torch.zeros(1)}, paths[0])
    assert cache.get(paths[0], 1) is not kept
