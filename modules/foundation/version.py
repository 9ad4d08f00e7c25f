"""Easel's version, as it stands in every picture's parameters."""

from __future__ import annotations

VERSION = "0.1.0"
