"""What the program says of itself: sysinfo, the start's profile, the access log; and its ending."""

from __future__ import annotations

import json
import logging
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.api.conftest import Served, flags_for, serving, wait_until

ROOT = Path(__file__).parents[3]


def test_sysinfo_tells_of_the_machine_and_no_secret(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["webui.py", "--api-auth", "ann:hush", "--gradio-auth=ben:hush", "--port", "1"])
    monkeypatch.setenv("COMMANDLINE_ARGS", "--listen --api-auth ann:hush")
    monkeypatch.setenv("TORCH_INDEX_URL", "https://ann:hush@packages.example/torch")
    monkeypatch.setenv("SOME_PASSWORD", "hush")
    served.app.settings.change({"civitai_api_key": "hush", "own_token": "hush", "outdir_samples": str(served.data)})
    response = served.client.get("/internal/sysinfo")
    assert response.headers["content-disposition"].startswith('inline; filename="sysinfo-')
    assert "hush" not in response.text
    assert str(served.data) not in response.text
    info = response.json()
    assert info["Commandline"] == ["webui.py", "--api-auth", "***", "--gradio-auth=***", "--port", "1"]
    assert info["Environment"]["TORCH_INDEX_URL"] == "https://***@packages.example/torch"
    assert info["Config"]["outdir_samples"] == "DATA"
    assert info["Config"]["token_merging_ratio"] == 0
    assert info["Torch env info"]["torch_version"]
    assert any(package.startswith("fastapi==") for package in info["Packages"])


def test_sysinfo_can_be_saved_as_a_file(served: Served) -> None:
    for address in ("/internal/sysinfo?attachment=true", "/internal/sysinfo-download"):
        response = served.client.get(address)
        assert re.fullmatch(r'attachment; filename="sysinfo-[\d-]+\.json"', response.headers["content-disposition"])
        assert response.json()["Python"]


def test_the_profile_of_the_start_adds_up(served: Served) -> None:
    served.client.post("/sdapi/v1/reload-checkpoint")
    profile = served.client.get("/internal/profile-startup").json()
    assert {"python and imports", "torch"} <= set(profile["records"])
    assert profile["total"] == pytest.approx(sum(profile["records"].values()), abs=0.01)


@pytest.fixture(scope="module")
def logged(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving(flags_for(tmp_path_factory.mktemp("log"), api_log=True)) as served:
        yield served


def test_the_access_log_has_a_line_of_json_for_each_request(logged: Served, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "easel.access"):
        logged.client.get("/sdapi/v1/samplers?token=hush")
        logged.client.get("/sdapi/v1/no%0a{%22forged%22:1}")
        logged.client.get("/docs")
        wait_until(lambda: len(caplog.records) >= 2)
    entries: list[dict[str, Any]] = [json.loads(record.getMessage()) for record in caplog.records]
    assert [(entry["method"], entry["status"]) for entry in entries] == [("GET", 200), ("GET", 404)]
    assert entries[0]["path"] == "/sdapi/v1/samplers"
    assert entries[0]["client"] == "127.0.0.1"
    assert entries[0]["bytes"] > 100
    assert entries[0]["ms"] >= 0
    assert "hush" not in caplog.text
    assert all("\n" not in record.getMessage() for record in caplog.records)


def test_the_program_cannot_be_stopped_unless_a_flag_allows_it(served: Served) -> None:
    for route in ("server-stop", "server-restart", "server-kill"):
        assert served.client.post(f"/sdapi/v1/{route}").status_code == 404


def test_the_program_is_restarted_stopped_and_killed_on_request(tmp_path: Path, free_port: int) -> None:
    command = [sys.executable, str(ROOT / "webui.py"), "--nowebui", "--port", str(free_port)]
    command += ["--data-dir", str(tmp_path), "--skip-load-model-at-start", "--api-server-stop"]
    with httpx.Client(base_url=f"http://127.0.0.1:{free_port}") as client:

        def answers() -> bool:
            try:
                return client.get("/internal/ping").status_code == 200
            except httpx.TransportError:
                return False

        def started() -> float:
            return float(client.get("/internal/profile-startup").json()["records"]["server"])

        for last in ("server-stop", "server-kill"):
            with (tmp_path / "log").open("wb") as log:
                process = subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log, env=dict(os.environ))
            try:
                wait_until(answers)
                if last == "server-stop":
                    assert client.post("/sdapi/v1/server-restart").text == "Restarting."
                    wait_until(lambda: (tmp_path / "log").read_text().count("Easel is at") == 2)
                    assert process.poll() is None
                    wait_until(answers)
                    assert started() >= 0
                assert client.post(f"/sdapi/v1/{last}").status_code == 200
                assert process.wait(60) == 0
            finally:
                process.kill()
                process.wait()


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("--gradio-auth me:hidden --listen", "--gradio-auth '***' --listen"),
        ("--gradio-auth 'me:hid den, you:hid' --listen", "--gradio-auth '***' --listen"),
        ('--api-auth="me:hid den" --listen', "'--api-auth=***' --listen"),
        ("--listen --gradio-auth 'me:hid den", "--listen ***"),
        ("--gradio-auth me:hid\\ den", "--gradio-auth '***'"),
        ("--port 80 https://me:hidden@proxy", "--port 80 https://***@proxy"),
        ("--data-dir '/a b'", "--data-dir '/a b'"),
    ],
)
def test_a_password_is_masked_whole_however_it_is_quoted(
    served: Served, monkeypatch: pytest.MonkeyPatch, text: str, shown: str
) -> None:
    monkeypatch.setenv("COMMANDLINE_ARGS", text)
    told = served.client.get("/internal/sysinfo").json()["Environment"]["COMMANDLINE_ARGS"]
    assert told == shown
    assert "hid" not in told
    assert "den" not in told


def test_a_file_about_a_system_is_checked_against_its_checksum(served: Served) -> None:
    def valid(text: str) -> tuple[bool, str]:
        told = served.client.post("/internal/sysinfo-check", json={"text": text}).json()
        return told["valid"], told["detail"]

    written = served.client.get("/internal/sysinfo").text
    assert valid(written)[0]
    changed = json.loads(written) | {"Version": "another"}
    assert valid(json.dumps(changed)) == (False, "The file was changed after Easel wrote it, or another program did.")
    assert not valid("{}")[0]
    assert not valid("[1]")[0]
    assert "not JSON" in valid("no json")[1]
