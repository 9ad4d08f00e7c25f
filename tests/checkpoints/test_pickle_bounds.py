"""Pickles walked over without being run."""

from __future__ import annotations

import pickle

from hypothesis import given, settings
from hypothesis import strategies as st

from modules.checkpoints.pickle_bounds import check_program


@given(
    st.recursive(
        st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text(), st.binary()),
        lambda inner: st.one_of(st.lists(inner), st.tuples(inner, inner), st.dictionaries(st.text(), inner)),
        max_leaves=20,
    ),
    st.integers(0, 4),
)
@settings(max_examples=100, deadline=None)
def test_the_end_of_every_sound_program_is_found(value: object, protocol: int) -> None:
    program = pickle.dumps(value, protocol=protocol)
    assert check_program(program + b"more", 0) == len(program)
