"""The controls of the Train tab: A1111's, and those of LoRAs and of the pictures that are learned from."""

from __future__ import annotations

from modules.webui.panel.control import Boxes, Choice, ChosenTab, Control, Number, OneOf, Slider, Switch, Text
from modules.webui.tab_bar import Tab

TAB = "train"
TABS = "train_tabs"
PAGES = (
    Tab(name="embedding", label="Create embedding", elem_id="train_create_embedding_tab"),
    Tab(name="hypernetwork", label="Create hypernetwork", elem_id="train_create_hypernetwork_tab"),
    Tab(name="train", label="Train", elem_id="train_train_tab"),
    Tab(name="lora", label="LoRA", elem_id="train_lora_tab"),
    Tab(name="dataset", label="Tags", elem_id="train_dataset_tab"),
)
CHOSEN = Control(name="page", label="", elem_id=f"{TABS}_chosen", kind=ChosenTab(value=PAGES[0].name))

ACTIVATIONS = (
    *("linear", "relu", "leakyrelu", "elu", "swish", "tanh", "sigmoid", "celu", "gelu", "hardshrink", "hardsigmoid"),
    *("hardswish", "hardtanh", "logsigmoid", "mish", "prelu", "relu6", "selu", "silu", "softplus", "softshrink"),
    *("softsign", "tanhshrink"),
)
INITIALIZATIONS = ("Normal", "KaimingUniform", "KaimingNormal", "XavierUniform", "XavierNormal")
SIZES = ("768", "1024", "320", "640", "1280")

_FOLDER = "A folder on the machine that Easel runs on"


def _text(name: str, label: str, elem_id: str, value: str = "", **props: object) -> Control:
    return Control(name=name, label=label, elem_id=elem_id, kind=Text(value=value), props={"max_lines": 1, **props})


def _number(name: str, label: str, elem_id: str, value: float) -> Control:
    return Control(name=name, label=label, elem_id=elem_id, kind=Number(value=value), props={"min_width": 120})


def _switch(name: str, label: str, elem_id: str, *, value: bool = False, key: str = "") -> Control:
    return Control(name=name, label=label, elem_id=elem_id, kind=Switch(value=value), key=key)


EMBEDDING_NAME = _text("new_embedding", "Name", "train_new_embedding_name")
INIT_TEXT = _text("init_text", "Initialization text", "train_initialization_text", "*")
VECTORS = Control(
    name="vectors",
    label="Number of vectors per token",
    elem_id="train_nvpt",
    kind=Slider(value=1, minimum=1, maximum=75, step=1),
)
OVERWRITE_EMBEDDING = _switch("overwrite_embedding", "Overwrite Old Embedding", "train_overwrite_old_embedding")

HYPERNETWORK_NAME = Control(
    name="new_hypernetwork",
    label="Name",
    elem_id="train_new_hypernetwork_name",
    kind=Text(),
    key="Hypernetwork name",
    props={"max_lines": 1},
)
MODULES = Control(
    name="sizes",
    label="Modules",
    elem_id="train_new_hypernetwork_sizes",
    kind=Boxes(labels=SIZES, value=("768", "320", "640", "1280")),
)
LAYERS = _text(
    "layers",
    "Enter hypernetwork layer structure",
    "train_new_hypernetwork_layer_structure",
    "1, 2, 1",
    placeholder="1st and last digit must be 1. ex:'1, 2, 1'",
)
ACTIVATION = Control(
    name="activation",
    label="Select activation function of hypernetwork. Recommended : Swish / Linear(none)",
    elem_id="train_new_hypernetwork_activation_func",
    kind=Choice(choices=lambda _: ACTIVATIONS, value="linear"),
)
INITIALIZATION = Control(
    name="initialization",
    label="Select Layer weights initialization. Recommended: Kaiming for relu-like, Xavier for sigmoid-like, Normal "
    "otherwise",
    elem_id="train_new_hypernetwork_initialization_option",
    kind=Choice(choices=lambda _: INITIALIZATIONS, value="Normal"),
)
LAYER_NORM = _switch("layer_norm", "Add layer normalization", "train_new_hypernetwork_add_layer_norm")
USE_DROPOUT = _switch("use_dropout", "Use dropout", "train_new_hypernetwork_use_dropout")
DROPOUT = _text(
    "dropout",
    "Enter hypernetwork Dropout structure (or empty). Recommended : 0~0.35 incrementing sequence: 0, 0.05, 0.15",
    "train_new_hypernetwork_dropout_structure",
    "0, 0, 0",
)
OVERWRITE_HYPERNETWORK = _switch(
    "overwrite_hypernetwork", "Overwrite Old Hypernetwork", "train_overwrite_old_hypernetwork"
)

