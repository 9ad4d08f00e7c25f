"""The line at the foot of the page: where to go from here, and which versions this is."""

from __future__ import annotations

import html
import importlib.metadata
import platform

import gradio as gr

from modules.foundation.version import VERSION

LIBRARIES = ("torch", "diffusers", "transformers", "gradio")


def draw_footer() -> None:
    """Draw the footer of the page."""
    links = (
        '<a href="./docs" target="_blank" rel="noopener">API</a>'
        '<a href="./internal/profile-startup" target="_blank" rel="noopener">Startup profile</a>'
        '<button type="button" id="easel_footer_restart">Reload UI</button>'
    )
    versions = [f"Easel {VERSION}", f"Python {platform.python_version()}", *map(_version, LIBRARIES)]
    gr.HTML(
        f'<footer><div class="footer-links">{links}</div>'
        f'<div class="versions">{html.escape(" · ".join(filter(None, versions)))}</div></footer>',
        elem_id="footer",
        apply_default_css=False,
    )


def _version(library: str) -> str:
    try:
        return f"{library} {importlib.metadata.version(library)}"
    except importlib.metadata.PackageNotFoundError:
        return ""
