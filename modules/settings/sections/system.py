"""The machine: where models are looked for."""

from __future__ import annotations

from typing import ClassVar

from modules.settings.declare import Section, setting


class SystemSection(Section):
    """Where Easel looks for models, beside its own folders and those of the flags."""

    title: ClassVar[str] = "System"
    category: ClassVar[str] = "system"

    list_hidden_files: bool = setting(True, "Load models/files in hidden directories")
    disabled_extensions: list[str] = setting([], "Disable these extensions", restart=True)
    disable_all_extensions: str = setting(
        "none", "Disable all extensions", choices=["none", "extra", "all"], restart=True
    )
    further_model_folders: list[str] = setting(
        [], "Further folders of models: an A1111 folder, or one laid out like its models folder"
    )
