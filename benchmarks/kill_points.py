"""Kills at chosen points: what is left is read, the next start clears up, and what was under way is done again."""

from __future__ import annotations

import contextlib
import http.server
import json
import threading
from collections.abc import Callable, Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image

from benchmarks.kill import REQUEST, check, finish, rows
from benchmarks.server import PATIENCE, Server, serving


@dataclass(frozen=True, kw_only=True)
class Kill:
    """Where a process is to end, at which of the times that it comes there, and what it does meanwhile."""

    point: str
    times: int
    work: str = "pictures"


KILLS = (
    Kill(point="before rename", times=2),
    Kill(point="after rename", times=2),
    Kill(point="before row", times=2),
    Kill(point="after row", times=2),
    Kill(point="before commit", times=9),
    Kill(point="after commit", times=12),
    Kill(point="merge", times=1, work="merge"),
    Kill(point="download", times=3, work="download"),
    Kill(point="before row", times=2, work="folder batch"),
    Kill(point="after rename", times=3, work="folder batch"),
)


def measure(data: Path, kills: tuple[Kill, ...] = KILLS, say: Callable[[str], None] = print) -> dict[str, int]:
    """End an Easel over `data` at each of these points and let the next one go on.

    Raises AssertionError with what was lost, left behind or broken.
    """
    names = sorted(name for (name,) in rows(data, "SELECT id FROM jobs")) if (data / "easel.sqlite").exists() else []
    with _hub() as address:
        for number, kill in enumerate(kills, 1):
            _once(data, kill, names, f"{address}/{number}", number)
            say(f"  killed at {kill.point!r} during {kill.work}: nothing is lost")
    pictures = check(data, names)
    files = sum(len(paths) for paths in pictures.values())
    history = int(rows(data, "SELECT count(*) FROM images WHERE path IS NOT NULL")[0][0])
    left = [path for path in data.rglob(".*") if path.name.endswith((".part", ".taken"))]
    assert files == history, f"{files} pictures are saved, {history} are in the history"
    assert not left, f"half-done files are left: {left}"
    return {"chosen_kills": len(kills), "pictures": files, "half_done_files_left": len(left)}


def _once(data: Path, kill: Kill, names: list[str], address: str, number: int) -> None:
    program = ("-m", "benchmarks.killed", kill.point, str(kill.times))
    server = Server(data, program=program)
    try:
        # At some points it ends before a client was answered; then nothing was promised.
        with contextlib.suppress(Exception):
            server.wait_until_served()
            _work(server, data, kill.work, names, address=address, number=number)
        server.process.wait(PATIENCE)
        assert server.process.returncode == -9, server.log.read_text(errors="replace")[-2000:]
    finally:
        server.stop()
    _known(data, names)
    check(data, names)
    with serving(data) as again:
        finish(again, data)
        if kill.work == "download":
            body = {"url": f"{address}.safetensors", "kind": "lora", "name": f"fetched{number}.safetensors"}
            answer = again.client.post("/api/v1/models/download", json={**body, "wait": True})
            assert answer.status_code == 200, answer.text
            names.append(str(answer.json()["id"]))
        _wait_for_tidiness(data)
    _known(data, names)


def _work(server: Server, data: Path, work: str, names: list[str], *, address: str, number: int) -> None:
    if work == "pictures":
        for seed in range(4):
            body = {**REQUEST, "seed": 1_000_000 + number * 100 + seed}
            names.append(str(server.client.post("/api/v1/jobs/txt2img", json=body).json()["id"]))
        return
    if work == "merge":
        model = server.client.get("/sdapi/v1/sd-models").json()[0]["title"]
        route, body = "checkpoints/merge", {"primary_model_name": model, "interp_method": "No interpolation"}
        body["custom_name"] = f"merged{number}"
    elif work == "download":
        route, body = "models/download", {"url": f"{address}.safetensors", "kind": "lora"}
        body["name"] = f"fetched{number}.safetensors"
        server.client.post("/sdapi/v1/options", json={"api_forbid_local_requests": False})
    else:
        folder = data / f"sources{number}"
        folder.mkdir()
        for index in range(4):
            Image.new("RGB", (64, 64), (index * 60, 0, 0)).save(folder / f"{index}.png")
        route = "jobs/img2img-batch"
        body = {**REQUEST, "input_dir": str(folder), "seed": 2_000_000 + number * 100}
    names.append(str(server.client.post(f"/api/v1/{route}", json=body).json()["id"]))


def _known(data: Path, names: list[str]) -> None:
    """Jobs that were written down although their client was never answered are known from now on."""
    for (name,) in rows(data, "SELECT id FROM jobs"):
        if name not in names:
            names.append(name)


def _wait_for_tidiness(data: Path) -> None:
    pause = threading.Event()
    for _ in range(int(PATIENCE / 0.1)):
        if rows(data, "SELECT value FROM facts WHERE name = 'ended in order'") == [("0",)]:
            return
        pause.wait(0.1)
    raise AssertionError("The start did not come to clear up.")


@contextlib.contextmanager
def _hub() -> Generator[str]:
    """A server of one small model file under every name. Gives its address."""
    header = json.dumps({"a": {"dtype": "F32", "shape": [4_000_000], "data_offsets": [0, 16_000_000]}}).encode()
    content = len(header).to_bytes(8, "little") + header + bytes(16_000_000)

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "application/octet-stream")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            with contextlib.suppress(OSError):  # the client was killed
                self.wfile.write(content)

        def log_message(self, format: str, *args: Any) -> None:
            """Nothing."""

    hub = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    hub.daemon_threads = True
    thread = threading.Thread(target=hub.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{hub.server_port}"
    finally:
        hub.shutdown()
        thread.join()
        hub.server_close()
