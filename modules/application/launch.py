"""From a command line to an Application with its folders and its port: what can go wrong before anything is served."""

from __future__ import annotations

import errno
import logging
import os
import socket
import ssl
import tempfile
from collections.abc import Sequence
from pathlib import Path

from modules.application.application import Application
from modules.application.instance_lock import instance_locks
from modules.extension_host.host import FOLDER as EXTENSIONS
from modules.foundation.errors import StartupError
from modules.foundation.log import configure_logging
from modules.settings.flags import Flags, refuse_unknown, split_flags
from modules.settings.paths import Paths

log = logging.getLogger(__name__)

PAGE_PORT, API_PORT = 7860, 7861


def prepare(arguments: Sequence[str]) -> tuple[Application, socket.socket]:
    """Read the flags, take the port, make the folders and build the application.

    Raises StartupError with one sentence that says what is wrong and what to do.
    """
    flags, unknown = split_flags(arguments)
    if not any((Paths.from_flags(flags).data / EXTENSIONS).glob("*/preload.py")):
        refuse_unknown(unknown)
    configure_logging(flags.loglevel)
    check_certificate(flags)
    listener = take_port(flags)
    try:
        paths = Paths.from_flags(flags)
        make_folders(paths)
        with instance_locks(paths.data, paths.settings_file) as taken:
            application = Application(flags)
            application.instance_locks.extend(taken)
            application.unknown_arguments = unknown
        return application, listener
    except BaseException:
        listener.close()
        raise


def address(flags: Flags) -> tuple[str, int]:
    """The host and port that the flags ask for."""
    return flags.host, flags.port if flags.port is not None else API_PORT if flags.nowebui else PAGE_PORT


def take_port(flags: Flags) -> socket.socket:
    """A bound socket, so that a port in use is known at once instead of after everything was built."""
    host, port = address(flags)
    if not 0 <= port <= 65535:
        raise StartupError(f"--port {port} is not a port number; choose one from 1 to 65535.", exit_code=2)
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    if os.name == "posix":  # on Windows the option would let two programs share the port
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise StartupError(_why_not_bound(error, host, port)) from error
    return listener


def _why_not_bound(error: OSError, host: str, port: int) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"Port {port} is in use, perhaps by another Easel. Close that one, or choose another with --port."
    if error.errno == errno.EACCES:
        return f"Port {port} needs administrator rights. Choose one above 1023 with --port."
    return f"The address {host}:{port} cannot be served ({error.strerror}). Check --server-name and --port."


def check_certificate(flags: Flags) -> None:
    """Raise StartupError unless --tls-keyfile and --tls-certfile are both missing or a key with its certificate."""
    key, certificate = flags.tls_keyfile, flags.tls_certfile
    if key is None and certificate is None:
        return
    if key is None or certificate is None:
        raise StartupError("https needs both --tls-keyfile and --tls-certfile.", exit_code=2)
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key)
    except (OSError, ssl.SSLError) as error:
        raise StartupError(
            f"https cannot be served with {certificate} and {key}: {error.strerror or error}. Both must be PEM "
            "files that belong together and can be read."
        ) from error


def make_folders(paths: Paths) -> None:
    """Make the folders that a user would look for. Raises StartupError when the data folder cannot be written to."""
    folders = [
        *(paths.models / name for name in ("Stable-diffusion", "VAE", "Lora", "ESRGAN", "hypernetworks")),
        paths.embeddings,
        paths.outputs,
    ]
    try:
        paths.data.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=paths.data):
            pass
    except OSError as error:
        raise StartupError(
            f"The data folder {paths.data} cannot be written to ({error.strerror}). "
            "Change its permissions, or choose another with --data-dir."
        ) from error
    for folder in folders:
        _make(folder)


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        # A models folder on a read-only share is fine as long as the models can be read.
        log.warning("The folder %s could not be made: %s", folder, error.strerror)
