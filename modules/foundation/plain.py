"""Types of plain values: what JSON, settings, parameters and configurations are made of."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

JsonObject = dict[str, Any]
"""Values by name, as json reads an object."""

JsonMapping = Mapping[str, Any]
"""The same where nothing is written to it: parameters, settings, arguments, a configuration."""
