"""Names and passwords: who is asked for them, and who gets in."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from modules.api.guards.login import credentials
from modules.api.guards.login_throttle import FREE
from modules.settings.flags import Flags
from tests.api.conftest import Served, flags_for, serving

PAGE, API = ("page", "p:w"), ("api", "hidden-word")


@pytest.fixture(scope="module")
def locked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving(
        flags_for(tmp_path_factory.mktemp("locked"), gradio_auth=":".join(PAGE), api_auth=":".join(API))
    ) as it:
        yield it


@pytest.fixture(scope="module")
def api_locked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving(flags_for(tmp_path_factory.mktemp("api-locked"), api_auth="one:1,two:2")) as it:
        yield it


@pytest.mark.parametrize("path", ["/sdapi/v1/options", "/internal/ping", "/docs", "/openapi.json", "/", "/anything"])
def test_without_a_user_nothing_is_told(locked: Served, path: str) -> None:
    for auth in (None, ("page", "wrong"), ("nobody", "p:w"), ("api", ""), ("", "")):
        response = locked.client.get(path, auth=auth)
        assert response.status_code == 401
        assert response.headers["www-authenticate"].startswith("Basic")
        assert "options" not in response.text


def test_users_of_the_page_may_use_the_api_but_not_the_other_way_round(locked: Served) -> None:
    for auth in (PAGE, API):
        assert locked.client.get("/sdapi/v1/samplers", auth=auth).status_code == 200
    assert locked.client.get("/", auth=API).status_code == 401
    assert locked.client.get("/", auth=PAGE).status_code != 401


def test_where_only_the_api_has_users_the_page_still_works(api_locked: Served) -> None:
    assert api_locked.client.get("/sdapi/v1/samplers").status_code == 401
    assert api_locked.client.get("/sdapi/v1/samplers", auth=("two", "2")).status_code == 200
    assert api_locked.client.get("/sdapi/v1/samplers", auth=("two", "1")).status_code == 401
    assert api_locked.client.get("/internal/ping").status_code == 200


@pytest.mark.parametrize("path", ["//sdapi/v1/options", "/sdapi/../sdapi/v1/options", "/%73dapi/v1/options"])
def test_no_way_of_writing_a_path_goes_round_the_lock(api_locked: Served, path: str) -> None:
    assert api_locked.client.get(path).status_code in (401, 404)


@pytest.mark.parametrize(
    "header",
    ["Basic", "Basic !!!", "Bearer abc", "Basic " + base64.b64encode(b"no colon").decode(), "Basic /w=="],
)
def test_a_malformed_authorization_header_is_refused(api_locked: Served, header: str) -> None:
    assert credentials(header) is None
    response = httpx.get(str(api_locked.client.base_url) + "/sdapi/v1/samplers", headers={"Authorization": header})
    assert response.status_code == 401


def test_the_users_are_not_shown_by_the_route_of_flags(locked: Served) -> None:
    text = locked.client.get("/sdapi/v1/cmd-flags", auth=API).text
    assert '"api_auth":"set"' in text
    assert API[1] not in text.replace("insecure", "")
    assert "p:w" not in text


def test_https_is_served_with_a_key_and_its_certificate(tmp_path: Path) -> None:
    from modules.application.launch import check_certificate
    from modules.foundation.errors import StartupError

    with pytest.raises(StartupError, match="both"):
        check_certificate(Flags(tls_keyfile=tmp_path / "key.pem"))
    (tmp_path / "key.pem").write_text("no key", encoding="utf-8")
    with pytest.raises(StartupError, match="PEM"):
        check_certificate(Flags(tls_keyfile=tmp_path / "key.pem", tls_certfile=tmp_path / "key.pem"))


def test_guesses_become_slow_and_a_user_who_is_there_does_not_notice(
    api_locked: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "modules.api.guards.login_throttle.LONGEST_WAIT", 0.0
    )  # a second one at the same time is too many
    right, path = ("one", "1"), "/sdapi/v1/samplers"
    assert api_locked.client.get(path, auth=right).status_code == 200
    for number in range(FREE):
        assert api_locked.client.get(path, auth=("one", f"guess {number}")).status_code == 401
    with ThreadPoolExecutor(8) as pool:
        asked = [pool.submit(api_locked.client.get, path, auth=("two", f"other {number}")) for number in range(8)]
        assert api_locked.client.get(path, auth=right).status_code == 200
        refused = [each.result() for each in asked if each.result().status_code == 429]
    assert refused
    assert int(refused[0].headers["retry-after"]) > 0
