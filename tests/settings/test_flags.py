from __future__ import annotations

import dataclasses
import logging
import subprocess
import sys
from pathlib import Path

import pytest

from modules.foundation.errors import StartupError
from modules.settings.flags import Flags, as_arguments, build_parser, parse_flags
from modules.settings.legacy_flags import IGNORED_SWITCHES, IGNORED_WITH_VALUE
from modules.settings.paths import Paths


def test_an_empty_command_line_gives_the_declared_defaults() -> None:
    assert parse_flags([]) == Flags()


def test_values_are_converted() -> None:
    flags = parse_flags(["--port", "7000", "--data-dir", "/data", "--use-cpu", "ALL", "--loglevel", "debug"])
    assert flags.port == 7000
    assert flags.data_dir == Path("/data")
    assert flags.use_cpu == ("all",)
    assert flags.loglevel == "DEBUG"


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["--port", "7000", "--data-dir", "/some data", "--use-cpu", "all", "unet", "--no-half", "--loglevel", "DEBUG"],
    ],
)
def test_flags_are_a_command_line_again_without_what_is_private(arguments: list[str]) -> None:
    assert parse_flags(as_arguments(parse_flags(arguments))) == parse_flags(arguments)
    assert "secret" not in " ".join(as_arguments(parse_flags([*arguments, "--api-auth", "a:secret"])))


def test_old_flags_without_effect_are_named_in_one_warning(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        flags = parse_flags(["--ngrok", "token", "--listen", "--medvram-sdxl", "--gradio-queue"])
    assert flags.listen
    assert len(caplog.records) == 1
    assert "--ngrok --medvram-sdxl --gradio-queue" in caplog.text


@pytest.mark.parametrize("flag", sorted(IGNORED_SWITCHES | IGNORED_WITH_VALUE))
def test_every_old_flag_starts(flag: str) -> None:
    value = ["something"] if flag in IGNORED_WITH_VALUE else []
    assert parse_flags([flag, *value, "--port", "1"]) == Flags(port=1)


def test_an_unknown_flag_is_an_error_that_names_the_nearest() -> None:
    with pytest.raises(StartupError, match=r"Unknown flag --prot\. Did you mean --port\?") as caught:
        parse_flags(["--prot", "1"])
    assert caught.value.exit_code == 2


def test_a_value_that_does_not_fit_is_one_sentence() -> None:
    with pytest.raises(StartupError, match="--port: invalid int value: 'x'"):
        parse_flags(["--port", "x"])


def test_every_flag_has_help() -> None:
    for action in build_parser()._actions:
        assert action.help, action.dest


def test_no_flag_is_both_declared_and_ignored() -> None:
    declared = {"--" + field.name.replace("_", "-") for field in dataclasses.fields(Flags)}
    assert not declared & (IGNORED_SWITCHES | IGNORED_WITH_VALUE)


def test_help_pays_for_no_heavy_library() -> None:
    code = (
        "import sys; from modules.settings.flags import parse_flags\n"
        "try: parse_flags(['--help'])\n"
        "except SystemExit: pass\n"
        "assert not {'torch', 'gradio', 'fastapi', 'numpy'} & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "--data-dir" in done.stdout


def test_folders_lie_as_users_of_an_existing_installation_have_them(tmp_path: Path) -> None:
    paths = Paths.from_flags(parse_flags(["--data-dir", str(tmp_path), "--ckpt-dir", "/more"]))
    assert paths.checkpoint_folders == (tmp_path / "models" / "Stable-diffusion", Path("/more"))
    assert paths.vae_folders == (tmp_path / "models" / "VAE",)
    assert paths.lora == tmp_path / "models" / "Lora"
    assert paths.embeddings == tmp_path / "embeddings"
    assert paths.settings_file == tmp_path / "config.json"
    assert paths.styles_files == (tmp_path / "styles.csv",)


def test_folders_of_networks_can_be_pointed_to(tmp_path: Path) -> None:
    paths = Paths.from_flags(parse_flags(["--data-dir", str(tmp_path)]))
    assert paths.lycoris == tmp_path / "models" / "LyCORIS"
    assert paths.hypernetworks == tmp_path / "models" / "hypernetworks"
    elsewhere = ["--lora-dir", "/a", "--lyco-dir-backcompat", "/b", "--hypernetwork-dir", "/c"]
    paths = Paths.from_flags(parse_flags(elsewhere))
    assert (paths.lora, paths.lycoris, paths.hypernetworks) == (Path("/a"), Path("/b"), Path("/c"))
