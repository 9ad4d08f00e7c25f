"""Networks that make pictures from pictures (upscalers, restorers), read by spandrel from whatever file they are in."""

from __future__ import annotations

import importlib
import importlib.util
from pathlib import Path
from typing import Any

from modules.checkpoints.tensors import read_weights
from modules.foundation.errors import CheckpointError

EXTRA_ARCHITECTURES = "spandrel_extra_arches"
"""A package of further networks under licences of their own; used where it is installed."""


def load_network(path: Path) -> Any:
    """The network in a model file, a descriptor of spandrel's, on the CPU in the type it is stored in.

    Only tensors are read from the file, never code. Raises CheckpointError naming the file and the reason.
    """
    from spandrel import ImageModelDescriptor, ModelLoader, UnsupportedModelError

    if importlib.util.find_spec(EXTRA_ARCHITECTURES) is not None:
        importlib.import_module(EXTRA_ARCHITECTURES).install(ignore_duplicates=True)
    weights = read_weights(path)
    try:
        network = ModelLoader("cpu").load_from_state_dict(weights)
    except UnsupportedModelError as error:
        raise CheckpointError(
            f"{path} was read, but it is no upscaler or restorer of a known architecture (ESRGAN, SwinIR, DAT, ...)."
        ) from error
    except (RuntimeError, ValueError, KeyError, IndexError, TypeError, AttributeError, AssertionError) as error:
        # What an architecture's reader raises for tensors that do not fit it is anything at all.
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise CheckpointError(
            f"{path} looks like an upscaler, but its tensors do not fit together: {reason}"
        ) from error
    if not isinstance(network, ImageModelDescriptor):
        raise CheckpointError(f"{path} holds a model that does not make pictures from pictures alone.")
    return network
