"""The Extensions tab: what is installed and how it fares, what to use, installing, and kept sets."""

from __future__ import annotations

import datetime
import html
from collections.abc import Callable
from pathlib import Path

import gradio as gr

from modules.application.application import Application
from modules.extension_host import installing
from modules.extension_host.extension import Extension
from modules.foundation.errors import EaselError, Forbidden, RequestError
from modules.foundation.plain import JsonMapping
from modules.foundation.text_files import read_text
from modules.webui.builder import PageBuilder
from modules.webui.events import on

RESTART = "It acts at the next start."

REMOVED = "extensions-removed"
"""The folder in the data folder to which extensions are moved that are removed."""


def build_extensions(page: PageBuilder) -> None:
    """Draw the Extensions tab."""
    app = page.app
    with gr.Column(elem_id="tabs_extensions", elem_classes=["extensions-page"]):
        listed = gr.HTML("", elem_id="extensions_installed_html", apply_default_css=False)
        _draw_use(app)
        result = gr.HTML("", elem_id="extension_install_result")
        _draw_install(app, listed, result)
        _draw_sets(app, result)
        _draw_remove(app, result)
    page.on_open([listed], lambda: [installed_html(app)])


def _draw_use(app: Application) -> None:
    names = [each.name for each in app.extensions.extensions]
    settings = app.settings.current
    used = [name for name in names if name not in settings.disabled_extensions]
    with gr.Row(elem_id="extensions_installed_top", elem_classes=["fields"]):
        chosen = gr.CheckboxGroup(names, value=used, label="Use these extensions", elem_id="extensions_used")
        everything = gr.Radio(
            ["none", "extra", "all"],
            value=settings.disable_all_extensions,
            label="Disable all extensions",
            elem_id="extensions_disable_all",
        )
    with gr.Row(elem_classes=["fields"]):
        apply = gr.Button("Apply", elem_id="extensions_apply", variant="primary", scale=0, min_width=160)
        check = gr.Button("Check for updates", elem_id="extensions_check", scale=0, min_width=220)
        update = gr.Button("Update all", elem_id="extensions_update", scale=0, min_width=140)
        again = gr.Button("Install again what failed", elem_id="extensions_again", scale=0, min_width=220)
    note = gr.HTML("", elem_id="extensions_note")

    def on_apply(wanted: list[str], disabled: str) -> str:
        def work() -> str:
            off = [name for name in names if name not in wanted]
            _change(app, {"disabled_extensions": off, "disable_all_extensions": disabled})
            return f"Kept. {RESTART}"

        return _report(app, work)

    def on_check() -> str:
        def work() -> str:
            states = [f"{each.name}: {installing.update_state(each)}" for each in app.extensions.extensions]
            return "<br>".join(map(html.escape, states)) or "There are no extensions."

        return _report(app, work)

    def on_update() -> str:
        return _report(app, lambda: _update_all(app))

    def on_again() -> str:
        def work() -> str:
            names = app.extensions.environment.forget_failures()
            return f"{html.escape(', '.join(names))}: tried at the next start." if names else "Nothing has failed."

        return _report(app, work)

    on(apply, "click", on_apply, [chosen, everything], [note])
    on(check, "click", on_check, [], [note])
    on(update, "click", on_update, [], [note])
    on(again, "click", on_again, [], [note])


def _draw_remove(app: Application, result: gr.HTML) -> None:
    names = [each.name for each in app.extensions.extensions]
    with gr.Row(elem_id="extensions_remove_row", elem_classes=["fields"]):
        unwanted = gr.Dropdown(names, value=None, label="Remove an extension", elem_id="extensions_unwanted")
        remove = gr.Button("Remove", elem_id="extensions_remove", variant="stop", scale=0, min_width=140)

    def on_remove(name: str | None) -> str:
        def work() -> str:
            extension = next((each for each in app.extensions.extensions if each.name == name), None)
            if extension is None or not extension.root.is_dir():
                raise RequestError("Choose an extension that is there.", "extensions_unwanted")
            lies = installing.remove(extension, app.paths.data / REMOVED)
            return f"{html.escape(extension.name)} now lies in {html.escape(str(lies))}. {RESTART}"

        return _report(app, work)

    on(remove, "click", on_remove, [unwanted], [result])


def _update_all(app: Application) -> str:
    lines: list[str] = []
    for each in app.extensions.extensions:
        if not each.version.remote:
            continue
        before = each.version.short
        try:
            after = installing.update(each)
        except EaselError as error:
            lines.append(str(error))
            continue
        lines.append(f"{each.name}: " + ("as it was" if before == after else f"{before} to {after}"))
    return "<br>".join(map(html.escape, lines)) + (f"<br>{RESTART}" if lines else "There are no git clones.")


def _draw_install(app: Application, listed: gr.HTML, result: gr.HTML) -> None:
    with gr.Row(elem_id="extensions_install_row", elem_classes=["fields"]):
        source = gr.Textbox(
            label="Git address, zip file or folder", elem_id="extension_to_install", max_lines=1, scale=4
        )
        branch = gr.Textbox(label="Branch", placeholder="the default one", elem_id="extension_branch", max_lines=1)
        button = gr.Button("Install", elem_id="install_extension_button", variant="primary", scale=0, min_width=160)

    def on_install(address: str, branch: str) -> tuple[str, str]:
        def work() -> str:
            name = installing.install(address, app.extensions.folder, branch=branch.strip(), offline=app.flags.offline)
            return f"{html.escape(name)} is installed. {RESTART}"

        return _report(app, work), installed_html(app)

    on(button, "click", on_install, [source, branch], [result, listed])
    with gr.Accordion("Available: from an index", open=False):
        index = gr.Textbox(label="Index: a JSON file on this machine", elem_id="extensions_index", max_lines=1)
        load = gr.Button("Load", elem_id="extensions_index_load", scale=0, min_width=120)
        shown = gr.HTML("", elem_id="extensions_index_html")
    on(load, "click", lambda path: _report(app, lambda: _index_html(path)), [index], [shown])


