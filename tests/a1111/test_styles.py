"""Styles as extensions read, change and save them."""

from __future__ import annotations

from collections.abc import Callable

from modules.a1111.styles import PromptStyle, apply_styles_to_prompt, merge_prompts
from modules.prompts.styles_table import Style
from tests.a1111.conftest import Stage


def test_styles_that_an_extension_changes_are_used_at_once_and_saved_when_it_says_so(
    stage: Callable[..., Stage],
) -> None:
    there = stage(none="from modules import scripts\n")
    book, shared = there.application.styles, there.dialect.shared
    book.save(Style(name="oil", prompt="{prompt}, oil"))
    book.save(Style(name="old", prompt="old"))
    styles = shared.prompt_styles
    assert styles.styles["oil"] == PromptStyle("oil", "{prompt}, oil", "", str(book.file_of("oil")))

    styles.styles["ink"] = PromptStyle("ink", "ink of {prompt}", None)
    styles.styles["oil"] = PromptStyle("oil", "{prompt}, oil on canvas", "photo")
    del styles.styles["old"]
    assert styles.apply_styles_to_prompt("a cat", ["ink", "oil"]) == "ink of a cat, oil on canvas"
    assert styles.get_negative_style_prompts(["oil"]) == ["photo"]
    assert [each.name for each in book.all()] == ["oil", "old"]

    styles.save_styles(there.data / "styles.csv")
    assert {each.name: (each.prompt, each.negative_prompt) for each in book.all()} == {
        "oil": ("{prompt}, oil on canvas", "photo"),
        "ink": ("ink of {prompt}", ""),
    }
    assert styles.extract_styles_from_prompt("a cat, oil on canvas", "photo")[0] == ["oil"]


def test_what_was_not_saved_is_forgotten_and_files_are_read_again(stage: Callable[..., Stage]) -> None:
    there = stage(none="from modules import scripts\n")
    styles = there.dialect.shared.prompt_styles
    styles.styles["ink"] = PromptStyle("ink", "ink")
    styles.reload()
    assert styles.styles == {}
    there.application.styles.save(Style(name="oil", prompt="oil"))
    assert list(styles.styles) == ["oil"]


def test_prompts_are_put_into_styles() -> None:
    assert merge_prompts("a {prompt} b", "cat") == "a cat b"
    assert apply_styles_to_prompt("cat", ["{prompt} one", "two"]) == "cat one, two"
