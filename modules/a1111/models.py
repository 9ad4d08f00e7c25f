"""Checkpoints and VAEs as extensions list and change them: `modules.sd_models` and `modules.sd_vae`."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

from modules.a1111.current import current
from modules.a1111.queueing import on_engine
from modules.a1111.sd_model import CheckpointView, ModelToCome, ModelView, view_of
from modules.checkpoints.vae_files import AUTOMATIC, NONE
from modules.foundation.errors import CheckpointError, UnknownName
from modules.foundation.plain import JsonMapping, JsonObject


def checkpoints_list() -> dict[str, CheckpointView]:
    """The checkpoints by title."""
    return {info.title: CheckpointView(info) for info in current().app.catalogue.all()}


def checkpoint_aliases() -> dict[str, CheckpointView]:
    """The checkpoints by every name that finds them."""
    return {name: view for view in checkpoints_list().values() for name in view.ids if name}


def checkpoint_tiles(use_short: bool = False) -> list[str]:
    """The titles of all checkpoints."""
    return [view.short_title if use_short else view.title for view in checkpoints_list().values()]


def list_models() -> None:
    """Read the folders again."""
    current().app.catalogue.refresh()


def get_closet_checkpoint_match(search_string: str) -> CheckpointView | None:
    """The checkpoint that a title, name or hash means; None where there is none."""
    if not search_string:
        return None
    try:
        return CheckpointView(current().app.catalogue.find(str(search_string)))
    except UnknownName:
        return None


get_closest_checkpoint_match = get_closet_checkpoint_match


def select_checkpoint() -> CheckpointView:
    """The checkpoint that the settings name. Raises FileNotFoundError where there is none at all."""
    info = current().app.selected_checkpoint
    if info is None:
        raise FileNotFoundError("There is no checkpoint. Put one into models/Stable-diffusion.")
    return CheckpointView(info)


def model_hash(filename: str) -> str:
    """A1111's first hash of a file: eight digits of a part of it."""
    import hashlib

    try:
        with Path(filename).open("rb") as file:
            file.seek(0x100000)
            return hashlib.sha256(file.read(0x10000)).hexdigest()[:8]
    except FileNotFoundError:
        return "NOFILE"


def read_state_dict(checkpoint_file: str, print_global_state: bool = False, map_location: object = None) -> JsonObject:
    """The tensors of a file by name; nothing in it is executed. Raises CheckpointError."""
    from modules.checkpoints.tensors import read_weights

    device = "cpu" if map_location is None else map_location
    tensors = get_state_dict_from_checkpoint(read_weights(Path(checkpoint_file)))
    return {name: tensor.to(device) for name, tensor in tensors.items() if hasattr(tensor, "to")}


load_torch_file = read_state_dict


def get_state_dict_from_checkpoint(pl_sd: JsonMapping) -> JsonObject:
    """The tensors of a loaded file, taken out of the dict that some files put around them."""
    inner: Any = pl_sd.get("state_dict", pl_sd)
    return {str(name): tensor for name, tensor in inner.items()}


def read_metadata_from_safetensors(filename: str) -> JsonObject:
    """What a safetensors file says of itself; values that are JSON are read."""
    import json

    from safetensors import safe_open

    with safe_open(filename, framework="pt") as file:
        found: JsonObject = dict(file.metadata() or {})
    for key, value in found.items():
        if value[:1] == "{":
            with contextlib.suppress(ValueError):
                found[key] = json.loads(value)
    return found


def load_model(
    checkpoint_info: CheckpointView | None = None, already_loaded_state_dict: object = None
) -> ModelView | None:
    """Load a checkpoint, or the one that the settings name, and make it the program's."""
    dialect = current()
    info = checkpoint_info or select_checkpoint()

    def load() -> ModelView | None:
        model = dialect.app.engine.load(dialect.app.catalogue.find(info.title))
        dialect.job.change_settings({"sd_model_checkpoint": info.title}, save=False)
        return view_of(model)

    return on_engine(load, f"Loading {info.name}")


def reload_model_weights(
    sd_model: object = None, info: CheckpointView | None = None, forced_reload: bool = False
) -> object:
    """The same."""
    return load_model(info)


