"""The model, the samplers and what else decides the numbers of a picture."""

from __future__ import annotations

from typing import ClassVar, Literal

from modules.settings.declare import Section, setting


class CompatibilitySection(Section):
    """Switches that bring back older behaviour, so that older pictures can be made again."""

    title: ClassVar[str] = "Compatibility"
    category: ClassVar[str] = "sd"

    auto_backcompat: bool = setting(True, "Automatic backward compatibility")
    use_old_karras_scheduler_sigmas: bool = setting(False, "Use old karras scheduler sigmas (0.1 to 10).")
    no_dpmpp_sde_batch_determinism: bool = setting(False, "Let the batch size change the noise of DPM++ SDE")
    use_old_hires_fix_width_height: bool = setting(
        False, "For hires fix, width and height are the final size; the size of the first pass follows from them"
    )
    hires_fix_use_firstpass_conds: bool = setting(
        False, "For hires fix, encode the prompts of the second pass with the extra networks of the first"
    )
    use_old_scheduling: bool = setting(
        False, "Use old prompt editing timelines.", infotext="Old prompt editing timelines"
    )
    use_downcasted_alpha_bar: bool = setting(
        False, "Round alphas_cumprod to float16 before use", infotext="Downcast alphas_cumprod"
    )
    refiner_switch_by_sample_steps: bool = setting(
        False,
        "Switch to the refiner by sampling steps instead of the model's noise levels",
        infotext="Refiner switch by sampling steps",
    )


class ExtraNetworksSection(Section):
    """Small files that change a model: embeddings, LoRA and its relatives, hypernetworks."""

    title: ClassVar[str] = "Extra Networks"
    category: ClassVar[str] = "sd"

    extra_networks_show_hidden_directories: bool = setting(True, "Show hidden directories")
    extra_networks_dir_button_function: bool = setting(False, "Add a '/' to the beginning of directory buttons")
    extra_networks_hidden_models: Literal["Always", "When searched", "Never"] = setting(
        "When searched",
        "Show cards for models in hidden directories (when searched: from four letters on)",
        choices=("Always", "When searched", "Never"),
    )
    extra_networks_default_multiplier: float = setting(
        1.0, "Default multiplier for extra networks", ge=0.0, le=2.0, step=0.01
    )
    extra_networks_card_width: int = setting(0, "Card width for Extra Networks, pixels; 0: the usual one", ge=0)
    extra_networks_card_height: int = setting(0, "Card height for Extra Networks, pixels; 0: the usual one", ge=0)
    extra_networks_card_text_scale: float = setting(1.0, "Card text scale", ge=0.0, le=2.0, step=0.01)
    extra_networks_card_show_desc: bool = setting(True, "Show description on card")
    extra_networks_card_description_is_html: bool = setting(False, "Treat card description as HTML")
    extra_networks_card_order_field: Literal["Path", "Name", "Date Created", "Date Modified"] = setting(
        "Path",
        "Default order field for Extra Networks cards",
        choices=("Path", "Name", "Date Created", "Date Modified"),
    )
    extra_networks_card_order: Literal["Ascending", "Descending"] = setting(
        "Ascending", "Default order for Extra Networks cards", choices=("Ascending", "Descending")
    )
    extra_networks_tree_view_style: Literal["Tree", "Dirs"] = setting(
        "Dirs", "Extra Networks directory view style", choices=("Tree", "Dirs")
    )
    extra_networks_tree_view_default_enabled: bool = setting(True, "Show the Extra Networks directory view by default")
    extra_networks_tree_view_default_width: int = setting(
        180, "Default width for the Extra Networks directory tree view", ge=0, le=1000
    )
    extra_networks_add_text_separator: str = setting(" ", "Extra networks separator")
    ui_extra_networks_tab_reorder: str = setting("", "Extra networks tab order", restart=True)
    textual_inversion_add_hashes_to_infotext: bool = setting(True, "Add Textual Inversion hashes to infotext")
    sd_hypernetwork: str = setting("None", "Add hypernetwork to prompt", choices="hypernetworks")
    sd_lora: str = setting("None", "Add network to prompt", choices="loras")
    lora_preferred_name: Literal["Alias from file", "Filename"] = setting(
        "Alias from file", "When adding to prompt, refer to Lora by", choices=("Alias from file", "Filename")
    )
    lora_add_hashes_to_infotext: bool = setting(True, "Add Lora hashes to infotext")
    lora_bundled_ti_to_infotext: bool = setting(True, "Add Lora name as TI hashes for bundled Textual Inversion")
    lora_show_all: bool = setting(False, "Always show all networks on the Lora page")
    lora_hide_unknown_for_versions: list[str] = setting(
        [], "Hide networks of unknown versions for model versions", choices=("SD1", "SD2", "SDXL")
    )
    lora_in_memory_limit: int = setting(0, "Number of Lora networks to keep cached in memory", ge=0)
    lora_not_found_warning_console: bool = setting(False, "Lora not found warning in console")
    lora_not_found_is_error: bool = setting(False, "Make no picture when a network of the prompt cannot be used")


