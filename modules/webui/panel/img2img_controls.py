"""The controls that img2img has beside those of every panel."""

from __future__ import annotations

from modules.generation.folder_batch import PNG_INFO_PROPERTIES
from modules.webui.panel.control import ChosenTab, Control, Drawn, Files, OneOf, Picture, Several, Slider, Switch, Text
from modules.webui.tab_bar import Tab

MODE = "mode_img2img"
MODES = (
    Tab(name="img2img", label="img2img", elem_id="img2img_img2img_tab"),
    Tab(name="sketch", label="Sketch", elem_id="img2img_img2img_sketch_tab"),
    Tab(name="inpaint", label="Inpaint", elem_id="img2img_inpaint_tab"),
    Tab(name="inpaint_sketch", label="Inpaint sketch", elem_id="img2img_inpaint_sketch_tab"),
    Tab(name="inpaint_upload", label="Inpaint upload", elem_id="img2img_inpaint_upload_tab"),
    Tab(name="batch", label="Batch", elem_id="img2img_batch_tab"),
)
INPAINT_MODES = ("inpaint", "inpaint_sketch", "inpaint_upload", "batch")
"""Those that show the controls of inpainting."""

BATCH_SOURCE = "img2img_batch_source"
BATCH_SOURCES = (
    Tab(name="upload", label="Upload", elem_id="img2img_batch_upload_tab"),
    Tab(name="folder", label="From directory", elem_id="img2img_batch_from_dir_tab"),
)
RESIZE = "img2img_tabs_resize"
RESIZES = (
    Tab(name="to", label="Resize to", elem_id="img2img_tab_resize_to"),
    Tab(name="by", label="Resize by", elem_id="img2img_tab_resize_by"),
)

CHOSEN_MODE, CHOSEN_SOURCE, CHOSEN_RESIZE = (
    Control(name=name, label="", elem_id=f"{group}_chosen", kind=ChosenTab(value=tabs[0].name))
    for name, group, tabs in (
        ("mode", MODE, MODES),
        ("batch_source", BATCH_SOURCE, BATCH_SOURCES),
        ("resize_how", RESIZE, RESIZES),
    )
)

INPAINT_UPLOAD = Control(
    name="upload_picture",
    label="Picture to begin with",
    elem_id="img_inpaint_base",
    kind=Picture(),
    props={"show_label": False, "height": "30vh"},
)
PICTURES = {
    mode: Control(name=name, label=label, elem_id=elem_id, kind=kind)
    for mode, name, label, elem_id, kind in (
        ("img2img", "picture", "Picture to begin with", "img2img_image", Drawn(paints="nothing")),
        (
            "sketch",
            "sketch",
            "Picture to draw on",
            "img2img_sketch",
            Drawn(paints="colours", colour="img2img_sketch_default_brush_color"),
        ),
        (
            "inpaint",
            "inpaint_picture",
            "Picture to paint in",
            "img2maskimg",
            Drawn(paints="mask", grows=True, colour="img2img_inpaint_mask_brush_color"),
        ),
        (
            "inpaint_sketch",
            "inpaint_sketch",
            "Picture to draw on and paint in",
            "inpaint_sketch",
            Drawn(paints="colours", grows=True, colour="img2img_inpaint_sketch_default_brush_color"),
        ),
    )
} | {"inpaint_upload": INPAINT_UPLOAD}
"""The picture that each sub tab begins with."""

CANVASES = ("img2img", "sketch", "inpaint", "inpaint_sketch")
"""The sub tabs whose picture is on a canvas."""

UPLOADED_MASK = Control(
    name="upload_mask",
    label="Mask: white where something new is painted",
    elem_id="img_inpaint_mask",
    kind=Picture(),
    props={"height": "30vh"},
)

BATCH_FILES = Control(name="batch_files", label="Files", elem_id="img2img_batch_upload", kind=Files())
BATCH_INPUT = Control(
    name="batch_input", label="Input directory", elem_id="img2img_batch_input_dir", kind=Text(), props={"max_lines": 1}
)
BATCH_OUTPUT = Control(
    name="batch_output",
    label="Output directory",
    elem_id="img2img_batch_output_dir",
    kind=Text(),
    props={"max_lines": 1, "placeholder": "Where img2img saves"},
)
BATCH_MASKS = Control(
    name="batch_masks",
    label="Mask directory, for inpainting",
    elem_id="img2img_batch_inpaint_mask_dir",
    kind=Text(),
    key="Inpaint batch mask directory (required for inpaint batch processing only)",
    props={"max_lines": 1, "placeholder": "Masks named as the pictures, or one for all"},
)
BATCH_PNG_INFO = Control(
    name="batch_png_info",
    label="Append png info to prompts",
    elem_id="img2img_batch_use_png_info",
    kind=Switch(),
)
BATCH_PNG_INFO_PROPS = Control(
    name="batch_png_info_props",
    label="What is taken from each picture's parameters",
    elem_id="img2img_batch_png_info_props",
    kind=Several(choices=lambda offers: PNG_INFO_PROPERTIES),
)
BATCH_PNG_INFO_DIR = Control(
    name="batch_png_info_dir",
    label="PNG info directory",
    elem_id="img2img_batch_png_info_dir",
    kind=Text(),
    props={"max_lines": 1, "placeholder": "The pictures themselves"},
)

