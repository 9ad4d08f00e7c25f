"""What the parameters text of a picture means here: with the styles, networks and settings of this program."""

from __future__ import annotations

import functools
import logging
from typing import TYPE_CHECKING

from modules.checkpoints.info import CheckpointInfo
from modules.foundation.errors import EaselError
from modules.foundation.plain import JsonMapping, JsonObject
from modules.hooks.events import PasteEvent
from modules.infotext.labels import SETTINGS
from modules.infotext.parse import parse
from modules.infotext.restore import RestoreOptions, restore
from modules.prompts.attention import uses_emphasis
from modules.prompts.length import LONGEST_PROMPT
from modules.prompts.styles import extract_styles
from modules.sampling.samplers.foreign_names import our_name
from modules.settings.declare import infotext_label

if TYPE_CHECKING:
    from modules.application.application import Application


LONGEST_INFOTEXT = 2 * LONGEST_PROMPT + 50_000
"""Characters: both prompts and what a hundred settings take; reading more would keep everybody waiting."""

log = logging.getLogger(__name__)


def parameters_of(text: str, app: Application) -> JsonObject:
    """Everything that a parameters text says or implies, by label; see `modules.infotext.restore`."""
    if len(text) > LONGEST_INFOTEXT:
        log.warning("A text of %d characters is not read as parameters; the most is %d.", len(text), LONGEST_INFOTEXT)
        return {}
    settings, styles = app.settings.current, app.styles.all()
    options = RestoreOptions(
        extract_styles=functools.partial(extract_styles, styles=styles) if styles else None,
        styles_mode=settings.infotext_styles,
        uses_emphasis=uses_emphasis,
        network_by_hash=functools.partial(app.networks.name_by_hash, preference=settings.lora_preferred_name),
        network_is_here=app.networks.is_file_with,
        auto_backcompat=settings.auto_backcompat,
        use_old_hires_fix_width_height=settings.use_old_hires_fix_width_height,
    )
    values = restore(parse(text), options)
    named = {label: our_name(str(values[label])) for label in ("Sampler", "Hires sampler") if label in values}
    pasted = app.hooks.infotext_pasted(values | named, PasteEvent(text=text))
    return {label: value for label, value in pasted.items() if label not in settings.infotext_skip_pasting}


def setting_labels(app: Application) -> dict[str, str]:
    """The labels of infotexts that stand for settings, those of added settings too: label -> key."""
    added = {label: key for key, field in app.settings.declared.items() if (label := infotext_label(field))}
    return {**{label: key for label, key in added.items() if label not in SETTINGS}, **SETTINGS}


def checkpoint_of(parameters: JsonMapping, app: Application) -> CheckpointInfo | None:
    """The checkpoint that a picture was made with, by its hash or else by its name; None where it is not here."""
    for label in ("Model hash", "Model"):
        if label in parameters:
            try:
                return app.catalogue.find(str(parameters[label]))
            except EaselError:
                continue
    return None
