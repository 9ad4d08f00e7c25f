"""Parts of A1111's program that extensions call: loading files, temporary pictures, starting again, addresses, numbers.

Each is found under its module's name (`stand_ins.ALIASES`).
"""

from __future__ import annotations

import platform
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from modules.a1111.current import current
from modules.foundation.plain import JsonObject
from modules.foundation.version import VERSION

if TYPE_CHECKING:
    from torch import Tensor, nn

# modules.script_loading


def load_module(path: str) -> ModuleType:
    """The module that a file of Python makes, run anew. Raises what the file raises."""
    return current().loader.module_of(Path(path))


# modules.shared_init, modules.initialize, modules.initialize_util


def initialize() -> None:
    """Nothing: what `modules.shared` holds is there when it is asked for."""


def gradio_server_name() -> str | None:
    """The address that the page is served on; None for this machine alone."""
    flags = current().app.flags
    return flags.server_name or ("0.0.0.0" if flags.listen else None)


# modules.ui_tempdir


def register_tmp_file(gradio: object, filename: str) -> None:
    """Nothing: the page shows the pictures of the folders for results."""


def is_gradio_temp_path(path: str) -> bool:
    """Whether a file lies in the folder of the page's temporary pictures."""
    from gradio.utils import get_upload_folder

    folders = (current().shared.opts.temp_dir, get_upload_folder())
    return any(folder and Path(path).absolute().is_relative_to(Path(folder).absolute()) for folder in folders)


def cleanup_tmpdr() -> None:
    """Nothing: the program cleans up after itself."""


# modules.restart


def is_restartable() -> bool:
    """Whether the program can be started again from within; it starts itself."""
    return True


def restart_program() -> None:
    """End the program and start it again."""
    current().app.shutdown.restart()


def stop_program() -> None:
    """End the program."""
    current().app.shutdown.stop()


# modules.sysinfo


def get_dict() -> JsonObject:
    """What is known of the program and the machine."""
    return {"Platform": platform.platform(), "Python": platform.python_version(), "Version": f"Easel {VERSION}"}


def get() -> str:
    """The same as text."""
    return "\n".join(f"{name}: {fact}" for name, fact in get_dict().items())


# modules.ui_gradio_extensions


def webpath(fn: str) -> str:
    """The address of a file on the page."""
    path, data = Path(fn).absolute(), current().app.paths.data
    shown = path.relative_to(data) if path.is_relative_to(data) else path
    return f"file={shown.as_posix()}?{path.stat().st_mtime}"


# modules.torch_utils


def get_param(model: nn.Module) -> Tensor:
    """The first weight of a network, which says where and in which numbers it computes."""
    return next(iter(model.parameters()))


def float64(t: Tensor) -> Any:
    """The most exact type of numbers that the device of `t` has."""
    import torch

    return torch.float32 if t.device.type in ("mps", "xpu") else torch.float64


# modules.rng_philox


class Generator:
    """Noise as NVIDIA's devices make it, on any device: `randn` gives an array [shape] of float32."""

    def __init__(self, seed: int) -> None:
        from modules.sampling.philox import PhiloxGenerator

        self.seed, self._generator = seed, PhiloxGenerator(seed)

    def randn(self, shape: Sequence[int]) -> Any:
        """The next values of a normal distribution."""
        return self._generator.randn(tuple(shape))
