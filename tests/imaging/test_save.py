"""Saving: names, numbers, contents, and what happens when the disk refuses."""

from __future__ import annotations

import errno
import io
import os
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageChops

from modules.foundation.errors import SaveError
from modules.imaging import save as save_module
from modules.imaging.depth import eight_bits
from modules.imaging.encode import PictureText, encode
from modules.imaging.filenames import NameContext
from modules.imaging.numbering import highest_number, reserved_number
from modules.imaging.save import SaveOptions, save_error, save_picture
from modules.infotext.picture_metadata import exif_with, read_picture_metadata
from tests.imaging.test_filenames import NOW, TABLE, context_of
from tests.small_disk import small_disk

PICTURE = Image.radial_gradient("L").resize((64, 48)).convert("RGB")
TEXT = PictureText(text="a cat\nSteps: 20", chunks={"parameters": "a cat\nSteps: 20"})


def options_of(folder: Path, values: dict[str, Any], arguments: dict[str, Any]) -> SaveOptions:
    grid = arguments.get("grid", False)
    return SaveOptions(
        folder=folder,
        extension=arguments.get("extension", "png"),
        save_to_dirs=True if grid else values["save_to_dirs"],
        filename_pattern=values["samples_filename_pattern"],
        add_number=values["save_images_add_number"],
        directories_pattern=values.get("directories_filename_pattern", "[date]"),
        text_file=values.get("save_txt", False),
    )


@pytest.mark.parametrize("row", TABLE["save"], ids=lambda row: row["saved"][:40])
def test_a_picture_is_saved_under_the_recorded_name(row: dict[str, Any], tmp_path: Path) -> None:
    for name in row["existing"]:
        (tmp_path / name).write_bytes(b"old")
    arguments = row["args"]
    context = context_of("base")
    if "seed" in arguments:
        context = NameContext(now=NOW, seed=arguments["seed"])
    saved = save_picture(
        PICTURE,
        context,
        options_of(tmp_path, row["options"], arguments),
        text=TEXT,
        basename=arguments.get("basename", ""),
        suffix=arguments.get("suffix", ""),
        short_name=arguments.get("short_filename", False),
        forced_name=arguments.get("forced_filename"),
    )
    assert saved.path == tmp_path / row["saved"]
    files = sorted(path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file())
    assert files == row["all"]
    assert size_of(saved.path) == PICTURE.size


def size_of(path: Path) -> tuple[int, int]:
    with Image.open(path) as image:
        return image.size


def simple(folder: Path, **values: Any) -> SaveOptions:
    return SaveOptions(folder=folder, **{"save_to_dirs": False, "filename_pattern": "[seed]", **values})


def test_a_png_holds_its_text_and_the_exact_pixels(tmp_path: Path) -> None:
    saved = save_picture(PICTURE, NameContext(now=NOW, seed=5), SaveOptions(folder=tmp_path), text=TEXT)
    assert saved.path == tmp_path / "2024-03-05" / "00000-5.png"
    with Image.open(saved.path) as loaded:
        assert loaded.info["parameters"] == TEXT.text
        assert loaded.tobytes() == PICTURE.tobytes()


def test_text_outside_latin_1_is_kept_in_a_png() -> None:
    text = PictureText(chunks={"parameters": "夜の街, café ☕"})
    with Image.open(io.BytesIO(encode(PICTURE, "png", text=text))) as loaded:
        assert loaded.info["parameters"] == "夜の街, café ☕"


@pytest.mark.parametrize("extension", ["jpg", "jpeg", "webp", "avif", ".JPG"])
def test_the_lossy_formats_carry_exif(extension: str) -> None:
    exif = Image.Exif()
    exif[0x9286] = b"UNICODE\0" + "a cat".encode("utf-16-be")
    data = encode(PICTURE.convert("RGBA"), extension, text=PictureText(exif=exif.tobytes()), quality=70)
    with Image.open(io.BytesIO(data)) as loaded:
        assert loaded.getexif()[0x9286] == exif[0x9286]


def test_quality_makes_a_difference_and_lossless_webp_none_in_the_pixels() -> None:
    assert len(encode(PICTURE, "jpg", quality=10)) < len(encode(PICTURE, "jpg", quality=95))
    with Image.open(io.BytesIO(encode(PICTURE, "webp", lossless=True))) as loaded:
        assert loaded.convert("RGB").tobytes() == PICTURE.tobytes()


