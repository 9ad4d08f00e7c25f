"""A table of attacks, each refused with the right status, and nothing changed by it."""

from __future__ import annotations

import base64
import contextlib
import http.server
import io
import socket
import struct
import threading
import zlib
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from PIL import Image

from modules.api import remote_pictures
from modules.api.remote_pictures import AT_ONCE, Fetching, fetch_picture
from modules.foundation.errors import Forbidden, RequestError
from tests.api.conftest import Served, flags_for, serving

TRAVERSALS = (
    "../../../../etc/passwd",
    "..%2f..%2f..%2fetc%2fpasswd",
    "%2e%2e/%2e%2e/etc/passwd",
    "....//....//etc/passwd",
    "..\\..\\windows\\win.ini",
    "/etc/passwd",
    "file:///etc/passwd",
    "outputs/../config.json",
)


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """An Easel that takes in little."""
    data: Path = tmp_path_factory.mktemp("small")
    with serving(flags_for(data, max_request_mb=1, max_image_pixels=10_000, max_side=256, max_steps=50)) as served:
        yield served


@pytest.fixture(scope="module")
def open_to_all(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """An Easel that everybody on the network may use."""
    with serving(flags_for(tmp_path_factory.mktemp("open"), listen=True)) as served:
        yield served


@pytest.mark.parametrize("path", TRAVERSALS)
@pytest.mark.parametrize(
    "route", ["/{}", "/file={}", "/static/{}", "/sd_extra_networks/thumb?filename={}", "/easel/picture/{}/0.png"]
)
def test_no_file_outside_is_served(served: Served, route: str, path: str) -> None:
    # Written by hand: a client library would tidy the path up before it is sent.
    host, port = served.client.base_url.host, served.client.base_url.port
    with socket.create_connection((host, port), timeout=30) as connection:
        connection.sendall(f"GET {route.format(path)} HTTP/1.0\r\nHost: {host}\r\n\r\n".encode())
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
    assert answer.split(b" ", 2)[1] in (b"400", b"403", b"404", b"405", b"422")
    assert b"root:" not in answer


@pytest.mark.parametrize("pattern", ["../../escape/[seed]", "/escape/[seed]", "[prompt]", "a\r\nb", "..", "\x00"])
def test_no_pattern_or_prompt_saves_a_picture_outside_its_folder(served: Served, tmp_path: Path, pattern: str) -> None:
    folder = served.data / "saved"
    overrides = {"outdir_txt2img_samples": str(folder), "samples_filename_pattern": pattern, "save_to_dirs": False}
    before = {path for path in served.data.rglob("*") if not path.is_relative_to(folder)}
    response = served.txt2img(
        prompt="../../../../escape\r\nX: y", steps=1, save_images=True, override_settings=overrides
    )
    assert response.status_code == 200
    after = {path for path in served.data.rglob("*") if not path.is_relative_to(folder) and "cache" not in path.parts}
    assert not {path for path in after - before if path.suffix == ".png"}
    assert list(folder.rglob("*.png"))
    assert not (served.data.parent / "escape").exists()


def test_a_request_that_says_it_is_too_large_is_not_read(small: Served) -> None:
    response = small.client.post("/sdapi/v1/txt2img", content=b'{"prompt": "' + b"a" * 1_100_000 + b'"}')
    assert response.status_code == 413
    assert "--max-request-mb" in response.json()["detail"]


def test_a_request_that_does_not_say_how_large_it_is_is_cut_off(small: Served) -> None:
    blocks = (b"a" * 100_000 for _ in range(20))
    response = small.client.post("/sdapi/v1/txt2img", content=blocks, headers={"content-type": "application/json"})
    assert response.status_code == 413


@pytest.mark.parametrize(
    ("field", "value"),
    [("width", 264), ("height", 10**9), ("steps", 51), ("steps", -1), ("batch_size", 10**6), ("n_iter", 10**12)],
)
def test_bounds_are_those_of_the_flags(small: Served, field: str, value: int) -> None:
    response = small.txt2img(**{field: value})
    assert response.status_code == 422
    assert field in response.json()["detail"]


def picture(width: int, height: int) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (width, height)).save(buffer, "PNG")
    return buffer.getvalue()


