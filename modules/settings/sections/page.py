"""The page: gallery, infotext, live previews, layout."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import BeforeValidator

from modules.settings.declare import Section, setting

CANVAS_FUNCTIONS = (
    "Zoom",
    "Adjust brush size",
    "Hotkey enlarge brush",
    "Hotkey shrink brush",
    "Moving canvas",
    "Fullscreen",
    "Reset Zoom",
    "Overlap",
)
"""What can be switched off on a canvas; A1111's names."""


def _keys(value: object) -> object:
    """The keys in a list whose texts may name several, as older files have them: "sd_vae, CLIP_stop_at_last_layers"."""
    texts = [value] if isinstance(value, str) else value
    if not isinstance(texts, list) or not all(isinstance(each, str) for each in texts):
        return value
    return list(dict.fromkeys(key for text in texts for part in text.split(",") if (key := part.strip())))


Keys = Annotated[list[str], BeforeValidator(_keys)]
"""Keys of settings, in order, each once."""

WHITESPACE = {"Tab": "\t", "Carriage Return": "\r", "Line Feed": "\n"}
"""Blanks that end a word while its weight is changed by keys; A1111's names."""

Modifier = Literal["Shift", "Ctrl", "Alt"]
MODIFIERS = ("Shift", "Ctrl", "Alt")


class CanvasHotkeysSection(Section):
    """Keys of the canvases on which pictures are painted and masked. They act when the page is opened next."""

    title: ClassVar[str] = "Canvas Hotkeys"
    category: ClassVar[str] = "ui"

    canvas_hotkey_zoom: Modifier = setting("Alt", "Zoom canvas (with the wheel)", choices=MODIFIERS)
    canvas_hotkey_adjust: Modifier = setting("Ctrl", "Adjust brush size (with the wheel)", choices=MODIFIERS)
    canvas_hotkey_shrink_brush: str = setting("Q", "Shrink the brush size")
    canvas_hotkey_grow_brush: str = setting("W", "Enlarge the brush size")
    canvas_hotkey_move: str = setting("F", "Moving the canvas (held while the pointer moves)")
    canvas_hotkey_fullscreen: str = setting("S", "Fill the window with the canvas, and back")
    canvas_hotkey_reset: str = setting("R", "Reset zoom and canvas position")
    canvas_hotkey_overlap: str = setting("O", "Toggle overlap: a zoomed picture over the rest of the page")
    canvas_show_tooltip: bool = setting(True, "Enable tooltip on the canvas")
    canvas_auto_expand: bool = setting(
        True, "Fit a picture into the canvas when it is larger; else show its own pixels"
    )
    canvas_blur_prompt: bool = setting(False, "Take the focus from the prompt while the pointer is on a canvas")
    canvas_disabled_functions: list[str] = setting(
        ["Overlap"], "Disable function that you don't use", choices=CANVAS_FUNCTIONS
    )


class GallerySection(Section):
    """What the gallery shows."""

    title: ClassVar[str] = "Gallery"
    category: ClassVar[str] = "ui"

    return_grid: bool = setting(True, "Show grid in gallery")
    do_not_show_images: bool = setting(False, "Do not show any images in gallery")
    gallery_height: str = setting(
        "", "Gallery height: a length of CSS such as 768px or 20em; empty: as the page has it"
    )
    js_modal_lightbox: bool = setting(True, "Full page image viewer: enable")
    js_modal_lightbox_initially_zoomed: bool = setting(
        True, "Full page image viewer: show small images enlarged to the page"
    )
    js_modal_lightbox_gamepad: bool = setting(False, "Full page image viewer: navigate with gamepad")
    js_modal_lightbox_gamepad_repeat: float = setting(
        250, "Full page image viewer: gamepad repeat period, ms", ge=50, le=10_000
    )
    sd_webui_modal_lightbox_icon_opacity: float = setting(
        1, "Full page image viewer: opacity of buttons that are not pointed at", ge=0, le=1, step=0.01
    )
    sd_webui_modal_lightbox_toolbar_opacity: float = setting(
        0.9, "Full page image viewer: tool bar opacity", ge=0, le=1, step=0.01
    )
    open_dir_button_choice: Literal["Output Root", "Subdirectory", "Subdirectory (even temp dir)"] = setting(
        "Subdirectory",
        "What directory the folder button opens",
        choices=("Output Root", "Subdirectory", "Subdirectory (even temp dir)"),
    )


class InfotextSection(Section):
    """The parameters text of a picture."""

    title: ClassVar[str] = "Infotext"
    category: ClassVar[str] = "ui"

    enable_pnginfo: bool = setting(True, "Write the parameters into the picture's file")
    stealth_pnginfo: Literal["Off", "alpha", "alpha compressed", "rgb", "rgb compressed"] = setting(
        "Off",
        "Hide the parameters in the pixels of PNG files too (stealth PNG info), where stripping texts leaves them",
        choices=("Off", "alpha", "alpha compressed", "rgb", "rgb compressed"),
    )
    strip_metadata_on_download: bool = setting(
        False, "Leave parameters and other texts out of the archives of pictures that are downloaded from the history"
    )
    save_txt: bool = setting(False, "Write the parameters also into a text file beside each picture")
    add_model_name_to_info: bool = setting(True, "Add model name to infotext")
    add_model_hash_to_info: bool = setting(True, "Add model hash to infotext")
    add_vae_name_to_info: bool = setting(True, "Add VAE name to infotext")
    add_vae_hash_to_info: bool = setting(True, "Add VAE hash to infotext")
    add_version_to_infotext: bool = setting(True, "Add program version to infotext")
    infotext_skip_pasting: list[str] = setting([], "Disregard fields from pasted infotext", choices="infotext_fields")
    disable_weights_auto_swap: bool = setting(True, "Keep the chosen checkpoint when parameters are pasted")
    infotext_styles: Literal["Ignore", "Apply", "Discard", "Apply if any"] = setting(
        "Apply if any",
        "Infer styles from prompts of pasted infotext",
        choices=("Ignore", "Apply", "Discard", "Apply if any"),
    )


