"""What helps with writing prompts: wildcards, completion, notes."""

from __future__ import annotations

from typing import ClassVar

from modules.settings.declare import Section, setting


class PromptCraftSection(Section):
    """Wildcards and variants, and what is told about a prompt."""

    title: ClassVar[str] = "Prompt craft"
    category: ClassVar[str] = "sd"

    wildcard_folders: list[str] = setting([], "Further folders of wildcards, beside wildcards/ in the data folder")
    prompt_completion: bool = setting(
        True, "Completion: offer tags, networks, embeddings, wildcards and styles while a prompt is typed"
    )
    completion_replace_underscores: bool = setting(True, "Completion: write tags with blanks for underscores")
    completion_escape_brackets: bool = setting(True, "Completion: write brackets in tags so that they weigh nothing")
    prompt_notes: bool = setting(True, "Notes: say beside a prompt what contradicts itself, is missing or unknown")
    picture_marks: str = setting("g=good, b=bad", "Keys that mark pictures in the full-page viewer and the history")
    paste_templates: bool = setting(
        False, "Pasted parameters bring back the template that a prompt was made of, where there is one"
    )
