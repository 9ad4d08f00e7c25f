"""Servers that tests start, forked off a process that has imported torch, gradio and their kin already.

What runs is the program itself, from its first line on, as a process of its own and a child of the test's, with its
own sockets, signals and files. Only the imports, five to nine seconds of a core each time, are done once for a test
process. Tests of starting itself, and of what is imported when, start the program in the ordinary way.
"""

from __future__ import annotations

import atexit
import ctypes
import functools
import gc
import json
import os
import random
import runpy
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any

ROOT = Path(__file__).parents[1]
LONGEST = 1 << 20
PR_SET_CHILD_SUBREAPER = 36


def popen(
    command: Sequence[str],
    *,
    cwd: Path,
    env: Mapping[str, str] | None = None,
    stdin: int | None = None,
    stdout: IO[bytes] | int,
    stderr: int | None = subprocess.STDOUT,
    text: bool = False,
) -> subprocess.Popen[Any]:
    """Start a Python program as `subprocess.Popen` would, with its output, or both, into a file or a pipe."""
    if sys.platform != "linux":
        return subprocess.Popen(command, cwd=cwd, env=env, stdin=stdin, stdout=stdout, stderr=stderr, text=text)
    if stdout == subprocess.PIPE:
        reading, writing = os.pipe()
        output = os.fdopen(reading, "r" if text else "rb")
    else:
        assert not isinstance(stdout, int)
        output, writing = None, os.dup(stdout.fileno())
    try:
        asked = {"arguments": command[1:], "cwd": str(cwd), "env": dict(os.environ if env is None else env)}
        pid = _parent().fork({**asked, "errors_too": stderr == subprocess.STDOUT}, writing)
    finally:
        os.close(writing)
    return _ForkedProcess(command, pid, output)


class _ForkedProcess(subprocess.Popen[Any]):
    """A child that was started otherwise, to be asked, waited for and ended like any other."""

    def __init__(self, command: Sequence[str], pid: int, output: IO[Any] | None) -> None:
        self.args, self.pid, self.returncode = command, pid, None
        self.stdin, self.stdout, self.stderr = None, output, None
        self._child_created, self._communication_started, self._sigint_wait_secs = True, False, 0.25
        self._waitpid_lock = threading.Lock()


class _Parent:
    """The process that has everything imported; it ends with this one."""

    def __init__(self) -> None:
        self._channel, its_channel = socket.socketpair()
        command = [sys.executable, "-m", "tests.warm_start", str(its_channel.fileno())]
        with its_channel:
            self._process = subprocess.Popen(command, cwd=ROOT, pass_fds=[its_channel.fileno()])
        atexit.register(self._end)

    def _end(self) -> None:
        self._channel.close()
        self._process.wait()

    def fork(self, asked: Mapping[str, object], output: int) -> int:
        """Have a program started, as `run` takes it. It becomes a child of this process, its own parent being gone."""
        _adopt_orphans(True)
        try:
            message = json.dumps(asked).encode()
            assert len(message) < LONGEST
            socket.send_fds(self._channel, [message], [output])
            return int(self._channel.recv(100))
        finally:
            _adopt_orphans(False)


@functools.cache
def _parent() -> _Parent:
    return _Parent()


def _adopt_orphans(wanted: bool) -> None:
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, int(wanted), 0, 0, 0)


def serve(channel: socket.socket) -> None:
    """Fork whenever it is asked for, until the test process is gone."""
    while True:
        asked, outputs, _, _ = socket.recv_fds(channel, LONGEST, 1)
        if not asked:
            os._exit(0)  # nothing is to be cleared up, and some libraries make a noise at the end
        reading, writing = os.pipe()
        between = os.fork()
        if between == 0:
            pid = os.fork()
            if pid:
                os.write(writing, str(pid).encode())
                os._exit(0)
            for each in (reading, writing, channel.detach()):
                os.close(each)
            run(**json.loads(asked), output=outputs[0])
            return
        # What lies between has to be gone before the test process can wait for its new child.
        os.waitpid(between, 0)
        channel.sendall(os.read(reading, 100))
        for each in (reading, writing, *outputs):
            os.close(each)


def run(arguments: list[str], cwd: str, env: dict[str, str], errors_too: bool, output: int) -> None:
    """Become the program."""
    nothing = os.open(os.devnull, os.O_RDONLY)
    for target, source in ((0, nothing), (1, output), *([(2, output)] if errors_too else [])):
        os.dup2(source, target)
    os.close(nothing)
    os.close(output)
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(env)
    random.seed()
    sys.orig_argv = [sys.executable, *arguments]
    if arguments[0] == "-m":
        sys.path[0] = cwd
        sys.argv = arguments[1:]
        runpy.run_module(arguments[1], run_name="__main__", alter_sys=True)
    elif arguments[0] == "-c":
        sys.path[0] = cwd
        sys.argv = ["-c", *arguments[2:]]
        exec(compile(arguments[1], "<string>", "exec"), {"__name__": "__main__"})
    else:
        sys.path[0] = str(Path(arguments[0]).resolve().parent)
        sys.argv = arguments
        runpy.run_path(arguments[0], run_name="__main__")


def import_all() -> None:
    """Import what a server imports until its first picture is made."""
    gc.disable()
    from modules.webui.quick_import import import_gradio

    import_gradio()
    import diffusers.models.attention_processor
    import diffusers.models.autoencoders.autoencoder_kl
    import diffusers.models.autoencoders.autoencoder_tiny
    import diffusers.models.unets.unet_2d_condition
    import transformers

    assert diffusers.UNet2DConditionModel
    assert diffusers.AutoencoderKL
    assert transformers.CLIPTextModel
    gc.freeze()
    gc.enable()
    assert threading.active_count() == 1, "A process with threads cannot be forked."


if __name__ == "__main__":
    import_all()
    serve(socket.socket(fileno=int(sys.argv[1])))