def _index_html(path: str) -> str:
    file = Path(path.strip()).expanduser()
    if not file.is_file():
        raise RequestError(f"{file} is no file here.", "extensions_index")
    rows = "".join(
        f"<tr><td>{html.escape(str(each.get('name', '')))}</td><td><code>{html.escape(each['url'])}</code></td>"
        f"<td>{html.escape(str(each.get('description', '')))}</td></tr>"
        for each in installing.read_index(read_text(file))
    )
    return f"<table><tr><th>Extension</th><th>Address to install</th><th>Description</th></tr>{rows}</table>"


def _draw_sets(app: Application, result: gr.HTML) -> None:
    folder = app.paths.data / "config_states"
    with gr.Row(elem_id="extensions_backup_top_row", elem_classes=["fields"]):
        name = gr.Textbox(label="Name of the set", elem_id="extension_backup_name", max_lines=1)
        save = gr.Button("Keep this set", elem_id="extension_backup_save", scale=0, min_width=150)
        kept = gr.Dropdown(_sets(folder), label="Saved Configs", elem_id="extension_backup_saved_configs")
        restore = gr.Button("Restore", elem_id="extension_backup_restore", scale=0, min_width=120)

    def on_save(name: str) -> tuple[str, object]:
        def work() -> str:
            stem = "".join(each for each in name if each.isalnum() or each in " -_").strip()
            stem = stem or f"{datetime.datetime.now():%Y_%m_%d-%H_%M_%S}"
            settings = app.settings.current
            values = {key: getattr(settings, key) for key in ("disabled_extensions", "disable_all_extensions")}
            installing.keep_set(app.extensions.extensions, folder / f"{stem}.json", values)
            return f"Kept as {html.escape(stem)}."

        report = _report(app, work)
        return report, gr.Dropdown(choices=_sets(folder))

    def on_restore(chosen: str | None) -> str:
        def work() -> str:
            if not chosen or chosen not in _sets(folder):
                raise RequestError("Choose a kept set first.", "extension_backup_saved_configs")
            changes, notes = installing.restore_set(folder / f"{chosen}.json", app.extensions.extensions)
            _change(app, changes)
            return "<br>".join(map(html.escape, [*notes, f"Restored. {RESTART}"]))

        return _report(app, work)

    on(save, "click", on_save, [name], [result, kept])
    on(restore, "click", on_restore, [kept], [result])


def _sets(folder: Path) -> list[str]:
    return sorted(path.stem for path in folder.glob("*.json")) if folder.is_dir() else []


def _report(app: Application, work: Callable[[], str]) -> str:
    """What came of changing code or what is used, as HTML; refused where clients may not do so."""
    try:
        check_access(app)
        return f'<p class="note">{work()}</p>'
    except EaselError as error:
        return f'<p class="note error">{html.escape(str(error))}</p>'


def _change(app: Application, changes: JsonMapping) -> None:
    app.policy.check_settings(changes, app.settings.current)
    app.settings.change(changes)


def check_access(app: Application) -> None:
    """Raise Forbidden unless extensions may be changed from the page."""
    if app.flags.disable_extension_access:
        raise Forbidden("Easel was started with --disable-extension-access: extensions cannot be changed from here.")
    if not app.policy.runs_code:
        raise Forbidden(
            "Everybody on the network may use this Easel, so extensions cannot be changed from here. Start it with "
            "--gradio-auth, or with --enable-insecure-extension-access."
        )


def installed_html(app: Application) -> str:
    """The table of what is installed."""
    extensions = app.extensions.extensions
    if not extensions:
        folder = html.escape(str(app.extensions.folder))
        return f'<p class="note quiet">No extensions are installed. They lie in {folder}, a folder each.</p>'
    names = (*("Extension", "State", "Address", "Branch", "Version", "Date"), "Start-up", "A picture")
    head = "".join(f"<th>{each}</th>" for each in names)
    rows = "".join(_row(each, app.extensions.pictures) for each in extensions)
    return f'<table class="extensions"><tr>{head}</tr>{rows}</table>'


def _row(extension: Extension, pictures: int) -> str:
    version = extension.version
    failures = "".join(
        f"<details><summary>{html.escape(each.sentence)}</summary><pre>{html.escape(each.traceback)}</pre></details>"
        for each in extension.failures
    )
    notes = "".join(f"<div>{html.escape(note)}</div>" for note in extension.notes)
    picture = f"{1000 * extension.run_seconds / pictures:.1f} ms" if pictures else ""
    state = html.escape(extension.why_off) if extension.why_off else "in use"
    cells = (version.remote, version.branch, version.short, version.date, f"{extension.seconds:.2f} s", picture)
    return (
        f"<tr><td>{html.escape(extension.name)}</td><td>{state}{failures}{notes}</td>"
        + "".join(f"<td>{html.escape(cell)}</td>" for cell in cells)
        + "</tr>"
    )
