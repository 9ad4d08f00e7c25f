"""The lists as the guides have them, and a user's own beside them."""

from __future__ import annotations

from pathlib import Path

import pytest

from modules.foundation.errors import RequestError, UnknownName
from modules.prompts.craft.builder import builder_of, composed
from modules.prompts.craft.data import CraftData
from modules.prompts.craft.presets import ModelPresets, presets_for, presets_of, with_presets
from modules.prompts.craft.sizes import cfg_for, suggested_sizes
from modules.prompts.craft.tag_list import order_presets, ordered

LIGHT = "nsfw, lowres, jpeg artifacts, worst quality, watermark, blurry, very displeasing"
HEAVY = (
    "nsfw, lowres, {bad}, error, fewer, extra, missing, worst quality, jpeg artifacts, bad quality, watermark, "
    "unfinished, displeasing, chromatic aberration, signature, extra digits, artistic error, username, scan, [abstract]"
)
HUMAN = f"{HEAVY[6:]}, bad anatomy, bad hands, @_@, mismatched pupils, heart-shaped pupils, glowing eyes"
FURRY_LIGHT = (
    "nsfw, {worst quality}, guide lines, unfinished, bad, url, tall image, "
    "widescreen, compression artifacts, unknown text"
)
FURRY_HEAVY = (
    "nsfw, {{worst quality}}, [displeasing], {unusual pupils}, guide lines, {{unfinished}}, {bad}, url, artist name, "
    "{{tall image}}, mosaic, {sketch page}, comic panel, impact (font), [dated], {logo}, ych, {what}, "
    "{where is your god now}, {distorted text}, repeated text, {floating head}, {1994}, {widescreen}, "
    "absolutely everyone, sequence, {compression artifacts}, hard translated, {cropped}, {commissioner name}, "
    "unknown text, high contrast"
)
CARD = (
    "(worst quality:1.3), low quality, lowres, messy, abstract, ugly, disfigured, bad anatomy, draft, deformed hands, "
    "fused fingers, signature, text, multi views"
)
PORTRAIT = (
    "(portrait:1.3),(best quality),(masterpiece),(high resolution),illustration,perfect_anatomy,"
    "perfect_finger,hyper detail,high quality, super detail,(finely detailed beautiful eyes and detailed face),"
    "ultra detailed cloths,solo"
)
QUALITY = (
    "(best quality), (masterpiece), (high resolution), hyper detail, ultra detailed face, Incredibly detailed hair"
)


@pytest.fixture
def data(tmp_path: Path) -> CraftData:
    return CraftData(lambda: tmp_path)


def test_presets_of_unwanted_content_are_the_guides_byte_for_byte(data: CraftData) -> None:
    unwanted = presets_of(data.table("presets"), "unwanted")
    assert {name: unwanted[name].text for name in list(unwanted)[:6]} == {
        "NovelAI V3 Light": LIGHT,
        "NovelAI V3 Heavy": HEAVY,
        "NovelAI V3 Human focus": HUMAN,
        "NovelAI furry Light": FURRY_LIGHT,
        "NovelAI furry Heavy": FURRY_HEAVY,
        "SDXL anime": CARD,
    }
    assert presets_of(data.table("presets"), "quality")["NovelAI furry"].text == "{best quality, amazing quality}"


def test_presets_stand_where_the_guides_put_them(data: CraftData) -> None:
    table = data.table("presets")
    furry = ModelPresets(quality="NovelAI furry", unwanted="NovelAI V3 Light")
    assert with_presets("wolf, ", "cat", table, furry, "NovelAI") == (
        "wolf, {best quality, amazing quality}",
        f"{LIGHT}, bad quality, cat",
    )
    assert with_presets("wolf", "bad_quality", table, furry) == (
        "wolf, (best quality, amazing quality:1.05)",
        f"{LIGHT}, bad_quality",
    )
    assert with_presets("a", "b", table, ModelPresets()) == ("a", "b")
    assert with_presets("", "", table, ModelPresets(unwanted="SDXL anime")) == ("", CARD)
    with pytest.raises(UnknownName, match="NovelAI furry"):
        with_presets("a", "b", table, ModelPresets(quality="NovelAI fury"))


def test_presets_are_found_by_name_family_and_metadata(data: CraftData, tmp_path: Path) -> None:
    (tmp_path / "presets.yaml").write_text(
        "quality:\n  Mine: so good\nmodels:\n  Mine: {metadata: {modelspec.architecture: '*flow*'}, quality: Mine}\n"
    )
    table = data.table("presets")
    assert presets_for(table, "My-Furry-v2", "SDXL").quality == "NovelAI furry"
    assert presets_for(table, "nai-diffusion-v3", "SDXL").unwanted == "NovelAI V3 Light"
    assert presets_for(table, "something", "SDXL") == ModelPresets(quality="SDXL anime", unwanted="SDXL anime")
    assert presets_for(table, "x", "SD2", {"modelspec.architecture": "a-flow-model"}).quality == "Mine"
    assert presets_for(table, "x", "SD2") == ModelPresets()
    assert with_presets("cat", "", table, ModelPresets(quality="Mine")) == ("so good, cat", "")


