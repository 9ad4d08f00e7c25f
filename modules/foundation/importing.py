"""Importing large libraries: without the garbage collector looking through them again and again, and not by asking."""

from __future__ import annotations

import contextlib
import gc
import sys
from collections.abc import Generator
from types import ModuleType


@contextlib.contextmanager
def importing(*names: str) -> Generator[None]:
    """Import the modules of these names, and whatever they bring, in the block.

    They are hundreds of thousands of objects, all of which stay. The collector would go through them several times
    meanwhile, a third of a second each in the end, and then once more whenever it looks at everything, while nothing
    else in the process runs. So it waits for the end of the block and leaves alone what is there by then. Does nothing
    where all of them are imported already: what is there then may well be garbage.
    """
    if not gc.isenabled() or all(name in sys.modules for name in names):
        yield
        return
    gc.collect(1)
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


def already_imported(name: str) -> ModuleType | None:
    """The module of this name if somebody has imported it; None also while another thread is still about it.

    What is half there lacks names, and whoever asks for them would take an import that succeeds for a broken library.
    """
    module = sys.modules.get(name)
    # The import system's own mark, by which it decides whether to wait for another thread.
    return None if getattr(getattr(module, "__spec__", None), "_initializing", False) else module
