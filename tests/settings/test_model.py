from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from modules.settings.declare import choices_of, infotext_label
from modules.settings.known_options import known_options
from modules.settings.model import SECTIONS, Settings
from modules.settings.without_effect import REASONS

PROGRAM = Path(__file__).resolve().parents[2]
DEFAULTS = json.loads((Path(__file__).parent / "data" / "config-all-defaults.json").read_text())


def test_every_setting_is_declared_in_exactly_one_section() -> None:
    keys = [key for section in SECTIONS for key in section.model_fields]
    assert len(keys) == len(set(keys))
    assert set(keys) == set(Settings.model_fields)


def test_every_setting_has_a_label_and_every_section_a_title() -> None:
    for section in SECTIONS:
        assert section.title
        assert section.category
        for key, field in section.model_fields.items():
            assert field.title, key


@pytest.mark.parametrize("key", sorted(set(Settings.model_fields) & set(DEFAULTS)))
def test_a_setting_has_the_default_that_people_know(key: str) -> None:
    known = DEFAULTS[key]
    if isinstance(known, str) and known.startswith("DATA/"):
        assert getattr(Settings(), key) == ""  # the same folder, told relative to the data folder
    elif key == "sd_model_checkpoint":
        assert Settings().sd_model_checkpoint is None
    else:
        assert getattr(Settings(), key) == known


def test_the_whole_config_of_a_full_installation_loads_and_is_kept() -> None:
    settings = Settings.checked(DEFAULTS)
    assert set(DEFAULTS) <= set(settings.model_dump())


def test_defaults_lie_among_their_own_choices() -> None:
    for key, field in Settings.model_fields.items():
        choices = choices_of(field)
        if isinstance(choices, tuple):
            defaults = field.default if isinstance(field.default, list) else [field.default]
            assert all(default in choices for default in defaults), key


def test_no_two_settings_share_an_infotext_label() -> None:
    labels = [label for field in Settings.model_fields.values() if (label := infotext_label(field))]
    assert len(labels) == len(set(labels))


def test_no_setting_is_declared_that_nothing_reads() -> None:
    sources = [
        path.read_text(encoding="utf-8")
        for path in (PROGRAM / "modules").rglob("*")
        if path.suffix in (".py", ".js") and "sections" not in path.parts and path.name != "labels.py"
    ]
    words = {word for source in sources for word in re.findall(r"\w+", source)}
    assert set(Settings.model_fields) - words == set()


def test_a_setting_without_effect_has_a_reason_and_no_declaration() -> None:
    assert not set(REASONS) & set(Settings.model_fields)
    for key, reason in REASONS.items():
        assert not reason.endswith("."), key  # the rest of a sentence


def test_each_of_the_known_settings_acts_or_says_why_it_does_not() -> None:
    assert known_options().keys() - Settings.model_fields.keys() - REASONS.keys() == set()
