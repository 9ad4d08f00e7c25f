"""Which files of the page a browser is told of at once."""

from __future__ import annotations

from pathlib import Path

from modules.webui.assets import STATIC_FOLDER
from modules.webui.gradio_scripts import assets_folder
from modules.webui.preloads import gradio_files, own_files, preload_tags


def test_gradios_files_are_those_of_the_components_on_the_page() -> None:
    few, more = (gradio_files(assets_folder(), kinds) for kinds in ({"textbox"}, {"textbox", "gallery"}))
    assert any(name.startswith("Blocks-") for name in few)
    assert {Path(name).suffix for name in few} == {".js", ".css"}
    assert set(few) < set(more)
    assert any(name.startswith("Gallery-") for name in set(more) - set(few))
    assert all((assets_folder() / name).is_file() for name in more)


def test_of_a_gradio_that_says_it_otherwise_nothing_is_told(tmp_path: Path) -> None:
    assert gradio_files(tmp_path, {"textbox"}) == []
    (tmp_path / "index-x.js").write_text("import(`./Index-y.js`)", encoding="utf-8")
    (tmp_path / "core-x.js").write_text("{textbox:{component:()=>v(()=>import(`./T.js`))}}", encoding="utf-8")
    assert gradio_files(tmp_path, {"textbox"}) == []


def test_own_scripts_are_all_that_the_first_one_imports() -> None:
    found = own_files(STATIC_FOLDER)
    assert found[0] == "main.js"
    assert {"dom.js", "canvas/painter.js"} < set(found)
    # Fetched when they are first needed.
    assert not {"cards/area.js", "prompt/panel.js"} & set(found)
    assert len(set(found)) == len(found)


def test_scripts_and_sheets_are_told_as_what_they_are() -> None:
    assert preload_tags(["x/a.js", "x/b.css", "x/c.txt"]) == (
        '<link rel="modulepreload" href="x/a.js"><link rel="preload" as="style" crossorigin href="x/b.css">'
    )