def bomb(width: int, height: int) -> bytes:
    """A PNG of a few bytes that claims to unpack to width x height."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


@pytest.mark.parametrize("data", [picture(101, 100), bomb(60_000, 60_000), bomb(2**31 - 1, 2**31 - 1)])
@pytest.mark.parametrize("route", ["png-info", "img2img"])
def test_a_picture_that_unpacks_to_too_much_is_refused(small: Served, route: str, data: bytes) -> None:
    text = base64.b64encode(data).decode()
    body = {"image": text} if route == "png-info" else {"init_images": [text], "steps": 1, "width": 64, "height": 64}
    response = small.client.post(f"/sdapi/v1/{route}", json=body)
    assert response.status_code == 422
    assert "image" in response.json()["detail"]


@pytest.mark.parametrize(
    "text", ["", "!", "AAAA", base64.b64encode(b"<svg/>").decode(), "data:image/png;base64,", 5, None]
)
def test_what_is_no_picture_is_refused(small: Served, text: object) -> None:
    assert small.client.post("/sdapi/v1/png-info", json={"image": text}).status_code == 422


@pytest.mark.parametrize(
    "changes",
    [{"outdir_samples": "/etc"}, {"outdir_txt2img_samples": "../.."}, {"api_enable_requests": True}],
)
def test_strangers_choose_no_folders_and_no_addresses(open_to_all: Served, changes: dict[str, object]) -> None:
    before = open_to_all.app.settings.current
    assert open_to_all.client.post("/sdapi/v1/options", json=changes).status_code == 403
    assert open_to_all.txt2img(override_settings=changes).status_code == 403
    assert open_to_all.app.settings.current == before


@pytest.mark.parametrize("field", ["image", "init"])
def test_addresses_are_not_fetched_unless_a_setting_allows_it(served: Served, field: str) -> None:
    address = "http://127.0.0.1:1/a.png"
    if field == "image":
        response = served.client.post("/sdapi/v1/png-info", json={"image": address})
    else:
        response = served.client.post("/sdapi/v1/img2img", json={"init_images": [address]})
    assert response.status_code == 403
    assert "api_enable_requests" in response.json()["detail"]


NAMES = {"rebound.example": ["93.184.216.34", "10.0.0.1"], "inside.example": ["192.168.0.1"]}


def resolved(host: str, port: int, **_: object) -> list[tuple[object, ...]]:
    """What a resolver answers, for numbers and for the names above, without asking the network."""
    try:
        hosts = NAMES.get(host) or [socket.inet_ntoa(socket.inet_aton(host))]
    except OSError:
        hosts = [host]
    return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (each, port)) for each in hosts]


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "127.1",
        "[::1]",
        "10.1.2.3",
        "192.168.0.1",
        "172.16.0.1",
        "100.64.0.1",
        "169.254.169.254",
        "0.0.0.0",
        "2130706433",
        "0x7f.1",
        "0177.0.0.1",
        "[::ffff:127.0.0.1]",
        "[::ffff:a00:1]",
        "[64:ff9b::7f00:1]",
        "[2002:7f00:1::]",
        "[fe80::1]",
        "[fd00::1]",
        "[::]",
        "[::127.0.0.1]",
        "[::ffff:0:127.0.0.1]",
        "[64:ff9b:1::127.0.0.1]",
        "[fec0::1]",
        "[2a00:1450:4001:81b:0:5efe:10.0.0.1]",
        "224.0.0.1",
        "255.255.255.255",
        "inside.example",
        "rebound.example",
    ],
)
def test_no_address_leads_into_the_network_behind(monkeypatch: pytest.MonkeyPatch, host: str) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", resolved)
    with pytest.raises(Forbidden, match="public internet"):
        fetch_picture(f"http://{host}/latest/meta-data", "image", Fetching(allowed=True))


@pytest.mark.parametrize("address", ["ftp://example.com/a.png", "http://user:pw@example.com/", "http:///a.png"])
def test_only_plain_web_addresses_are_taken(address: str) -> None:
    with pytest.raises(RequestError, match="http or https"):
        fetch_picture(address, "image", Fetching(allowed=True))


class Answers(http.server.BaseHTTPRequestHandler):
    """A server of pictures and of other things."""

    def do_GET(self) -> None:
        if self.path.startswith("/to/"):
            self.send_response(302)
            self.send_header("Location", self.path.removeprefix("/to/"))
            self.end_headers()
            return
        kind, data = {
            "/a.png": ("image/png", picture(8, 8)),
            "/large": ("image/png", bytes(5000)),
            "/page": ("text/html", b"<html>"),
        }.get(self.path, ("", b""))
        self.send_response(200 if kind else 404)
        self.send_header("Content-Type", kind or "text/plain")
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing."""