RESIZE_MODES = ("Just resize", "Crop and resize", "Resize and fill", "Just resize (latent upscale)")
RESIZE_MODE = Control(
    name="resize_mode",
    label="Resize mode",
    elem_id="resize_mode",
    kind=OneOf(labels=RESIZE_MODES, value=RESIZE_MODES[0]),
)
SCALE = Control(
    name="scale",
    label="Scale",
    elem_id="img2img_scale",
    kind=Slider(value=1.0, minimum=0.05, maximum=4.0, step=0.05),
)
IMAGE_CFG_SCALE = Control(
    name="image_cfg_scale",
    label="Image CFG Scale",
    elem_id="img2img_image_cfg_scale",
    kind=Slider(value=1.5, minimum=0, maximum=3.0, step=0.05),
    infotext="Image CFG scale",
    convert=float,
    props={"info": "For checkpoints that edit pictures by instruction"},
)
DENOISING_STRENGTH = Control(
    name="denoising_strength",
    label="Denoising strength",
    elem_id="img2img_denoising_strength",
    kind=Slider(value=0.75, minimum=0.0, maximum=1.0, step=0.01),
    infotext="Denoising strength",
    convert=float,
)

MASK_BLUR = Control(
    name="mask_blur",
    label="Mask blur",
    elem_id="img2img_mask_blur",
    kind=Slider(value=4, minimum=0, maximum=64, step=1),
    infotext="Mask blur",
    convert=int,
)
MASK_TRANSPARENCY = Control(
    name="mask_alpha",
    label="Mask transparency",
    elem_id="img2img_mask_alpha",
    kind=Slider(value=0, minimum=0, maximum=100, step=1),
    convert=int,
    props={"elem_classes": ["mask-transparency"]},
)
MASK_MODES = ("Inpaint masked", "Inpaint not masked")
MASK_MODE = Control(
    name="mask_mode",
    label="Mask mode",
    elem_id="img2img_mask_mode",
    kind=OneOf(labels=MASK_MODES, value=MASK_MODES[0]),
    infotext="Mask mode",
)
MASKED_CONTENTS = ("fill", "original", "latent noise", "latent nothing")
MASKED_CONTENT = Control(
    name="masked_content",
    label="Masked content",
    elem_id="img2img_inpainting_fill",
    kind=OneOf(labels=MASKED_CONTENTS, value="original"),
    infotext="Masked content",
)
INPAINT_AREAS = ("Whole picture", "Only masked")
INPAINT_AREA = Control(
    name="inpaint_area",
    label="Inpaint area",
    elem_id="img2img_inpaint_full_res",
    kind=OneOf(labels=INPAINT_AREAS, value=INPAINT_AREAS[0]),
    infotext="Inpaint area",
)
PADDING = Control(
    name="padding",
    label="Only masked padding, pixels",
    elem_id="img2img_inpaint_full_res_padding",
    kind=Slider(value=32, minimum=0, maximum=256, step=4),
    infotext="Masked area padding",
    convert=int,
)

IN_SOFT_SCRIPT = "customscript/soft_inpainting.py/{tab}"
SOFT_INPAINTING = Control(
    name="soft_inpainting",
    label="Soft inpainting",
    elem_id="soft_inpainting_enabled-checkbox",
    kind=Switch(),
    where=IN_SOFT_SCRIPT,
)
SOFT = tuple(
    Control(
        name=f"soft_{name}",
        label=label,
        elem_id=elem_id,
        kind=Slider(value=value, minimum=least, maximum=most, step=step),
        where=IN_SOFT_SCRIPT,
        infotext=f"Soft inpainting {label.casefold()}",
        convert=float,
        props={"min_width": 150},
    )
    for name, label, elem_id, value, least, most, step in (
        ("schedule_bias", "Schedule bias", "mask_blend_power", 1, 0, 8, 0.1),
        ("preservation_strength", "Preservation strength", "mask_blend_scale", 0.5, 0, 8, 0.05),
        ("transition_contrast_boost", "Transition contrast boost", "inpaint_detail_preservation", 4, 1, 32, 0.5),
        ("mask_influence", "Mask influence", "composite_mask_influence", 0, 0, 1, 0.05),
        ("difference_threshold", "Difference threshold", "composite_difference_threshold", 0.5, 0, 8, 0.25),
        ("difference_contrast", "Difference contrast", "composite_difference_contrast", 2, 0, 8, 0.25),
    )
)
"""The fields of `SoftInpainting`, after "soft_"."""
