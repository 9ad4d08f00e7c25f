"""What small modules of A1111 hold: reading a picture's text, safe loading, masks, tags, installed extensions."""

from __future__ import annotations

import html
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from modules.a1111.current import current
from modules.a1111.describing import words_for
from modules.imaging.resize import upscaled_size
from modules.infotext.picture_metadata import read_picture_metadata

if TYPE_CHECKING:
    from PIL import Image

    from modules.a1111.script import ScriptFile


def run_pnginfo(image: Image.Image | None) -> tuple[str, str, str]:
    """What a picture says of itself: nothing, its infotext, and all its texts as HTML."""
    if image is None:
        return "", "", ""
    carried = read_picture_metadata(image)
    texts = {**({"parameters": carried.infotext} if carried.infotext else {}), **carried.others}
    shown = "".join(
        f"<div><p><b>{html.escape(str(key))}</b></p><p>{html.escape(str(text))}</p></div>\n"
        for key, text in texts.items()
    )
    return "", carried.infotext or "", shown or "<div><p>Nothing found in the image.</p></div>"


def load(filename: Path | str, *args: object, **kwargs: object) -> Any:
    """A file of weights; nothing in it is executed. Raises CheckpointError."""
    from modules.checkpoints.tensors import read_weights

    found = read_weights(Path(filename))
    device = kwargs.get("map_location") or (args[0] if args else None)
    if device is None or callable(device):
        return found
    return {key: value.to(device) if hasattr(value, "to") else value for key, value in found.items()}


def unsafe_torch_load(filename: Path | str, *args: object, **kwargs: object) -> Any:
    """The same: Easel executes nothing in files, whatever a function's name says."""
    return load(filename, *args, **kwargs)


def get_crop_region(mask: Any, pad: int = 0) -> tuple[int, int, int, int]:
    """The box around what is painted in a mask, with `pad` pixels around it; empty in an empty one."""
    from PIL import Image

    mask = mask if isinstance(mask, Image.Image) else Image.fromarray(mask)
    box = mask.convert("L").getbbox()
    left, top, right, bottom = box if box is not None else (mask.width, mask.height, 0, 0)
    return (
        max(left - pad, 0),
        max(top - pad, 0),
        min(right + pad, mask.width),
        min(bottom + pad, mask.height),
    )


def get_crop_region_v2(mask: Any, pad: int = 0) -> tuple[int, int, int, int] | None:
    """The same; None for an empty mask."""
    box = get_crop_region(mask, pad)
    return box if box[0] < box[2] and box[1] < box[3] else None


def expand_crop_region(
    crop_region: Sequence[int], processing_width: int, processing_height: int, image_width: int, image_height: int
) -> tuple[int, int, int, int]:
    """The box grown to the proportions of the size that is made, within the picture."""
    from modules.imaging.masks import expanded_region

    left, top, right, bottom = crop_region
    return expanded_region(
        (left, top, right, bottom), (processing_width, processing_height), (image_width, image_height)
    )


def fill(image: Image.Image, mask: Image.Image) -> Image.Image:
    """A picture whose masked part has the colours around it."""
    from modules.imaging.inpaint_fill import fill_masked

    return fill_masked(image, mask)


class Tagger:
    """`deepbooru.model`: tags of pictures, where the weights lie in the models folder."""

    def start(self) -> None:
        """Nothing: weights are loaded when they are wanted."""

    def stop(self) -> None:
        """Does nothing."""

    def tag(self, pil_image: Image.Image) -> str:
        """The tags of a picture."""
        return self.tag_multi(pil_image)

    def tag_multi(self, pil_image: Image.Image, force_disable_ranks: bool = False) -> str:
        """The same, without their probabilities if that is wanted, whatever the settings say."""
        return words_for(current(), pil_image, "deepdanbooru", ranks=not force_disable_ranks)

    load = start


