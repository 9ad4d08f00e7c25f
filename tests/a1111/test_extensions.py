"""Extensions in a program that starts: loading, namespaces, failures, tags in the page."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Any

import pytest

from modules.a1111.dialect import A1111Dialect
from modules.a1111.javascript import extension_tags
from modules.a1111.page import ScriptsOnPage
from modules.a1111.start import start_dialect
from modules.application.application import Application
from modules.foundation.errors import StartupError
from modules.settings.flags import parse_flags
from tests.extension_host.test_host import make

SCRIPT = """
from modules import scripts
import {helper}
from scripts.{name}_more import VALUE
seen = (scripts.basedir(), {helper}.NAME, VALUE)

class Own(scripts.Script):
    def title(self): return "{name}"
    def show(self, is_img2img): return scripts.AlwaysVisible
    def ui(self, is_img2img): return []
"""


def begun(data: Path) -> tuple[Application, A1111Dialect]:
    app = Application(parse_flags(["--data-dir", str(data), "--use-cpu", "all", "--offline"]))
    dialect = A1111Dialect(app)
    app.extensions.find()
    app.extensions.prepare()
    dialect.install({}, app.extensions.active)
    return app, dialect


def good(data: Path, name: str) -> None:
    make(
        data,
        name,
        **{
            f"scripts__{name}_main_dot_py": SCRIPT.format(name=name, helper=f"helper_{name}"),
            f"scripts__{name}_more_dot_py": f"VALUE = '{name} more'\n",
            f"helper_{name}_dot_py": f"NAME = '{name}'\n",
            "javascript__b_dot_js": "",
            "javascript__a_dot_mjs": "",
            "style_dot_css": "",
        },
    )


def test_scripts_is_one_package_and_each_root_can_be_imported(tmp_path: Path) -> None:
    good(tmp_path, "one")
    good(tmp_path, "two")
    (tmp_path / "extensions" / "one" / "scripts" / "__init__.py").write_text("")
    app, dialect = begun(tmp_path)
    try:
        seen = [data.module.seen for data in dialect.scripts_data]
        assert seen == [(str(tmp_path / "extensions" / name), name, f"{name} more") for name in ("one", "two")]
        import importlib

        assert importlib.import_module("scripts.two_more").VALUE == "two more"
        assert importlib.import_module("helper_one").NAME == "one"
    finally:
        dialect.close()
        app.close()
    with pytest.raises(ModuleNotFoundError):
        importlib.import_module("helper_one")


def test_a_class_that_a_script_imports_from_its_own_package_is_a_script_and_one_of_another_script_is_not(
    tmp_path: Path,
) -> None:
    own = "from modules import scripts\n\nclass Imported(scripts.Script):\n    def title(self): return 'imported'\n"
    make(
        tmp_path,
        "one",
        package_one__inside_dot_py=own,
        scripts__a_dot_py=own.replace("Imported", "Defined").replace("imported", "defined"),
        scripts__b_dot_py="from package_one.inside import Imported\nfrom scripts.a import Defined\n",
    )
    app, dialect = begun(tmp_path)
    try:
        found = [(data.script_class.__name__, Path(data.path).name) for data in dialect.scripts_data]
        assert found == [("Defined", "a.py"), ("Imported", "b.py")]
    finally:
        dialect.close()
        app.close()


ASKS_LATE = """
from modules import script_callbacks, scripts, shared

def settings():
    shared.opts.add_option("late_one", shared.OptionInfo(7, "Late", section=("late", "Late")))

class Late(scripts.Script):
    def __init__(self):
        super().__init__()
        script_callbacks.on_ui_settings(settings)
    def title(self): return "late"
    def show(self, is_img2img): return scripts.AlwaysVisible
