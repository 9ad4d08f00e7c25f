"""Importing large libraries: without the garbage collector looking through them again and again, and not by asking."""

from __future__ import annotations

import contextlib
import gc
import importlib.util
import sys
from collections.abc import Generator
from pathlib import Path
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


def load_libraries(package: str, *names: str) -> list[str]:
    """Load shared libraries out of a package's folder `lib`, so that its import finds them there. Gives which were.

    A library of hundreds of megabytes takes a quarter of a second to link, and seconds from a cold disk. An import
    holds the interpreter meanwhile, and with it every other thread; the system's own loader, called as here, does not.
    What cannot be loaded is left to the import, which knows more ways and says what is wrong. Not for Windows.
    """
    found = None if sys.platform == "win32" or package in sys.modules else importlib.util.find_spec(package)
    if found is None or found.origin is None:
        return []
    import ctypes
    import os

    load = ctypes.CDLL(None).dlopen
    load.argtypes, load.restype = (ctypes.c_char_p, ctypes.c_int), ctypes.c_void_p
    folder, ending = Path(found.origin).parent / "lib", ".dylib" if sys.platform == "darwin" else ".so"
    files = {name: folder / f"{name}{ending}" for name in names}
    return [name for name, file in files.items() if file.is_file() and load(os.fsencode(file), os.RTLD_LAZY)]


def already_imported(name: str) -> ModuleType | None:
    """The module of this name if it has been imported; None also while another thread is still about it.

    A half-imported module lacks names, and using one would make an import that succeeds look like a broken library.
    """
    module = sys.modules.get(name)
    # The import system's own mark, by which it decides whether to wait for another thread.
    return None if getattr(getattr(module, "__spec__", None), "_initializing", False) else module
