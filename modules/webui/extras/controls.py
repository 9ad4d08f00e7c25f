"""The controls of the Extras tab."""

from __future__ import annotations

from modules.webui.panel.control import (
    Boxes,
    Choice,
    ChosenTab,
    Control,
    Files,
    Number,
    OneOf,
    Picture,
    Several,
    Slider,
    Switch,
    Text,
)
from modules.webui.tab_bar import Tab

TAB = "extras"

MODE = "mode_extras"
MODES = (
    Tab(name="single", label="Single Image", elem_id="extras_single_tab"),
    Tab(name="batch", label="Batch Process", elem_id="extras_batch_process_tab"),
    Tab(name="folder", label="Batch from Directory", elem_id="extras_batch_directory_tab"),
)
RESIZE = "extras_resize_mode"
RESIZES = (
    Tab(name="by", label="Scale by", elem_id="extras_scale_by_tab"),
    Tab(name="to", label="Scale to", elem_id="extras_scale_to_tab"),
)

CHOSEN_MODE, CHOSEN_RESIZE = (
    Control(name=name, label="", elem_id=f"{group}_chosen", kind=ChosenTab(value=tabs[0].name))
    for name, group, tabs in (("mode", MODE, MODES), ("resize_how", RESIZE, RESIZES))
)

IMAGE = Control(
    name="image", label="Source", elem_id="extras_image", kind=Picture(), props={"show_label": False, "height": "40vh"}
)
FILES = Control(name="files", label="Batch Process", elem_id="extras_image_batch", kind=Files())
INPUT = Control(
    name="input_dir",
    label="Input directory",
    elem_id="extras_batch_input_dir",
    kind=Text(),
    props={"max_lines": 1, "placeholder": "A folder on the machine that Easel runs on"},
)
OUTPUT = Control(
    name="output_dir",
    label="Output directory",
    elem_id="extras_batch_output_dir",
    kind=Text(),
    props={"max_lines": 1, "placeholder": "Where extras are saved"},
)
SHOW = Control(
    name="show_results", label="Show result images", elem_id="extras_show_extras_results", kind=Switch(value=True)
)

_UPSCALE = "customscript/postprocessing_upscale.py/extras"
UPSCALE = Control(
    name="upscale", label="Upscale", elem_id="extras_upscale-checkbox", kind=Switch(value=True), where=_UPSCALE
)
UPSCALER_1, UPSCALER_2 = (
    Control(
        name=f"upscaler_{number}",
        label=f"Upscaler {number}",
        elem_id=f"extras_upscaler_{number}",
        kind=Choice(choices=lambda offers: offers.picture_upscalers, value="None", changing=True),
        where=_UPSCALE,
        props={"min_width": 140},
    )
    for number in (1, 2)
)
UPSCALER_2_VISIBILITY = Control(
    name="upscaler_2_visibility",
    label="Upscaler 2 visibility",
    elem_id="extras_upscaler_2_visibility",
    kind=Slider(value=0.0, minimum=0.0, maximum=1.0, step=0.001),
    where=_UPSCALE,
)
SCALE = Control(
    name="scale",
    label="Resize",
    elem_id="extras_upscaling_resize",
    kind=Slider(value=4, minimum=1.0, maximum=8.0, step=0.05),
    where=_UPSCALE,
)
MAX_SIDE = Control(
    name="max_side",
    label="Max side length",
    elem_id="extras_upscale_max_side_length",
    kind=Number(value=0),
    where=_UPSCALE,
    props={"info": "If this is not 0, no side becomes longer.", "min_width": 140},
)
WIDTH, HEIGHT = (
    Control(
        name=label.lower(),
        label=label,
        elem_id=f"extras_upscaling_resize_{label[0].lower()}",
        kind=Slider(value=512, minimum=64, maximum=8192, step=8),
        where=_UPSCALE,
    )
    for label in ("Width", "Height")
)
CROP = Control(
    name="crop",
    label="Crop to fit",
    elem_id="extras_upscaling_crop",
    kind=Switch(value=True),
    where=_UPSCALE,
    props={"min_width": 120},
)

GFPGAN, CODEFORMER = (
    Control(
        name=name.lower(),
        label=name,
        elem_id=f"input-accordion-{number}-checkbox",
        kind=Switch(),
        where=f"customscript/postprocessing_{name.lower()}.py/extras",
    )
    for number, name in enumerate(("GFPGAN", "CodeFormer"))
)
GFPGAN_VISIBILITY, CODEFORMER_VISIBILITY = (
    Control(
        name=f"{name}_visibility",
        label="Visibility",
        elem_id=f"extras_{name}_visibility",
        kind=Slider(value=1.0, minimum=0.0, maximum=1.0, step=0.001),
        where=f"customscript/postprocessing_{name}.py/extras",
    )
    for name in ("gfpgan", "codeformer")
)
CODEFORMER_WEIGHT = Control(
    name="codeformer_weight",
    label="Weight (0 = maximum effect, 1 = minimum effect)",
    elem_id="extras_codeformer_weight",
    kind=Slider(value=0, minimum=0.0, maximum=1.0, step=0.001),
    where="customscript/postprocessing_codeformer.py/extras",
)

