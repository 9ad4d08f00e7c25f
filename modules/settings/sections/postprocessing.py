"""What may be done with a finished picture: enlarging it, restoring faces."""

from __future__ import annotations

from typing import ClassVar, Literal

from modules.settings.declare import Section, setting


class FaceRestorationSection(Section):
    """Restoring faces in finished pictures, with weights that are not part of Easel."""

    title: ClassVar[str] = "Face restoration"
    category: ClassVar[str] = "postprocessing"

    face_restoration: bool = setting(False, "Restore faces", infotext="Face restoration")
    face_restoration_model: str = setting("CodeFormer", "Face restoration model", choices="face_restorers")
    code_former_weight: float = setting(
        0.5, "CodeFormer weight: 0 changes faces most, 1 least", ge=0.0, le=1.0, step=0.01
    )
    face_restoration_unload: bool = setting(False, "Unload the face restoration model after each run")


class PostprocessingSection(Section):
    """What the Extras tab can do with pictures."""

    title: ClassVar[str] = "Postprocessing"
    category: ClassVar[str] = "postprocessing"

    postprocessing_disable_in_extras: list[str] = setting(
        [], "Disable postprocessing operations in extras tab", choices="postprocessing_operations", restart=True
    )
    postprocessing_operation_order: list[str] = setting(
        [], "Postprocessing operation order", choices="postprocessing_operations", restart=True
    )
    postprocessing_existing_caption_action: Literal["Ignore", "Keep", "Prepend", "Append"] = setting(
        "Ignore",
        "A caption that lies beside the picture already: replaced, kept, put before the new one, or behind it",
        choices=("Ignore", "Keep", "Prepend", "Append"),
    )


class UpscalingSection(Section):
    """Upscalers. A tile size of 0 gives the model the whole picture at once, which takes much memory."""

    title: ClassVar[str] = "Upscaling"
    category: ClassVar[str] = "postprocessing"

    upscaler_for_img2img: str | None = setting(None, "Upscaler for img2img", choices="upscalers")
    set_scale_by_when_changing_upscaler: bool = setting(
        False, "Automatically set the Scale by factor based on the name of the selected Upscaler."
    )
    ESRGAN_tile: int = setting(192, "Tile size for ESRGAN upscalers.", ge=0, le=512, step=16)
    ESRGAN_tile_overlap: int = setting(8, "Tile overlap for ESRGAN upscalers.", ge=0, le=48, step=1)
    realesrgan_enabled_models: list[str] = setting(
        ["R-ESRGAN 4x+", "R-ESRGAN 4x+ Anime6B"],
        "Real-ESRGAN models that are listed while their files are not there",
        choices="realesrgan_models",
    )
    dat_enabled_models: list[str] = setting(
        ["DAT x2", "DAT x3", "DAT x4"],
        "DAT models that are listed while their files are not there",
        choices="dat_models",
    )
    DAT_tile: int = setting(192, "Tile size for DAT upscalers.", ge=0, le=512, step=16)
    DAT_tile_overlap: int = setting(8, "Tile overlap for DAT upscalers.", ge=0, le=48, step=1)
    ldsr_steps: int = setting(100, "LDSR processing steps. Lower = faster", ge=1, le=200, step=1)
    ldsr_cached: bool = setting(False, "Cache LDSR model in memory")
    SCUNET_tile: int = setting(256, "Tile size for SCUNET upscalers.", ge=0, le=512, step=16)
    SCUNET_tile_overlap: int = setting(8, "Tile overlap for SCUNET upscalers.", ge=0, le=64, step=1)
    SWIN_tile: int = setting(192, "Tile size for all SwinIR.", ge=16, le=512, step=16)
    SWIN_tile_overlap: int = setting(8, "Tile overlap for SwinIR upscalers.", ge=0, le=48, step=1)


class InterrogateSection(Section):
    """Words for pictures: a caption with ranked words (CLIP), or tags (DeepDanbooru, WD14)."""

    title: ClassVar[str] = "Interrogate"
    category: ClassVar[str] = "postprocessing"

    interrogate_keep_models_in_memory: bool = setting(False, "Keep the models in memory after a picture is described")
    interrogate_return_ranks: bool = setting(False, "Write how well each tag or ranked word fits, (word:0.123)")
    interrogate_clip_num_beams: int = setting(
        1, "BLIP: beams; more of them are slower and find likelier sentences", ge=1, le=16, step=1
    )
    interrogate_clip_min_length: int = setting(24, "BLIP: minimum length in tokens", ge=1, le=128, step=1)
    interrogate_clip_max_length: int = setting(48, "BLIP: maximum length in tokens", ge=1, le=256, step=1)
    interrogate_clip_dict_limit: float = setting(1500, "CLIP: lines of a word list that are looked at; 0 is all")
    interrogate_clip_skip_categories: list[str] = setting(
        [], "CLIP: word lists to leave out", choices="interrogate_categories"
    )
    interrogate_deepbooru_score_threshold: float = setting(
        0.5, "DeepDanbooru: least probability of a tag", ge=0.0, le=1.0, step=0.01
    )
    deepbooru_sort_alpha: bool = setting(True, "DeepDanbooru: by the alphabet; otherwise the most probable first")
    deepbooru_use_spaces: bool = setting(True, "DeepDanbooru: spaces in place of underscores")
    deepbooru_escape: bool = setting(True, "DeepDanbooru: a backslash before brackets, which prompts need")
    deepbooru_filter_tags: str = setting("", "DeepDanbooru: tags to leave out, with commas between")
    wd14_general_threshold: float = setting(0.35, "WD14: least probability of a general tag", ge=0.0, le=1.0, step=0.01)
    wd14_character_threshold: float = setting(
        0.85, "WD14: least probability of a character's name", ge=0.0, le=1.0, step=0.01
    )
    wd14_sort_alpha: bool = setting(False, "WD14: by the alphabet; otherwise the most probable first")
    wd14_use_spaces: bool = setting(True, "WD14: spaces in place of underscores, except in faces such as ^_^")
    wd14_escape: bool = setting(True, "WD14: a backslash before brackets, which prompts need")
    wd14_exclude_tags: str = setting("", "WD14: tags to leave out, with commas between")
