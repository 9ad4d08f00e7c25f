"""Which models stay in memory, in which order they go, and what is left of them."""

from __future__ import annotations

import gc
import shutil
import weakref
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
import torch
from safetensors.torch import load_file, save_file

from modules.checkpoints.info import CheckpointInfo
from modules.checkpoints.load import load_checkpoint
from modules.foundation.errors import CheckpointError, Interrupted
from modules.hardware.device import Hardware, HardwareOptions, choose_hardware
from modules.pipeline.model import LoadedModel
from modules.pipeline.model_cache import CacheLimits, ModelCache
from modules.settings.model import Settings
from modules.text_encoders.tokenizer import ClipTokenizer
from tests.tiny_models import make_tiny_sd1


class StoredModels:
    """Three checkpoints in files, a cache over them, and what happened."""

    def __init__(self, folder: Path) -> None:
        self.hardware: Hardware = choose_hardware(HardwareOptions(use_cpu=frozenset({"all"}), full_precision=True))
        self.tokenizer = ClipTokenizer()
        self.infos = {}
        for name in ("a", "b", "c"):
            path = make_tiny_sd1(folder / f"{name}.safetensors")
            self.infos[name] = CheckpointInfo(path=path, name=path.name)
        self.reads: list[str] = []
        self.idle: list[str] = []
        self.cache = ModelCache(self.hardware, self._load, lambda model: self.idle.append(self._name(model)))

    def _load(
        self, info: CheckpointInfo, on_progress: Callable[[float], None] | None, make_room: Callable[[int], None]
    ) -> LoadedModel:
        self.reads.append(info.path.stem)
        return LoadedModel(
            load_checkpoint(info, self.hardware, on_progress, make_room), self.hardware, {"clip": self.tokenizer}
        )

    def _name(self, model: LoadedModel) -> str:
        return model.checkpoint.info.path.stem

    def get(self, name: str, on_progress: Callable[[float], None] | None = None, **limits: int) -> LoadedModel:
        return self.cache.get(self.infos[name], CacheLimits(**limits), on_progress)[0]

    @property
    def held(self) -> list[str]:
        return [path.stem for path in self.cache.paths]


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> StoredModels:
    return StoredModels(tmp_path_factory.mktemp("stored"))


@pytest.fixture
def stored(files: StoredModels) -> StoredModels:
    files.cache.clear()
    files.reads.clear()
    files.idle.clear()
    return files


def test_one_model_is_kept_unless_the_settings_say_more(stored: StoredModels) -> None:
    first = weakref.ref(stored.get("a"))
    stored.get("b")
    assert stored.held == ["b"]
    assert first() is None
    stored.get("b")
    assert stored.reads == ["a", "b"]
    assert stored.idle == ["a"]


def test_as_many_as_asked_for_are_kept_and_the_one_used_longest_ago_goes(stored: StoredModels) -> None:
    first = stored.get("a", models=2)
    stored.get("b", models=2)
    assert stored.get("a", models=2) is first
    stored.get("c", models=2)
    assert stored.held == ["a", "c"]
    stored.get("c", models=1)
    assert stored.held == ["c"]
    assert stored.reads == ["a", "b", "c"]


def test_models_of_one_run_stay_ready_beside_each_other(stored: StoredModels) -> None:
    base = stored.get("a")
    refiner, _ = stored.cache.get(stored.infos["b"], CacheLimits(bytes=1), beside=True)
    assert stored.cache.get(stored.infos["a"], CacheLimits(bytes=1), beside=True)[0] is base
    assert stored.cache.get(stored.infos["b"], CacheLimits(bytes=1), beside=True)[0] is refiner
    assert stored.idle == []
    assert stored.get("a") is base
    assert stored.held == ["a"]
    assert stored.reads == ["a", "b"]


def test_a_budget_in_bytes_goes_before_the_count(stored: StoredModels) -> None:
    size = stored.get("a", models=3).checkpoint.size
    stored.get("b", models=3, bytes=int(2.5 * size))
    assert stored.held == ["a", "b"]
    stored.get("c", models=3, bytes=int(2.5 * size))
    assert stored.held == ["b", "c"]
    stored.get("c", models=3, bytes=1)
    assert stored.held == ["c"]


