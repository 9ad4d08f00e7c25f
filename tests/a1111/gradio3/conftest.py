from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from modules.a1111.gradio3.importing import globals_for

Run = Callable[[str], dict[str, Any]]


@pytest.fixture
def extension(tmp_path: Path) -> Run:
    """Runs source text as a module of an extension and gives its globals."""

    def run(source: str) -> dict[str, Any]:
        file = tmp_path / "ext_script.py"
        file.write_text(source, encoding="utf-8")
        namespace = {**globals_for("some-extension"), "__name__": "ext_script", "__file__": str(file)}

        async def within_a_loop() -> None:
            # Outside a running event loop Gradio makes loops of its own and leaves them open.
            exec(compile(source, str(file), "exec"), namespace)

        asyncio.run(within_a_loop())
        return namespace

    return run
