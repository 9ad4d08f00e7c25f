"""The page: gallery, infotext, live previews, layout."""

from __future__ import annotations

from typing import ClassVar, Literal

from modules.settings.declare import Section, setting


class GallerySection(Section):
    """What the gallery shows."""

    title: ClassVar[str] = "Gallery"
    category: ClassVar[str] = "ui"

    return_grid: bool = setting(True, "Show grid in gallery")


class InfotextSection(Section):
    """The parameters text of a picture."""

    title: ClassVar[str] = "Infotext"
    category: ClassVar[str] = "ui"

    enable_pnginfo: bool = setting(True, "Write the parameters into the picture's file")
    save_txt: bool = setting(False, "Write the parameters also into a text file beside each picture")
    add_model_name_to_info: bool = setting(True, "Add model name to infotext")
    add_model_hash_to_info: bool = setting(True, "Add model hash to infotext")
    add_vae_name_to_info: bool = setting(True, "Add VAE name to infotext")
    add_vae_hash_to_info: bool = setting(True, "Add VAE hash to infotext")
    add_version_to_infotext: bool = setting(True, "Add program version to infotext")
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

    live_previews_enable: bool = setting(True, "Show live previews of the created image")
    live_previews_image_format: Literal["jpeg", "png", "webp"] = setting(
        "png", "Live preview file format", choices=("jpeg", "png", "webp")
    )
    show_progress_every_n_steps: int = setting(
        10, "Live preview display period, steps; -1: only at the end of a batch", ge=-1, le=32, step=1
    )
    show_progress_type: Literal["Full", "Approx NN", "Approx cheap", "TAESD"] = setting(
        "Approx NN", "Live preview method", choices=("Full", "Approx NN", "Approx cheap", "TAESD")
    )
    live_preview_refresh_period: float = setting(1000, "Progressbar and preview update period, ms", ge=50)


class UiAlternativesSection(Section):
    """Which parts of the page are open from the start."""

    title: ClassVar[str] = "UI alternatives"
    category: ClassVar[str] = "ui"

    hires_fix_show_sampler: bool = setting(
        False, "Hires fix: show hires checkpoint and sampler selection", restart=True
    )
    hires_fix_show_prompts: bool = setting(False, "Hires fix: show hires prompt and negative prompt", restart=True)


class UserInterfaceSection(Section):
    """Layout of the page."""

    title: ClassVar[str] = "User interface"
    category: ClassVar[str] = "ui"

    interrupt_after_current: bool = setting(True, "Don't Interrupt in the middle")
    ui_tab_order: list[str] = setting([], "UI tab order", choices="tabs", restart=True)
    hidden_tabs: list[str] = setting([], "Hidden UI tabs", choices="tabs", restart=True)
    ui_reorder_list: list[str] = setting([], "UI item order for txt2img/img2img tabs", choices="parts", restart=True)
    send_seed: bool = setting(True, "Send seed when sending prompt or image to other interface")
    send_size: bool = setting(True, "Send size when sending prompt or image to another interface")
    show_progress_in_title: bool = setting(True, "Show generation progress in window title.")