"""


def test_settings_that_a_script_asks_for_when_it_is_made_are_there(tmp_path: Path) -> None:
    make(tmp_path, "late", scripts__late_dot_py=ASKS_LATE)
    app, dialect = begun(tmp_path)
    try:
        assert dialect.shared.opts.late_one == 7
        assert dialect.shared.opts.outdir_txt2img_samples == str(tmp_path / "outputs" / "txt2img-images")
        assert "late_one" in app.settings.declared
    finally:
        dialect.close()
        app.close()


@pytest.mark.parametrize("end", ["raise RuntimeError('not today')", "import sys; sys.exit('not today')"])
def test_one_that_fails_is_named_with_its_traceback_and_the_rest_starts(end: str, tmp_path: Path) -> None:
    bad = f"from modules import script_callbacks as on\non.on_ui_tabs(lambda: 1)\n{end}\n"
    make(tmp_path, "bad", scripts__x_dot_py=bad, javascript__x_dot_js="")
    good(tmp_path, "two")
    app, dialect = begun(tmp_path)
    try:
        assert [each.name for each in app.extensions.active] == ["two"]
        failed = next(each for each in app.extensions.extensions if each.name == "bad")
        assert "not today" in failed.failures[0].sentence
        assert "Traceback" in failed.failures[0].traceback
        assert list(dialect.callbacks.of("ui_tabs")) == []
        tags = extension_tags(app)
        assert "extensions/two/javascript/b.js?" in tags
        assert '<script type="module" src="file=extensions/two/javascript/a.mjs' in tags
        assert "extensions/two/style.css?" in tags
        assert "extensions/bad/" not in tags
    finally:
        dialect.close()
        app.close()


def test_without_extensions_the_page_gets_no_tags(tmp_path: Path) -> None:
    app, dialect = begun(tmp_path)
    try:
        assert extension_tags(app) == ""
    finally:
        dialect.close()
        app.close()


def test_what_a1111s_environment_has_is_offered_or_named_on_import(tmp_path: Path) -> None:
    make(
        tmp_path, "wants", scripts__x_dot_py="try:\n    import piexif\nexcept ImportError as error:\n    told = error\n"
    )
    app, dialect = begun(tmp_path)
    try:
        module: Any = __import__("sys").modules["x.py"]
        assert "piexif" in str(module.told)
    finally:
        dialect.close()
        app.close()


def test_a_script_may_install_what_it_needs_while_it_is_loaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # A start with extensions works in the data folder from then on: the folder and the path go back afterwards.
    monkeypatch.chdir(Path.cwd())
    monkeypatch.setattr(sys, "path", [*sys.path])
    source = """
import launch
try:
    launch.run_pip("install nothing-of-this-name", "what it needs")
except Exception as error:
    said = str(error)
assert launch.is_installed("") is False
"""
    make(tmp_path, "installs", scripts__installs_dot_py=source)
    app = Application(parse_flags(["--data-dir", str(tmp_path), "--use-cpu", "all", "--offline", "--nowebui"]))

    async def start() -> A1111Dialect:
        return start_dialect(app)

    dialect = asyncio.run(start())  # Gradio leaves a loop of its own open outside of one
    try:
        assert dialect.errors == {}
        assert "--offline" in sys.modules["installs.py"].said
    finally:
        dialect.close()
        app.close()


def test_what_an_extension_writes_to_the_theme_is_a_variable_of_the_page(tmp_path: Path) -> None:
    source = "from modules import shared\nshared.gradio_theme.card_min_width = '12rem'\n"
    make(tmp_path, "wide", scripts__wide_dot_py=source)
    app, dialect = begun(tmp_path)
    try:
        assert "--card-min-width: 12rem" in ScriptsOnPage(dialect).head()
    finally:
        dialect.close()
        app.close()


def test_flags_of_extensions_reach_cmd_opts_and_others_are_refused(tmp_path: Path) -> None:
    source = "def preload(parser):\n    parser.add_argument('--own-flag', type=int, default=3)\n"
    make(tmp_path, "own", preload_dot_py=source)
    app, dialect = begun(tmp_path)
    try:
        assert dialect.shared.cmd_opts.own_flag == 3
    finally:
        dialect.close()
        app.close()
    for arguments, expected in ((["--own-flag", "5"], 5), (["--no-such-flag"], None)):
        app = Application(parse_flags(["--data-dir", str(tmp_path), "--use-cpu", "all", "--offline"]))
        app.unknown_arguments = arguments
        dialect = A1111Dialect(app)
        try:
            if expected is None:
                with pytest.raises(StartupError, match="--no-such-flag"):
                    dialect.install({}, app.extensions.find())
            else:
                dialect.install({}, app.extensions.find())
                assert dialect.shared.cmd_opts.own_flag == expected
        finally:
            dialect.close()
            app.close()