class OptimizationsSection(Section):
    """Settings that trade exactness for speed or memory."""

    title: ClassVar[str] = "Optimizations"
    category: ClassVar[str] = "sd"

    cross_attention_optimization: str = setting(
        "Automatic",
        "How attention is computed. Automatic: what is fastest. sub-quadratic, InvokeAI, Doggettx and V1 are one thing "
        "here: the scores are made a block at a time. None: all scores at once, which takes the most memory",
        choices=[
            *(
                "Automatic",
                "InvokeAI",
                "Doggettx",
                "sdp-no-mem - scaled dot product without memory efficient attention",
            ),
            *("sdp - scaled dot product", "sub-quadratic", "V1 - original v1", "None"),
        ],
    )
    s_min_uncond: float = setting(0.0, "Negative Guidance minimum sigma", ge=0.0, le=15.0, step=0.01, infotext="NGMS")
    s_min_uncond_all: bool = setting(False, "Negative Guidance minimum sigma all steps", infotext="NGMS all steps")
    token_merging_ratio: float = setting(
        0.0, "Token merging ratio", ge=0.0, le=0.9, step=0.1, infotext="Token merging ratio"
    )
    token_merging_ratio_img2img: float = setting(0.0, "Token merging ratio for img2img", ge=0.0, le=0.9, step=0.1)
    token_merging_ratio_hr: float = setting(
        0.0, "Token merging ratio for high-res pass", ge=0.0, le=0.9, step=0.1, infotext="Token merging ratio hr"
    )
    fp8_storage: Literal["Disable", "Enable for SDXL", "Enable"] = setting(
        "Disable",
        "Keep the UNet's weights in 8 bits, cast layer by layer: half the memory, slower, other pictures",
        choices=("Disable", "Enable for SDXL", "Enable"),
    )
    cache_fp16_weight: bool = setting(
        False, "Keep the weights as they were too, in host memory, for merging LoRA into them while they are in 8 bits"
    )
    pad_cond_uncond: bool = setting(False, "Pad prompt/negative prompt", infotext="Pad conds")
    pad_cond_uncond_v0: bool = setting(False, "Pad prompt/negative prompt (v0)", infotext="Pad conds v0")
    persistent_cond_cache: bool = setting(True, "Persistent cond cache")
    batch_cond_uncond: bool = setting(True, "Batch cond/uncond")


