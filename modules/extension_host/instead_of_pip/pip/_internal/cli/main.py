"""Stands before pip on the path of an extension's install.py; see modules/extension_host/pip_command.py."""

from modules.extension_host.pip_command import main

__all__ = ["main"]