@pytest.fixture(scope="module")
def elsewhere() -> Iterator[str]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_where_it_is_allowed_a_picture_is_fetched(elsewhere: str, served: Served) -> None:
    everything = Fetching(allowed=True, only_public=False, agent="Easel")
    assert fetch_picture(f"{elsewhere}/a.png", "image", everything) == picture(8, 8)
    assert fetch_picture(f"{elsewhere}/to//a.png", "image", everything) == picture(8, 8)
    served.app.settings.change({"api_enable_requests": True, "api_forbid_local_requests": False})
    assert served.client.post("/sdapi/v1/png-info", json={"image": f"{elsewhere}/a.png"}).status_code == 200
    served.app.settings.change({"api_forbid_local_requests": True})
    assert served.client.post("/sdapi/v1/png-info", json={"image": f"{elsewhere}/a.png"}).status_code == 403


@pytest.mark.parametrize("drip", ["head", "body", "chain"])
def test_a_picture_that_drips_is_cut_off_at_one_time_for_all_of_it(drip: str) -> None:
    over = threading.Event()

    def serve(listener: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while not over.is_set():
                client, _ = listener.accept()
                with client, contextlib.suppress(OSError):
                    client.recv(65536)
                    if drip == "chain":
                        over.wait(0.4)
                        client.sendall(b"HTTP/1.1 302 Found\r\nLocation: /on\r\nContent-Length: 0\r\n\r\n")
                        continue
                    if drip == "body":
                        client.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: image/png\r\nContent-Length: 100000\r\n\r\n")
                    while not over.wait(0.05):
                        client.sendall(b"a")

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, args=(listener,), daemon=True)
        thread.start()
        address = f"http://127.0.0.1:{listener.getsockname()[1]}/a.png"
        with pytest.raises(RequestError, match=r"longer than 0\.7 seconds"):
            fetch_picture(address, "image", Fetching(allowed=True, only_public=False, seconds=0.7))
        over.set()
        with contextlib.suppress(OSError):
            socket.create_connection(listener.getsockname(), timeout=5).close()
        thread.join()


def test_only_some_of_the_threads_that_serve_clients_fetch_pictures(elsewhere: str) -> None:
    with contextlib.ExitStack() as stack:
        for _ in range(AT_ONCE):
            stack.enter_context(remote_pictures._UNDER_WAY)  # pyright: ignore[reportPrivateUsage]
        with pytest.raises(RequestError, match="Try again in a moment"):
            fetch_picture(f"{elsewhere}/a.png", "image", Fetching(allowed=True, only_public=False))
    assert fetch_picture(f"{elsewhere}/a.png", "image", Fetching(allowed=True, only_public=False))


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("/page", "no picture"),
        ("/missing", "answered 404"),
        ("/large", "larger than"),
        ("/to//to//to//to//a.png", "redirects"),
        ("/to/ftp://example.com/a.png", "http or https"),
        ("/to/file:///etc/passwd", "http or https"),
    ],
)
def test_what_is_fetched_must_be_a_small_picture_close_by(elsewhere: str, path: str, why: str) -> None:
    with pytest.raises(RequestError, match=why):
        fetch_picture(elsewhere + path, "image", Fetching(allowed=True, only_public=False, most_bytes=4096))


