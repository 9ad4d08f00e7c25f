"""Write the documents that are read off declarations in the code: `python docs/generate.py`."""

from __future__ import annotations

import dataclasses
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


PAGES = {"flags.md": flags_page}


def main() -> None:
    """Write every page."""
    for name, page in PAGES.items():
        (ROOT / "docs" / name).write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    main()