def test_a_damaged_file_of_the_user_is_named_and_ours_holds(data: CraftData, tmp_path: Path) -> None:
    own = data.table("presets")
    for content, line in (("a: &a [x]\nb: *a", "line 2: aliases"), ("- x", "line 1"), ("a:\n\t- b", "line 2")):
        (tmp_path / "presets.yaml").write_text(content)
        assert data.table("presets") == own
        assert any("presets.yaml, " in problem and line in problem for problem in data.problems()), data.problems()
    (tmp_path / "presets.yaml").unlink()
    assert data.table("presets") == own
    assert data.problems() == []


def test_sizes_have_the_cfg_that_went_well_with_them(data: CraftData) -> None:
    advices = suggested_sizes(data.table("sizes"), "SD1")
    assert {(each.width, each.height) for each in suggested_sizes(data.table("sizes"), "SDXL")} == {
        (832, 1216),
        (1216, 832),
        (1024, 1024),
    }
    for size, cfg, best in (
        ((512, 512), (12, 16), (10.5, 12)),
        ((512, 768), (18, 24), (16, 16)),
        ((576, 768), (18, 24), (24, 24)),
        ((768, 576), (18, 24), (18, 18)),
        ((1024, 576), (24, 30), (27, 27)),
        ((576, 1024), (12, 30), (27, 27)),
        ((768, 768), (27, 36), (24, 27)),
        ((1408, 512), (27, 36), (27, 27)),
        ((256, 1024), (12, 16), (10.5, 10.5)),
    ):
        advice = cfg_for(advices, *size)
        assert advice is not None
        assert (advice.cfg, advice.best_cfg) == (cfg, best)
    nearest = cfg_for(advices, 760, 760)
    assert nearest is not None
    assert nearest.best_cfg == (24, 27)
    assert cfg_for([], 512, 512) is None


def test_tags_are_put_in_the_order_of_a_preset(data: CraftData) -> None:
    orders = order_presets(data.table("orders"))
    prompt = "masterpiece, smile, red dress, 1girl, blue eyes, forest, by somebody, gloves, sitting, something"
    assert ordered(prompt, orders["sdxl-card"]) == (
        "by somebody, 1girl, forest, sitting, smile, blue eyes, red dress, gloves, something, masterpiece"
    )
    categories = {"hatsune miku": "character", "vocaloid": "copyright"}
    assert ordered("vocaloid, smile, hatsune_miku, masterpiece, solo", orders["danbooru"], categories.get) == (
        "solo, masterpiece, hatsune_miku, vocaloid, smile"
    )
    assert ordered("(forest:1.2), sitting, girl, blue eyes", orders["subject-verb-object"]).startswith(
        "blue eyes, sitting"
    )


def test_a_prompt_is_composed_of_categories(data: CraftData) -> None:
    builder = builder_of(data.table("builder"))
    assert list(builder.categories) == [
        "hair colour", "hair length", "hair style", "eyes", "face", "traits", "outfit colour", "outfit", "props",
    ]  # fmt: skip
    chosen = {
        "props": ["gloves", "halo"],
        "outfit": ["kimono"],
        "outfit colour": ["red"],
        "hair colour": ["black", "white"],
        "hair style": ["dreadlocks"],
        "face": ["crying"],
    }
    assert composed(builder, chosen) == (
        f"{QUALITY}, black hair, white hair, (dreadlocks:1.3), random color eyes, crying, tears, red kimono, "
        "gloves, halo",
        "",
    )
    assert composed(builder, {"eyes": ["blue"]}, quality=False, sliders={"age": 0.2}) == (
        "[young:old:0.2], blue eyes",
        "",
    )
    prompt, negative = composed(builder, {"hair length": ["long hair"]}, preset="portrait")
    assert prompt == f"{PORTRAIT}, long hair"
    assert negative.startswith("(nsfw:2), lowres, ((bad anatomy))")
    assert negative.endswith("((jpeg artifacts))")
    wallpaper = builder.presets["wallpaper"]
    assert wallpaper.prompt.startswith("{extremely detailed CG unity 8k wallpaper}, {{{only background}}}")
    assert wallpaper.negative_prompt.startswith("human, man, men, woman, 1girl")
    for category in builder.categories.values():
        assert category.names.keys() >= {"ko", "ja", "zh", "ru"}
        assert all(choice.names.keys() >= {"ko", "ja", "zh", "ru"} for choice in category.choices.values())


def test_a_seed_chooses_what_is_left_open_and_the_same_again(data: CraftData) -> None:
    builder = builder_of(data.table("builder"))
    made = {composed(builder, {}, seed=seed)[0] for seed in range(30)}
    assert len(made) > 25
    assert composed(builder, {}, seed=3) == composed(builder, {}, seed=3)
    one, two = (composed(builder, chosen, seed=3)[0] for chosen in ({}, {"face": ["blush"]}))
    assert set(one.split(", ")) - set(two.split(", ")) <= {*one.split(", ")[8:12]}
    assert "blush" in two


def test_what_cannot_be_chosen_is_named(data: CraftData) -> None:
    builder = builder_of(data.table("builder"))
    for chosen, message in (
        ({"hat": ["fedora"]}, "category"),
        ({"eyes": ["beige"]}, "choice of eyes"),
        ({"hair colour": ["red", "blue", "green"]}, "at most 2"),
        ({"eyes": ["red", "blue"]}, "at most 1"),
    ):
        with pytest.raises(RequestError, match=message):
            composed(builder, chosen)
    with pytest.raises(UnknownName, match="portrait"):
        composed(builder, {}, preset="portrat")
    with pytest.raises(RequestError, match="between 0 and 1"):
        composed(builder, {}, sliders={"age": 3})
