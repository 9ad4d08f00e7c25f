import io
import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from modules.foundation.errors import EaselError, SaveError
from modules.imaging.encode import PictureText, encode
from modules.infotext.picture_metadata import MAX_TEXT, decode_user_comment, read_picture_metadata, save_arguments

TEXT = "a cat, (héllo:1.2)\nNegative prompt: ugly\nSteps: 20, Sampler: Euler a, Size: 8x8"
TEXTS = st.text(alphabet=st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1)


def saved(picture_format: str, infotext: str | None, others: dict[str, str] | None = None) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (8, 8)).save(file, picture_format, **save_arguments(picture_format, infotext, others))
    return file.getvalue()


@pytest.mark.parametrize("picture_format", ["PNG", "JPEG", "WEBP", "AVIF", "GIF"])
@pytest.mark.parametrize("text", [TEXT, TEXT + " 日本語 🐈"])
def test_every_format_gives_the_text_back(picture_format: str, text: str, tmp_path: Path):
    if picture_format == "GIF" and not text.isascii():
        text = "plain words"
    data = saved(picture_format, text)
    path = tmp_path / "picture"
    path.write_bytes(data)
    assert read_picture_metadata(data).infotext == text
    assert read_picture_metadata(path).infotext == text
    with Image.open(path) as picture:
        assert read_picture_metadata(picture).infotext == text


@settings(deadline=None)
@given(TEXTS, st.sampled_from(["PNG", "WEBP", "JPEG"]))
def test_any_text_survives(text: str, picture_format: str):
    assert read_picture_metadata(saved(picture_format, text)).infotext == text


def test_a_png_has_latin_text_in_a_text_chunk_and_other_text_in_an_international_one():
    assert b"tEXtparameters\0" in saved("PNG", TEXT)
    assert b"iTXtparameters\0" in saved("PNG", TEXT + "日")


def test_exif_holds_the_text_as_big_endian_utf16():
    assert b"UNICODE\0" + "a cat".encode("utf-16-be") in saved("JPEG", TEXT)


def test_other_texts_of_a_png_are_kept_apart():
    carried = read_picture_metadata(saved("PNG", TEXT, {"extras": "upscaled", "workflow": "{}"}))
    assert carried.infotext == TEXT
    assert carried.others == {"extras": "upscaled", "workflow": "{}"}


@pytest.mark.parametrize("picture_format", ["PNG", "JPEG", "WEBP", "BMP"])
def test_a_picture_without_a_text_says_nothing(picture_format: str):
    assert read_picture_metadata(saved(picture_format, None)).infotext is None


def test_a_text_too_long_for_a_jpeg_is_refused_with_a_way_out():
    with pytest.raises(SaveError, match="PNG or WebP"):
        save_arguments("JPEG", "x" * 40_000)
    assert read_picture_metadata(saved("WEBP", "x" * 40_000)).infotext == "x" * 40_000


def test_half_a_surrogate_pair_does_not_stop_a_picture_from_being_saved():
    assert read_picture_metadata(saved("PNG", "a \ud83d b")).infotext == "a \ufffd b"


def test_what_is_no_picture_is_refused():
    with pytest.raises(EaselError, match="cannot be read as a picture"):
        read_picture_metadata(b"not a picture")


def test_a_text_file_beside_the_picture_counts_when_the_picture_has_no_text(tmp_path: Path):
    path = tmp_path / "picture.png"
    path.write_bytes(saved("PNG", None))
    path.with_suffix(".txt").write_text(TEXT, encoding="utf-8")
    assert read_picture_metadata(path).infotext == TEXT


@pytest.mark.parametrize(
    ("comment", "text"),
    [
        (b"UNICODE\0" + "äb".encode("utf-16-be"), "äb"),
        (b"UNICODE\0" + "äb".encode("utf-16-le"), "äb"),
        (b"UNICODE\0" + "äb".encode("utf-16"), "äb"),
        (b"ASCII\0\0\0plain", "plain"),
        (b"\0\0\0\0\0\0\0\0plain", "plain"),
        (b"no prefix at all", "no prefix at all"),
        (b"UNICODE\0", None),
        (b"UNICODE\0" + TEXT.encode(), TEXT),
        (b"UNICODE\0" + (TEXT + " \u65e5\u672c\u8a9e").encode(), TEXT + " \u65e5\u672c\u8a9e"),
        (b"UNICODE\0" + TEXT.encode("utf-8-sig") + b"\0\0", TEXT),
        (b"UNICODE\0" + "\u732b".encode("utf-16-be"), "\u732b"),
        (b"UNICODE\0" + "\u6162".encode("utf-16-be"), "\u6162"),
        *((b"UNICODE\0" + text.encode("utf-16-be"), text) for text in ("\u0100", "\u3000", "\u0100\u0200")),
        (b"unicode\0" + TEXT.encode("utf-16-le"), TEXT),
        *((mark + b"\0" + TEXT.encode("utf-16-be"), TEXT) for mark in (b"Unicode", b"UniCode", b"uNICODE")),
        (b"UniCode\0" + TEXT.encode(), TEXT),
        (b"Unicode " + TEXT.encode("utf-16-be"), TEXT),
        (b"UNICODE " + TEXT.encode("utf-16-be"), TEXT),
        (b"UNICODE " + TEXT.encode(), TEXT),
        (b"unicode " + TEXT.encode("utf-16-be"), TEXT),
        (b"unicode art of a cat", "unicode art of a cat"),
        (b"Unicode art of a cat", "Unicode art of a cat"),
        (b"ASCII\0\0\0" + "l\u00f6we".encode(), "l\u00f6we"),
        (b"ASCII\0\0\0" + "l\u00f6we".encode("latin-1"), "l\u00f6we"),
        (b"ASCII   plain", "plain"),
        (b"ascii\0\0\0plain", "plain"),
        (b"ASCII\0\0\0" + TEXT.encode("utf-16-le"), TEXT),
        (b"\0" * 8 + "l\u00f6we".encode(), "l\u00f6we"),
        (TEXT.encode("utf-16"), TEXT),
        (b"JIS\0\0\0\0\0" + "\u65e5\u672c".encode("iso2022_jp"), "\u65e5\u672c"),
        (b"\0" * 20, None),
        ("UNICODE\0" + TEXT.encode().decode("latin-1"), TEXT),
        ("l\u00f6we".encode().decode("latin-1"), "l\u00f6we"),
        ("\u65e5", "\u65e5"),
    ],
)
def test_user_comments_of_other_programs_are_understood(comment: bytes | str, text: str | None):
    assert decode_user_comment(comment) == text


