"""A1111's settings that change nothing in Easel, with their default values: extensions read them all the same."""

from __future__ import annotations

from collections.abc import Mapping

_OFF = frozenset(
    {
        "use_old_emphasis_implementation",
        "lora_functional",
        "textual_inversion_print_at_load",
        "lora_not_found_gradio_warning",
        "cache_fp16_weight",
        "sd3_enable_t5",
        "add_user_name_to_info",
        "live_preview_allow_lowvram_full",
        "live_preview_fast_interrupt",
        "js_live_preview_in_modal_lightbox",
        "enable_reloading_ui_scripts",
        "enable_console_prompts",
        "show_warnings",
        "print_hypernet_extra",
        "disable_mmap_load_safetensors",
        "SWIN_torch_compile",
        "unload_models_when_training",
        "pin_memory",
        "save_optimizer_state",
        "training_xattention_optimizations",
        "training_enable_tensorboard",
        "training_tensorboard_save_images",
        "hypertile_enable_unet",
        "hypertile_enable_unet_secondpass",
        "hypertile_enable_vae",
        "interrogate_keep_models_in_memory",
        "interrogate_return_ranks",
    }
)

_ON = frozenset(
    {
        "enable_batch_seeds",
        "gradio_themes_cache",
        "show_gradio_deprecation_warnings",
        "multiple_tqdm",
        "enable_upscale_progressbar",
        "hide_ldm_prints",
        "save_training_settings_to_txt",
        "deepbooru_sort_alpha",
        "deepbooru_use_spaces",
        "deepbooru_escape",
    }
)

DEFAULTS: Mapping[str, object] = {
    **dict.fromkeys(_OFF, False),
    **dict.fromkeys(_ON, True),
    "cross_attention_optimization": "Automatic",
    "fp8_storage": "Disable",
    "ddim_discretize": "uniform",
    "sd_unet": "Automatic",
    "live_preview_content": "Prompt",
    "gradio_theme": "Default",
    "auto_launch_browser": "Local",
    "memmon_poll_rate": 8,
    "postprocessing_enable_in_main_ui": [],
    "upscaling_max_images_in_cache": 5,
    "postprocessing_existing_caption_action": "Ignore",
    "dataset_filename_word_regex": "",
    "dataset_filename_join_string": " ",
    "training_image_repeats_per_epoch": 1,
    "training_write_csv_every": 500,
    "training_tensorboard_flush_every": 120,
    "restore_config_state_file": "",
    "sd_checkpoint_hash": "",
    "hypertile_max_depth_unet": 3,
    "hypertile_max_tile_unet": 256,
    "hypertile_swap_size_unet": 3,
    "hypertile_max_depth_vae": 3,
    "hypertile_max_tile_vae": 128,
    "hypertile_swap_size_vae": 3,
    "interrogate_clip_num_beams": 1,
    "interrogate_clip_min_length": 24,
    "interrogate_clip_max_length": 48,
    "interrogate_clip_dict_limit": 1500,
    "interrogate_clip_skip_categories": [],
    "interrogate_deepbooru_score_threshold": 0.5,
    "deepbooru_filter_tags": "",
}
