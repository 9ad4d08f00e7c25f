"""`process_images` and `process_images_inner`, as extensions replace them."""

from __future__ import annotations

from typing import Any

import numpy
import pytest
from PIL import Image

from modules import processing
from tests.a1111.conftest import Stage
from tests.a1111.seams import here, pixels

__all__ = ["here"]


@pytest.mark.parametrize("name", ["process_images", "process_images_inner"])
def test_pictures_of_the_page_and_the_api_are_made_through_what_took_its_place(
    here: Stage, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain, seen = pixels(here), list[Any]()
    original = getattr(processing, name)

    def watched(p: Any) -> Any:
        processed = original(p)
        seen.append((p.prompt, processed.prompt, len(processed.images), processed.infotexts[0].split("\n")[0]))
        processed.images.append(Image.new("RGB", (8, 8)))
        return processed

    monkeypatch.setattr(processing, name, watched)
    result = here.make()
    assert numpy.array_equal(numpy.asarray(result.samples[0].image).astype(int), plain)
    assert seen == [("a cat", "a cat", 1, "a cat")]
    assert [image.image.size for image in result.images] == [(64, 64), (8, 8)]
    monkeypatch.undo()
    assert numpy.array_equal(pixels(here), plain)
    assert len(seen) == 1


def test_one_that_raises_is_named_and_the_pictures_are_made(here: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    plain, names = pixels(here), dict[str, Any]()
    file = here.data / "extensions" / "some" / "scripts" / "making.py"
    exec(compile("def process_images(p): raise RuntimeError('no pictures today')", str(file), "exec"), names)
    monkeypatch.setattr(processing, "process_images", names["process_images"])
    assert numpy.array_equal(pixels(here), plain)
    assert "no pictures today" in here.dialect.errors[str(file)][-1]