def test_where_both_do_not_fit_the_first_is_gone_before_the_second_is_read(stored: StoredModels) -> None:
    first = weakref.ref(stored.get("a"))
    budget = int(1.5 * stored.cache.bytes)
    alive: list[bool] = []
    stored.get("b", lambda share: alive.append(first() is not None), bytes=budget)
    assert alive
    assert not any(alive)
    alive.clear()
    second = weakref.ref(stored.get("b"))
    stored.get("a", lambda share: alive.append(second() is not None))
    assert all(alive)


@pytest.mark.parametrize("damage", ["cut", "lacking", "foreign"])
def test_a_load_that_fails_leaves_the_model_in_use_even_where_both_do_not_fit(
    stored: StoredModels, tmp_path: Path, damage: str
) -> None:
    path = tmp_path / "broken.safetensors"
    shutil.copyfile(stored.infos["b"].path, path)
    if damage == "cut":
        path.write_bytes(path.read_bytes()[:-1000])
    elif damage == "lacking":
        tensors = load_file(path)
        del tensors["model.diffusion_model.out.2.weight"]
        save_file(tensors, path)
    else:
        save_file({"double_blocks.0.img_attn.qkv.weight": torch.zeros(1)}, path)
    before = stored.get("a")
    with pytest.raises(CheckpointError, match=r"broken\.safetensors"):
        stored.cache.get(CheckpointInfo(path=path, name=path.name), CacheLimits(bytes=1))
    assert stored.cache.current is before
    assert stored.get("a") is before


def _vaes() -> list[torch.nn.Module]:
    return [each for each in gc.get_objects() if type(each).__name__ == "AutoencoderKL"]


def test_a_file_that_is_cut_off_while_it_is_read_leaves_no_half_model_with_its_error(
    stored: StoredModels, tmp_path: Path
) -> None:
    path = tmp_path / "shrinking.safetensors"
    shutil.copyfile(stored.infos["b"].path, path)
    before = stored.get("a")
    there = weakref.WeakSet(_vaes())
    seen: list[weakref.ref[torch.nn.Module]] = []

    def shrink(share: float) -> None:
        if 0.5 < share < 0.9 and path.stat().st_size > 10_000:
            seen.extend(weakref.ref(vae) for vae in _vaes() if vae not in there)
            path.write_bytes(path.read_bytes()[:10_000])

    with pytest.raises(CheckpointError, match=r"shrinking\.safetensors .*cut off") as caught:
        stored.cache.get(CheckpointInfo(path=path, name=path.name), CacheLimits(), shrink)
    assert stored.get("a") is before
    gc.collect()
    assert seen
    assert [vae() for vae in seen if vae() is not None] == []
    assert caught.value is not None


def test_a_load_can_be_interrupted(stored: StoredModels) -> None:
    before = stored.get("a")

    def stop(share: float) -> None:
        raise Interrupted

    with pytest.raises(Interrupted):
        stored.get("b", stop)
    assert stored.get("a") is before


def test_a_file_that_changed_is_read_again(stored: StoredModels, tmp_path: Path) -> None:
    path = tmp_path / "changing.safetensors"
    shutil.copyfile(stored.infos["a"].path, path)
    info = CheckpointInfo(path=path, name=path.name)
    first, _ = stored.cache.get(info, CacheLimits(models=2))
    save_file({**load_file(path), "note": torch.zeros(1)}, path)
    second, changed = stored.cache.get(info, CacheLimits(models=2))
    assert changed
    assert second is not first
    assert len(stored.cache.paths) == 1


def test_the_settings_are_those_that_people_know() -> None:
    assert CacheLimits.of(Settings()) == CacheLimits(models=1, on_device=1, bytes=None)
    settings = Settings(
        sd_checkpoints_limit=3, sd_checkpoint_cache=1, sd_checkpoints_keep_in_cpu=False, sd_checkpoints_memory=12.5
    )
    assert CacheLimits.of(settings) == CacheLimits(models=4, on_device=3, bytes=12_500_000_000)


def test_memory_is_flat_over_twenty_switches(stored: StoredModels) -> None:
    """With a second one kept, so that models wait, come back and go."""
    process, sizes = psutil.Process(), []
    size = stored.get("a", models=2).checkpoint.size
    for number in range(20):
        stored.get("abc"[number % 3] if number % 4 else "a", models=2)
        gc.collect()
        sizes.append(process.memory_info().rss)
    # The allocator needs a few rounds until its pools have their size.
    growth = sum(sizes[-5:]) / 5 - sum(sizes[5:10]) / 5
    assert growth < size / 4, [each // 1_000_000 for each in sizes]