@pytest.mark.parametrize("name", ["a\r\nSet-Cookie: b=c", "a\nb", '"; filename="x', "\x00", "é" * 300, "../../x"])
def test_no_name_splits_a_header(served: Served, name: str) -> None:
    response = served.txt2img(force_task_id=name, steps=1, override_settings={"samples_filename_pattern": "[prompt]"})
    assert response.status_code in (200, 422)
    for path in ("/internal/progress", "/sdapi/v1/progress"):
        answer = served.client.post(path, json={"id_task": name}) if "internal" in path else served.client.get(path)
        assert answer.status_code in (200, 422)
        assert "set-cookie" not in answer.headers


def test_no_pickle_is_taken_over_the_api(served: Served) -> None:
    import pickle

    text = base64.b64encode(pickle.dumps(print)).decode()
    assert served.client.post("/sdapi/v1/png-info", json={"image": text}).status_code == 422
    response = served.client.post(
        "/sdapi/v1/txt2img", content=pickle.dumps({"prompt": "a"}), headers={"content-type": "application/octet-stream"}
    )
    assert response.status_code == 422


def test_methods_that_no_route_has_are_refused(served: Served) -> None:
    for method in ("PUT", "DELETE", "PATCH", "TRACE"):
        request = httpx.Request(method, f"{served.client.base_url}/sdapi/v1/options".replace("//sdapi", "/sdapi"))
        assert served.client.send(request).status_code == 405


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"prompt": "a AND " * 16_000}, "parts joined by AND"),
        ({"hr_prompt": "a AND " * 300, "enable_hr": True}, "hr_prompt has 301 parts"),
        ({"prompt": "a AND " * 250, "batch_size": 512, "width": 128, "height": 64}, "for 512 pictures"),
        ({"prompt": "[a|b]" + "c " * 49_000, "steps": 10_000}, "changes at 10,000 steps"),
        ({"negative_prompt": "".join(f"[a:b:{n}]" for n in range(9000)), "steps": 10_000}, "changes at"),
        ({"prompt": "BREAK " * 16_000}, "the most is 1,500"),
        ({"prompt": "BREAK " * 200, "batch_size": 512, "width": 8, "height": 8}, "batch smaller"),
    ],
)
def test_no_prompt_asks_for_more_than_a_machine_can_hold(served: Served, fields: dict[str, object], why: str) -> None:
    response = served.txt2img(**fields)
    assert response.status_code == 422
    assert why in response.json()["detail"]


@pytest.mark.parametrize("name", ["../outside", "/tmp/outside", "a/../../../outside", "..\\outside", "a\r\nb", "\x00"])
def test_no_name_of_a_merge_leads_out_of_the_folder_of_checkpoints(served: Served, name: str) -> None:
    models = served.data / "models" / "Stable-diffusion"
    before = set(served.data.parent.rglob("*outside*"))
    body = {"primary_model_name": "tiny.safetensors", "interp_method": "No interpolation", "custom_name": name}
    response = served.client.post("/api/v1/checkpoints/merge", json={**body, "wait": True})
    assert response.status_code in (200, 422)
    made = {path for path in models.rglob("*.safetensors") if path.stem not in ("tiny", "other")}
    for path in made:
        path.unlink()
    assert set(served.data.parent.rglob("*outside*")) == before
    assert not Path("/tmp/outside.safetensors").exists()