@given(
    kept=st.integers(16, 200),
    marker=st.sampled_from([b"UNICODE\0", b"unicode\0", b"ASCII\0\0\0", b"\0" * 8, b""]),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-16-be", "utf-16-le"]),
)
def test_a_comment_that_was_cut_off_is_the_beginning_of_its_text(kept: int, marker: bytes, encoding: str) -> None:
    text = decode_user_comment(marker + (TEXT + " \u65e5\u672c").encode(encoding)[:kept])
    assert text
    assert (TEXT + " \u65e5\u672c").startswith(text)


def test_a_last_letter_in_latin1_is_not_taken_for_a_rest_of_utf8() -> None:
    assert decode_user_comment(b"ASCII\0\0\0caf\xe9") == "caf\xe9"


@pytest.mark.parametrize("comment", [b"", b" " * 20, b"ASCII\0\0\0" + b" " * 40, b"UNICODE\0" + b"\0 " * 9, b"\0" * 8])
@pytest.mark.parametrize("picture_format", ["JPEG", "WEBP"])
def test_a_blank_comment_does_not_hide_the_description(comment: bytes, picture_format: str) -> None:
    text = "a l\u00f6we\nSteps: 20, Sampler: Euler, Seed: 1"
    exif = Image.Exif()
    exif.get_ifd(0x8769)[0x9286] = comment
    exif[0x010E] = text.encode()
    file = io.BytesIO()
    Image.new("RGB", (8, 8)).save(file, picture_format, exif=exif)
    assert read_picture_metadata(file.getvalue()).infotext == text


def test_utf8_in_a_text_chunk_of_a_png_is_understood() -> None:
    chunks = PngInfo()
    chunks.add_text("parameters", "a l\u00f6we, \u65e5\u672c".encode())
    chunks.add_text("Comment", "caf\u00e9")
    chunks.add_text("Zipped", "l\u00f6we".encode(), zip=True)
    file = io.BytesIO()
    Image.new("RGB", (8, 8)).save(file, "PNG", pnginfo=chunks)
    carried = read_picture_metadata(file.getvalue())
    assert carried.infotext == "a l\u00f6we, \u65e5\u672c"
    assert carried.others == {"Comment": "caf\u00e9", "Zipped": "l\u00f6we"}


@given(st.text("\u00c3\u00a9\u00e6\u0097\u00a5ab", min_size=1))
def test_latin1_that_looks_like_utf8_survives(text: str) -> None:
    assert read_picture_metadata(saved("PNG", text)).infotext == text
    data = encode(Image.new("RGB", (8, 8)), "png", text=PictureText(chunks={"parameters": text}))
    assert read_picture_metadata(data).infotext == text


def test_novelai_fields_are_put_into_words():
    chunks = PngInfo()
    chunks.add_text("Software", "NovelAI")
    chunks.add_text("Description", "a {cat}")
    comment = {"steps": 28, "sampler": "k_euler_ancestral", "seed": 7, "scale": 11.0, "uc": "bad"}
    chunks.add_text("Comment", json.dumps(comment))
    file = io.BytesIO()
    Image.new("RGB", (16, 8)).save(file, "PNG", pnginfo=chunks)
    assert read_picture_metadata(file.getvalue()).infotext == (
        "a {cat}\nNegative prompt: bad\n"
        "Steps: 28, Sampler: Euler a, CFG scale: 11.0, Seed: 7, Size: 16x8, Clip skip: 2, ENSD: 31337"
    )


def test_a_text_of_megabytes_is_left_out_and_named(tmp_path: Path) -> None:
    info = PngInfo()
    info.add_text("parameters", "a" * (MAX_TEXT + 1))
    info.add_text("note", "short")
    Image.new("RGB", (8, 8)).save(tmp_path / "a.png", pnginfo=info)
    carried = read_picture_metadata(tmp_path / "a.png")
    assert carried.infotext is None
    assert carried.others == {"note": "short"}
    assert carried.why_nothing.startswith("The text 'parameters' of this picture has more than 1,000,000 letters")
    Image.new("RGB", (8, 8)).save(tmp_path / "b.png")
    assert read_picture_metadata(tmp_path / "b.png").why_nothing == "This picture does not say how it was made."