_CAPTION = "customscript/postprocessing_caption.py/extras"
CAPTION = Control(name="caption", label="Caption", elem_id="input-accordion-6-checkbox", kind=Switch(), where=_CAPTION)
CAPTION_MODELS = Control(
    name="caption_models",
    label="Described by",
    elem_id="extras_caption_models",
    kind=Several(choices=lambda offers: offers.captioners, value=("deepdanbooru",)),
    where=_CAPTION,
    props={"info": "The words go into a text file beside each picture. Models are read from the models folder."},
)

_SPLIT, _FOCAL, _SIZED, _FLIPPED = (
    f"customscript/postprocessing_{name}.py/extras"
    for name in ("split_oversized", "focal_crop", "autosized_crop", "create_flipped_copies")
)


def _share(name: str, label: str, elem_id: str, value: float, where: str, *, most: float = 1.0) -> Control:
    kind = Slider(value=value, minimum=0.0, maximum=most, step=0.01 if where == _SIZED else 0.05)
    return Control(name=name, label=label, elem_id=elem_id, kind=kind, where=where)


def _bound(name: str, label: str, elem_id: str, value: float, limits: tuple[int, int, int]) -> Control:
    kind = Slider(value=value, minimum=limits[0], maximum=limits[1], step=limits[2])
    return Control(name=name, label=label, elem_id=elem_id, kind=kind, where=_SIZED, props={"min_width": 140})


SPLIT, FOCAL, SIZED, FLIPPED = (
    Control(name=name, label=label, elem_id=f"input-accordion-{number}-checkbox", kind=Switch(), where=where)
    for number, (name, label, where) in enumerate(
        (
            ("split", "Split oversized images", _SPLIT),
            ("focal", "Auto focal point crop", _FOCAL),
            ("autosized", "Auto-sized crop", _SIZED),
            ("flipped", "Create flipped copies", _FLIPPED),
        ),
        start=2,
    )
)
SPLIT_THRESHOLD = _share("split_threshold", "Threshold", "postprocess_split_threshold", 0.5, _SPLIT)
SPLIT_OVERLAP = _share("split_overlap", "Overlap ratio", "postprocess_overlap_ratio", 0.2, _SPLIT, most=0.9)
FACE_WEIGHT = _share("focal_faces", "Focal point face weight", "postprocess_focal_crop_face_weight", 0.9, _FOCAL)
ENTROPY_WEIGHT = _share(
    "focal_entropy", "Focal point entropy weight", "postprocess_focal_crop_entropy_weight", 0.15, _FOCAL
)
EDGES_WEIGHT = _share("focal_edges", "Focal point edges weight", "postprocess_focal_crop_edges_weight", 0.5, _FOCAL)
FOCAL_DEBUG = Control(
    name="focal_debug",
    label="Create debug image",
    elem_id="train_process_focal_crop_debug",
    kind=Switch(),
    where=_FOCAL,
)
SIDE_LEAST = _bound("sized_side_least", "Dimension lower bound", "postprocess_multicrop_mindim", 384, (64, 2048, 8))
SIDE_MOST = _bound("sized_side_most", "Dimension upper bound", "postprocess_multicrop_maxdim", 768, (64, 2048, 8))
_AREAS = (64 * 64, 2048 * 2048, 1)
AREA_LEAST = _bound("sized_area_least", "Area lower bound", "postprocess_multicrop_minarea", 64 * 64, _AREAS)
AREA_MOST = _bound("sized_area_most", "Area upper bound", "postprocess_multicrop_maxarea", 640 * 640, _AREAS)
OBJECTIVE = Control(
    name="sized_objective",
    label="Resizing objective",
    elem_id="postprocess_multicrop_objective",
    kind=OneOf(labels=("Maximize area", "Minimize error"), value="Maximize area"),
    where=_SIZED,
)
SIZED_THRESHOLD = _share("sized_threshold", "Error threshold", "postprocess_multicrop_threshold", 0.1, _SIZED)
FLIPS = Control(
    name="flips",
    label="Create copies that are flipped",
    elem_id="extras_flipped_copies",
    kind=Boxes(labels=("Horizontal", "Vertical", "Both"), value=("Horizontal",)),
    where=_FLIPPED,
)
