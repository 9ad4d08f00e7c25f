"""What helps with writing prompts, over one application's folders and settings."""

from __future__ import annotations

import functools
import logging
import threading
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from modules.application.completion import Completion
from modules.foundation.atomic import write_json
from modules.foundation.errors import SettingsError, UnknownName, reason_of
from modules.foundation.text_files import read_json_object
from modules.infotext.parse import parse
from modules.prompts.craft.data import OWN, CraftData
from modules.prompts.craft.notes import NoteContext
from modules.prompts.craft.presets import NONE, ModelPresets, presets_for, with_presets
from modules.prompts.craft.rules import RuleBook
from modules.prompts.styles import extract_styles
from modules.prompts.wildcards.folders import WildcardFolders

if TYPE_CHECKING:
    from modules.application.application import Application
    from modules.checkpoints.info import CheckpointInfo
    from modules.text_encoders.tokenizer import ClipTokenizer

log = logging.getLogger(__name__)

_EXTENSIONS = ("dynamic-prompts", "wildcards")
"""In the names of extensions whose users keep their wildcards in the extension's folder."""


TEMPLATE_LABELS = {
    "Prompt": "Template",
    "Negative prompt": "Negative Template",
    "Hires prompt": "Hires template",
    "Hires negative prompt": "Hires negative template",
}
"""Under which label of a parameters text the template of a prompt stands; the first two are sd-dynamic-prompts'."""


LISTS = "prompt-craft"
"""The folder of a user's own lists in the data folder."""

KEPT_PRESETS = "models.json"
"""The file in there with the presets that were chosen for a model by hand."""