@pytest.mark.parametrize("extension", ["xyz", "", "pdx", "../png"])
def test_an_impossible_format_is_refused_and_leaves_no_file(extension: str, tmp_path: Path) -> None:
    with pytest.raises(SaveError, match="Choose png, jpg, webp or avif"):
        save_picture(PICTURE, NameContext(now=NOW, seed=5), simple(tmp_path, extension=extension))
    assert list(tmp_path.iterdir()) == []


def test_a_name_without_number_replaces_or_is_counted(tmp_path: Path) -> None:
    context = NameContext(now=NOW, seed=5)
    for _ in range(2):
        saved = save_picture(PICTURE, context, simple(tmp_path, add_number=False))
        assert saved.path.name == "5.png"
    names = [save_picture(PICTURE, context, simple(tmp_path, add_number=False, replace=False)).path.name for _ in "ab"]
    assert names == ["5-1.png", "5-2.png"]


def test_a_slash_in_the_pattern_makes_folders_and_nothing_leads_out(tmp_path: Path) -> None:
    context = NameContext(now=NOW, seed=5, prompt="../../up")
    outputs = tmp_path / "outputs"
    for pattern in ("../../[seed]", "/[seed]", "a/../../[seed]", "[prompt]/./[seed]"):
        for directories in ("../..", "/tmp", "x/../../y"):
            options = SaveOptions(folder=outputs, filename_pattern=pattern, directories_pattern=directories)
            path = save_picture(PICTURE, context, options).path
            assert path.resolve().is_relative_to(outputs.resolve())
    named = save_picture(PICTURE, context, simple(outputs), forced_name="../../elsewhere").path
    assert named.resolve().is_relative_to(outputs.resolve())
    assert sorted(path.name for path in tmp_path.iterdir()) == ["outputs"]


def test_names_fit_the_file_system_however_long_the_prompt(tmp_path: Path) -> None:
    context = NameContext(now=NOW, seed=5, prompt="夜の街と川" * 60)
    options = simple(tmp_path, filename_pattern="[prompt_spaces][prompt_spaces]", text_file=True)
    saved = save_picture(PICTURE, context, options, text=TEXT, suffix="-before-highres-fix")
    assert len(saved.path.name.encode()) <= 255
    assert saved.path.name.startswith("00000-夜の街")
    assert saved.text_path is not None
    assert saved.text_path.read_text(encoding="utf-8") == TEXT.text + "\n"


def test_a_long_suffix_does_not_cost_the_picture(tmp_path: Path) -> None:
    context = NameContext(now=NOW, seed=5, prompt="x" * 300)
    for forced in (None, "y" * 400):
        saved = save_picture(PICTURE, context, simple(tmp_path), suffix="-" + "ü" * 200, forced_name=forced)
        assert len(saved.path.name.encode()) <= 255
        assert size_of(saved.path) == PICTURE.size


def test_numbers_go_on_after_the_highest_and_ignore_other_names(tmp_path: Path) -> None:
    for name in ("00041-1.png", "7.jpg", "00099.txt.bak", "grid-0300.png", "x12.png", "-5.png", "٣.png"):
        (tmp_path / name).touch()
    assert highest_number(tmp_path) == 41
    assert highest_number(tmp_path, "grid") == 300
    assert highest_number(tmp_path / "not there") == -1


def test_a_reserved_number_is_not_given_to_another(tmp_path: Path) -> None:
    with reserved_number(tmp_path) as one, reserved_number(tmp_path) as other:
        assert (one, other) == (0, 1)
    assert list(tmp_path.iterdir()) == []


def test_processes_that_save_into_one_folder_never_share_a_number(tmp_path: Path) -> None:
    script = textwrap.dedent(
        """
        import datetime, pathlib, sys
        from PIL import Image
        from modules.imaging.filenames import NameContext
        from modules.imaging.save import SaveOptions, save_picture
        options = SaveOptions(folder=pathlib.Path(sys.argv[1]), save_to_dirs=False, filename_pattern="[seed]")
        for index in range(15):
            seed = int(sys.argv[2]) * 100 + index
            context = NameContext(now=datetime.datetime(2024, 1, 1), seed=seed)
            save_picture(Image.new("RGB", (8, 8)), context, options)
        """
    )
    root = Path(__file__).parents[2]
    running = [
        subprocess.Popen([sys.executable, "-c", script, str(tmp_path), str(index)], cwd=root) for index in range(3)
    ]
    assert [process.wait() for process in running] == [0, 0, 0]
    names = sorted(path.name for path in tmp_path.iterdir())
    assert [int(name.split("-")[0]) for name in names] == list(range(45))
    assert len({name.split("-")[1] for name in names}) == 45


