from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modules.foundation.errors import ExtensionError
from modules.foundation.registry import BUILT_IN, Registry


def _registry(*built_in: str) -> Registry[str]:
    return Registry("fruit", lambda fruit: fruit.split("/"), built_in)


def test_things_are_listed_in_their_order_and_found_by_each_of_their_names_in_any_case() -> None:
    registry = _registry("apple/pomme", "pear")
    registry.register("plug-in", "fig", order=-1)
    registry.register("plug-in", "plum")
    assert registry.names() == ["fig", "apple", "pear", "plum"]
    assert registry.find(" POMME ") == "apple/pomme"
    assert registry.find("cherry") is None
    assert registry[1:3] == ("apple/pomme", "pear")
    assert "plum" in registry


def test_a_taken_name_is_refused_and_the_error_says_by_whom() -> None:
    registry = _registry("apple/pomme")
    with pytest.raises(ExtensionError, match="plug-in cannot register the fruit 'POMME': Easel has one of that name"):
        registry.register("plug-in", "cider/POMME")
    assert registry.names() == ["apple"]


def test_what_an_owner_brought_goes_with_one_call_and_the_built_in_ones_stay() -> None:
    registry = _registry("apple")
    registry.register("one", "pear")
    undo = registry.register("other", "fig")
    registry.register("one", "plum", order=-5)
    registry.unregister("one")
    registry.unregister(BUILT_IN)
    assert list(registry) == ["apple", "fig"]
    assert registry.owner_of("fig") == "other"
    undo()
    undo()
    assert list(registry) == ["apple"]
    registry.register("one", "pear")


def test_observers_hear_of_changes_and_may_refuse_them() -> None:
    registry, heard = _registry(), list[list[str]]()

    def observer() -> None:
        heard.append(registry.names())
        if "lemon" in registry:
            raise ExtensionError("Too sour.")

    registry.observe(observer)
    registry.register("one", "pear")
    with pytest.raises(ExtensionError, match="Too sour"):
        registry.register("one", "lemon")
    registry.unregister("nobody")
    registry.unregister("one")
    assert heard == [["pear"], ["pear", "lemon"], []]


@given(st.lists(st.tuples(st.sampled_from("abc"), st.text("xyz", min_size=1, max_size=2), st.integers(-2, 2))))
def test_whatever_is_registered_unregistering_its_owners_leaves_the_built_in_ones(
    registered: list[tuple[str, str, int]],
) -> None:
    registry = _registry("apple", "x")
    for owner, name, order in registered:
        taken = registry.find(name) is not None
        try:
            registry.register(owner, name, order=order)
            assert not taken
        except ExtensionError:
            assert taken
    for owner in "abc":
        registry.unregister(owner)
    assert list(registry) == ["apple", "x"]
