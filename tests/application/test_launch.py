from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path

import pytest

from modules.application.launch import address, make_folders, prepare, take_port
from modules.foundation.errors import StartupError
from modules.settings.flags import Flags
from modules.settings.paths import Paths

PROGRAM = Path(__file__).resolve().parents[2]


def _webui(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(PROGRAM / "webui.py"), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


def test_it_serves_this_machine_alone_unless_told_otherwise() -> None:
    assert address(Flags()) == ("127.0.0.1", 7860)
    assert address(Flags(listen=True)) == ("0.0.0.0", 7860)
    assert address(Flags(nowebui=True)) == ("127.0.0.1", 7861)
    assert address(Flags(server_name="10.0.0.1", listen=True, port=80)) == ("10.0.0.1", 80)


def test_a_port_in_use_ends_the_program_with_one_sentence(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        done = _webui("--port", str(port), "--data-dir", str(tmp_path))
    assert done.returncode == 1
    assert f"Port {port} is in use" in done.stderr
    assert "--port" in done.stderr
    assert "Traceback" not in done.stderr


def test_an_unknown_flag_ends_the_program_with_one_sentence() -> None:
    done = _webui("--lisen")
    assert done.returncode == 2
    assert "Did you mean --listen?" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_data_folder_that_cannot_be_made_ends_the_program_with_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(StartupError, match="cannot be written to") as caught:
        make_folders(Paths.from_flags(Flags(data_dir=tmp_path / "file" / "data")))
    assert "--data-dir" in str(caught.value)


def test_a_port_that_is_none_is_refused() -> None:
    with pytest.raises(StartupError, match="not a port number"):
        take_port(Flags(port=99999))


def test_the_folders_that_users_look_for_are_made(tmp_path: Path) -> None:
    make_folders(Paths.from_flags(Flags(data_dir=tmp_path / "data")))
    for name in ("models/Stable-diffusion", "models/VAE", "models/Lora", "embeddings", "outputs"):
        assert (tmp_path / "data" / name).is_dir()


def test_building_the_application_imports_neither_torch_nor_gradio(tmp_path: Path) -> None:
    code = (
        "import sys; from modules.application.launch import prepare\n"
        f"application, listener = prepare(['--data-dir', {str(tmp_path)!r}, '--port', '0'])\n"
        "heavy = {'torch', 'gradio', 'transformers', 'diffusers'} & set(sys.modules)\n"
        "listener.close(); application.close()\n"
        "assert not heavy, heavy"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=PROGRAM)
    assert done.returncode == 0, done.stderr


def test_a_failed_start_gives_the_port_back(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    for _ in range(2):
        with pytest.raises(StartupError, match="data folder"):
            prepare(["--port", str(port), "--data-dir", str(tmp_path / "file")])
