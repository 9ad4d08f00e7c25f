"""`pip` as an extension's install.py finds it: what it installs goes to the extensions' environment.

install.py may well run `python -m pip install` by itself. So that this cannot change Easel's own packages, the folder
instead_of_pip stands before everything else on the path of its processes.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence

from modules.extension_host.environment import INSTEAD_OF_PIP, Environment
from modules.foundation.errors import ExtensionError

READING = frozenset({"list", "show", "freeze", "check", "help", "inspect", "debug", "--version", "-V", "--help", "-h"})
"""What changes nothing and is left to pip."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what a `pip` command line asks for. Returns the exit code."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    verb = next((each for each in words if not each.startswith("-") or each in READING), "--help")
    if verb in READING:
        path = [each for each in os.environ.get("PYTHONPATH", "").split(os.pathsep) if each != str(INSTEAD_OF_PIP)]
        variables = {**os.environ, "PYTHONPATH": os.pathsep.join(path)}
        return subprocess.run([sys.executable, "-m", "pip", *words], env=variables, check=False).returncode
    environment = Environment.of_this_process()
    try:
        if environment is None:
            raise ExtensionError("There is no environment for extensions in this process; nothing is installed.")
        sys.stdout.write(environment.pip(words[words.index(verb) :], "pip of install.py") + "\n")
    except ExtensionError as error:
        sys.stderr.write(f"ERROR: {error}\n")
        return 1
    return 0
