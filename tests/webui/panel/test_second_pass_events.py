from __future__ import annotations

import pytest

from modules.webui.panel.second_pass_events import size_note


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ((512, 512, 2, 0, 0), "<p>from <b>512×512</b> to <b>1024×1024</b></p>"),
        ((512, 768, 1.5, 0, 0), "<p>from <b>512×768</b> to <b>768×1152</b></p>"),
        ((64, 64, 2, 96, 0), "<p>from <b>64×64</b> to <b>96×96</b></p>"),
        ((512, 512, 2, 1000, 600), "<p>from <b>512×512</b> to <b>1000×600</b></p>"),
        ((0, 512, 2, 0, 0), ""),
    ],
)
def test_the_note_says_the_size_that_the_second_pass_will_have(asked: tuple[float, ...], said: str) -> None:
    assert size_note(*asked, step=8) == said
