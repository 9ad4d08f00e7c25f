"""Texts that are JSON within JSON are refused by their field, whatever they are."""

from __future__ import annotations

import pytest

from modules.application.jobs.serialise import from_text
from modules.application.merging import added_metadata
from modules.foundation.errors import RequestError
from modules.webui.panel.info_text import pictures_of

DEEP = "[" * 60_000 + "]" * 60_000


@pytest.mark.parametrize("text", [DEEP, '{"a":' * 3000 + "1" + "}" * 3000, "{", "[]", "1" * 5000])
def test_metadata_that_is_no_plain_table_is_refused(text: str) -> None:
    with pytest.raises(RequestError, match="metadata_json"):
        added_metadata(text)


def test_what_is_kept_or_comes_back_nested_without_end_is_unreadable_and_no_crash() -> None:
    with pytest.raises(ValueError, match="deep"):
        from_text(DEEP, lambda _: b"")
    assert pictures_of(DEEP) == []