EMBEDDING = Control(
    name="embedding",
    label="Embedding",
    elem_id="train_embedding",
    kind=Choice(choices=lambda offers: ["", *offers.embeddings], value="", changing=True, remembered=False),
    props={"min_width": 160},
)
HYPERNETWORK = Control(
    name="hypernetwork",
    label="Hypernetwork",
    elem_id="train_hypernetwork",
    kind=Choice(choices=lambda offers: ["", *offers.hypernetworks], value="", changing=True, remembered=False),
    props={"min_width": 160},
)
EMBEDDING_RATE = _text("embedding_rate", "Embedding Learning rate", "train_embedding_learn_rate", "0.005")
HYPERNETWORK_RATE = _text("hypernetwork_rate", "Hypernetwork Learning rate", "train_hypernetwork_learn_rate", "0.00001")
CLIPPING = Control(
    name="clipping",
    label="Gradient Clipping",
    elem_id="train_clip_grad_mode",
    kind=Choice(choices=lambda _: ("disabled", "value", "norm"), value="disabled"),
    props={"min_width": 120},
)
CLIP_AT = _text("clip_at", "Gradient clip value", "train_clip_grad_value", "0.1", min_width=120)
BATCH_SIZE = _number("batch_size", "Batch size", "train_batch_size", 1)
GRADIENT_STEP = _number("gradient_step", "Gradient accumulation steps", "train_gradient_step", 1)
DATASET = _text("dataset", "Dataset directory", "train_dataset_directory", placeholder=_FOLDER)
LOG_FOLDER = _text("log_folder", "Log directory", "train_log_directory", "textual_inversion")
TEMPLATE = Control(
    name="template",
    label="Prompt template",
    elem_id="train_template_file",
    kind=Choice(choices=lambda offers: offers.templates or ("",), value="style_filewords.txt", changing=True),
    props={"min_width": 160},
)
WIDTH, HEIGHT = (
    Control(
        name=label.lower(),
        label=label,
        elem_id=f"train_training_{label.lower()}",
        kind=Slider(value=512, minimum=64, maximum=2048, step=8),
    )
    for label in ("Width", "Height")
)
VARSIZE = _switch("varsize", "Do not resize images", "train_varsize")
STEPS = _number("steps", "Max steps", "train_steps", 100_000)
IMAGE_EVERY = _number(
    "image_every", "Save an image to log directory every N steps, 0 to disable", "train_create_image_every", 500
)
SAVE_EVERY = _number(
    "save_every",
    "Save a copy of embedding to log directory every N steps, 0 to disable",
    "train_save_embedding_every",
    500,
)
USE_WEIGHT = _switch("use_weight", "Use PNG alpha channel as loss weight", "use_weight")
CARDS = _switch(
    "cards", "Save images with embedding in PNG chunks", "train_save_image_with_stored_embedding", value=True
)
FROM_TXT2IMG = _switch(
    "from_txt2img",
    "Read parameters (prompt, etc...) from txt2img tab when making previews",
    "train_preview_from_txt2img",
)
SHUFFLE = _switch("shuffle", "Shuffle tags by ',' when creating prompts.", "train_shuffle_tags")
TAG_DROPOUT = Control(
    name="tag_dropout",
    label="Drop out tags when creating prompts.",
    elem_id="train_tag_drop_out",
    kind=Slider(value=0, minimum=0, maximum=1, step=0.1),
)
LATENTS = Control(
    name="latents",
    label="Choose latent sampling method",
    elem_id="train_latent_sampling_method",
    kind=OneOf(labels=("once", "deterministic", "random"), value="once"),
)

