"""webui.sh hands over flags, reads webui-user.sh, and runs the checks."""

from __future__ import annotations

from pathlib import Path

import pytest

from .conftest import Launcher


@pytest.fixture(autouse=True)
def environment(launcher: Launcher) -> None:
    launcher.python()
    launcher.run()


@pytest.mark.parametrize(
    ("written", "arguments"),
    [
        ("--listen --port 7861", ["--listen", "--port", "7861"]),
        ("--ckpt-dir '/my models/sd' --api", ["--ckpt-dir", "/my models/sd", "--api"]),
        ('--gradio-auth "a b:c"', ["--gradio-auth", "a b:c"]),
        ("--styles-file *.csv", ["--styles-file", "*.csv"]),
        ("--theme $(echo dark)", ["--theme", "$(echo", "dark)"]),
    ],
)
def test_quotes_in_commandline_args_group_words_and_nothing_is_expanded(
    launcher: Launcher, written: str, arguments: list[str]
) -> None:
    assert launcher.run(COMMANDLINE_ARGS=written).stdout == f"started {arguments}\n"


def test_a_flag_typed_now_comes_after_those_written_down(launcher: Launcher) -> None:
    result = launcher.run("--port", "2", COMMANDLINE_ARGS="--port 1")
    assert result.stdout == "started ['--port', '1', '--port', '2']\n"


def test_commandline_args_are_not_handed_over_twice(launcher: Launcher) -> None:
    launcher.write("webui.py", "import os, sys; print(sys.argv[1:], os.environ.get('COMMANDLINE_ARGS'))")
    assert launcher.run(COMMANDLINE_ARGS="--api").stdout == "['--api'] None\n"


def test_an_unclosed_quote_in_commandline_args_is_an_error(launcher: Launcher) -> None:
    result = launcher.run(COMMANDLINE_ARGS="--ckpt 'model")
    assert result.returncode == 1
    assert "has a quote that is never closed: --ckpt 'model" in result.stderr


def test_flags_with_spaces_arrive_unchanged(launcher: Launcher) -> None:
    assert (
        launcher.run("--ckpt", "my model.safetensors", "").stdout == "started ['--ckpt', 'my model.safetensors', '']\n"
    )


def test_webui_user_sh_is_read(launcher: Launcher) -> None:
    launcher.write("webui-user.sh", 'export COMMANDLINE_ARGS="--api --listen"\n')
    assert launcher.run().stdout == "started ['--api', '--listen']\n"


def test_the_template_of_webui_user_sh_changes_nothing(launcher: Launcher) -> None:
    template = Path(__file__).parents[2] / "webui-user.sh"
    launcher.write("webui-user.sh", template.read_text(encoding="utf-8"))
    assert launcher.run().stdout == "started []\n"


@pytest.mark.parametrize("mark", ["", "\ufeff"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_webui_user_sh_is_read_as_an_editor_on_windows_saves_it(launcher: Launcher, mark: str, end: str) -> None:
    lines = ("#!/usr/bin/env bash", 'export COMMANDLINE_ARGS="--api --listen"', "", "if true; then", "  : # so", "fi")
    path = launcher.folder / "webui-user.sh"
    path.write_bytes((mark + end.join(lines) + end).encode())
    result = launcher.run()
    assert result.stdout == "started ['--api', '--listen']\n"
    assert "not found" not in result.stderr


def test_it_starts_from_any_folder_and_through_a_link(launcher: Launcher, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    assert launcher.run(cwd=elsewhere).stdout == "started []\n"
    (elsewhere / "webui.sh").symlink_to(launcher.folder / "webui.sh")
    assert Launcher(elsewhere, launcher.tools).run().returncode == 0


def test_the_exit_code_is_that_of_the_program(launcher: Launcher) -> None:
    launcher.write("webui.py", "raise SystemExit(3)")
    assert launcher.run().returncode == 3


class TestChecks:
    TOOL = '#!/bin/sh\necho "$1 says hello"\n[ "$1" != "$BROKEN" ]\n'

    @pytest.fixture(autouse=True)
    def checks(self, launcher: Launcher) -> None:
        launcher.write("tool", self.TOOL, executable=True)
        lint = '#!/bin/sh\n[ import-linter != "$BROKEN" ]\n'
        launcher.write("venv/bin/lint-imports", lint, executable=True)

    def test_every_check_runs_and_pytest_speaks_last(self, launcher: Launcher) -> None:
        result = launcher.run("test", "-k", "a word", "tests/launcher")
        assert result.returncode == 0, result.stderr
        modules = [call.split()[1] for call in launcher.calls if call.startswith("-m ")]
        assert modules[-6:] == ["pip", "ruff", "ruff", "pyright", "tests.javascript.check", "pytest"]
        assert launcher.calls[-1] == "-m pytest -k a word tests/launcher"
        assert result.stdout == "pytest says hello\n"

    @pytest.mark.parametrize("broken", ["ruff", "import-linter", "pyright", "tests.javascript.check", "pytest"])
    def test_any_failing_check_fails_the_whole_while_the_others_still_run(
        self, launcher: Launcher, broken: str
    ) -> None:
        result = launcher.run("test", BROKEN=broken)
        assert result.returncode == 1
        assert result.stdout == "pytest says hello\n"
        assert (broken == "pytest") == ("Failed before the tests" not in result.stderr)

    def test_flags_for_starting_are_not_given_to_the_tests_which_run_side_by_side(self, launcher: Launcher) -> None:
        launcher.run("test", COMMANDLINE_ARGS="--listen")
        assert launcher.calls[-1] == "-m pytest -n auto --dist loadfile"
