"""Colours, type and spacing of the page, light and dark. What Gradio's variables cannot say is in static/*.css."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gradio.themes import Base

SYSTEM_FONTS = ("system-ui", "-apple-system", "Segoe UI", "Roboto", "Noto Sans", "Ubuntu", "sans-serif")
MONOSPACED_FONTS = ("ui-monospace", "SFMono-Regular", "Menlo", "Consolas", "Liberation Mono", "monospace")

ACCENT = {
    50: "#eef8f6",
    100: "#d5eeea",
    200: "#aeddd6",
    300: "#7cc5bb",
    400: "#4aa89d",
    500: "#2b8c82",
    600: "#1f7169",
    700: "#1b5b56",
    800: "#194a46",
    900: "#173e3b",
    950: "#0a2523",
}
NEUTRAL = {
    50: "#f8f7f5",
    100: "#f0eeeb",
    200: "#e2dfda",
    300: "#cbc7c0",
    400: "#9d9991",
    500: "#75716a",
    600: "#57544f",
    700: "#3f3d3a",
    800: "#2a2926",
    900: "#1d1c1b",
    950: "#131312",
}


def easel_theme() -> Base:
    """A quiet theme: paper and charcoal with one green. Only the system's fonts: nothing is fetched from outside."""
    from gradio.themes import Base, Color, sizes

    accent = Color(*ACCENT.values(), name="easel")
    neutral = Color(*NEUTRAL.values(), name="paper")
    theme = Base(
        primary_hue=accent,
        secondary_hue=neutral,
        neutral_hue=neutral,
        spacing_size=sizes.spacing_sm,
        radius_size=sizes.radius_md,
        text_size=sizes.text_md,
        font=SYSTEM_FONTS,
        font_mono=MONOSPACED_FONTS,
    )
    return theme.set(**_surfaces(), **_controls(), **_buttons())


def _surfaces() -> dict[str, str]:
    return {
        "body_background_fill": "#f6f4f1",
        "body_background_fill_dark": "#171716",
        "body_text_color": "#2a2926",
        "body_text_color_dark": "#e9e6e1",
        "body_text_color_subdued": "#6d6962",
        "body_text_color_subdued_dark": "#a19c94",
        "background_fill_primary": "#ffffff",
        "background_fill_primary_dark": "#1f1f1d",
        "background_fill_secondary": "#f6f4f1",
        "background_fill_secondary_dark": "#1a1a19",
        "block_background_fill": "#ffffff",
        "block_background_fill_dark": "#1f1f1d",
        "block_border_width": "0px",
        "block_border_width_dark": "0px",
        "block_shadow": "none",
        "block_label_background_fill": "transparent",
        "block_label_background_fill_dark": "transparent",
        "block_label_text_color": "#6d6962",
        "block_label_text_color_dark": "#a19c94",
        "block_title_text_color": "#57544f",
        "block_title_text_color_dark": "#b9b4ab",
        "block_title_text_size": "13px",
        "block_title_text_weight": "500",
        "block_padding": "10px 12px",
        "border_color_primary": "#e2dfda",
        "border_color_primary_dark": "#33322f",
        "panel_background_fill": "transparent",
        "panel_background_fill_dark": "transparent",
    }


def _controls() -> dict[str, str]:
    return {
        "input_background_fill": "#fbfaf8",
        "input_background_fill_dark": "#191918",
        "input_background_fill_focus": "#ffffff",
        "input_background_fill_focus_dark": "#151514",
        "input_border_color": "#dcd8d2",
        "input_border_color_dark": "#393733",
        "input_border_color_focus": "#2b8c82",
        "input_border_color_focus_dark": "#4aa89d",
        "input_border_width": "1px",
        "input_shadow": "none",
        "input_shadow_focus": "0 0 0 3px rgb(43 140 130 / 0.18)",
        "input_shadow_focus_dark": "0 0 0 3px rgb(74 168 157 / 0.28)",
        "input_placeholder_color": "#a39e96",
        "input_placeholder_color_dark": "#75716a",
        "input_padding": "8px 10px",
        "input_text_size": "14px",
        "slider_color": "#2b8c82",
        "slider_color_dark": "#4aa89d",
        "checkbox_background_color_selected": "#2b8c82",
        "checkbox_background_color_selected_dark": "#2b8c82",
        "checkbox_border_color_selected": "#2b8c82",
        "checkbox_border_color_selected_dark": "#2b8c82",
        "checkbox_label_background_fill": "transparent",
        "checkbox_label_background_fill_dark": "transparent",
        "checkbox_label_background_fill_hover": "transparent",
        "checkbox_label_background_fill_hover_dark": "transparent",
        "checkbox_label_background_fill_selected": "transparent",
        "checkbox_label_background_fill_selected_dark": "transparent",
        "checkbox_label_border_width": "0px",
        "checkbox_label_padding": "2px 4px",
        "checkbox_label_text_size": "14px",
    }


def _buttons() -> dict[str, str]:
    return {
        "button_primary_background_fill": "#1f7169",
        "button_primary_background_fill_dark": "#227a71",
        "button_primary_background_fill_hover": "#1b5b56",
        "button_primary_background_fill_hover_dark": "#1f7169",
        "button_primary_text_color": "#ffffff",
        "button_primary_text_color_dark": "#ffffff",
        "button_primary_border_color": "transparent",
        "button_primary_border_color_dark": "transparent",
        "button_secondary_background_fill": "#ffffff",
        "button_secondary_background_fill_dark": "#262523",
        "button_secondary_background_fill_hover": "#f0eeeb",
        "button_secondary_background_fill_hover_dark": "#302f2c",
        "button_secondary_border_color": "#dcd8d2",
        "button_secondary_border_color_dark": "#3b3935",
        "button_secondary_text_color": "#3f3d3a",
        "button_secondary_text_color_dark": "#d8d4cc",
        "button_border_width": "1px",
        "button_transition": "background-color 0.12s, border-color 0.12s",
        "button_large_radius": "8px",
        "button_small_radius": "8px",
    }