def test_a_large_picture_gets_a_smaller_jpeg_beside_it(tmp_path: Path) -> None:
    options = simple(tmp_path, jpeg_copy_above_side=40)
    saved = save_picture(PICTURE, NameContext(now=NOW, seed=5), options)
    assert saved.jpeg_path == tmp_path / "00000-5.jpg"
    assert saved.jpeg_path is not None
    assert size_of(saved.jpeg_path) == (40, 30)
    assert size_of(saved.path) == (64, 48)


def test_a_heavy_picture_gets_a_jpeg_of_its_own_size(tmp_path: Path) -> None:
    saved = save_picture(PICTURE, NameContext(now=NOW, seed=5), simple(tmp_path, jpeg_copy_above_megabytes=0.0001))
    assert saved.jpeg_path is not None
    assert size_of(saved.jpeg_path) == (64, 48)


def test_no_jpeg_copy_is_made_of_a_jpeg_or_when_it_is_switched_off(tmp_path: Path) -> None:
    context = NameContext(now=NOW, seed=5)
    assert save_picture(PICTURE, context, simple(tmp_path, extension="jpg", jpeg_copy_above_side=4)).jpeg_path is None
    assert save_picture(PICTURE, context, simple(tmp_path, jpeg_copy=False, jpeg_copy_above_side=4)).jpeg_path is None


def test_a_file_in_the_place_of_the_folder_is_named_in_the_error(tmp_path: Path) -> None:
    (tmp_path / "outputs").write_text("not a folder")
    with pytest.raises(SaveError, match=r"outputs.*a file stands where a folder is needed"):
        save_picture(PICTURE, NameContext(now=NOW, seed=5), simple(tmp_path / "outputs"))


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_without_permission_is_named_in_the_error(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(SaveError, match="no permission"):
        save_picture(PICTURE, NameContext(now=NOW, seed=5), simple(tmp_path))


def test_a_full_disk_leaves_nothing_half_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(SaveError, match="the disk is full"):
        save_picture(PICTURE, NameContext(now=NOW, seed=5), simple(tmp_path))
    assert list(tmp_path.iterdir()) == []


def test_a_text_file_that_cannot_be_written_is_a_warning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_path: Path, _text: str) -> Path:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(save_module, "_save_text", refuse)
    saved = save_picture(PICTURE, NameContext(now=NOW, seed=5), simple(tmp_path, text_file=True), text=TEXT)
    assert saved.path.exists()
    assert saved.warning is not None
    assert "No space left" in saved.warning


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (errno.EACCES, "permission"),
        (errno.EROFS, "only be read"),
        (errno.ENOSPC, "full"),
        (errno.ENAMETOOLONG, "shorter filename pattern"),
        (errno.EIO, os.strerror(errno.EIO)),
    ],
)
def test_an_error_of_the_system_says_what_to_do(number: int, words: str) -> None:
    message = str(save_error(OSError(number, os.strerror(number), "/pictures/a.png"), Path("/pictures")))
    assert words in message
    assert "a.png" in message
    assert "save it again" in message


def test_the_recorded_names_are_all_tested() -> None:
    assert len(TABLE["save"]) == 14


WIDE = {"webp": 16384, "jpg": 65501, "avif": 32769, "gif": 65536}


@pytest.mark.parametrize(("extension", "side"), WIDE.items())
def test_a_picture_beyond_the_sides_of_its_format_becomes_a_png(extension: str, side: int, tmp_path: Path) -> None:
    wide = Image.new("RGB", (side, 1), "red")
    options = simple(tmp_path, extension=extension, text_file=False, jpeg_copy=False)
    saved = save_picture(wide, NameContext(now=NOW, seed=5), options, text=TEXT)
    assert saved.path.name == "00000-5.png"
    assert saved.warning is not None
    assert f"sides end at {side - 1} pixels" in saved.warning
    assert read_picture_metadata(saved.path).infotext == TEXT.text
    with pytest.raises(SaveError, match="Choose png"):
        encode(wide, extension)