class HypertileSection(Section):
    """HyperTile: self-attention within tiles of the picture, faster for large ones; what lies far apart knows less of
    each other."""

    title: ClassVar[str] = "Hypertile"
    category: ClassVar[str] = "sd"

    hypertile_enable_unet: bool = setting(False, "Enable Hypertile U-Net", infotext="Hypertile U-Net")
    hypertile_enable_unet_secondpass: bool = setting(
        False, "Enable Hypertile U-Net for hires fix second pass", infotext="Hypertile U-Net second pass"
    )
    hypertile_max_depth_unet: int = setting(
        3, "Hypertile U-Net max depth", ge=0, le=3, step=1, infotext="Hypertile U-Net max depth"
    )
    hypertile_max_tile_unet: int = setting(
        256, "Hypertile U-Net max tile size", ge=0, le=512, step=16, infotext="Hypertile U-Net max tile size"
    )
    hypertile_swap_size_unet: int = setting(
        3, "Hypertile U-Net swap size", ge=0, le=64, step=1, infotext="Hypertile U-Net swap size"
    )
    hypertile_enable_vae: bool = setting(False, "Enable Hypertile VAE", infotext="Hypertile VAE")
    hypertile_max_depth_vae: int = setting(
        3, "Hypertile VAE max depth", ge=0, le=3, step=1, infotext="Hypertile VAE max depth"
    )
    hypertile_max_tile_vae: int = setting(
        128, "Hypertile VAE max tile size", ge=0, le=512, step=16, infotext="Hypertile VAE max tile size"
    )
    hypertile_swap_size_vae: int = setting(
        3, "Hypertile VAE swap size", ge=0, le=64, step=1, infotext="Hypertile VAE swap size"
    )


class SamplerParametersSection(Section):
    """Free parameters of samplers and schedules; 0 for sigmas and rho means the sampler's own choice."""

    title: ClassVar[str] = "Sampler parameters"
    category: ClassVar[str] = "sd"

    hide_samplers: list[str] = setting([], "Hide samplers in user interface", choices="samplers")
    eta_ddim: float = setting(0.0, "Eta for DDIM", ge=0.0, le=1.0, step=0.01, infotext="Eta DDIM")
    eta_ancestral: float = setting(1.0, "Eta for k-diffusion samplers", ge=0.0, le=1.0, step=0.01, infotext="Eta")
    s_churn: float = setting(0.0, "sigma churn", ge=0.0, le=100.0, step=0.01, infotext="Sigma churn")
    s_tmin: float = setting(0.0, "sigma tmin", ge=0.0, le=10.0, step=0.01, infotext="Sigma tmin")
    s_tmax: float = setting(0.0, "sigma tmax", ge=0.0, le=999.0, step=0.01, infotext="Sigma tmax")
    s_noise: float = setting(1.0, "sigma noise", ge=0.0, le=1.1, step=0.001, infotext="Sigma noise")
    sigma_min: float = setting(0.0, "sigma min", infotext="Schedule min sigma")
    sigma_max: float = setting(0.0, "sigma max", infotext="Schedule max sigma")
    rho: float = setting(0.0, "rho", infotext="Schedule rho")
    eta_noise_seed_delta: int = setting(0, "Eta noise seed delta", infotext="ENSD")
    always_discard_next_to_last_sigma: bool = setting(
        False, "Always discard next-to-last sigma", infotext="Discard penultimate sigma"
    )
    sgm_noise_multiplier: bool = setting(False, "SGM noise multiplier", infotext="SGM noise multiplier")
    uni_pc_variant: Literal["bh1", "bh2", "vary_coeff"] = setting(
        "bh1", "UniPC variant", choices=("bh1", "bh2", "vary_coeff"), infotext="UniPC variant"
    )
    uni_pc_skip_type: Literal["time_uniform", "time_quadratic", "logSNR"] = setting(
        "time_uniform",
        "UniPC skip type",
        choices=("time_uniform", "time_quadratic", "logSNR"),
        infotext="UniPC skip type",
    )
    uni_pc_order: int = setting(3, "UniPC order", ge=1, le=50, step=1, infotext="UniPC order")
    uni_pc_lower_order_final: bool = setting(True, "UniPC lower order final", infotext="UniPC lower order final")
    sd_noise_schedule: Literal["Default", "Zero Terminal SNR"] = setting(
        "Default", "Noise schedule for sampling", choices=("Default", "Zero Terminal SNR"), infotext="Noise Schedule"
    )
    skip_early_cond: float = setting(
        0.0,
        "Ignore negative prompt during early sampling",
        ge=0.0,
        le=1.0,
        step=0.01,
        infotext="Skip Early CFG",
    )
    beta_dist_alpha: float = setting(
        0.6, "Beta scheduler - alpha", ge=0.01, le=1.0, step=0.01, infotext="Beta schedule alpha"
    )
    beta_dist_beta: float = setting(
        0.6, "Beta scheduler - beta", ge=0.01, le=1.0, step=0.01, infotext="Beta schedule beta"
    )


