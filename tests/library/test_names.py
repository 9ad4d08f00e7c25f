from __future__ import annotations

import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from modules.library.names import folded, plain, split_title

NAMES = st.text(st.characters(blacklist_characters="\\", blacklist_categories=["Cs"]), min_size=1)


@given(name=NAMES)
def test_a_name_is_the_same_as_windows_and_macos_write_it(name: str) -> None:
    for spelled in (name.replace("/", "\\"), unicodedata.normalize("NFD", name), f" {name}\t"):
        assert plain(spelled) == plain(name)
        assert folded(spelled) == folded(name)


@given(name=NAMES.map(str.strip).filter(bool), digest=st.from_regex(r"[0-9a-f]{10}", fullmatch=True))
def test_a_title_is_taken_apart(name: str, digest: str) -> None:
    assert split_title(f"{name} [{digest.upper()}]") == (name, digest)
    assert split_title(f"{name} [v2]") == (f"{name} [v2]", "")
