"""The buttons of img2img that write words for the picture into the prompt: what is missing, and what comes of it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import expect

from tests.interrogate.tiny import write_booru
from tests.webui.conftest import PATIENCE, Watched

pytestmark = pytest.mark.shared_page


@pytest.fixture
def booru(data: Path) -> Iterator[Path]:
    """Where the file of DeepDanbooru belongs; whatever is put there goes again."""
    folder = data / "models" / "torch_deepdanbooru"
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


def test_words_for_the_picture_come_into_the_prompt_and_a_missing_model_is_named(
    web: Watched, booru: Path, tmp_path: Path
) -> None:
    page = web.page
    page.set_default_timeout(PATIENCE * 1000)
    page.click("#tab_img2img-button")
    page.click("#img2img_inpaint_upload_tab-button")
    Image.linear_gradient("L").resize((64, 64)).convert("RGB").save(tmp_path / "picture.png")
    page.set_input_files("#img_inpaint_base input[type=file]", tmp_path / "picture.png")
    page.wait_for_selector("#img_inpaint_base img")
    web.fill("img2img_prompt", "kept as it was")
    for button, needed in (("interrogate", "blip-image-captioning-base"), ("deepbooru", "model-resnet_custom_v3.pt")):
        page.click(f"#{button}")
        expect(page.get_by_text(needed).first).to_be_visible()
        web.wait_value("img2img_prompt", "kept as it was")
    write_booru(booru, ["a tag", "another tag", "third", "fourth", "rating:safe"])
    page.click("#deepbooru")
    prompt = page.locator("#img2img_prompt textarea")
    expect(prompt).not_to_have_value("kept as it was")
    assert set(prompt.input_value().split(", ")) <= {"", "a tag", "another tag", "third", "fourth"}