class StableDiffusionSection(Section):
    """The checkpoint and how prompts become conditioning."""

    title: ClassVar[str] = "Stable Diffusion"
    category: ClassVar[str] = "sd"

    sd_model_checkpoint: str | None = setting(None, "Stable Diffusion checkpoint", choices="checkpoints")
    sd_checkpoints_limit: int = setting(1, "Maximum number of checkpoints loaded at the same time", ge=1, le=10, step=1)
    sd_checkpoints_keep_in_cpu: bool = setting(True, "Only keep one model on device")
    sd_checkpoint_cache: int = setting(0, "Checkpoints to cache in RAM", ge=0, le=10, step=1)
    sd_checkpoints_memory: float = setting(
        0.0, "Memory for all loaded checkpoints in GB (0: as much as is free)", ge=0.0, le=1024.0
    )
    sd_checkpoints_read_ahead: bool = setting(
        True, "While a job runs, have the operating system read the checkpoint of the next one"
    )
    emphasis: Literal["None", "Ignore", "Original", "No norm"] = setting(
        "Original", "Emphasis mode", choices=("None", "Ignore", "Original", "No norm"), infotext="Emphasis"
    )
    prompt_dialect: Literal["A1111", "NovelAI", "none", "A1111, {} is text"] = setting(
        "A1111",
        "Brackets in prompts. A1111: (a:1.2) weighs, {a|b} is chosen from. NovelAI: {a} weighs. none: text",
        choices=("A1111", "NovelAI", "none", "A1111, {} is text"),
        infotext="Prompt dialect",
    )
    emphasis_mean_per_prompt: bool = setting(
        False,
        "With Original emphasis, restore the mean of each prompt instead of the batch's",
        infotext="Emphasis mean per prompt",
    )
    enable_quantization: bool = setting(
        False, "Let samplers visit only noise levels that the model was trained on", infotext="Enable quantization"
    )
    cfg_rescale: float = setting(
        0.0, "CFG rescale: bring contrast back at high CFG", ge=0.0, le=1.0, step=0.01, infotext="CFG rescale"
    )
    comma_padding_backtrack: int = setting(
        20, "Prompt word wrap length limit", ge=0, le=74, step=1, infotext="Prompt word wrap length limit"
    )
    sdxl_clip_l_skip: bool = setting(False, "Clip skip acts on SDXL's first text encoder too")
    CLIP_stop_at_last_layers: int = setting(1, "Clip skip", ge=1, le=12, step=1, infotext="Clip skip")
    upcast_attn: bool = setting(
        False, "Upcast cross attention layer to float32", infotext="Upcast cross attention layer"
    )
    randn_source: Literal["GPU", "CPU", "NV"] = setting(
        "GPU", "Random number generator source.", choices=("GPU", "CPU", "NV"), infotext="RNG"
    )
    tiling: bool = setting(False, "Tiling", infotext="Tiling")
    hires_fix_refiner_pass: Literal["first pass", "second pass", "both passes"] = setting(
        "second pass",
        "Hires fix: which pass to enable refiner for",
        choices=("first pass", "second pass", "both passes"),
        infotext="Hires refiner",
    )
    enable_prompt_comments: bool = setting(True, "Enable comments")


