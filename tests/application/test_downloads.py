"""Downloads from a hub on this machine that breaks off, lies, changes its mind or does not support ranges."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
import struct
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import pytest

from modules.application.downloads import transfer as transfer_module
from modules.application.downloads.download import Download, clean_name, fetch, file_address, folder_of
from modules.application.downloads.transfer import Transfer, TransferRequest
from modules.application.model_list import KINDS
from modules.foundation.errors import DownloadError, Forbidden, Interrupted, RequestError
from modules.generation.progress import RunControl
from modules.settings.flags import Flags
from modules.settings.paths import Paths
from tests.application.hub import Hub, serving_hub


def safetensors(size: int, seed: int = 0) -> bytes:
    header = json.dumps({"w": {"dtype": "U8", "shape": [size], "data_offsets": [0, size]}}).encode()
    body = hashlib.shake_128(bytes([seed])).digest(size)
    return struct.pack("<Q", len(header)) + header + body


@pytest.fixture
def hub() -> Iterator[Hub]:
    with serving_hub(safetensors(3_000_000)) as hub:
        yield hub


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    return Paths.from_flags(Flags(data_dir=tmp_path))


def get(
    hub: Hub, paths: Paths, control: RunControl | None = None, path: str = "/m/model.safetensors", **more: Any
) -> Path:
    asked = Download(url=hub.base + path, **more)
    return fetch(asked, paths, control or RunControl(), only_public=False, pause=0.001).path


def left_over(paths: Paths) -> list[str]:
    return [path.name for path in paths.models.rglob("*") if path.is_file()]


def test_a_file_arrives_whole_in_the_folder_of_its_kind(hub: Hub, paths: Paths) -> None:
    control = RunControl()
    done = get(hub, paths, control, sha256=hub.sha256.upper())
    assert done == paths.models / "Stable-diffusion" / "model.safetensors"
    assert done.read_bytes() == hub.content
    assert control.snapshot().fraction == 1.0
    assert control.snapshot().phase == "downloading"
    assert left_over(paths) == ["model.safetensors"]
    assert len({folder_of(kind, paths) for kind in KINDS}) == len(KINDS)


def test_a_broken_connection_is_taken_up_where_it_broke(hub: Hub, paths: Paths) -> None:
    hub.cuts = [1_000_000, 500_000]
    assert get(hub, paths).read_bytes() == hub.content
    asked = [request.get("Range") for request in hub.asked]
    assert asked == [None, "bytes=1000000-", "bytes=1500000-"]
    assert [request.get("If-Range") for request in hub.asked] == [None, '"one"', '"one"']


def test_a_server_without_parts_is_asked_for_everything_again(hub: Hub, paths: Paths) -> None:
    hub.ranges, hub.cuts = False, [1_000_000]
    assert get(hub, paths).read_bytes() == hub.content


@pytest.mark.parametrize("heeds", [True, False])
def test_a_file_that_changed_between_tries_is_begun_anew(hub: Hub, paths: Paths, heeds: bool) -> None:
    hub.cuts, hub.heeds_condition = [1_000_000], heeds
    with pytest.raises(Interrupted):
        get(hub, paths, stopped_at(0.3))
    hub.content, hub.etag, hub.cuts = safetensors(2_500_000, seed=1), '"two"', []
    assert get(hub, paths).read_bytes() == hub.content


def stopped_at(share: float) -> RunControl:
    class Stopping(RunControl):
        def at(self, fraction: float, phase: str) -> None:
            super().at(fraction, phase)
            if fraction >= share:
                self.interrupt()

    return Stopping()


def test_an_interrupted_download_goes_on_in_the_next_job(hub: Hub, paths: Paths) -> None:
    with pytest.raises(Interrupted):
        get(hub, paths, stopped_at(0.3))
    assert [name for name in left_over(paths) if not name.startswith(".")] == []
    assert get(hub, paths).read_bytes() == hub.content
    have = int(hub.asked[1]["Range"].removeprefix("bytes=").removesuffix("-"))
    assert 1_000_000 <= have < len(hub.content)


def test_partial_downloads_that_are_not_resumed_are_removed_after_a_month(hub: Hub, paths: Paths) -> None:
    folder = paths.models / "Stable-diffusion"
    folder.mkdir(parents=True)
    for name, days in ((".old.download", 31), (".young.download", 29)):
        (folder / name).touch()
        (folder / f"{name}.json").touch()
        then = time.time() - days * 86400
        os.utime(folder / name, (then, then))
    get(hub, paths)
    assert sorted(left_over(paths)) == [".young.download", ".young.download.json", "model.safetensors"]


@pytest.mark.parametrize("with_hash", [True, False])
def test_without_a_version_only_a_hash_lets_a_download_go_on(hub: Hub, paths: Paths, with_hash: bool) -> None:
    hub.etag, hub.cuts = None, [1_000_000]
    get(hub, paths, sha256=hub.sha256 if with_hash else None)
    assert hub.asked[1].get("Range") == ("bytes=1000000-" if with_hash else None)


def test_the_date_stands_in_for_a_weak_tag(hub: Hub, paths: Paths) -> None:
    hub.etag, hub.modified, hub.cuts = 'W/"one"', "Mon, 05 Jan 2026 10:00:00 GMT", [1_000_000]
    get(hub, paths)
    assert hub.asked[1]["If-Range"] == hub.modified


def test_a_file_that_became_shorter_than_what_is_here_is_begun_anew(hub: Hub, paths: Paths) -> None:
    hub.cuts = [2_000_000]
    with pytest.raises(Interrupted):
        get(hub, paths, stopped_at(0.6))
    hub.content, hub.heeds_condition = safetensors(1000), False
    assert get(hub, paths).read_bytes() == hub.content


def test_the_wrong_file_is_thrown_away_and_named(hub: Hub, paths: Paths) -> None:
    with pytest.raises(DownloadError, match=rf"its SHA-256 is {hub.sha256}, not {'0' * 64}"):
        get(hub, paths, sha256="0" * 64)
    assert left_over(paths) == []


def test_the_hash_that_a_hub_tells_on_the_way_is_held_to(hub: Hub, paths: Paths) -> None:
    hub.redirects = {"/resolve/model.safetensors": f"{hub.base}/cdn/abc?signed=1"}
    hub.headers = {"X-Linked-Etag": '"' + "1" * 64 + '"'}
    with pytest.raises(DownloadError, match="not the file that was meant"):
        get(hub, paths, path="/resolve/model.safetensors")
    hub.headers = {"X-Linked-Etag": f'"{hub.sha256}"'}
    assert get(hub, paths, path="/resolve/model.safetensors").name == "model.safetensors"


def test_it_is_given_up_when_nothing_new_arrives_and_what_is_here_is_kept(hub: Hub, paths: Paths) -> None:
    hub.cuts = [1_000_000, *([0] * 10)]
    with pytest.raises(DownloadError, match=r"broke off at 1,000,000 bytes.*ask for it again"):
        get(hub, paths)
    assert len(hub.asked) == transfer_module.TRIES
    hub.cuts = []
    assert get(hub, paths).read_bytes() == hub.content
    assert hub.asked[-1]["Range"] == "bytes=1000000-"


def test_trouble_that_passes_is_waited_for(hub: Hub, paths: Paths) -> None:
    hub.statuses = [503, 429, 500]
    assert get(hub, paths).read_bytes() == hub.content


@pytest.mark.parametrize(("status", "words"), [(404, "answered 404"), (401, "login"), (403, "login"), (410, "410")])
def test_what_a_server_refuses_is_said_at_once(hub: Hub, paths: Paths, status: int, words: str) -> None:
    hub.statuses = [status]
    with pytest.raises(DownloadError, match=words):
        get(hub, paths)
    assert len(hub.asked) == 1


def test_a_file_without_a_length_ends_with_the_connection(hub: Hub, paths: Paths) -> None:
    hub.tells_length = False
    assert get(hub, paths).read_bytes() == hub.content
    hub.cuts = [2_000_000]
    with pytest.raises(DownloadError, match=r"no safetensors file: it is cut off"):
        get(hub, paths, name="other.safetensors")
    assert left_over(paths) == ["model.safetensors"]


@pytest.mark.parametrize("body", [b"<html>Sign in</html>", b"version https://git-lfs.github.com/spec/v1\n", b""])
def test_a_web_page_or_a_pointer_is_no_model(hub: Hub, paths: Paths, body: bytes) -> None:
    hub.content = body
    with pytest.raises(DownloadError, match="no safetensors file"):
        get(hub, paths)
    hub.headers = {"Content-Type": "text/html; charset=utf-8"}
    with pytest.raises(DownloadError, match="web page"):
        get(hub, paths)
    assert left_over(paths) == []


def test_redirects_are_followed_but_not_forever(hub: Hub, paths: Paths) -> None:
    hub.redirects = {"/a": "/b", "/b": f"{hub.base}/c/model.safetensors", "/round": "/round"}
    assert get(hub, paths, path="/a", name="a.safetensors").name == "a.safetensors"
    with pytest.raises(DownloadError, match="more than 5"):
        get(hub, paths, path="/round", name="b.safetensors")
    hub.redirects = {"/a": "file:///etc/passwd"}
    with pytest.raises(DownloadError, match="http or https"):
        get(hub, paths, path="/a", name="b.safetensors")


def test_an_address_in_this_network_needs_the_setting(hub: Hub, paths: Paths) -> None:
    with pytest.raises(Forbidden, match="api_forbid_local_requests"):
        fetch(Download(url=f"{hub.base}/m.safetensors"), paths, RunControl())
    assert hub.asked == []


def test_the_server_may_name_the_file(hub: Hub, paths: Paths) -> None:
    hub.headers = {"Content-Disposition": 'attachment; filename="../../My Model.safetensors"'}
    assert get(hub, paths, path="/api/download/models/12345", kind="lora") == paths.lora / "My Model.safetensors"
    hub.headers = {"Content-Disposition": "attachment; filename=virus.exe"}
    with pytest.raises(RequestError, match="does not end like a model file"):
        get(hub, paths, path="/api/download/models/6", kind="lora")
    assert left_over(paths) == ["My Model.safetensors"]


def test_the_page_of_a_file_stands_for_the_file() -> None:
    page = "https://huggingface.co/owner/model/blob/main/a/blob/x.safetensors?download=true"
    assert file_address(page) == "https://huggingface.co/owner/model/resolve/main/a/blob/x.safetensors?download=true"
    assert file_address("http://example.org/blob/x") == "http://example.org/blob/x"


@pytest.mark.parametrize(
    ("given", "clean"),
    [
        ("../../a.safetensors", "a.safetensors"),
        ("..\\b?.SAFETENSORS", "b_.safetensors"),
        ("con.safetensors", "_con.safetensors"),
        (".safetensors", ""),
        ("", ""),
        ("x" * 300 + ".safetensors", "x" * 200 + ".safetensors"),
        ("a\x00b\n.safetensors", "a_b_.safetensors"),
    ],
)
def test_names_are_fit_for_every_system(given: str, clean: str) -> None:
    assert clean_name(given) == clean


def test_pickles_come_only_when_asked_for(hub: Hub, paths: Paths) -> None:
    with pytest.raises(RequestError, match="allow_pickle"):
        get(hub, paths, path="/up.pth", kind="upscaler")
    assert hub.asked == []
    assert get(hub, paths, path="/up.pth", kind="upscaler", allow_pickle=True).name == "up.pth"


def test_a_name_that_is_taken_is_said_before_anything_is_fetched(hub: Hub, paths: Paths) -> None:
    get(hub, paths)
    with pytest.raises(RequestError, match="there already"):
        get(hub, paths)
    assert len(hub.asked) == 1
    get(hub, paths, overwrite=True)


def test_a_file_that_is_too_large_or_finds_no_room_is_refused(
    hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run(**more: Any) -> None:
        Transfer(
            TransferRequest(url=hub.base, only_public=False, pause=0.001, **more),
            tmp_path / "part",
            lambda _done, _total: None,
        ).run()

    with pytest.raises(DownloadError, match="at most 1,000,000"):
        run(most_bytes=1_000_000)
    hub.tells_length = False
    with pytest.raises(DownloadError, match="more than 1,000,000"):
        run(most_bytes=1_000_000)
    hub.tells_length = True
    full = shutil.disk_usage(tmp_path)._replace(free=transfer_module.KEPT_FREE)
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: full)
    with pytest.raises(DownloadError, match="Make room"):
        run()


def test_a_disk_that_fills_up_meanwhile_is_said_and_not_tried_again(
    hub: Hub, paths: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_self: Transfer, _file: IO[bytes], _block: bytes) -> None:
        raise Transfer._unwritable(_self, OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)))

    monkeypatch.setattr(Transfer, "_write", full)
    with pytest.raises(DownloadError, match="No space left"):
        get(hub, paths)
    assert len(hub.asked) == 1
