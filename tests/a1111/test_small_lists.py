"""Lists and small helpers that extensions find: schedules, VAEs, facts of files, downloads, noise by seeds."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from modules import cache, images, processing, rng, sd_schedulers, shared, shared_items, timer
from modules.foundation.errors import ExtensionError
from modules.modelloader import load_file_from_url
from tests.a1111.conftest import Stage


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    made = Stage(tmp_path_factory.mktemp("lists"), {"nothing.py": ""})
    yield made
    made.close()


def test_schedules_are_found_by_name_and_by_label(here: Stage) -> None:
    assert [each.label for each in sd_schedulers.schedulers][:3] == ["Automatic", "Uniform", "Karras"]
    known = sd_schedulers.schedulers_map
    assert known["karras"] == known["Karras"]
    assert (known["karras"].default_rho, known["uniform"].default_rho) == (7.0, -1)
    assert shared_items.sd_vae_items()[:2] == ["Automatic", "None"]


def test_noise_by_seeds_is_what_pictures_start_from(here: Stage) -> None:
    drawn = rng.ImageRNG((4, 8, 8), [1, 2])
    first = drawn.next()
    assert torch.equal(first[0], rng.randn(1, (4, 8, 8)))
    assert torch.equal(first, processing.create_random_tensors((4, 8, 8), [1, 2]))
    assert not torch.equal(drawn.next(), first)
    varied = rng.ImageRNG((4, 8, 8), [1], subseeds=[2], subseed_strength=0.5).next()
    assert torch.allclose(varied[0], rng.slerp(0.5, first[0], first[1]))


def test_what_is_known_of_a_file_is_found_out_again_once_it_has_changed(here: Stage, tmp_path: Path) -> None:
    file, asked = tmp_path / "file", []
    file.write_text("one")

    def look() -> str:
        asked.append(1)
        return file.read_text()

    for _ in range(2):
        assert cache.cached_data_for_file("some", "file", str(file), look) == "one"
    file.write_text("two")
    os.utime(file, (2e9, 2e9))
    assert cache.cached_data_for_file("some", "file", str(file), look) == "two"
    assert len(asked) == 2


def test_a_file_of_a_model_is_fetched_once_and_no_other_address_is_opened(here: Stage, tmp_path: Path) -> None:
    (tmp_path / "there.pt").write_bytes(b"weights")
    assert load_file_from_url("https://a.invalid/there.pt", str(tmp_path)) == str(tmp_path / "there.pt")
    with pytest.raises(ExtensionError, match="no address"):
        load_file_from_url(f"file://{tmp_path}/there.pt", str(tmp_path / "new"))


def test_settings_that_change_nothing_have_the_values_of_the_original(here: Stage) -> None:
    assert shared.opts.multiple_tqdm is True
    assert shared.opts.interrogate_clip_max_length == 48
    with pytest.raises(AttributeError, match="never_declared"):
        _ = shared.opts.never_declared


def test_flags_that_nobody_has_are_no_attributes(here: Stage) -> None:
    assert getattr(shared.cmd_opts, "some_ones_flag", 8) == 8
    assert shared.cmd_opts.medvram is False
    assert shared.cmd_opts.max_batch_count == 16


def test_lines_beside_a_grid_are_drawn(here: Stage) -> None:
    from PIL import Image

    lines = [[images.GridAnnotation("left")], [images.GridAnnotation("right", is_active=False)]]
    drawn = images.draw_grid_annotations(Image.new("RGB", (128, 64)), 64, 64, lines, [[images.GridAnnotation()]])
    assert drawn.width == 128
    assert drawn.height > 64


def test_times_are_counted_by_name() -> None:
    counted = timer.Timer()
    counted.record("one")
    counted.record("one", extra_time=2)
    assert counted.records["one"] == pytest.approx(counted.total)
    assert counted.total >= 2
    assert "one" in counted.summary()


def test_a_mask_is_what_is_painted_or_what_is_shown(here: Stage) -> None:
    from PIL import Image

    painted = Image.new("RGBA", (2, 1), (0, 0, 0, 0))
    painted.putpixel((0, 0), (0, 0, 0, 200))
    assert processing.create_binary_mask(painted).tobytes() == b"\xff\x00"
    assert processing.create_binary_mask(Image.new("RGB", (1, 1), "white")).tobytes() == b"\xff"
    assert processing.create_binary_mask(painted, round=False).tobytes() == b"\xc8\x00"
