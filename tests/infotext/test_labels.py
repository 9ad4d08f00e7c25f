from modules.infotext.labels import SETTINGS
from modules.settings.declare import infotext_label
from modules.settings.model import Settings


def test_every_setting_that_is_written_can_be_restored():
    labels = {label: key for key, declared in Settings.model_fields.items() if (label := infotext_label(declared))}
    assert labels
    assert {label: SETTINGS.get(label) for label in labels} == labels
