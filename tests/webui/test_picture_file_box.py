from __future__ import annotations

from pathlib import Path

import pytest
from gradio.data_classes import ImageData

from modules.webui.picture_file_box import picture_file_box


@pytest.mark.parametrize("content", [b"", b"no picture", b"\x89PNG\r\n\x1a\n" + b"garbage" * 40])
def test_a_file_is_handed_over_whatever_is_in_it(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "given.png"
    path.write_bytes(content)
    box = picture_file_box(label="Source", elem_id="source")
    assert box.preprocess(ImageData(path=str(path), orig_name="given.png")) == str(path)
    assert path.read_bytes() == content


def test_an_empty_box_is_none_and_in_the_browser_it_is_gradios_own() -> None:
    box = picture_file_box(label="Source", elem_id="source")
    assert box.preprocess(None) is None
    assert box.get_block_name() == "image"
    assert box.get_config()["elem_id"] == "source"
