"""The Train tab in a browser: an embedding made and trained, captions edited, errors where one looks."""

from __future__ import annotations

import secrets
from pathlib import Path

import pytest

from tests.training.conftest import put_pictures
from tests.webui.conftest import Watched

pytestmark = pytest.mark.shared_page


def test_an_embedding_is_created_trained_and_its_captions_edited(web: Watched, data: Path) -> None:
    page, name = web.page, f"word{secrets.token_hex(3)}"
    folder = put_pictures(data / name, 2)
    page.click("#tab_train-button")
    web.fill("train_new_embedding_name", name)
    page.click("#train_create_embedding")
    page.get_by_text(f"Created: {data / 'embeddings' / name}.pt").wait_for()

    page.click("#train_train_tab-button")
    page.click("#train_train_embedding")
    page.get_by_text("Choose the embedding to train.").wait_for()
    page.click("#train_embedding input")
    page.get_by_role("option", name=name).click()
    web.fill("train_dataset_directory", str(folder))
    for control, value in (
        ("train_training_width", "64"),
        ("train_training_height", "64"),
        ("train_steps", "3"),
        ("train_create_image_every", "0"),
    ):
        web.fill(control, value)
    page.click("#train_train_embedding")
    page.get_by_text("Done after step 3 of 3").wait_for()

    page.click("#train_dataset_tab-button")
    web.fill("train_tags_folder", str(folder))
    web.fill("train_tags_find", "red cat")
    web.fill("train_tags_replace", "blue dog")
    page.click("#train_tags_show")
    page.get_by_text("2 of 2 captions would change.").wait_for()
    assert (folder / "00.txt").read_text("utf-8") == "red cat, tag 0"
    page.click("#train_tags_edit")
    page.get_by_text("2 of 2 captions were changed.").wait_for()
    assert (folder / "00.txt").read_text("utf-8") == "blue dog, tag 0"
    page.click("#train_tags_describe")  # by DeepDanbooru, whose file is not here
    page.get_by_text("model-resnet_custom_v3.pt").wait_for()
    assert web.errors == []
