"""Write the documents that are read off declarations in the code: `python docs/generate.py`."""

from __future__ import annotations

import ast
import dataclasses
import inspect
import json
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]

FLAGS_HEAD = """\
# Flags

Given to `./webui.sh`, or for every start in `COMMANDLINE_ARGS` of `webui-user.sh` or `webui-user.bat`. The names are
A1111's where the thing exists. `./webui.sh --help` prints this list. Written by `docs/generate.py` from
`modules/settings/flags.py`.

"""

IGNORED_HEAD = """\
## Accepted without effect

A1111's flags for things that Easel does by itself or does not have. They are named in one warning, so an old command
line still starts.

"""

SETTINGS_HEAD = """\
# Settings

Kept in `config.json` under A1111's keys. They are set on the page under *Settings*, by `POST /sdapi/v1/options`, and
for one request by `override_settings`. A key that Easel does not know is kept and saved again. Written by
`docs/generate.py` from `modules/settings/sections/`. Of A1111's settings each one acts, or stands in the last table
with the reason why it does not.
"""

WITHOUT_EFFECT_HEAD = """\
## Settings of A1111 without effect

Kept and given back to clients like all others, but nothing here goes by them.

"""

HOOKS_HEAD = """\
# Hooks

Every point at which others may join in, in the order in which a run reaches them. `Transform` changes a value,
`Observe` is told of something, `Collect` contributes items, `Around` wraps a block. Attach with
`app.hooks.<point>.attach(owner, function)`; the call returns a function that detaches. A `Transform` and its function
take a value and an event and give the value to go on with, the others take the event alone; a function that does not
take that is refused at once. An attachment that raises is logged by its owner's name and skipped. Values and events
are described in `modules/hooks/events.py`, `modules/sampling/guidance_hooks.py` and `modules/generation/`.

Tensors are the live ones: what is written to them counts, except for those of `network`, which are kept for the next
call and have to be replaced. `examples/residuals.py` is a hook to begin with. Written by `docs/generate.py` from
`modules/hooks/points.py`.

"""


def flags_page() -> str:
    """docs/flags.md: one row a flag, then A1111's flags that are accepted without effect."""
    from modules.settings.flags import Flags
    from modules.settings.legacy_flags import IGNORED_SWITCHES, IGNORED_WITH_VALUE

    rows = ["| flag | value | meaning |", "|---|---|---|"]
    for spec in dataclasses.fields(Flags):
        names = ["--" + spec.name.replace("_", "-"), *spec.metadata.get("names", ())]
        rows.append(f"| `{'`, `'.join(names)}` | {_value(spec)} | {spec.metadata['help']} |")
    ignored = ", ".join(f"`{name}`" for name in sorted(IGNORED_SWITCHES | IGNORED_WITH_VALUE))
    return FLAGS_HEAD + "\n".join(rows) + "\n\n" + IGNORED_HEAD + ignored + "\n"


def _value(spec: dataclasses.Field[object]) -> str:
    if spec.metadata.get("action") == "store_true":
        return ""
    if choices := spec.metadata.get("choices"):
        return ", ".join(f"`{choice}`" for choice in choices)
    metavar = spec.metadata.get("metavar") or getattr(spec.metadata.get("type", str), "__name__", "text")
    shown = {"int": "number", "str": "text", "lower": "names", "N": "number", "Path": "path"}.get(
        metavar, metavar.lower()
    )
    return shown + (" ..." if spec.metadata.get("action") == "extend" else "")


def settings_page() -> str:
    """docs/settings.md: one table a section, in the order of the settings page."""
    from modules.settings.declare import choices_of, infotext_label
    from modules.settings.model import SECTIONS
    from modules.settings.without_effect import REASONS

    parts = [SETTINGS_HEAD]
    for section in SECTIONS:
        parts.append(f"## {section.title}\n\n| key | meaning | default | choices | in a picture's parameters |")
        rows = ["|---|---|---|---|---|"]
        for key, field in section.model_fields.items():
            choices = choices_of(field)
            shown = (
                f"the {choices}" if isinstance(choices, str) else ", ".join(f"`{choice}`" for choice in choices or ())
            )
            bounds = [f"{BOUND_WORDS[name]} {value}" for limit in field.metadata for name, value in bound(limit)]
            default = json.dumps(field.default, ensure_ascii=False)
            label = infotext_label(field) or ""
            rows.append(f"| `{key}` | {field.title} | `{default}` | {shown or ' '.join(bounds)} | {label} |")
        parts.append("\n".join(rows) + "\n")
    rows = ["| key | no effect, since |", "|---|---|"]
    rows += [f"| `{key}` | {reason} |" for key, reason in sorted(REASONS.items())]
    return "\n".join(parts) + "\n" + WITHOUT_EFFECT_HEAD + "\n".join(rows) + "\n"


