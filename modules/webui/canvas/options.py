"""What the scripts of the canvases want to know of the settings."""

from __future__ import annotations

from modules.settings.model import Settings

COLOURS = (
    "img2img_sketch_default_brush_color",
    "img2img_inpaint_mask_brush_color",
    "img2img_inpaint_sketch_default_brush_color",
)
"""Settings with the colours that brushes begin with."""


def canvas_options(settings: Settings) -> dict[str, object]:
    """For `easelOptions.canvas`; see static/types.d.ts."""
    keys = {
        "shrink_brush": settings.canvas_hotkey_shrink_brush,
        "grow_brush": settings.canvas_hotkey_grow_brush,
        "move": settings.canvas_hotkey_move,
        "fullscreen": settings.canvas_hotkey_fullscreen,
        "reset": settings.canvas_hotkey_reset,
        "overlap": settings.canvas_hotkey_overlap,
    }
    return {
        "zoom": settings.canvas_hotkey_zoom,
        "adjust": settings.canvas_hotkey_adjust,
        "keys": {name: key.strip().upper() for name, key in keys.items()},
        "tooltip": settings.canvas_show_tooltip,
        "autoExpand": settings.canvas_auto_expand,
        "blurPrompt": settings.canvas_blur_prompt,
        "disabled": settings.canvas_disabled_functions,
        "height": settings.img2img_editor_height,
        "colours": {key: getattr(settings, key) for key in COLOURS},
    }
