"""Doorway: `modules.cmd_args`, the parser of the command line."""

from __future__ import annotations

from modules.a1111.launching import command_line_parser

__all__ = ["parser"]

parser = command_line_parser()
