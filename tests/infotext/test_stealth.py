from __future__ import annotations

import io
import json

from PIL import Image

from modules.foundation.stealth_text import hide_text
from modules.imaging.encode import PictureText, encode
from modules.infotext.picture_metadata import read_picture_metadata

TEXT = "a cat\nSteps: 5, Sampler: Euler a, Seed: 7"


def test_a_png_whose_texts_were_stripped_still_tells_its_parameters() -> None:
    text = PictureText(text=TEXT, chunks={"parameters": "in the file"}, hidden="rgb compressed")
    data = encode(Image.effect_noise((80, 60), 90).convert("RGB"), "png", text=text)
    assert read_picture_metadata(data).infotext == "in the file"
    buffer = io.BytesIO()
    Image.open(io.BytesIO(data)).save(buffer, "PNG", pnginfo=None)
    assert read_picture_metadata(buffer.getvalue()).infotext == TEXT


def test_only_pngs_hide_a_text_and_a_small_one_is_written_without() -> None:
    image = Image.effect_noise((80, 60), 90).convert("RGB")
    hidden = PictureText(text=TEXT, hidden="alpha")
    for extension in ("jpg", "webp"):
        assert read_picture_metadata(encode(image, extension, text=hidden)).infotext is None
    small = encode(Image.new("RGB", (4, 4)), "png", text=hidden)
    assert read_picture_metadata(small).infotext is None
    assert Image.open(io.BytesIO(small)).mode == "RGB"


def test_novelais_hidden_fields_become_an_infotext() -> None:
    comment = {"steps": 28, "sampler": "k_euler", "scale": 5, "seed": 9, "uc": "blurry"}
    table = {"Description": "a cat", "Software": "NovelAI", "Comment": json.dumps(comment)}
    image = hide_text(Image.effect_noise((160, 160), 90).convert("RGB"), json.dumps(table), "alpha compressed")
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    carried = read_picture_metadata(buffer.getvalue())
    assert carried.infotext is not None
    assert carried.infotext.startswith("a cat\nNegative prompt: blurry\nSteps: 28, Sampler: Euler,")
    assert carried.others["Software"] == "NovelAI"
