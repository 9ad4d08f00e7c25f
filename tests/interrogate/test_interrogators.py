from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from modules.foundation.errors import Interrupted, RequestError
from modules.generation.progress import RunControl
from modules.hardware.device import HardwareOptions, choose_hardware
from modules.interrogate.catalogue import AddedCaptioner, CaptionerCatalogue, CaptionerFolders
from modules.interrogate.interrogators import Interrogators
from modules.interrogate.options import InterrogateOptions
from modules.settings.model import Settings
from tests.interrogate import tiny

CPU = choose_hardware(HardwareOptions(use_cpu=frozenset({"all"}), full_precision=True))


@pytest.fixture
def at_hand(tmp_path: Path) -> Interrogators:
    tiny.write_blip_folder(tmp_path / "BLIP", tiny.blip())
    tiny.write_clip_folder(tmp_path / "CLIP" / "small", tiny.clip())
    tiny.write_booru(tmp_path / "booru")
    lists = tmp_path / "interrogate"
    lists.mkdir()
    (lists / "mediums.txt").write_text("an oil painting\na photograph\n")
    (lists / "flavors.top2.txt").write_text("soft light\nmist\nrain\n")
    folders = CaptionerFolders(
        blip=[tmp_path / "BLIP"],
        clip=[tmp_path / "CLIP"],
        deepdanbooru=[tmp_path / "booru"],
        wd14=[tmp_path / "WD14"],
        categories=[lists],
    )
    return Interrogators(CaptionerCatalogue(folders), CPU)


def options(**changes: Any) -> InterrogateOptions:
    return InterrogateOptions.of(Settings().changed(changes))


def test_the_best_words_of_each_category_follow_the_caption(at_hand: Interrogators) -> None:
    caption = at_hand.describe(tiny.picture(), "blip", options())
    whole = at_hand.describe(tiny.picture(), "clip", options())
    assert whole.startswith(f"{caption}, ")
    words = whole.removeprefix(f"{caption}, ").split(", ")
    assert len(words) == 3
    assert set(words[:2]) < {"soft light", "mist", "rain"}
    assert words[2] in ("an oil painting", "a photograph")
    skipped = at_hand.describe(tiny.picture(), "clip", options(interrogate_clip_skip_categories=["flavors.top2"]))
    assert skipped == f"{caption}, {words[2]}"
    one = at_hand.describe(tiny.picture(), "clip", options(interrogate_clip_dict_limit=1))
    assert one == f"{caption}, soft light, an oil painting"
    ranked = at_hand.describe(tiny.picture(), "clip", options(interrogate_return_ranks=True))
    assert f"({words[0]}:0." in ranked


def test_models_go_after_the_job_or_are_kept_as_the_settings_say(at_hand: Interrogators) -> None:
    at_hand.describe(tiny.picture(), "clip", options())
    assert at_hand.loaded == ()
    with at_hand.at_work(options()):
        at_hand.describe(tiny.picture(), "clip", options())
        at_hand.describe(tiny.picture(), "deepbooru", options())
        assert at_hand.loaded == ("blip", "clip", "deepdanbooru")
    assert at_hand.loaded == ()
    at_hand.describe(tiny.picture(), "blip", options(interrogate_keep_models_in_memory=True))
    assert at_hand.loaded == ("blip",)
    at_hand.unload()
    assert at_hand.loaded == ()


def test_a_file_that_changed_is_read_again(at_hand: Interrogators, tmp_path: Path) -> None:
    keeping = options(interrogate_keep_models_in_memory=True, interrogate_deepbooru_score_threshold=0)
    before = at_hand.describe(tiny.picture(), "deepdanbooru", keeping)
    path = tiny.write_booru(tmp_path / "booru", ["a", "b", "c", "d", "e"])
    os.utime(path, ns=(1, 1))
    after = at_hand.describe(tiny.picture(), "deepdanbooru", keeping)
    assert "solo" in before
    assert after == "a, b, c, d, e"


def test_interrupting_stops_before_a_model_looks(at_hand: Interrogators) -> None:
    control = RunControl()
    control.interrupt()
    with pytest.raises(Interrupted):
        at_hand.describe(tiny.picture(), "clip", options(), control)
    assert at_hand.loaded == ()


def test_settings_of_deepdanbooru_act(at_hand: Interrogators) -> None:
    asked = {"interrogate_deepbooru_score_threshold": 0.0}
    assert (
        at_hand.describe(tiny.picture(), "deepdanbooru", options(**asked)) == r"1girl, long hair, saber \(fate\), solo"
    )
    asked |= {"deepbooru_use_spaces": False, "deepbooru_escape": False, "deepbooru_filter_tags": "1girl, long hair"}
    assert at_hand.describe(tiny.picture(), "deepdanbooru", options(**asked)) == "saber_(fate), solo"
    asked |= {"interrogate_return_ranks": True}
    assert at_hand.describe(tiny.picture(), "deepdanbooru", options(**asked)).startswith("(saber_(fate):0.")
    quiet = options(**asked).without_ranks
    assert at_hand.describe(tiny.picture(), "deepdanbooru", quiet) == "saber_(fate), solo"


def test_what_was_added_is_asked_too_and_what_is_missing_is_refused(at_hand: Interrogators) -> None:
    size = AddedCaptioner(name="size", describe=lambda image, options: f"{image.width} wide")
    at_hand.catalogue.added.register("my plug-in", size)
    assert at_hand.describe(tiny.picture(), "size", options()) == "40 wide"
    with pytest.raises(RequestError, match="wd-vit-tagger-v3"):
        at_hand.describe(tiny.picture(), "wd14-vit-v3", options())
