"""What a browser finds at a first start: a prompt that the starter model draws well, at the size of its training."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from modules.foundation.plain import JsonObject
from modules.webui.panel import common
from modules.webui.panel.control import Control, Slider, Text
from modules.webui.ui_config import UiConfig

if TYPE_CHECKING:
    from modules.application.application import Application

PROMPT = "a red house on a green hill, night sky"
TAB = "txt2img"
RESOLUTION = "modelspec.resolution"
"""The entry of a file's metadata with the size of the pictures of its training, WIDTHxHEIGHT."""

_SIZE = re.compile(r"(\d{2,4})x(\d{2,4})")


def first_inputs(app: Application, ui: UiConfig) -> JsonObject:
    """Values by the id of a control, for a browser of which nothing was kept; {} where a user has chosen anything.

    That is: a checkpoint of one's own, or another default in ui-config.json for one of these controls.
    """
    checkpoints = app.catalogue.all()
    if not checkpoints or not all(info.is_starter for info in checkpoints):
        return {}
    metadata = app.catalogue.collection.metadata(str(checkpoints[0].path))
    size = _SIZE.fullmatch(metadata.get(RESOLUTION, ""))
    if size is None:
        return {}
    values = ((common.PROMPT, PROMPT), (common.WIDTH, int(size[1])), (common.HEIGHT, int(size[2])))
    if not all(_as_built(ui, control) for control, _ in values):
        return {}
    return {control.elem_id.format(tab=TAB): value for control, value in values}


def _as_built(ui: UiConfig, control: Control) -> bool:
    assert isinstance(control.kind, Slider | Text)
    return ui.begins_with(control.ui_key(TAB)) in (None, control.kind.value)