class PromptCraft:
    """Wildcards, lists, rules and completion of one application."""

    def __init__(self, app: Application) -> None:
        self._app = app
        self._reported = False
        self._keeping = threading.Lock()
        self.wildcards = WildcardFolders(self._wildcard_folders)
        self.data = CraftData(lambda: app.paths.data / LISTS)
        self.completion = Completion(app)
        self.rules = RuleBook([OWN / "rules.yaml", app.paths.data / LISTS / "rules.yaml"])

    def _wildcard_folders(self) -> list[Path]:
        """Easel's own first, then those of the settings, of extensions, and of A1111's folders."""
        app = self._app
        further = [Path(folder).expanduser().absolute() for folder in app.settings.current.wildcard_folders if folder]
        extensions = [
            tree / "extensions" / name / "wildcards"
            for tree in (app.paths.data, *app.paths.trees)
            for name in _names_in(tree / "extensions")
            if any(part in name.casefold() for part in _EXTENSIONS)
        ]
        return [app.paths.data / "wildcards", *further, *extensions]

    def note_context(self, negative_prompt: str = "") -> tuple[NoteContext, list[str]]:
        """What is known around a prompt, for the notes about it; and what is wrong with files of rules and tags."""
        app = self._app
        rules, problems = self.rules.read()
        index = self.completion.tags.index()
        checkpoint = app.selected_checkpoint
        context = NoteContext(
            negative_prompt=negative_prompt,
            dialect=app.settings.current.prompt_dialect,
            family=(checkpoint.family or "") if checkpoint is not None else "",
            networks={**self._families("hypernetwork"), **self._families("lora")},
            embeddings=self._families("embedding"),
            knows=index.knows if len(index) else None,
            count_tokens=self._count_tokens,
            rules=rules,
        )
        return context, [*problems, *self.completion.tags.problems]

    def presets_for(self, checkpoint: str = "") -> ModelPresets:
        """The presets that suit a checkpoint; without a name the chosen one. Raises UnknownName."""
        app = self._app
        info = app.catalogue.find(checkpoint) if checkpoint else app.selected_checkpoint
        if info is None:
            return ModelPresets()
        if (kept := self._kept_presets().get(info.name)) is not None:
            return kept
        metadata = app.models.metadata("checkpoint", info.name) or {}
        return presets_for(self.data.table("presets"), info.name, info.family or "", metadata)

    def keep_presets(self, checkpoint: str, chosen: ModelPresets | None) -> CheckpointInfo:
        """Let these presets be what suits a checkpoint from now on, "" for the chosen one; None takes that back.

        Raises UnknownName for a checkpoint or a preset that is not there, SettingsError where it cannot be kept.
        """
        app = self._app
        info = app.catalogue.find(checkpoint) if checkpoint else app.selected_checkpoint
        if info is None:
            raise UnknownName("checkpoint", checkpoint, [])
        if chosen is not None:
            with_presets("", "", self.data.table("presets"), chosen)
        with self._keeping:
            kept = self._kept_presets()
            kept.pop(info.name, None)
            if chosen is not None:
                kept[info.name] = chosen
            path = app.paths.data / LISTS / KEPT_PRESETS
            try:
                write_json(path, {name: asdict(each) for name, each in kept.items()})
            except OSError as error:
                raise SettingsError(f"The presets are not kept in {path}: {reason_of(error)}.") from error
        return info

    def _kept_presets(self) -> dict[str, ModelPresets]:
        """What was chosen by hand, by checkpoint. A damaged file counts as none."""
        try:
            content = read_json_object(self._app.paths.data / LISTS / KEPT_PRESETS, "Presets are those that suit.")
        except OSError:
            return {}
        kept: dict[str, ModelPresets] = {}
        for name, entry in content.items():
            if isinstance(entry, dict):
                words = cast("dict[str, Any]", entry)
                kept[name] = ModelPresets(
                    quality=str(words.get("quality", NONE)), unwanted=str(words.get("unwanted", NONE))
                )
        return kept

    def _families(self, kind: str) -> dict[str, str]:
        """For which family each file of a kind is, by its names in small letters; "" where that is not known."""
        families: dict[str, str] = {}
        for entry in self._app.models.entries(kind):
            for name in (entry.facts.alias, entry.name):
                if name:
                    families[name.casefold()] = entry.facts.family or ""
        return families

    def _count_tokens(self, texts: Sequence[str]) -> list[int]:
        return [len(tokens) for tokens in self._tokenizer.encode_batch(texts)]

    @functools.cached_property
    def _tokenizer(self) -> ClipTokenizer:
        from modules.text_encoders.tokenizer import ClipTokenizer

        return ClipTokenizer()

    @property
    def is_left_to_an_extension(self) -> bool:
        """Whether sd-dynamic-prompts is installed and used, which expands templates itself. Said once in the log."""
        for extension in self._app.extensions.active:
            if any("dynamic-prompts" in name.casefold() for name in (extension.name, extension.metadata.name)):
                if not self._reported:
                    log.info("Wildcards and variants are left to the extension %s.", extension.name)
                self._reported = True
                return True
        return False

    def restore_templates(self, text: str, parameters: dict[str, Any]) -> None:
        """Put the templates of a parameters text in the place of what was made of them, if the settings say so."""
        settings = self._app.settings.current
        if not settings.paste_templates or not any(parameters.get(label) for label in TEMPLATE_LABELS.values()):
            return
        for label, template in TEMPLATE_LABELS.items():
            if parameters.get(template):
                parameters[label] = parameters[template]
        if settings.infotext_styles == "Ignore":
            return
        # Styles stand in the template as they are, where in the prompt they may have been chosen from.
        written = parse(text)
        prompt = parameters.get("Template") or written.prompt
        negative = parameters.get("Negative Template") or written.negative_prompt
        found, prompt, negative = extract_styles(prompt, negative, self._app.styles.all())
        parameters.update({"Prompt": prompt, "Negative prompt": negative})
        if found and settings.infotext_styles != "Discard":
            parameters["Styles array"] = found


def _names_in(folder: Path) -> list[str]:
    try:
        return sorted(entry.name for entry in folder.iterdir())
    except OSError:
        return []
