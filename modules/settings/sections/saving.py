"""Where pictures are saved, under which names, in which form."""

from __future__ import annotations

from typing import ClassVar, Literal

from modules.settings.declare import Section, setting


class SavingPathsSection(Section):
    """Folders; an empty one means the default below the data folder's outputs/."""

    title: ClassVar[str] = "Paths for saving"
    category: ClassVar[str] = "saving"

    outdir_samples: str = setting("", "Folder for all pictures; empty: the separate folders below")
    outdir_txt2img_samples: str = setting("", "Output directory for txt2img images")
    outdir_img2img_samples: str = setting("", "Output directory for img2img images")
    outdir_extras_samples: str = setting("", "Output directory for images from extras tab")
    outdir_grids: str = setting("", "Folder for all grids; empty: the separate folders below")
    outdir_txt2img_grids: str = setting("", "Output directory for txt2img grids")
    outdir_img2img_grids: str = setting("", "Output directory for img2img grids")
    outdir_save: str = setting("", "Folder of the Save button; empty: log/images in the data folder")
    outdir_init_images: str = setting("", "Folder for the pictures that img2img starts from, where they are kept")


class SavingImagesSection(Section):
    """What a saved file holds and how it is called."""

    title: ClassVar[str] = "Saving images/grids"
    category: ClassVar[str] = "saving"

    samples_save: bool = setting(True, "Always save all generated images")
    samples_format: str = setting("png", "File format for images")
    samples_filename_pattern: str = setting("", "Images filename pattern")
    save_images_add_number: bool = setting(True, "Add number to filename when saving")
    save_images_replace_action: Literal["Replace", "Add number suffix"] = setting(
        "Replace", "Saving the image to an existing file", choices=("Replace", "Add number suffix")
    )
    grid_save: bool = setting(True, "Always save all generated image grids")
    grid_format: str = setting("png", "File format for grids")
    grid_extended_filename: bool = setting(False, "Put seed and prompt into the file names of grids")
    grid_only_if_multiple: bool = setting(True, "Do not save grids consisting of one picture")
    grid_prevent_empty_spots: bool = setting(False, "Choose grid sizes that leave no empty place")
    grid_zip_filename_pattern: str = setting("", "Archive filename pattern")
    n_rows: int = setting(-1, "Rows in a grid; -1: near a square, 0: as many as the batch size", ge=-1, le=16, step=1)
    font: str = setting("", "Font for image grids that have text: a file; empty: the program's own")
    grid_text_active_color: str = setting("#000000", "Text color for image grids")
    grid_text_inactive_color: str = setting("#999999", "Inactive text color for image grids")
    grid_background_color: str = setting("#ffffff", "Background color for image grids")
    grid_margin: int = setting(0, "Pixels between the pictures of a grid", ge=0, le=128, step=1)
    save_images_before_highres_fix: bool = setting(False, "Save a copy of image before applying highres fix")
    save_images_before_color_correction: bool = setting(False, "Save img2img results also with their own colours")
    save_mask: bool = setting(False, "For inpainting, save the mask beside the result")
    save_mask_composite: bool = setting(False, "For inpainting, save a masked composite")
    save_init_img: bool = setting(False, "Save init images when using img2img")
    jpeg_quality: int = setting(80, "Quality for saved jpeg and avif images", ge=1, le=100, step=1)
    webp_lossless: bool = setting(False, "Use lossless compression for webp images")
    export_for_4chan: bool = setting(True, "Save copy of large images as JPG")
    img_downscale_threshold: float = setting(4.0, "File size limit for the above option, MB")
    target_side_length: int = setting(4000, "Width or height limit for the above option, pixels")
    img_max_size_mp: float = setting(200, "Maximum image size", ge=1)
    save_images_before_face_restoration: bool = setting(False, "Save a copy of each picture before faces are restored")
    use_original_name_batch: bool = setting(
        True, "Use original name for output filename during batch process in extras tab"
    )
    use_upscaler_name_as_suffix: bool = setting(False, "Use upscaler name as filename suffix in the extras tab")
    save_selected_only: bool = setting(True, "The Save button saves the selected picture alone, not all of them")
    save_write_log_csv: bool = setting(True, "The Save button writes what it saves into log.csv, too")
    temp_dir: str = setting(
        "", "Folder for pictures that are dropped on the page; empty: cache/uploads in the data folder", restart=True
    )
    clean_temp_dir_at_start: bool = setting(False, "Empty the folder above at the start of Easel", restart=True)
    notification_audio: bool = setting(True, "Play notification.mp3 of the data folder when pictures are finished")
    notification_volume: int = setting(100, "Notification sound volume", ge=0, le=100, step=1)
    save_incomplete_images: bool = setting(False, "Save incomplete images")


class SavingFoldersSection(Section):
    """Sub-folders of the output folders."""

    title: ClassVar[str] = "Saving to a directory"
    category: ClassVar[str] = "saving"

    save_to_dirs: bool = setting(True, "Save images to a subdirectory")
    grid_save_to_dirs: bool = setting(True, "Save grids to a subdirectory")
    use_save_to_dirs_for_ui: bool = setting(False, "Save to a subdirectory with the Save button, too")
    directories_filename_pattern: str = setting("[date]", "Directory name pattern")
    directories_max_prompt_words: int = setting(8, "Max prompt words for [prompt_words] pattern", ge=1, le=20, step=1)
