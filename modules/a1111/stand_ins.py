"""Modules that extensions import and that are not here: `ldm`, `sgm`, `k_diffusion`, and names of built-in extensions.

An import of a name gives a class of that name, so that importing alone never fails. Using one says what is missing.
"""

from __future__ import annotations

import importlib
import importlib.abc
import importlib.machinery
import inspect
import sys
from collections.abc import Mapping, Sequence
from types import ModuleType
from typing import Any, cast

PACKAGES = (
    *("ldm", "sgm", "k_diffusion", "open_clip", "basicsr", "gfpgan", "realesrgan"),
    *("modules.codeformer_model", "modules.config_states", "modules.dat_model", "modules.esrgan_model"),
    *("modules.extra_networks_hypernet", "modules.face_restoration_utils", "modules.fifo_lock"),
    *("modules.gfpgan_model", "modules.gitpython_hack", "modules.hat_model", "modules.hypernetworks"),
    *("modules.import_hook", "modules.logging_config", "modules.mac_specific", "modules.models", "modules.ngrok"),
    *("modules.npu_specific", "modules.postprocessing", "modules.profiling", "modules.realesrgan_model"),
    *("modules.scripts_auto_postprocessing", "modules.sd_disable_initialization", "modules.sd_emphasis"),
    *("modules.sd_hijack_checkpoint", "modules.sd_hijack_clip", "modules.sd_hijack_clip_old"),
    *("modules.sd_hijack_ip2p", "modules.sd_hijack_open_clip", "modules.sd_hijack_utils", "modules.sd_hijack_xlmr"),
    *("modules.sd_models_config", "modules.sd_models_types", "modules.sd_models_xl", "modules.sd_samplers_compvis"),
    *("modules.sd_samplers_extra", "modules.sd_samplers_lcm", "modules.sd_vae_approx", "modules.sd_vae_taesd"),
    *("modules.shared_gradio_themes", "modules.shared_total_tqdm", "modules.sub_quadratic_attention"),
    *("modules.textual_inversion.autocrop", "modules.textual_inversion.image_embedding"),
    *("modules.textual_inversion.learn_schedule", "modules.textual_inversion.preprocess"),
    *("modules.textual_inversion.saving_settings", "modules.textual_inversion.ui"),
    *("modules.ui_checkpoint_merger", "modules.ui_extensions"),
    *("modules.ui_extra_networks_checkpoints_user_metadata", "modules.ui_extra_networks_user_metadata"),
    *("modules.ui_loadsave", "modules.ui_postprocessing", "modules.ui_settings", "modules.ui_toprow"),
    *("modules.upscaler_utils", "modules.xlmr", "modules.xlmr_m18", "modules.xpu_specific"),
    *("network", "network_lora", "lora_patches", "Lora"),
)
"""Packages of the original's environment, and modules of its own, that Easel works without."""

ALIASES = {
    "lora": "modules.a1111.network_lists",
    "Lora.networks": "modules.a1111.network_lists",
    "Lora.ui_extra_networks_lora": "modules.a1111.program_cards",
    "ui_extra_networks_lora": "modules.a1111.program_cards",
    "modules.ui_extra_networks_checkpoints": "modules.a1111.program_cards",
    "modules.ui_extra_networks_hypernets": "modules.a1111.program_cards",
    "modules.ui_extra_networks_textual_inversion": "modules.a1111.program_cards",
    "networks": "modules.a1111.network_lists",
    "extra_networks_lora": "modules.a1111.network_lists",
    "modules.api.api": "modules.a1111.api_object",
    "modules.api.models": "modules.a1111.api_bodies",
    "modules.initialize": "modules.a1111.program_parts",
    "modules.initialize_util": "modules.a1111.program_parts",
    "modules.restart": "modules.a1111.program_parts",
    "modules.rng_philox": "modules.a1111.program_parts",
    "modules.script_loading": "modules.a1111.program_parts",
    "modules.shared_init": "modules.a1111.program_parts",
    "modules.styles": "modules.a1111.styles",
    "modules.sysinfo": "modules.a1111.program_parts",
    "modules.torch_utils": "modules.a1111.program_parts",
    "modules.ui_gradio_extensions": "modules.a1111.program_parts",
    "modules.ui_tempdir": "modules.a1111.program_parts",
    "pkg_resources": "modules.extension_host.package_resources",
    "basicsr.utils.download_util": "modules.modelloader",
    "scripts.postprocessing_upscale": "modules.a1111.postprocessing_upscale",
}
"""Names under which modules of the dialect are found beside their own."""


def _exists(val: object) -> bool:
    return val is not None


def _default(val: Any, d: Any) -> Any:
    return val if val is not None else d() if inspect.isfunction(d) else d


def _trange(*numbers: int, **_: object) -> range:
    return range(*numbers)


def _append_dims(x: Any, target_dims: int) -> Any:
    return x[(..., *(None,) * (target_dims - x.ndim))]


def _to_d(x: Any, sigma: Any, denoised: Any) -> Any:
    return (x - denoised) / _append_dims(sigma, x.ndim)


def _ancestral(sigma_from: Any, sigma_to: Any, eta: float = 1.0) -> tuple[Any, Any]:
    from modules.sampling.parameterisation import ancestral_step

    return ancestral_step(sigma_from, sigma_to, eta)


def _noise_like(x: Any) -> Any:
    import torch

    return lambda sigma, sigma_next: torch.randn_like(x)