class InstalledExtension:
    """An extension in its folder."""

    def __init__(self, folder: Path, enabled: bool) -> None:
        self.name, self.path, self.enabled = folder.name, str(folder), enabled
        self.canonical_name = folder.name.lower()
        self.is_builtin = False
        self.remote = self.branch = self.commit_hash = self.version = self.status = ""
        self.can_update = False

    def list_files(self, subdir: str, extension: str) -> list[ScriptFile]:
        """Its files with a suffix in one of its folders."""
        from modules.a1111.script import ScriptFile

        folder = Path(self.path) / subdir
        found = sorted(folder.glob(f"*{extension}")) if folder.is_dir() else []
        return [ScriptFile(self.path, file.name, str(file)) for file in found]

    def read_info_from_repo(self) -> None:
        """Nothing: the Extensions page knows versions."""

    def check_updates(self) -> None:
        """Nothing, for the same reason."""


def extensions() -> list[InstalledExtension]:
    """The extensions in the folder for them."""
    from modules.a1111.places import place

    off: list[str] = getattr(current().shared.opts, "disabled_extensions", None) or []
    root = Path(place("extensions_dir"))
    if not root.is_dir():
        return []
    folders = sorted((each for each in root.iterdir() if each.is_dir()), key=lambda each: each.name.lower())
    return [InstalledExtension(each, each.name not in off) for each in folders]


def active() -> list[InstalledExtension]:
    """Those that are not switched off."""
    return [each for each in extensions() if each.enabled]


def localizations() -> dict[str, str]:
    """The files of translations by name."""
    root = Path(current().shared.cmd_opts.localizations_dir)
    own = [str(path) for path in sorted(root.glob("*.json"))] if root.is_dir() else []
    others = [each.path for each in current().loader.files("localizations", ".json")]
    return {Path(path).stem: path for path in (*own, *others)}


class Upscaler:
    """What upscalers of extensions derive from: `do_upscale` enlarges a picture with the model of `scalers`."""

    name = ""
    model_path: str | None = None
    model_name: str | None = None
    model_url: str | None = None
    enable = True
    user_path: str | None = None
    scalers: Sequence[Any] = ()
    tile = True

    def __init__(self, create_dirs: bool = False) -> None:
        self.scalers = []
        self.scale = 4

    def do_upscale(self, img: Image.Image, selected_model: str) -> Image.Image:
        """The picture, larger by whatever the model enlarges by."""
        return img

    def upscale(self, img: Image.Image, scale: float, selected_model: str | None = None) -> Image.Image:
        """The picture, larger by `scale`."""
        from PIL import Image

        width, height = upscaled_size(img.width, img.height, scale)
        for _ in range(3):
            if img.width >= width and img.height >= height:
                break
            before = img.size
            img = self.do_upscale(img, selected_model or "")
            if img.size == before:
                break
        return img if img.size == (width, height) else img.resize((width, height), Image.Resampling.LANCZOS)

    def load_model(self, path: str) -> Any:
        """To be overridden."""
        return None


class UpscalerData:
    """One entry of the list of upscalers."""

    def __init__(
        self,
        name: str,
        path: str,
        upscaler: object = None,
        scale: int = 4,
        model: object = None,
        sha256: str | None = None,
    ) -> None:
        self.name, self.data_path, self.local_data_path = name, path, path
        self.scaler, self.scale, self.model, self.sha256 = upscaler, scale, model, sha256


class FaceRestoration:
    """What face restorers of extensions derive from."""

    def name(self) -> str:
        """What it is called."""
        return "None"

    def restore(self, np_image: Image.Image) -> Image.Image:
        """The picture with its faces restored."""
        return np_image


def restore_faces(np_image: Image.Image) -> Image.Image:
    """A picture with its faces restored as the settings say."""
    from modules.a1111.shared_names import FaceRestorer

    name = current().shared.opts.face_restoration_model
    return FaceRestorer(current(), name).restore(np_image)
