"""The lesser names of `modules.shared`, each a function of the dialect."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from modules.a1111 import files
from modules.a1111.describing import Interrogator

if TYPE_CHECKING:
    from modules.a1111.dialect import A1111Dialect


class FaceRestorer:
    """A face restorer as extensions use it: `restore` takes and gives an array [H, W, 3]."""

    def __init__(self, dialect: A1111Dialect, name: str) -> None:
        self._dialect, self._name = dialect, name

    def name(self) -> str:
        """What it is called."""
        return self._name

    def restore(self, np_image: Any) -> Any:
        """The picture with its faces restored."""
        import numpy
        from PIL import Image

        dialect = self._dialect
        weight = dialect.settings.code_former_weight
        restored = dialect.app.engine.faces.restore(Image.fromarray(np_image), self._name, weight=weight)
        return numpy.asarray(restored.image)


def face_restorers(dialect: A1111Dialect) -> list[FaceRestorer]:
    """What restores faces."""
    return [FaceRestorer(dialect, info.name) for info in dialect.app.restorers.all()]


class MemoryMonitor:
    """`shared.mem_mon`: what is known of the device's memory."""

    disabled = True

    def __init__(self, dialect: A1111Dialect) -> None:
        self._dialect = dialect

    def data(self) -> dict[str, int]:
        """Free bytes and the peak of the job at hand, where there is a device with memory of its own."""
        from modules.hardware.memory import free_bytes, peak_bytes

        device = self._dialect.app.engine.hardware.device
        return {"free": free_bytes(device), "peak": peak_bytes(device)}

    read = stop = data

    def cuda_mem_get_info(self) -> tuple[int, int]:
        """Free bytes of the device and all that it has."""
        from modules.hardware.memory import free_bytes, total_bytes

        device = self._dialect.app.engine.hardware.device
        return free_bytes(device), total_bytes(device)

    def monitor(self) -> None:
        """Nothing: peaks are counted all the time."""


def _page(dialect: A1111Dialect) -> list[str]:
    return [tab.label for tab in dialect.app.registries.tabs]


def _titles(dialect: A1111Dialect) -> Callable[[], list[str]]:
    return lambda: [info.title for info in dialect.app.catalogue.all()]


def _refresh(dialect: A1111Dialect) -> Callable[[], list[str]]:
    def refresh() -> list[str]:
        return [info.title for info in dialect.app.catalogue.refresh()]

    return refresh


def _samplers(dialect: A1111Dialect) -> Callable[[], list[Any]]:
    from modules.a1111.samplers import all_samplers

    return lambda: list(all_samplers)


NAMES: dict[str, Callable[[A1111Dialect], Any]] = {
    "config_filename": lambda dialect: str(dialect.app.paths.settings_file),
    "styles_filename": lambda dialect: [str(each) for each in dialect.app.paths.styles_files],
    "data_path": lambda dialect: str(dialect.app.paths.data),
    "models_path": lambda dialect: str(dialect.app.paths.models),
    "script_path": lambda dialect: str(dialect.app.paths.data),
    "log_directory": lambda dialect: str(dialect.app.paths.data / "log" / "images"),
    "hide_dirs": lambda dialect: {"visible": not dialect.app.flags.hide_ui_dir_config},
    "weight_load_location": lambda dialect: None,
    "xformers_available": lambda dialect: False,
    "parallel_processing_allowed": lambda dialect: True,
    "batch_cond_uncond": lambda dialect: dialect.settings.batch_cond_uncond,
    "hypernetworks": lambda dialect: {info.name: str(info.path) for info in dialect.app.networks.all("hypernet")},
    "loaded_hypernetworks": lambda dialect: [],
    "face_restorers": face_restorers,
    "mem_mon": MemoryMonitor,
    "tab_names": _page,
    "list_checkpoint_tiles": _titles,
    "refresh_checkpoints": _refresh,
    "list_samplers": _samplers,
    "reload_hypernetworks": lambda dialect: dialect.app.networks.refresh,
    "settings_components": lambda dialect: {},
    "interrogator": Interrogator,
    "clip_model": lambda dialect: None,
    "gradio_theme": lambda dialect: dialect.extras.setdefault("theme", SimpleNamespace()),
    "max_html_output": lambda dialect: 3000,
    "gradio_hf_hub_themes": lambda dialect: [],
    "config_states": lambda dialect: {},
    "parser": lambda dialect: None,
}


def value_of(dialect: A1111Dialect, name: str) -> Any:
    """What `modules.shared` has under this name. Raises AttributeError for one that it does not have."""
    if name in files.NAMES:
        return getattr(files, name)
    if name not in NAMES:
        raise AttributeError(f"modules.shared has no {name!r}.")
    return NAMES[name](dialect)
