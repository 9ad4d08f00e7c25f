"""Settings of A1111 that change nothing here, each with the reason. They are kept all the same, for clients that send
them back and for a config.json that is used by both programs."""

from __future__ import annotations

from collections.abc import Mapping

_ALONE = "a picture does not depend on the batch in which it is made"
_TEXT = "it is a text of A1111's own page"
_CALLBACKS = "callbacks are called in the order of the extensions' names and of their metadata.ini"
_CONSOLE = "the console shows one bar for a job"

REASONS: Mapping[str, str] = {
    "use_old_emphasis_implementation": "it was for pictures made before October 2022",
    "lora_functional": "the other way of applying a LoRA gives the same picture, slower",
    "ddim_discretize": "the steps of DDIM are spread evenly, as A1111's sampler of today does",
    "enable_batch_seeds": _ALONE,
    "sd_unet": "other programs for the UNet come with extensions, which choose theirs",
    "sd3_enable_t5": "Stable Diffusion 3 is not supported yet",
    "textual_inversion_print_at_load": "the Textual Inversion list shows which embeddings fit the checkpoint",
    "infotext_explanation": _TEXT,
    "hypertile_explanation": _TEXT,
    "settings_in_ui": _TEXT,
    "lora_not_found_gradio_warning": "a LoRA that is missing is always told, under the picture",
    "postprocessing_enable_in_main_ui": "the operations of Extras are offered on the Extras tab alone",
    "upscaling_max_images_in_cache": "Extras keeps no enlarged pictures in memory",
    "add_user_name_to_info": "a job does not know which user asked for it",
    "live_preview_allow_lowvram_full": "full previews give way by themselves where memory is short",
    "live_preview_content": "the preview shows the picture that is being made, guidance included",
    "live_preview_fast_interrupt": "an interrupted picture is decoded in full, which takes about as long as a step",
    "js_live_preview_in_modal_lightbox": "the full page viewer is for finished pictures",
    "gradio_theme": "the page has a look of its own: --theme, ?__theme= and user.css change it",
    "gradio_themes_cache": "no theme is fetched from elsewhere",
    "enable_reloading_ui_scripts": "a restart, which is a matter of seconds, reads them again",
    "sd_vae_explanation": _TEXT,
    "profiling_explanation": _TEXT,
    "auto_launch_browser": "the page is opened at the start where --autolaunch asks for it",
    "enable_console_prompts": "the console of a server should not scroll away under prompts; the history has them",
    "show_warnings": "warnings that are meant for users are always shown",
    "show_gradio_deprecation_warnings": "what is outdated in an extension is logged once, by its name",
    "memmon_poll_rate": "memory is measured by the device itself, without polling",
    "multiple_tqdm": _CONSOLE,
    "enable_upscale_progressbar": _CONSOLE,
    "training_xattention_optimizations": "training uses torch's own attention, which is exact and saves memory",
    "disable_mmap_load_safetensors": "files are read in order and never mapped",
    "hide_ldm_prints": "there is no ldm package to print anything",
    "restore_config_state_file": "sets of extensions are restored on the Extensions tab",
    "sd_checkpoint_hash": "sd_model_checkpoint chooses the checkpoint",
    "SWIN_torch_compile": "compiling takes longer than enlarging",
} | {
    f"prioritized_callbacks_{name}": _CALLBACKS
    for name in (
        *("app_started", "model_loaded", "ui_settings", "infotext_pasted", "script_unloaded", "before_ui"),
        *(
            "list_optimizers",
            "before_token_counter",
            "script_before_process",
            "script_process",
            "script_post_sample",
        ),
        *("script_on_mask_blend", "script_postprocess_maskoverlay"),
    )
}
"""Key -> the rest of a sentence that begins with "no effect, since"."""