@pytest.mark.parametrize("path", TRAVERSALS)
@pytest.mark.parametrize(
    "route",
    ["/api/v1/images/{}", "/api/v1/history/{}", "/api/v1/models/lora/{}", "/api/v1/jobs/{}", "/v1/images/files/{}"],
)
def test_no_id_of_ours_is_a_path(served: Served, route: str, path: str) -> None:
    host, port = served.client.base_url.host, served.client.base_url.port
    with socket.create_connection((host, port), timeout=30) as connection:
        connection.sendall(f"GET {route.format(path)} HTTP/1.0\r\nHost: {host}\r\n\r\n".encode())
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
    assert answer.split(b" ", 2)[1] in (b"400", b"403", b"404", b"405", b"422")
    assert b"root:" not in answer


@pytest.mark.parametrize(
    ("route", "body"),
    [
        ("/api/v1/models/download", {"url": "https://example.com/a.safetensors", "kind": "checkpoint"}),
        ("/api/v1/jobs/img2img-batch", {"input_dir": "/etc", "output_dir": "/tmp"}),
        ("/sdapi/v1/options", {"temp_dir": "/etc"}),
        ("/sdapi/v1/options", {"whatever_this_is": 1}),
        ("/sdapi/v1/create/embedding", {"name": "mine", "overwrite_old": True}),
        ("/sdapi/v1/create/hypernetwork", {"name": "mine", "enable_sizes": [768]}),
        ("/api/v1/checkpoints/merge", {"primary_model_name": "tiny.safetensors", "interp_method": "No interpolation"}),
    ],
)
def test_strangers_reach_no_files_and_no_machines(open_to_all: Served, route: str, body: dict[str, object]) -> None:
    assert open_to_all.client.post(route, json=body).status_code == 403


@pytest.mark.parametrize("route", ["server-kill", "server-stop", "server-restart"])
def test_the_program_cannot_be_stopped_unless_a_flag_allows_it(served: Served, route: str) -> None:
    assert served.client.post(f"/sdapi/v1/{route}").status_code == 404
    assert served.client.get("/internal/ping").status_code == 200


@pytest.mark.parametrize("name", ["a/b", "a?b", "a#b", "a%2fb", "..", ".", "-a", "a b", "ä", "a\\b", "a" * 129, "<b>"])
@pytest.mark.parametrize("route", ["/sdapi/v1/txt2img", "/api/v1/jobs/txt2img"])
def test_no_job_is_called_what_no_address_can_say(served: Served, route: str, name: str) -> None:
    body = {"prompt": "a", "steps": 1, "width": 64, "height": 64, "force_task_id": name}
    response = served.client.post(route, json=body)
    assert response.status_code == 422
    assert "force_task_id" in response.text


@pytest.mark.parametrize("name", ["task(abc-123)", "a", "0", "my_job.2", "a:b", "x" * 128])
def test_a_job_is_found_under_the_id_that_it_was_given(served: Served, name: str) -> None:
    body = {"prompt": "a", "steps": 1, "width": 64, "height": 64, "save_images": False, "force_task_id": name}
    assert served.client.post("/api/v1/jobs/txt2img", json=body).json()["id"] == name
    assert served.client.get(f"/api/v1/jobs/{name}").json()["id"] == name


def test_the_settings_file_cannot_be_filled_by_requests(served: Served) -> None:
    before = served.app.settings.current
    for changes in (
        {"k" * 201: 1},
        {"an_extensions_key": "x" * 70_000},
        {"samples_filename_pattern": "x" * 70_000},
        {"an_extensions_key": {"a": ["x" * 1000] * 100}},
        {f"key {number}": number for number in range(600)},
    ):
        assert served.client.post("/sdapi/v1/options", json=changes).status_code == 422
    assert served.app.settings.current == before
    assert served.client.post("/sdapi/v1/options", json={"an_extensions_key": "kept"}).status_code == 200
    assert served.client.get("/sdapi/v1/options").json()["an_extensions_key"] == "kept"


def test_a_batch_has_a_bound_of_its_own(served: Served) -> None:
    response = served.txt2img(batch_size=10_000, width=8, height=8)
    assert response.status_code == 422
    assert "batch_size" in response.json()["detail"]