class StableDiffusionXlSection(Section):
    """What SDXL and its refiner are told of a picture besides its words."""

    title: ClassVar[str] = "Stable Diffusion XL"
    category: ClassVar[str] = "sd"

    sdxl_crop_top: int = setting(0, "crop top coordinate")
    sdxl_crop_left: int = setting(0, "crop left coordinate")
    sdxl_refiner_low_aesthetic_score: float = setting(2.5, "SDXL low aesthetic score")
    sdxl_refiner_high_aesthetic_score: float = setting(6.0, "SDXL high aesthetic score")


class VaeSection(Section):
    """The decoder of latents."""

    title: ClassVar[str] = "VAE"
    category: ClassVar[str] = "sd"

    sd_vae_checkpoint_cache: int = setting(0, "VAE Checkpoints to cache in RAM", ge=0, le=10, step=1)
    sd_vae: str = setting("Automatic", "SD VAE", choices="vaes", infotext="VAE")
    sd_vae_overrides_per_model_preferences: bool = setting(True, "Selected VAE overrides per-model preferences")
    auto_vae_precision_bfloat16: bool = setting(False, "Automatically convert VAE to bfloat16")
    auto_vae_precision: bool = setting(True, "Automatically revert VAE to 32-bit floats")
    sd_vae_encode_method: Literal["Full", "TAESD"] = setting(
        "Full", "VAE type for encode", choices=("Full", "TAESD"), infotext="VAE Encoder"
    )
    sd_vae_decode_method: Literal["Full", "TAESD"] = setting(
        "Full", "VAE type for decode", choices=("Full", "TAESD"), infotext="VAE Decoder"
    )
    vae_in_bands: Literal["Automatic", "Always", "Never"] = setting(
        "Automatic",
        "Have the VAE work in bands, which takes less memory and gives the same picture",
        choices=("Automatic", "Always", "Never"),
    )


class Img2ImgSection(Section):
    """Pictures made from pictures."""

    title: ClassVar[str] = "img2img"
    category: ClassVar[str] = "sd"

    inpainting_mask_weight: float = setting(
        1.0, "Inpainting conditioning mask strength", ge=0.0, le=1.0, step=0.01, infotext="Conditional mask weight"
    )
    initial_noise_multiplier: float = setting(
        1.0, "Noise multiplier for img2img", ge=0.0, le=1.5, step=0.001, infotext="Noise multiplier"
    )
    img2img_extra_noise: float = setting(
        0.0, "Extra noise for the pictures that img2img starts from", ge=0.0, le=1.0, step=0.01, infotext="Extra noise"
    )
    img2img_color_correction: bool = setting(False, "Give img2img results the colours of their originals")
    img2img_fix_steps: bool = setting(False, "With img2img, do exactly as many steps as the slider says")
    img2img_background_color: str = setting("#ffffff", "With img2img, colour behind transparent parts of a picture")
    img2img_editor_height: int = setting(720, "Height of the image editor, pixels", ge=80, le=1600, step=1)
    img2img_sketch_default_brush_color: str = setting("#ffffff", "Sketch initial brush color")
    img2img_inpaint_mask_brush_color: str = setting("#ffffff", "Inpaint mask brush color")
    img2img_inpaint_sketch_default_brush_color: str = setting("#ffffff", "Inpaint sketch initial brush color")
    return_mask: bool = setting(False, "For inpainting, show the mask beside the result")
    return_mask_composite: bool = setting(False, "For inpainting, show the painted part alone beside the result")
    img2img_batch_show_results_limit: int = setting(
        32, "Show the first N batch img2img results in UI", ge=-1, le=1000, step=1
    )
    overlay_inpaint: bool = setting(True, "Overlay original for inpaint")