def test_text_that_is_too_long_for_a_jpeg_lies_beside_it(tmp_path: Path) -> None:
    text = "a cat, " * 10_000
    carried = PictureText(text=text, chunks={"parameters": text}, exif=exif_with(text))
    saved = save_picture(PICTURE, NameContext(now=NOW, seed=5), simple(tmp_path, extension="jpg"), text=carried)
    assert saved.path.suffix == ".jpg"
    assert saved.text_path is not None
    assert saved.text_path.read_text(encoding="utf-8") == text + "\n"
    assert saved.warning is not None
    assert "a JPEG holds 65,533 at most" in saved.warning


@pytest.mark.parametrize("extension", ["png", "jpg", "webp", "avif", "gif", "tiff"])
@pytest.mark.parametrize("text", ["a cat\nSteps: 20, Seed: 1", "夜の街, café ☕\nNegative prompt: ✗\nSteps: 3"])
def test_the_parameters_come_back_from_every_format(extension: str, text: str, tmp_path: Path) -> None:
    carried = PictureText(text=text, chunks={"parameters": text}, exif=exif_with(text))
    saved = save_picture(PICTURE, NameContext(now=NOW, seed=5), simple(tmp_path, extension=extension), text=carried)
    assert read_picture_metadata(saved.path).infotext == text


@pytest.mark.parametrize("extension", ["png", "jpg", "webp", "avif", "gif", "tiff"])
def test_nothing_of_a_picture_that_was_read_gets_into_one_without_text(extension: str, tmp_path: Path) -> None:
    source = io.BytesIO()
    text = PictureText(text="secret", chunks={"parameters": "secret"}, exif=exif_with("secret"))
    source.write(encode(PICTURE, "png", text=text))
    with Image.open(source) as loaded:
        loaded.info |= {"parameters": "secret", "comment": b"secret", "xmp": b"secret"}
        saved = save_picture(loaded, NameContext(now=NOW, seed=5), simple(tmp_path, extension=extension))
    data = saved.path.read_bytes()
    assert b"secret" not in data
    assert "secret".encode("utf-16-be") not in data


@pytest.mark.parametrize(
    "mode", ["1", "L", "LA", "P", "PA", "RGBA", "CMYK", "YCbCr", "HSV", "I;16", "I", "F", "La", "RGBa"]
)
@pytest.mark.parametrize("extension", ["png", "jpg", "webp", "avif", "gif"])
def test_every_kind_of_picture_can_be_saved_in_every_format(mode: str, extension: str) -> None:
    by_way_of = {"RGBa": "RGBA", "La": "LA", "I;16": "L", "I": "L", "F": "L"}.get(mode, "RGB")
    source = Image.new("PA", (64, 48)) if mode == "PA" else PICTURE.convert(by_way_of).convert(mode)
    with Image.open(io.BytesIO(encode(source, extension))) as loaded:
        assert loaded.size == (64, 48)


def test_a_full_disk_leaves_the_files_that_are_there_and_nothing_half_written(tmp_path: Path) -> None:
    noise = Image.effect_noise((64, 64), 80)
    with small_disk(tmp_path / "disk", kilobytes=24) as disk:
        saved: list[Path] = []
        with pytest.raises(SaveError, match="the disk is full"):
            for seed in range(20):
                saved.append(save_picture(noise, NameContext(now=NOW, seed=seed), simple(disk)).path)
        assert saved
        assert sorted(disk.iterdir()) == sorted(saved)
        assert all(size_of(path) == (64, 64) for path in saved)


def test_what_a_killed_program_left_behind_is_removed_once_it_is_old(tmp_path: Path) -> None:
    old = [tmp_path / name for name in (".00003-7.png.0123456789abcdef.part", ".number-00009.taken")]
    young = tmp_path / ".00004-7.png.fedcba9876543210.part"
    others = tmp_path / ".notes"
    for path in (*old, young, others):
        path.touch()
    for path in (*old, others):
        os.utime(path, (1, 1))
    with reserved_number(tmp_path) as number:
        assert number == 0
    assert {path.name for path in tmp_path.iterdir()} == {young.name, others.name}


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "P", "1", "I;16", "CMYK"])
def test_jpeg_2000_is_written_in_another_process(mode: str) -> None:
    picture = Image.linear_gradient("L").resize((60, 40)).convert("RGB" if mode == "I;16" else mode)
    picture = picture.convert("L").convert("I;16") if mode == "I;16" else picture
    with Image.open(io.BytesIO(encode(picture, "jp2"))) as written:
        assert (written.format, written.size) == ("JPEG2000", (60, 40))
        difference = ImageChops.difference(written.convert("L"), eight_bits(picture).convert("L"))
        assert max(difference.histogram()[3:]) == 0
