"""A few lines of Python in a process of their own, for work of a library that holds the interpreter in one long call.

What else is asked of this process meanwhile is answered. The start of the other one takes a tenth of a second.
"""

from __future__ import annotations

import contextlib
import subprocess
import sys
import threading
from collections.abc import Generator
from typing import IO

SECONDS = 120.0
"""Work that takes longer is ended."""


@contextlib.contextmanager
def child_python(code: str, *arguments: str, input: bytes) -> Generator[IO[bytes]]:
    """Run `code` with these `sys.argv[1:]` and `input` on its standard input; its output is to be read in the block.

    A process that fails, or takes longer than `SECONDS`, has less to say than was expected of it.
    """
    command = [sys.executable, "-I", "-c", code, *arguments]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        watch = threading.Timer(SECONDS, child.kill)
        watch.start()
        try:
            with contextlib.suppress(BrokenPipeError), child.stdin:
                child.stdin.write(input)
            yield child.stdout
        finally:
            watch.cancel()
            child.kill()
