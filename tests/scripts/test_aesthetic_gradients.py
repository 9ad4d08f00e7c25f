"""Aesthetic gradients in real runs: on tiny models, with a tiny CLIP beside them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import ImageChops
from safetensors.torch import save_file

from modules.application.jobs.aesthetic import submit_aesthetic_embedding
from modules.foundation.errors import RequestError
from modules.generation.request import GenerationRequest
from modules.generation.result import GenerationResult
from modules.infotext.parse import parse
from modules.text_encoders.aesthetic_embeddings import read_aesthetic
from tests.interrogate import tiny
from tests.scripts.conftest import Scripts

WIDTH = 24


@pytest.fixture
def folder(scripts: Scripts) -> Iterator[Path]:
    """The folder of embeddings, with one for SD1 and one for SDXL's OpenCLIP in it."""
    folder = scripts.application.aesthetic_embeddings.folders[0]
    folder.mkdir()
    files = [folder / "tiny.pt", folder / "tiny-g.pt", folder / "odd.pt", folder / "bad.pt"]
    for path, width in zip(files, (WIDTH, 80, 7, 1), strict=True):
        torch.save(torch.randn(1, width, generator=torch.Generator().manual_seed(width)), path)
    files[-1].write_bytes(b"no embedding")
    yield folder
    for path in files:
        path.unlink()
    folder.rmdir()


@pytest.fixture
def clip(scripts: Scripts) -> Iterator[Path]:
    """A file of CLIP with the projection of tiny-sd1's text encoder."""
    path = scripts.application.paths.models / "CLIP" / "tiny-clip.safetensors"
    path.parent.mkdir(exist_ok=True)
    projection = torch.randn(WIDTH, 48, generator=torch.Generator().manual_seed(1))
    save_file({"text_projection.weight": projection}, path)
    yield path
    path.unlink()


def make(scripts: Scripts, *arguments: Any, **changes: Any) -> GenerationResult:
    asked: dict[str, Any] = {"prompt": "wolf", "seed": 1, "steps": 2, "width": 64, "height": 64, "sampler": "Euler"}
    asked |= {"save_images": False, "save_grid": False}
    if arguments:
        asked["script_arguments"] = {"aesthetic gradients": arguments}
    return scripts.application.submit(GenerationRequest(**{**asked, **changes})).wait(300)


@pytest.mark.usefixtures("folder", "clip")
def test_a_prompt_is_led_to_the_pictures_and_the_parameters_say_so(scripts: Scripts) -> None:
    plain = make(scripts).images[0]
    led = make(scripts, 0.9, 5, "0.01", True, "tiny", "sea", 0.2, True).images[0]
    assert ImageChops.difference(plain.image, led.image).getbbox() is not None
    written = parse(led.infotext).parts
    assert {key: value for key, value in written.items() if key.startswith("Aesthetic")} == {
        "Aesthetic weight": "0.9",
        "Aesthetic steps": "5",
        "Aesthetic LR": "0.01",
        "Aesthetic slerp": "True",
        "Aesthetic embedding": "tiny",
        "Aesthetic text": "sea",
        "Aesthetic slerp angle": "0.2",
        "Aesthetic text negative": "True",
    }
    again = make(scripts, 0.9, 5, "0.01", True, "tiny", "sea", 0.2, True).images[0]
    assert ImageChops.difference(again.image, led.image).getbbox() is None
    assert ImageChops.difference(make(scripts).images[0].image, plain.image).getbbox() is None


@pytest.mark.usefixtures("folder", "clip")
def test_without_an_embedding_nothing_of_it_happens(scripts: Scripts) -> None:
    plain, off = make(scripts).images[0], make(scripts, 0.9, 5, 0.01, False, "None", "", 0.1, False).images[0]
    assert plain.image.tobytes() == off.image.tobytes()
    assert plain.infotext == off.infotext
    nothing = GenerationRequest(prompt="a", script_arguments={"aesthetic gradients": (0.9, 5, 0.01, False, "None")})
    assert not scripts.dialect.listens(nothing)


