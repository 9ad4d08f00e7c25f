"""A merge from start to end: open the models, decide, check the disk, write the file under its name."""

from __future__ import annotations

import contextlib
import dataclasses
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING

from modules.checkpoints.info import CheckpointInfo
from modules.checkpoints.merge.discard import Discard
from modules.checkpoints.merge.recipe import FurtherInput, MergeRecipe, config_model, metadata_of
from modules.checkpoints.merge.tensors import Merger, OpenModel
from modules.checkpoints.tensors import open_tensors
from modules.checkpoints.writing import Output, write_checkpoint, write_safetensors
from modules.foundation.atomic import atomic_write
from modules.foundation.errors import CheckpointError, RequestError

if TYPE_CHECKING:
    from torch import Tensor

_LETTERS = ("A", "B", "C")
_KEPT_FREE = 64 * 1024 * 1024
"""Bytes that a merge leaves free on the disk; the table of contents is among them."""


@dataclass(frozen=True, kw_only=True)
class Merged:
    """The finished file. `image_input` is what the primary takes beside latents, where another model does not."""

    path: Path
    size: int
    tensors: int
    image_input: FurtherInput | None


def merge_checkpoints(
    recipe: MergeRecipe,
    folder: Path,
    *,
    sha256: Callable[[Path], str],
    on_progress: Callable[[float], None] = lambda _: None,
    overwrite: bool = False,
) -> Merged:
    """Carry out `recipe` and put the result into `folder`.

    The file appears whole or not at all. Tensors are read, combined and written one by one, so the memory it takes is
    that of the largest tensor of each model. `on_progress` is called with 0..1 before each piece; what it raises (to
    stop) leaves nothing behind. Raises CheckpointError, naming file and reason, RequestError for a recipe that makes
    no sense.
    """
    check_recipe(recipe)
    with contextlib.ExitStack() as stack:
        models = tuple(_open(info, stack) for info in recipe.models)
        merger = Merger(recipe, models)
        outputs = merger.outputs(_vae(recipe, merger, stack))
        if not outputs:
            raise RequestError("Nothing would be left of the model; discard fewer weights.", "discard_weights")
        path = _target(recipe, folder, merger.image_input, overwrite=overwrite)
        size = sum(output.size for output in outputs)
        _check_disk(path, size)
        carried = {info.path: model.source.metadata for info, model in zip(recipe.models, models, strict=True)}
        on_progress(0.0)
        metadata = metadata_of(recipe, carried, sha256, merger.image_input)
        _write(path, [*_counted(outputs, size, on_progress)], recipe, metadata)
    _copy_sidecar(recipe, carried, path)
    return Merged(path=path, size=path.stat().st_size, tensors=len(outputs), image_input=merger.image_input)


def check_recipe(recipe: MergeRecipe) -> None:
    """Raise RequestError, naming the field, for a recipe that cannot work whatever is in the files."""
    Discard(recipe.discard)
    fields = ("primary_model_name", "secondary_model_name", "tertiary_model_name")
    for index in range(recipe.method.models):
        if index >= len(recipe.models):
            raise RequestError(f"{recipe.method.value} needs a model {_LETTERS[index]}.", fields[index])
    if not -10 <= recipe.multiplier <= 10:  # also refuses what is no number
        raise RequestError(f"The multiplier {recipe.multiplier} is not between -10 and 10.", "multiplier")


def _open(info: CheckpointInfo, stack: contextlib.ExitStack) -> OpenModel:
    if info.path.is_dir():
        raise CheckpointError(
            f"{info.name} is a folder in the form of diffusers. Only single files can be merged; convert it first."
        )
    return OpenModel(name=info.name, source=stack.enter_context(open_tensors(info.path)))


def _vae(recipe: MergeRecipe, merger: Merger, stack: contextlib.ExitStack) -> dict[str, Output] | None:
    if recipe.vae is None:
        return None
    from modules.checkpoints.merge.baking import vae_outputs

    return vae_outputs(recipe.vae, stack.enter_context(open_tensors(recipe.vae.path)), merger.kept_as)


def _target(recipe: MergeRecipe, folder: Path, image_input: FurtherInput | None, *, overwrite: bool) -> Path:
    name = _clean_name(recipe.file_name(image_input))
    path = folder / name
    if any(path.resolve() == info.path.resolve() for info in recipe.models):
        raise RequestError(f"{name} is one of the models that are merged. Choose another name.", "custom_name")
    if path.exists() and not overwrite:
        raise RequestError(f"{path} exists already. Choose another name, or allow it to be replaced.", "custom_name")
    return path


def _clean_name(name: str) -> str:
    """`name` as a file name (a folder may stand before it) that stays below the folder of checkpoints."""
    parts = ["".join("_" if each in '<>:"|?*' or ord(each) < 32 else each for each in part).strip(" ")
             for part in name.replace("\\", "/").split("/")]  # fmt: skip
    parts = [part for part in parts if part not in ("", ".", "..")]
    if not parts or parts[-1].startswith("."):
        raise RequestError(f"{name!r} is no name for a file.", "custom_name")
    stem, _, suffix = parts[-1].rpartition(".")
    return "/".join([*parts[:-1], f"{stem.encode()[:200].decode(errors='ignore')}.{suffix}"])


def _check_disk(path: Path, size: int) -> None:
    existing = next(parent for parent in path.parents if parent.exists())
    free = shutil.disk_usage(existing).free
    if free < size + _KEPT_FREE:
        raise CheckpointError(
            f"The merged model takes {size / 1e9:.2f} GB, and {free / 1e9:.2f} GB are free where {path} would be. "
            "Make room, save as float16, or discard weights."
        )


def _counted(outputs: list[Output], total: int, on_progress: Callable[[float], None]) -> Iterator[Output]:
    """The outputs, telling before each piece how much is written."""
    written = 0

    def counting(output: Output) -> Callable[[], Iterator[Tensor]]:
        def pieces() -> Iterator[Tensor]:
            nonlocal written
            for piece in output.pieces():
                on_progress(min(written / max(total, 1), 1.0))
                written += piece.numel() * piece.element_size()
                yield piece

        return pieces

    for output in outputs:
        yield dataclasses.replace(output, pieces=counting(output))


def _write(path: Path, outputs: list[Output], recipe: MergeRecipe, metadata: Mapping[str, str]) -> None:
    try:
        with atomic_write(path) as file:
            _write_as(file, outputs, recipe, metadata)
    except OSError as error:
        raise CheckpointError(
            f"The merged model could not be written to {path}: {error.strerror or error}. Nothing was left there."
        ) from error


def _write_as(file: IO[bytes], outputs: list[Output], recipe: MergeRecipe, metadata: Mapping[str, str]) -> None:
    if recipe.format == "safetensors":
        write_safetensors(file, outputs, metadata)
    else:
        write_checkpoint(file, outputs, {key: text for key, text in metadata.items() if key != "format"})


def _copy_sidecar(recipe: MergeRecipe, carried: Mapping[Path, Mapping[str, str]], path: Path) -> None:
    source = config_model(recipe, lambda model: model.sidecar.is_file())
    if source is None or not source.sidecar.is_file():
        return
    with contextlib.suppress(shutil.SameFileError), atomic_write(path.with_suffix(".yaml")) as file:
        file.write(source.sidecar.read_bytes())
