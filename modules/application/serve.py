"""Serving: uvicorn on the port that was taken, the slow part of start-up behind it, and an orderly end."""

from __future__ import annotations

import faulthandler
import logging
import socket
import threading
import webbrowser
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from modules.application.application import Application
from modules.application.shutdown import start_again
from modules.application.signals import ShutdownSignals

if TYPE_CHECKING:
    pass

log = logging.getLogger(__name__)

Asgi = Callable[[Any, Any, Any], Awaitable[None]]


def serve(asgi: Asgi, application: Application, listener: socket.socket) -> int:
    """Serve `asgi` on `listener` until a signal or a client ends the program. Returns the process's exit code.

    A signal ends the process as such, once everything is closed: then this does not return.
    """
    import uvicorn

    from modules.application.connection_limits import LimitedConnection, most_connections
    from modules.application.graceful_server import GracefulServer

    LimitedConnection.most = most_connections()
    config = uvicorn.Config(
        asgi,
        log_config=None,
        access_log=False,
        timeout_keep_alive=30,
        timeout_graceful_shutdown=1,
        root_path=_root_path(application.flags.subpath),
        http=LimitedConnection,
        ws="none",
        ssl_keyfile=application.flags.tls_keyfile,
        ssl_certfile=application.flags.tls_certfile,
    )
    server = GracefulServer(config, application.begin_end, lambda: not application.queue.running)

    def stop() -> None:
        if application.settings.current.dump_stacks_on_signal:
            faulthandler.dump_traceback()
        server.should_exit = True

    application.shutdown.bind(stop)
    threading.Thread(target=_once_serving, args=(server, application, listener), name="start-up", daemon=True).start()
    with ShutdownSignals(stop, application.abandon) as signals:
        try:
            server.run(sockets=[listener])
        finally:
            log.info("Ending: what runs is interrupted, what is finished is saved.")
            application.close()
    signals.raise_again()
    return start_again() if application.shutdown.restart_wanted else 0


def _once_serving(server: Any, application: Application, listener: socket.socket) -> None:
    with application.startup.phase("server"):
        while not server.started:
            if server.should_exit:
                return
            threading.Event().wait(0.02)
    host, port = listener.getsockname()[:2]
    shown = "127.0.0.1" if host in ("0.0.0.0", "::") else host
    scheme = "https" if application.flags.tls_certfile else "http"
    url = f"{scheme}://{f'[{shown}]' if ':' in shown else shown}:{port}{_root_path(application.flags.subpath)}"
    print(f"Easel is at {url}", flush=True)
    if application.policy.is_open:
        log.warning(
            "Everybody on this network can use this Easel. --gradio-auth=USER:PASSWORD asks for a user; without one, "
            "what could run code here and settings of folders are locked."
        )
    application.start()
    if application.flags.autolaunch and not application.flags.nowebui:
        webbrowser.open(url)


def _root_path(subpath: str | None) -> str:
    return "/" + subpath.strip("/") if subpath and subpath.strip("/") else ""
