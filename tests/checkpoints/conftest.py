from __future__ import annotations

import pytest

from modules.hardware.device import Hardware, HardwareOptions, choose_hardware


@pytest.fixture(scope="session")
def cpu() -> Hardware:
    """This machine's CPU in float32, the ground on which parity is judged."""
    return choose_hardware(HardwareOptions(use_cpu=frozenset({"all"}), full_precision=True))
