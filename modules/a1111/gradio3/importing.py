"""How the modules of extensions come to import another `gradio`: by builtins of their own.

Python looks up `__import__` in the `__builtins__` of the module in which an import statement stands, at whatever time
it is run. So the old Gradio is seen by extensions' modules only, also in imports inside their functions.
"""

from __future__ import annotations

import builtins
import sys
from collections.abc import Sequence
from types import ModuleType

from modules.a1111.current import NotRunning, current
from modules.a1111.gradio3.keywords import OWNER
from modules.a1111.neighbours import give_neighbours
from modules.a1111.numpy1 import give_former_names
from modules.a1111.pydantic1 import old_pydantic
from modules.foundation.plain import JsonMapping, JsonObject


def globals_for(extension: str) -> JsonObject:
    """Globals with which a module of `extension` is to begin before its code is run."""
    return {"__builtins__": {**vars(builtins), "__import__": import_for_extensions}, OWNER: extension}


def import_for_extensions(
    name: str,
    globals: JsonMapping | None = None,
    locals: JsonMapping | None = None,
    fromlist: Sequence[str] | None = (),
    level: int = 0,
) -> ModuleType:
    """`__import__` for modules of extensions."""
    if name == "pydantic" and not level:
        return old_pydantic()
    if level or not (name == "gradio" or name.startswith("gradio.")):
        try:
            found = builtins.__import__(name, globals, locals, fromlist or (), level)
        except ModuleNotFoundError as error:
            if level or not _offered(name, error):
                raise
            found = builtins.__import__(name, globals, locals, fromlist or (), level)
        if name == "numpy" and not level and not hasattr(found, "float_"):
            give_former_names(found)
        if not level and name.partition(".")[0] == "modules":
            for each in (name, *(f"{name}.{part}" for part in fromlist or ())):
                give_neighbours(each)
        return found
    from modules.a1111.gradio3.namespace import old_module

    module = old_module(name)
    for each in fromlist or ():
        # `from gradio import inputs` is an import of a module as well.
        if f"{name}.{each}" in sys.modules:
            old_module(f"{name}.{each}")
    return module if fromlist else old_module("gradio")


def _offered(name: str, error: ModuleNotFoundError) -> bool:
    """Whether a module that A1111's environment has, and this one had not, is there now."""
    if error.name is None or error.name.partition(".")[0] != name.partition(".")[0]:
        return False
    try:
        host = current().app.extensions
    except NotRunning:
        return False
    return host.offer(name)
