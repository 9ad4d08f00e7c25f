"""Python in a process of its own."""

from __future__ import annotations

import pytest

from modules.foundation import child_python as child
from modules.foundation.child_python import child_python


def test_it_is_given_arguments_and_bytes_and_answers_with_bytes() -> None:
    code = "import sys; sys.stdout.buffer.write(sys.argv[1].encode() + sys.stdin.buffer.read()[::-1])"
    given = bytes(range(256)) * 1000
    with child_python(code, "a b", input=given) as answer:
        assert answer.read() == b"a b" + given[::-1]


def test_one_that_fails_or_reads_nothing_answers_nothing() -> None:
    for code in ("raise ValueError", "pass", "import os; os.abort()"):
        with child_python(code, input=bytes(1_000_000)) as answer:
            assert answer.read() == b""


def test_one_that_does_not_end_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(child, "SECONDS", 0.5)
    with child_python("import time; time.sleep(600)", input=b"") as answer:
        assert answer.read() == b""
