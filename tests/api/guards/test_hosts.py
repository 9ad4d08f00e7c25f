"""Under which names an Easel answers."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modules.api.guards.hosts import OwnNames, split_authority
from modules.foundation.errors import StartupError
from modules.settings.flags import Flags
from tests.api.conftest import Served, flags_for, serving

MACHINE = socket.gethostname().lower()
SHORT = MACHINE.partition(".")[0]
OURS = (
    "localhost",
    "LOCALHOST",
    "localhost.",
    "localhost:7860",
    "easel.localhost",
    "easel:7860",
    "127.0.0.1",
    "127.0.0.1:1",
    "127.8.9.10",
    "[::1]",
    "[::1]:7860",
    "[0:0:0:0:0:0:0:1]",
    "[::ffff:127.0.0.1]",
    MACHINE,
    f"{SHORT}.local:7860",
    f"{SHORT.upper()}.fritz.box.",
)
OTHERS = (
    "evil.example",
    "evil.example:7860",
    "EVIL.example.",
    "localhost.evil.example",
    "127.0.0.1.evil.example",
    "127.0.0.1.nip.io",
    f"{SHORT}.evil.example",
    "xn--lcalhost-1ya.example",
    "[2001:db8::1]",
    "93.184.216.34",
)
NONSENSE = (
    "",
    "a b",
    "a@localhost",
    "user:pw@127.0.0.1",
    "[::1",
    "::1",
    "localhost:port",
    "a/b",
    "localhost,evil",
    "é",
)


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving(flags_for(tmp_path_factory.mktemp("hosts"))) as served:
        yield served


def asked(served: Served, head: str) -> int:
    """The status of what a request with this head, written by hand, is answered with."""
    address = served.client.base_url.host, served.client.base_url.port
    with socket.create_connection(address, timeout=30) as connection:
        connection.sendall(f"{head}\r\nConnection: close\r\n\r\n".encode("latin-1"))
        return int(connection.recv(65536).split(b" ", 2)[1])


@pytest.mark.parametrize("host", OURS)
def test_names_of_this_machine_are_answered(plain: Served, host: str) -> None:
    assert asked(plain, f"GET /internal/ping HTTP/1.1\r\nHost: {host}") == 200


@pytest.mark.parametrize("path", ["/internal/ping", "/sdapi/v1/options", "/", "/gradio_api/info", "/docs", "/metrics"])
@pytest.mark.parametrize("host", OTHERS)
def test_no_other_name_is_answered_for_any_path(plain: Served, host: str, path: str) -> None:
    assert asked(plain, f"GET {path} HTTP/1.1\r\nHost: {host}") == 403


@pytest.mark.parametrize("host", NONSENSE)
def test_a_header_that_names_no_machine_is_a_wrong_request(plain: Served, host: str) -> None:
    assert asked(plain, f"GET /internal/ping HTTP/1.1\r\nHost: {host}") == 400


def test_a_request_names_one_machine(plain: Served) -> None:
    assert asked(plain, "GET /internal/ping HTTP/1.1\r\nHost: localhost\r\nHost: evil.example") == 400
    assert asked(plain, "GET /internal/ping HTTP/1.1") == 400
    assert asked(plain, "GET /internal/ping HTTP/1.0") == 200


def test_the_answer_names_the_flag(plain: Served) -> None:
    response = plain.client.get("/sdapi/v1/options", headers={"Host": "easel.example.com:443"})
    assert response.json()["detail"].endswith("start it with --allowed-hosts=easel.example.com")


def own(host: str, **flags: Any) -> bool:
    part = split_authority(host)
    return part is not None and asyncio.run(OwnNames(Flags(**flags)).own(part[0]))


def test_what_listens_on_the_network_is_known_by_its_addresses_and_by_no_names_of_others() -> None:
    for flags in ({"listen": True}, {"server_name": "::"}):
        assert own("192.168.1.7:7860", **flags)
        assert own("[fe80::1%25eth0]:7860", **flags)
        assert own("localhost", **flags)
        assert not own("evil.example", **flags)
    assert own("10.0.0.5", server_name="10.0.0.5")
    assert not own("10.0.0.6", server_name="10.0.0.5")
    assert own("Studio.Example", server_name="studio.example")
    assert own("[2001:DB8::1]:80", server_name="2001:db8:0::1")


def test_the_flag_lists_names_patterns_or_everything() -> None:
    listed = "easel.example.com, https://other.example:8443/path, *.tunnel.example"
    for host in ("EASEL.example.com.", "other.example", "a.tunnel.example", "a.b.tunnel.example:443"):
        assert own(host, allowed_hosts=listed)
    for host in ("example.com", "a.easel.example.com", "tunnel.example", "eviltunnel.example"):
        assert not own(host, allowed_hosts=listed)
    assert own("whatever.example", allowed_hosts="*")
    names = OwnNames(Flags(allowed_hosts=f"{listed},*"))
    assert names.declares("easel.example.com")
    assert not names.declares("a.tunnel.example")
    assert not names.declares("whatever.example")


@pytest.mark.parametrize("listed", ["a b", "a@b", "http://", "*.", "a,b c"])
def test_a_flag_that_lists_no_name_is_a_wrong_start(listed: str) -> None:
    with pytest.raises(StartupError, match="--allowed-hosts"):
        OwnNames(Flags(allowed_hosts=listed))


@given(st.ip_addresses(), st.integers(1, 65535))
def test_an_address_is_found_in_any_way_of_writing_it(address: Any, port: int) -> None:
    forms = [str(address)] if address.version == 4 else [f"[{address}]", f"[{address.exploded.upper()}]"]
    inner = getattr(address, "ipv4_mapped", None) or address
    for form in forms:
        assert split_authority(form) == (str(inner), None)
        assert split_authority(f"{form}:{port}") == (str(inner), port)


@given(st.text(max_size=40))
def test_no_header_breaks_it(text: str) -> None:
    part = split_authority(text)
    assert part is None or part[0]
