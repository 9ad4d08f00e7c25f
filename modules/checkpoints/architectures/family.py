"""A family of models: everything that is decided for all of its checkpoints.

A new family is one file beside this one (or in an extension) with a `Family`, and the network that runs it. Nothing
outside asks for a family's name: callers read the field of the decision they need.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from modules.foundation.plain import JsonMapping
from modules.sampling.latent_space import LatentSpace
from modules.sampling.parameterisation import Prediction

if TYPE_CHECKING:
    from torch import Tensor, nn

    from modules.checkpoints.architectures.architecture import Architecture, Refusal
    from modules.checkpoints.declared import Declared
    from modules.checkpoints.load import LoadedCheckpoint
    from modules.checkpoints.tensors import Shapes
    from modules.sampling.conditioning import CondBatch
    from modules.sampling.model_schedule import ModelSchedule

Claim = Callable[["Shapes", "Declared"], "Architecture | Refusal"]
"""A family's answer to the names and shapes of a file. Raises CheckpointError for a file that is its own but broken."""

PredictWith = Callable[["nn.Module", "Tensor", "Tensor", "CondBatch"], "Tensor"]
"""`predict(network, x, t, cond)`: the output for scaled latents x [B, C, h, w] at times t [B], in the type of x."""


@dataclass(frozen=True, kw_only=True)
class SmallVaeFiles:
    """The stems of the files of small stand-ins for a VAE, under A1111's names."""

    decoder: str
    encoder: str
    approximation: str


@dataclass(frozen=True, kw_only=True)
class PictureFacts:
    """What a model may be told of a picture: (height, width) in pixels, (top, left) of its crop, aesthetic scores.

    `original` is the (height, width) before it was cut, where that is another.
    """

    size: tuple[int, int]
    original: tuple[int, int] | None = None
    crop: tuple[int, int] = (0, 0)
    low_score: float = 0.0
    high_score: float = 0.0


SizeNumbers = tuple[Sequence[float], Sequence[float]]
"""What goes beside the vector of the text, for prompts and for negative prompts."""


@dataclass(frozen=True, kw_only=True)
class NetworkTraces:
    """By what a LoRA or an embedding is known to be for a family.

    `trained_as` are beginnings of what trainers write as the base model, `base_model` and `modelspec` what Easel writes
    there into its own files, in their words. `metadata` entries of the header that only
    this family has, `keys` beginnings of its layers' names. `context_width` is the length of the vectors that
    cross-attention takes, `embedding_width` that of textual inversions, those for several encoders added up.
    """

    trained_as: tuple[str, ...] = ()
    base_model: str = ""
    modelspec: str = ""
    metadata: Mapping[str, str] = field(default_factory=dict[str, str])
    keys: tuple[str, ...] = ()
    context_width: int | None = None
    embedding_width: int | None = None


@dataclass(frozen=True, kw_only=True)
class FolderConfigs:
    """The configuration files of a model in diffusers' form. `parts` are the folders that there are."""

    index: JsonMapping
    unet: JsonMapping
    text: JsonMapping
    parts: frozenset[str]


def takes_embedding(configs: FolderConfigs) -> bool:
    """Whether a UNet in diffusers' form takes CLIP's vector of a picture and nothing else beside the text (unCLIP)."""
    return configs.unet.get("class_embed_type") == "projection" and not configs.unet.get("addition_embed_type")


@dataclass(frozen=True, kw_only=True)
class FolderForm:
    """A family in diffusers' form: which folders are its own, and which hold its text encoders, by the encoder's name.

    `lacks_last_layer` says that encoders are saved without the layer that is never used. `build` makes an encoder of
    its configuration; None is CLIP's.
    """

    claims: Callable[[FolderConfigs], bool]
    encoders: Mapping[str, str]
    lacks_last_layer: bool = False
    build: Callable[[JsonMapping], nn.Module] | None = None


@dataclass(frozen=True, kw_only=True, eq=False)
class Family:
    """The decisions of a family. Its models share networks and embeddings; models that edit are of their base's family.

    `latents` may have another scale in a single checkpoint. `prediction` is None where only the weights can tell.
    `native_side` is the side in pixels of the square that pictures of its training had; `patch` is how many cells on a
    side its network takes at once. `official_vae` are the widths of the VAE that `latents.preview` was made for.

    Text: `pooled_text` puts encoders side by side, with the last one's vector of the whole text; `sizes` gives the
    numbers that go beside that vector. `text_encoder` makes one of the family's own (see `TextEncoder` in
    `modules.text_encoders.prompt_conditioning`) from the loaded checkpoint.

    `predict` calls the network; None is the way of diffusers' UNet. `schedule` gives the levels that a checkpoint was
    trained on; None is Stable Diffusion's. `folder` is None where diffusers' form is not read.
    """

    name: str
    claim: Claim
    latents: LatentSpace
    prediction: Prediction | None = "epsilon"
    native_side: int = 512
    patch: int = 1
    official_vae: tuple[int, ...] = (128, 256, 512, 512)
    pooled_text: bool = False
    sizes: Callable[[PictureFacts], SizeNumbers] | None = None
    text_encoder: Callable[[LoadedCheckpoint], Any] | None = None
    align_your_steps: tuple[float, ...] | None = None
    small_vaes: SmallVaeFiles | None = None
    traces: NetworkTraces = field(default_factory=NetworkTraces)
    folder: FolderForm | None = None
    predict: PredictWith | None = None
    schedule: Callable[[LoadedCheckpoint], ModelSchedule] | None = None

    @property
    def size_step(self) -> int:
        """Pixels of which width and height are multiples."""
        return self.latents.pixels * self.patch

    def __str__(self) -> str:
        return self.name
