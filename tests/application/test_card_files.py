from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image
from safetensors.torch import save_file

from modules.application.application import Application
from modules.application.card_files import card_pages
from modules.application.cards import FIELDS, Card, CardPage, noted_weight, packed, tag_text
from modules.checkpoints.architectures.family import NetworkTraces
from modules.settings.flags import Flags


@pytest.fixture
def app(tmp_path: Path) -> Iterator[Application]:
    application = Application(Flags(data_dir=tmp_path))
    yield application
    application.close()


def lora(folder: Path, name: str, metadata: dict[str, str] | None = None, width: int = 768) -> Path:
    import torch

    path = folder / "models" / "Lora" / f"{name}.safetensors"
    path.parent.mkdir(parents=True, exist_ok=True)
    key = "lora_unet_down_blocks_1_attentions_0_transformer_blocks_0_attn2_to_k"
    save_file({f"{key}.lora_down.weight": torch.zeros(1, width)}, path, metadata)
    return path


def cards(app: Application, page: str) -> dict[str, Card]:
    app.library.collections["lora"].settle()
    found = next(each for each in card_pages(app) if each.name == page)
    return {card.name: card for card in found.cards()}


def test_a_card_tells_what_lies_beside_the_file(app: Application, tmp_path: Path) -> None:
    path = lora(tmp_path, "sub/film", {"ss_output_name": "Old film", "ss_tag_frequency": '{"a": {"grain": 3}}'})
    notes = {"activation text": "grainy", "preferred weight": 0.7, "negative text": "sharp", "description": "d"}
    path.with_suffix(".json").write_text(json.dumps(notes), encoding="utf-8")
    Image.new("RGB", (2, 2)).save(path.with_suffix(".preview.png"))
    card = cards(app, "lora")["film"]
    assert card.path == "sub/film.safetensors"
    assert card.prompt == "<lora:Old film:0.7> grainy"
    assert (card.negative, card.description, card.family) == ("sharp", "d", "SD1")
    assert card.preview is not None
    assert "film.preview.png" in card.preview
    assert "grain" in card.words
    assert card.modified > 0


def test_a_card_without_notes_leaves_the_tag_to_the_page(app: Application, tmp_path: Path) -> None:
    lora(tmp_path, "plain", width=2048)
    card = cards(app, "lora")["plain"]
    assert card.prompt is None
    assert card.family == "SDXL"


def test_the_family_that_the_user_noted_goes_before_the_files(app: Application, tmp_path: Path) -> None:
    lora(tmp_path, "plain").with_suffix(".json").write_text('{"sd version": "SDXL"}', encoding="utf-8")
    assert cards(app, "lora")["plain"].family == "SDXL"


def test_the_family_of_an_extension_may_be_noted_while_it_is_there(app: Application, tmp_path: Path) -> None:
    lora(tmp_path, "plain").with_suffix(".json").write_text('{"sd version": "Tiny"}', encoding="utf-8")
    lora(tmp_path, "odd").with_suffix(".json").write_text('{"sd version": ["SD2"]}', encoding="utf-8")
    unnoted = cards(app, "lora")["plain"].family
    family = dataclasses.replace(app.families.built_in[0], name="Tiny", traces=NetworkTraces())
    app.registries.families.register("a test", family)
    assert {name: card.family for name, card in cards(app, "lora").items()} == {"plain": "Tiny", "odd": unnoted}
    app.remove_owner("a test")
    assert cards(app, "lora")["plain"].family == unnoted


def test_tags_of_all_networks_are_those_that_each_is_given_alone(app: Application, tmp_path: Path) -> None:
    lora(tmp_path, "a", {"ss_output_name": "same"})
    lora(tmp_path, "b", {"ss_output_name": "same"})
    lora(tmp_path, "sub/odd=name", {"ss_output_name": "x:y"})
    lora(tmp_path, "sub/c", {"ss_output_name": "a"})
    app.library.collections["lora"].settle()
    for preference in ("Alias from file", "Filename"):
        together = app.networks.preferred_names("lora", preference)
        alone = {str(info.path): app.networks.preferred_name(info, preference) for info in app.networks.all("lora")}
        assert together == alone


def test_the_setting_says_the_order_of_the_pages(app: Application) -> None:
    assert [page.name for page in card_pages(app)] == ["textual_inversion", "hypernetworks", "checkpoints", "lora"]
    app.settings.change({"ui_extra_networks_tab_reorder": " lora, Checkpoints ,gone"})
    assert [page.name for page in card_pages(app)][:2] == ["lora", "checkpoints"]


def test_pages_are_added_and_packed_by_field(app: Application) -> None:
    page = CardPage(name="tags", title="Tags", cards=lambda: [Card(name="one", prompt="1girl", folder="/x")])
    app.registries.card_pages.register("mine", page)
    assert card_pages(app)[-1] is page
    told = packed(page)
    assert told["folders"] == ["/x"]
    row = dict(zip(FIELDS, told["cards"][0], strict=True))
    assert (row["name"], row["prompt"], row["folder"]) == ("one", "1girl", 0)
    app.remove_owner("mine")
    assert page not in card_pages(app)


@pytest.mark.parametrize(
    ("said", "weight"), [(0.8, 0.8), ("0.5", 0.5), (0, None), ("", None), (True, None), ("x", None), ("nan", None)]
)
def test_only_weights_that_can_be_used_count(said: object, weight: float | None) -> None:
    assert noted_weight({"preferred weight": said}) == weight
    expected = f"<lora:a:{weight or 1.0:g}>"
    assert tag_text("lora", "a", {"preferred weight": said}, 1.0) == expected