LORA_NAME = Control(
    name="lora_name", label="Name", elem_id="train_lora_name", kind=Text(), key="LoRA name", props={"max_lines": 1}
)
RANK = Control(
    name="rank", label="Rank", elem_id="train_lora_rank", kind=Slider(value=16, minimum=1, maximum=256, step=1)
)
ALPHA = Control(
    name="alpha",
    label="Alpha (0: the rank)",
    elem_id="train_lora_alpha",
    kind=Slider(value=0, minimum=0, maximum=256, step=1),
)
CONV_RANK = Control(
    name="conv_rank",
    label="Rank of convolutions (0: a plain LoRA)",
    elem_id="train_lora_conv_rank",
    kind=Slider(value=0, minimum=0, maximum=128, step=1),
)
LORA_DROPOUT = Control(
    name="lora_dropout",
    label="Dropout",
    elem_id="train_lora_dropout",
    kind=Slider(value=0, minimum=0, maximum=0.9, step=0.05),
)
TEXT_ENCODER = _switch("text_encoder", "Train the text encoder too", "train_lora_text_encoder")
LORA_RATE = _text("lora_rate", "LoRA Learning rate", "train_lora_learn_rate", "1e-4")
TEXT_RATE = _text("text_rate", "Learning rate of the text encoder (empty: the same)", "train_lora_text_learn_rate")
CURVE = Control(
    name="curve",
    label="Learning rate curve",
    elem_id="train_lora_curve",
    kind=OneOf(labels=("constant", "cosine"), value="cosine"),
)
WARMUP = _number("warmup", "Warm-up steps", "train_lora_warmup", 0)
LORA_STEPS = _number("lora_steps", "LoRA steps", "train_lora_steps", 1000)
LORA_BATCH = _number("lora_batch", "LoRA batch size", "train_lora_batch_size", 1)
BUCKETS = _switch("buckets", "Sizes by the shape of each picture (buckets)", "train_lora_buckets", value=True)
FLIP = _switch("flip", "Mirror pictures in every other round", "train_lora_flip")
KEEP_TAGS = _number("keep_tags", "Tags kept in front when shuffling", "train_lora_keep_tags", 1)
MIN_SNR = Control(
    name="min_snr",
    label="Min-SNR gamma (0: off)",
    elem_id="train_lora_min_snr_gamma",
    kind=Slider(value=5, minimum=0, maximum=20, step=0.5),
)
NOISE_OFFSET = Control(
    name="noise_offset",
    label="Noise offset",
    elem_id="train_lora_noise_offset",
    kind=Slider(value=0, minimum=0, maximum=0.3, step=0.01),
)
OPTIMISER = Control(
    name="optimiser",
    label="Optimizer",
    elem_id="train_lora_optimizer",
    kind=OneOf(labels=("AdamW", "AdamW8bit"), value="AdamW"),
)
PRECISION = Control(
    name="precision",
    label="Number type",
    elem_id="train_lora_precision",
    kind=OneOf(labels=("auto", "bf16", "fp16", "float32"), value="auto"),
)
CHECKPOINTING = _switch(
    "checkpointing", "Gradient checkpointing: less memory, a third more time", "train_lora_checkpointing", value=True
)
LORA_OVERWRITE = _switch("lora_overwrite", "Replace a LoRA of that name", "train_lora_overwrite")

TAGS_FOLDER = _text("tags_folder", "Folder with captions", "train_tags_folder", placeholder=_FOLDER)
DESCRIBED_BY = Control(
    name="tags_model",
    label="Describe the pictures with",
    elem_id="train_tags_model",
    kind=Choice(choices=lambda offers: offers.captioners, value="deepdanbooru"),
)
FIND = _text("tag_find", "Find tag", "train_tags_find")
REPLACE = _text("tag_replace", "Replace by (empty: remove it)", "train_tags_replace")
ADD_TAGS = _text("tags_add", "Add tags in front", "train_tags_add")
SORT = _switch("tags_sort", "Sort tags", "train_tags_sort")
UNIQUE = _switch("tags_unique", "Remove duplicates", "train_tags_unique", value=True)
SHORTER = _switch(
    "tags_shorter", 'Remove tags that a longer one says ("hair" where "long hair" stands)', "train_tags_shorter"
)