@pytest.mark.usefixtures("folder")
def test_a_checkpoint_with_a_projection_needs_no_further_file(scripts: Scripts) -> None:
    plain = make(scripts, override_settings={"sd_model_checkpoint": "tiny-sdxl"}).images[0]
    led = make(scripts, 1, 3, 0.01, False, "tiny-g", override_settings={"sd_model_checkpoint": "tiny-sdxl"}).images[0]
    assert ImageChops.difference(plain.image, led.image).getbbox() is not None


@pytest.mark.usefixtures("folder")
def test_clip_is_named_where_its_projection_is_missing(scripts: Scripts) -> None:
    with pytest.raises(RequestError, match=r"clip-vit-large-patch14.*models.CLIP"):
        make(scripts, 0.9, 5, 0.01, False, "tiny")


@pytest.mark.usefixtures("folder", "clip")
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((0.9, 5, 0.01, False, "tinny"), "tiny"),
        ((0.9, 5, 0.01, False, "bad"), r"bad\.pt"),
        ((0.9, 5, 0.01, False, "odd"), "vectors of 7 numbers"),
        ((2, 5, 0.01, False, "tiny"), "aesthetic weight"),
        ((0.9, -1, 0.01, False, "tiny"), "aesthetic steps"),
        ((0.9, 5, "fast", False, "tiny"), "aesthetic learning rate"),
        ((0.9, 5, 0.01, False, "tiny", "", float("nan")), "aesthetic slerp angle"),
    ],
)
def test_what_cannot_be_done_is_refused_with_its_reason(
    scripts: Scripts, arguments: tuple[Any, ...], said: str
) -> None:
    with pytest.raises(RequestError, match=said):
        make(scripts, *arguments)


@pytest.fixture
def whole_clip(scripts: Scripts) -> Iterator[Any]:
    model = tiny.clip()
    path = tiny.write_openai_clip(scripts.application.paths.models / "CLIP" / "ViT-L-14.pt", model)
    yield model
    path.unlink()


@pytest.mark.usefixtures("folder", "whole_clip")
def test_an_embedding_is_made_of_a_folder_of_pictures(scripts: Scripts, tmp_path: Path) -> None:
    pictures = [tiny.picture(40, 30), tiny.picture(32, 50).rotate(90)]
    for number, picture in enumerate(pictures):
        picture.save(tmp_path / f"{number}.png")
    (tmp_path / "broken.png").write_bytes(b"no picture")
    app = scripts.application
    made = submit_aesthetic_embedding(app, str(tmp_path), "mine").wait(300)
    try:
        assert (made.pictures, [each.name for each in made.failed]) == (2, ["broken.png"])
        vectors = torch.stack([app.engine.interrogators.picture_vector(each) for each in pictures])
        torch.testing.assert_close(read_aesthetic(made.path), torch.nn.functional.normalize(vectors.mean(0), dim=0))
        assert app.aesthetic_embeddings.find("mine") == made.path
        with pytest.raises(RequestError, match="already"):
            submit_aesthetic_embedding(app, str(tmp_path), "MINE")
    finally:
        made.path.unlink()


@pytest.mark.usefixtures("folder")
def test_what_cannot_become_an_embedding_is_said_at_once(scripts: Scripts, tmp_path: Path) -> None:
    app = scripts.application
    with pytest.raises(RequestError, match="clip-vit-large-patch14"):
        submit_aesthetic_embedding(app, str(tmp_path), "mine")
    for name in ("", "a/b", "..", ".hidden", "x" * 200):
        with pytest.raises(RequestError, match="cannot be the name"):
            submit_aesthetic_embedding(app, str(tmp_path), name)
    for where, said in (("", "Name a folder"), (str(tmp_path / "nowhere"), "not a folder")):
        with pytest.raises(RequestError, match=said):
            submit_aesthetic_embedding(app, where, "mine")


@pytest.mark.usefixtures("folder", "whole_clip")
def test_a_folder_without_pictures_makes_nothing(scripts: Scripts, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("nothing")
    with pytest.raises(RequestError, match="no pictures"):
        submit_aesthetic_embedding(scripts.application, str(tmp_path), "mine").wait(300)
    assert "mine" not in scripts.application.aesthetic_embeddings.all()