BOUND_WORDS = {"ge": "from", "le": "to"}


def bound(limit: object) -> list[tuple[str, object]]:
    """Name and number of a bound such as Ge(ge=1)."""
    return [(name, getattr(limit, name)) for name in BOUND_WORDS if hasattr(limit, name)]


def hooks_page() -> str:
    """docs/hooks.md: one row a point, in the order in which a run reaches them."""
    from modules.hooks.points import Hooks

    types = {each.name: str(each.type) for each in dataclasses.fields(Hooks)}
    rows = ["| point | kind and what it is given | what for | A1111 calls it |", "|---|---|---|---|"]
    rows += [
        f"| `{point.name}` | `{types[point.name]}` | {point.sentence} | {point.moment} |" for point in Hooks().all()
    ]
    return HOOKS_HEAD + "\n".join(rows) + "\n"


def extensions_page() -> str:
    """docs/extensions.md: what is written by hand, with its tables read off the code."""
    text = (ROOT / "docs" / "extensions.md").read_text(encoding="utf-8")
    for name, table in (("methods", _methods()), ("callbacks", _callbacks()), ("doorways", _doorways())):
        begin, end = f"<!-- generated: {name} -->\n", "<!-- end -->"
        before, _, rest = text.partition(begin)
        text = f"{before}{begin}{table}\n{end}{rest.partition(end)[2]}"
    return text


def _first_sentence(documented: object) -> str:
    return (inspect.getdoc(documented) or "").split("\n\n", 1)[0].replace("\n", " ")


def _methods() -> str:
    from modules.a1111.script import Script

    rows = ["| method | what it is for |", "|---|---|"]
    for name, method in vars(Script).items():
        if inspect.isfunction(method) and not name.startswith("_"):
            arguments = ", ".join(str(each).split(":")[0] for each in inspect.signature(method).parameters.values())
            rows.append(f"| `{name}({arguments})` | {_first_sentence(method)} |")
    return "\n".join(rows)


def _callbacks() -> str:
    from modules.a1111 import callbacks

    rows = ["| callback | is called with |", "|---|---|"]
    rows += [f"| `on_{moment}` | {callbacks.CALLED_WITH[moment]} |" for moment in callbacks.MOMENTS]
    rows += ["", "| parameters | attributes | |", "|---|---|---|"]
    for name, kind in vars(callbacks).items():
        if inspect.isclass(kind) and name.endswith("Params") and kind.__module__ == callbacks.__name__:
            attributes = [f"`{each}`" for each in inspect.signature(kind).parameters]
            rows.append(f"| `{name}` | {', '.join(attributes)} | {_first_sentence(kind)} |")
    return "\n".join(rows)


def _doorways() -> str:
    """Read off the sources: importing some of them takes gradio."""
    rows = ["| module | names |", "|---|---|"]
    for path in sorted([*(ROOT / "modules").glob("*.py"), *(ROOT / "modules" / "textual_inversion").glob("*.py")]):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        names: list[str] = []
        for node in tree.body:
            if isinstance(node, ast.Assign) and any(
                isinstance(each, ast.Name) and each.id == "__all__" for each in node.targets
            ):
                names = list(ast.literal_eval(node.value))
        _, _, former = (ast.get_docstring(tree) or "").partition(", the former name of ")
        listed = f"all of {former.rstrip('.')}" if former else ", ".join(f"`{name}`" for name in sorted(names))
        if listed:
            module = path.relative_to(ROOT).with_suffix("").as_posix().replace("/", ".")
            rows.append(f"| `{module}` | {listed} |")
    return "\n".join(rows)


PAGES = {
    "flags.md": flags_page,
    "settings.md": settings_page,
    "hooks.md": hooks_page,
    "extensions.md": extensions_page,
}


def main() -> None:
    """Write every page."""
    for name, page in PAGES.items():
        (ROOT / "docs" / name).write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    main()
