"""What stands in `modules.shared`: the running program as scripts know it."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Generator, Sequence
from typing import TYPE_CHECKING, Any

from modules.a1111.options import Options
from modules.a1111.sd_model import ModelToCome, ModelView, view_of
from modules.a1111.shared_names import value_of
from modules.a1111.state import State
from modules.a1111.styles import StyleDatabase
from modules.a1111.types import GradioComponent
from modules.foundation.plain import JsonObject

if TYPE_CHECKING:
    from PIL.Image import Image

    from modules.a1111.dialect import A1111Dialect


class Shared:
    """The values of `modules.shared`, one object for each dialect."""

    def __init__(self, dialect: A1111Dialect) -> None:
        self._dialect = dialect
        self.opts = Options(dialect)
        self.state = State(dialect)
        self.cmd_opts = CommandLine(dialect)
        self.prompt_styles = StyleDatabase(dialect)
        self.options_templates: JsonObject = {}
        self.restricted_opts: set[str] = set()
        self.demo: GradioComponent = None
        self.total_tqdm = TotalTqdm()
        self.progress_print_out = None
        self._model: Any = None
        self._load: Callable[[], ModelView] | None = None
        self.is_page_ready = False

    @property
    def sd_model(self) -> Any:
        """The loaded checkpoint, or the one that will be; None where there is none at all.

        While a run is being decided, that of the run.
        """
        if self._model is None and self._load is not None:
            self._model = self._load()
        if self._model is not None:
            return self._model
        app = self._dialect.app
        model = app.engine.model if app.engine_ready else None
        if model is not None:
            return view_of(model)
        from modules.a1111.models import load_model

        info = app.selected_checkpoint
        load = load_model if self.is_page_ready else None
        return None if info is None else ModelToCome(info, app.catalogue.family_of(info), load)

    @sd_model.setter
    def sd_model(self, model: object) -> None:
        self._model = model

    @contextlib.contextmanager
    def using(self, model: object) -> Generator[None]:
        """For a while `sd_model` is this one."""
        before, self._model = self._model, model
        try:
            yield
        finally:
            self._model = before

    @contextlib.contextmanager
    def loading(self, load: Callable[[], ModelView]) -> Generator[None]:
        """For a while `sd_model` is what `load` gives, which is called when it is asked for."""
        before = self._model, self._load
        self._model, self._load = None, load
        try:
            yield
        finally:
            self._model, self._load = before

    @property
    def device(self) -> Any:
        """Where models compute."""
        return self._dialect.app.engine.hardware.device

    @property
    def sd_upscalers(self) -> Sequence[Upscaler]:
        """The upscalers, each with a `name` and a `scaler` whose `upscale` enlarges a picture."""
        return [Upscaler(self._dialect, info.name) for info in self._dialect.app.upscalers.all()]

    @property
    def latent_upscale_default_mode(self) -> str:
        """The one that is used where none is named."""
        from modules.sampling.latent_upscale import DEFAULT

        return DEFAULT

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return value_of(self._dialect, name)

    @property
    def latent_upscale_modes(self) -> JsonObject:
        """Ways to enlarge latents, by name."""
        from modules.sampling.latent_upscale import LATENT_UPSCALERS

        return {name: {"mode": how.mode, "antialias": how.antialias} for name, how in LATENT_UPSCALERS.items()}


class CommandLine:
    """`shared.cmd_opts`: the flags, under A1111's names; those of A1111 that change nothing here have its values."""

    def __init__(self, dialect: A1111Dialect) -> None:
        self._dialect = dialect
        self.added: JsonObject = {}

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        if name in self.added:
            return self.added[name]
        paths, flags = self._dialect.app.paths, self._dialect.app.flags
        found = {
            "data_dir": str(paths.data),
            "models_dir": str(paths.models),
            "ckpt_dir": str(paths.models / "Stable-diffusion"),
            "lora_dir": str(paths.lora),
            "lyco_dir_backcompat": str(paths.lycoris),
            "vae_dir": str(paths.models / "VAE"),
            "hypernetwork_dir": str(paths.hypernetworks),
            "embeddings_dir": str(paths.embeddings),
            "localizations_dir": str(paths.data / "localizations"),
            "ui_config_file": str(paths.ui_config_file),
            "ui_settings_file": str(paths.settings_file),
            "styles_file": [str(each) for each in paths.styles_files],
        }
        if name in found:
            return found[name]
        from modules.settings.legacy_flags import KNOWN_DEFAULTS

        if not hasattr(flags, name) and name not in KNOWN_DEFAULTS:
            raise AttributeError(f"There is no flag {name!r}, neither Easel's nor A1111's.")
        return getattr(flags, name, KNOWN_DEFAULTS.get(name))

    def __setattr__(self, name: str, value: object) -> None:
        if name in ("_dialect", "added"):
            object.__setattr__(self, name, value)
        else:
            self.added[name] = value

    def __contains__(self, name: str) -> bool:
        from modules.settings.legacy_flags import KNOWN_DEFAULTS

        return name in self.added or hasattr(self._dialect.app.flags, name) or name in KNOWN_DEFAULTS


class Upscaler:
    """An upscaler as scripts use it: `upscaler.scaler.upscale(image, scale, upscaler.data_path)`."""

    def __init__(self, dialect: A1111Dialect, name: str) -> None:
        self._dialect, self.name = dialect, name
        self.data_path, self.scale = name, 4
        self.scaler = self
        self.model = None

    def upscale(self, image: Image, scale: float, selected_model: str | None = None) -> Any:
        """`image` larger by `scale`."""
        dialect = self._dialect
        enlarge = dialect.app.engine.upscalers.enlarger(self.name, dialect.settings, dialect.control)
        return image if enlarge is None else enlarge(image, scale)


class TotalTqdm:
    """The bar in the terminal over a whole job; the program shows progress elsewhere."""

    _tqdm = None

    def updateTotal(self, new_total: int) -> None:
        """Does nothing: the job's own progress is shown."""

    def update(self) -> None:
        """Does nothing: the job's own progress is shown."""

    def reset(self) -> None:
        """Does nothing: the job's own progress is shown."""

    def clear(self) -> None:
        """Does nothing: the job's own progress is shown."""
