"""The process of an extension's install.py: it finds the modules, folders, flags and settings of the program there.

`python -m modules.a1111.install_process FILE` runs the file.
"""

from __future__ import annotations

import json
import os
import runpy
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from modules.a1111 import stand_ins
from modules.a1111.current import make_when_asked
from modules.extension_host.environment import FLAGS
from modules.settings.flags import split_flags

if TYPE_CHECKING:
    from modules.a1111.dialect import A1111Dialect

COMMAND = (sys.executable, "-m", "modules.a1111.install_process")


def dialect_of_install_process() -> A1111Dialect:
    """A dialect over what the program was started with, in which nothing runs."""
    from modules.a1111.dialect import A1111Dialect
    from modules.application.application import Application

    return A1111Dialect(Application(split_flags(json.loads(os.environ[FLAGS]))[0]))


def run(file: Path) -> None:
    """Run an install.py as a program of its own. Raises what it raises."""
    make_when_asked(dialect_of_install_process)
    stand_ins.put(stand_ins.StandInFinder())
    sys.argv = [str(file)]
    sys.path[0] = str(file.parent)
    runpy.run_path(str(file), run_name="__main__")


if __name__ == "__main__":
    run(Path(sys.argv[1]))