def unload_model_weights(sd_model: object = None, info: CheckpointView | None = None) -> object:
    """Free the loaded checkpoint's memory; the next picture loads it again."""
    dialect = current()
    if dialect.app.engine_ready:
        on_engine(dialect.app.engine.unload, "Unloading the checkpoint")
    return sd_model


def send_model_to_cpu(m: object) -> None:
    """Nothing: where models lie is the program's business."""


def send_model_to_device(m: object) -> None:
    """Nothing, for the same reason."""


class ModelData:
    """`sd_models.model_data`: the loaded model."""

    @property
    def sd_model(self) -> ModelView | None:
        """The loaded model; None before one is loaded."""
        model = current().shared.sd_model
        return None if isinstance(model, ModelToCome) else model

    @property
    def loaded_sd_models(self) -> list[ModelView]:
        """The loaded models, which are one here."""
        return [self.sd_model] if self.sd_model is not None else []

    was_loaded_at_least_once = True

    def get_sd_model(self) -> ModelView | None:
        """The loaded model, loaded now where none is."""
        return self.sd_model if self.sd_model is not None else load_model()

    def set_sd_model(self, v: object, already_loaded: bool = False) -> None:
        """Make a model the loaded one, for extensions."""
        current().shared.sd_model = v


model_data = ModelData()


# VAEs


def vae_dict() -> dict[str, str]:
    """The files of VAEs by name."""
    return {info.name: str(info.path) for info in current().app.vaes.all()}


def refresh_vae_list() -> None:
    """Read the folders again."""
    current().app.vaes.refresh()


def loaded_vae_file() -> str | None:
    """The file of the VAE in use; None for the checkpoint's own."""
    app = current().app
    model = app.engine.model if app.engine_ready else None
    return None if model is None or model.vae is None else str(model.vae.path)


def get_filename(filepath: str) -> str:
    """A file's name without its folder."""
    return Path(filepath).name


def reload_vae_weights(sd_model: object = None, vae_file: object = "unspecified") -> object:
    """Use another VAE from the next picture on: the one in a file, or the one that the settings name."""
    dialect = current()
    if vae_file == "unspecified":
        return sd_model
    name = NONE
    if vae_file is not None:
        names = {str(info.path): info.name for info in dialect.app.vaes.all()}
        name = names.get(str(vae_file), str(vae_file) if vae_file == AUTOMATIC else "")
        if not name:
            raise CheckpointError(f"{vae_file} is no VAE that Easel knows. Put it into models/VAE.")
    dialect.job.change_settings({"sd_vae": name}, save=False)
    return sd_model


def load_vae(model: object, vae_file: str | None = None, vae_source: str = "from unknown source") -> None:
    """Use the VAE in a file from the next picture on; None for the checkpoint's own."""
    reload_vae_weights(model, vae_file)


def clear_loaded_vae() -> None:
    """Nothing: what was loaded is known from the model."""


def load_vae_dict(filename: str, map_location: object = None) -> dict[str, Any]:
    """The weights in a VAE's file, without those of its training. Raises CheckpointError."""
    from modules.a1111.small_modules import load

    found = load(filename, map_location)
    return {key: weight for key, weight in found.items() if not key.startswith(("loss", "model_ema."))}


def find_vae_near_checkpoint(checkpoint_file: str) -> str | None:
    """The file of the VAE that lies beside a checkpoint under its name."""
    stem = Path(checkpoint_file).stem
    beside = (Path(checkpoint_file).with_name(f"{stem}.vae.{end}") for end in ("safetensors", "pt", "ckpt"))
    return next((str(path) for path in beside if path.is_file()), None)


VALUES: JsonMapping = {
    "checkpoints_list": checkpoints_list,
    "checkpoint_aliases": checkpoint_aliases,
    "checkpoint_alisases": checkpoint_aliases,
    "checkpoints_loaded": dict,
    "model_path": lambda: str(current().app.paths.models / "Stable-diffusion"),
    "model_dir": lambda: "Stable-diffusion",
    "vae_dict": vae_dict,
    "loaded_vae_file": loaded_vae_file,
    "base_vae": lambda: None,
    "vae_path": lambda: str(current().app.paths.models / "VAE"),
    "unspecified": lambda: "unspecified",
}


def value_of(module: str, name: str) -> Any:
    """A name of these modules that is a value. Raises AttributeError for what there is not."""
    if name not in VALUES:
        raise AttributeError(f"{module} has no {name!r}.")
    return VALUES[name]()