class LivePreviewsSection(Section):
    """The picture that is seen while it is made."""

    title: ClassVar[str] = "Live previews"
    category: ClassVar[str] = "ui"

    show_progressbar: bool = setting(True, "Show progressbar")
    live_previews_enable: bool = setting(True, "Show live previews of the created image")
    live_previews_image_format: Literal["jpeg", "png", "webp"] = setting(
        "png", "Live preview file format", choices=("jpeg", "png", "webp")
    )
    show_progress_grid: bool = setting(True, "Show previews of all images generated in a batch as a grid")
    show_progress_every_n_steps: int = setting(
        10, "Live preview display period, steps; -1: only at the end of a batch", ge=-1, le=32, step=1
    )
    show_progress_type: Literal["Full", "Approx NN", "Approx cheap", "TAESD"] = setting(
        "Approx NN", "Live preview method", choices=("Full", "Approx NN", "Approx cheap", "TAESD")
    )
    live_preview_refresh_period: float = setting(1000, "Progressbar and preview update period, ms", ge=50)
    prevent_screen_sleep_during_generation: bool = setting(True, "Prevent screen sleep during generation")


class PromptEditingSection(Section):
    """The prompts: their counters, and the keys that change them."""

    title: ClassVar[str] = "Prompt editing"
    category: ClassVar[str] = "ui"

    keyedit_precision_attention: float = setting(
        0.1, "Precision for (attention:1.1) when editing the prompt with Ctrl+up/down", ge=0.01, le=0.2, step=0.001
    )
    keyedit_precision_extra: float = setting(
        0.05,
        "Precision for <extra networks:0.9> when editing the prompt with Ctrl+up/down",
        ge=0.01,
        le=0.2,
        step=0.001,
    )
    keyedit_delimiters: str = setting(
        ".,\\/!?%^*;:{}=`~() ", "Signs that end a word when editing the prompt with Ctrl+up/down"
    )
    keyedit_delimiters_whitespace: list[str] = setting(
        list(WHITESPACE), "Ctrl+up/down whitespace delimiters", choices=tuple(WHITESPACE)
    )
    keyedit_move: bool = setting(True, "Alt+left/right moves prompt elements")
    disable_token_counters: bool = setting(False, "Disable prompt token counters")
    include_styles_into_token_counters: bool = setting(True, "Count tokens of enabled styles")


class SettingsInUiSection(Section):
    """Settings beside the other controls of txt2img and img2img, where they hold for the pictures made there."""

    title: ClassVar[str] = "Settings in UI"
    category: ClassVar[str] = "ui"

    extra_options_txt2img: Keys = setting([], "Settings for txt2img", choices="settings", restart=True)
    extra_options_img2img: Keys = setting([], "Settings for img2img", choices="settings", restart=True)
    extra_options_cols: int = setting(1, "Number of columns for added settings", ge=1, le=20, step=1, restart=True)
    extra_options_accordion: bool = setting(False, "Place added settings into an accordion", restart=True)


class UiAlternativesSection(Section):
    """Other ways for the page to lie."""

    title: ClassVar[str] = "UI alternatives"
    category: ClassVar[str] = "ui"

    compact_prompt_box: bool = setting(
        False, "Compact prompt layout: the prompts stand above the controls, Generate above the pictures", restart=True
    )
    samplers_in_dropdown: bool = setting(
        True, "Sampling methods in a dropdown instead of a row of buttons", restart=True
    )
    dimensions_and_batch_together: bool = setting(True, "Size and batch sliders side by side", restart=True)
    sd_checkpoint_dropdown_use_short: bool = setting(
        False, "Checkpoints by their file names alone, without folders", restart=True
    )
    txt2img_settings_accordion: bool = setting(False, "Settings in txt2img hidden under Accordion", restart=True)
    img2img_settings_accordion: bool = setting(False, "Settings in img2img hidden under Accordion", restart=True)
    hires_fix_show_sampler: bool = setting(
        False, "Hires fix: show hires checkpoint and sampler selection", restart=True
    )
    hires_fix_show_prompts: bool = setting(False, "Hires fix: show hires prompt and negative prompt", restart=True)


class UserInterfaceSection(Section):
    """Layout of the page."""

    title: ClassVar[str] = "User interface"
    category: ClassVar[str] = "ui"

    localization: str = setting(
        "None", "Localization (a file in localizations/; acts when the page is opened next)", choices="localizations"
    )
    interrupt_after_current: bool = setting(True, "Don't Interrupt in the middle")
    ui_tab_order: list[str] = setting([], "UI tab order", choices="tabs", restart=True)
    hidden_tabs: list[str] = setting([], "Hidden UI tabs", choices="tabs", restart=True)
    ui_reorder_list: list[str] = setting([], "UI item order for txt2img/img2img tabs", choices="parts", restart=True)
    quicksettings_list: Keys = setting(["sd_model_checkpoint"], "Quicksettings list", choices="settings", restart=True)
    send_seed: bool = setting(True, "Send seed when sending prompt or image to other interface")
    send_size: bool = setting(True, "Send size when sending prompt or image to another interface")
    show_progress_in_title: bool = setting(True, "Show generation progress in window title.")