def _levels(schedule: str, usual_rho: float | None) -> Any:
    """k-diffusion's function for one of the schedules of `sampling/schedules.py` that need no model."""

    def get_sigmas(n: int, sigma_min: float, sigma_max: float, *args: Any, **named: Any) -> Any:
        from modules.sampling import schedules
        from modules.sampling.options import SamplingOptions

        arguments = dict(zip(("device",) if usual_rho is None else ("rho", "device"), args, strict=False)) | named
        wanted: Any = schedules.Range(
            steps=int(n),
            sigma_min=float(sigma_min),
            sigma_max=float(sigma_max),
            rho=float(arguments.get("rho", usual_rho or 1.0)),
            model=cast("Any", None),
            options=SamplingOptions(),
        )
        return getattr(schedules, schedule)(wanted).to(arguments.get("device", "cpu"))

    return get_sigmas


HELPERS: Mapping[str, Mapping[str, Any]] = {
    "ldm": {"exists": _exists, "default": _default},
    "sgm": {"exists": _exists, "default": _default},
    "k_diffusion": {
        "trange": _trange,
        "append_dims": _append_dims,
        "to_d": _to_d,
        "get_ancestral_step": _ancestral,
        "default_noise_sampler": _noise_like,
        "get_sigmas_exponential": _levels("exponential", None),
        "get_sigmas_karras": _levels("karras", 7.0),
        "get_sigmas_polyexponential": _levels("polyexponential", 1.0),
    },
}
"""Small functions of these packages, which layers and samplers of extensions call, in whichever module they stand."""


class _Missing(type):
    """The class of names that stand for what is not here: calling anything of one says so.

    Extensions keep methods of such classes before they replace them, and put them back.
    """

    def __getattr__(cls, name: str) -> Any:
        what = f"{cls.__module__}.{cls.__name__}.{name}"
        if name.startswith("_"):
            raise AttributeError(name if name.startswith("__") else _sentence(what))
        helper = HELPERS.get(cls.__module__.split(".", 1)[0], {}).get(name)
        if helper is not None:  # `from k_diffusion import sampling` means a module with functions
            return helper

        def missing(*_: object, **__: object) -> None:
            raise NotImplementedError(_sentence(what))

        # `from ldm.models.diffusion import ddim` may mean a module with classes.
        made = stand_in(f"{cls.__module__}.{cls.__name__}", name) if name[0].isupper() else missing
        setattr(cls, name, made)
        return made

    def __eq__(cls, other: object) -> bool:
        """Whether `other` is this class, or that of views which stand for it: `type(x) == C` is asked."""
        return other is cls or (isinstance(other, type) and cls.__name__ in getattr(other, "stands_for", ()))

    def __hash__(cls) -> int:
        return type.__hash__(cls)

    def __instancecheck__(cls, instance: object) -> bool:
        """Whether a view says that it stands for what is called so in the original: extensions tell kinds apart."""
        return cls.__name__ in getattr(type(instance), "stands_for", ()) or type.__instancecheck__(cls, instance)


def _sentence(what: str) -> str:
    part = next((each for each in PACKAGES if what.startswith(f"{each}.")), what.split(".", 1)[0])
    return f"{what} is wanted by {_extension()}, and Easel has no {part}: its networks are others."


def _extension() -> str:
    """The file of the extension whose code asks."""
    frame = inspect.currentframe()
    while frame is not None:
        file = frame.f_code.co_filename
        if "importlib" not in file and not file.endswith(("stand_ins.py",)):
            return file
        frame = frame.f_back
    return "an extension"


class Stand(ModuleType):
    """A module without contents: every name is a class that says what is missing when it is made."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)

        helper = HELPERS.get(self.__name__.split(".", 1)[0], {}).get(name)
        made = helper or stand_in(self.__name__, name)
        setattr(self, name, made)
        return made


def stand_in(module: str, name: str) -> Any:
    """A class that stands for what is not here: it can be named and derived from, and says so when it is used."""

    def refuse(self: object, *_: object, **__: object) -> None:
        raise NotImplementedError(_sentence(f"{type(self).__module__}.{type(self).__name__}"))

    return _Missing(name, (), {"__module__": module, "__init__": refuse})


def _is_missing(fullname: str) -> bool:
    return any(fullname == each or fullname.startswith(f"{each}.") for each in PACKAGES)


class StandInFinder:
    """Finds what is not here, after all other finders."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        """A stand-in or the module behind another name, or none."""
        if fullname in ALIASES:
            return importlib.machinery.ModuleSpec(fullname, _AliasLoader(ALIASES[fullname]))
        if not _is_missing(fullname):
            return None
        return importlib.machinery.ModuleSpec(fullname, _StandInLoader(), is_package=True)


class _StandInLoader(importlib.abc.Loader):
    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType:
        return Stand(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        module.__path__ = []


class _AliasLoader(importlib.abc.Loader):
    def __init__(self, real: str) -> None:
        self._real = real

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType:
        return importlib.import_module(self._real)

    def exec_module(self, module: ModuleType) -> None:
        """Done when it was imported under its own name."""


def put(finder: StandInFinder) -> None:
    """Have such imports found."""
    sys.meta_path.append(finder)


def take_away(finder: StandInFinder) -> None:
    """Have them found no more."""
    if finder in sys.meta_path:
        sys.meta_path.remove(finder)
    names = [name for name, module in tuple(sys.modules.items()) if name in ALIASES or isinstance(module, Stand)]
    for name in names:
        sys.modules.pop(name, None)
