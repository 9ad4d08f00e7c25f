"""What unCLIP checkpoints read pictures with: CLIP's vision transformer, and noise on the vector that it gives.

Ramesh et al. 2022 (unCLIP); Stable unCLIP 2.1 of Stability AI. The UNet takes the noised vector and, as sinusoids, how
much noise it has.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torch.nn import functional

from modules.checkpoints.assembly import Assembly, naming_the_file, without_numbers
from modules.checkpoints.folder_configs import read_json
from modules.checkpoints.layout import count_layers
from modules.checkpoints.openclip_keys import vision_to_transformers
from modules.checkpoints.pickles import load_pickle
from modules.checkpoints.tensors import Shapes, TensorSource, open_tensors
from modules.foundation.errors import CheckpointError, RequestError
from modules.foundation.importing import importing
from modules.foundation.plain import JsonMapping
from modules.hardware.device import Hardware

if TYPE_CHECKING:
    from transformers import CLIPVisionModelWithProjection

VISION = "embedder.model.visual."
MEAN, DEVIATION = "noise_augmentor.data_mean", "noise_augmentor.data_std"
FOLDER_PART, NORMALIZER_PART = "image_encoder", "image_normalizer"
"""The folders of the network and of the statistics in a checkpoint of diffusers' form."""

CLIP_MEAN = (0.48145466, 0.4578275, 0.40821073)
CLIP_STD = (0.26862954, 0.26130258, 0.27577711)
"""Mean and deviation of the pictures that CLIP was trained on (Radford et al. 2021)."""

OPENAI_WIDTH = 768
"""The length of the vectors of OpenAI's ViT-L; those of OpenCLIP's ViT-H have 1024 numbers."""

STATISTICS_FILE = "ViT-L-14_stats.th"
STATISTICS_NEEDS = (
    f"put {STATISTICS_FILE} (https://github.com/kakaobrain/karlo, among the files of Karlo 1.0 alpha) into"
)
NOISE_STEPS = 1000
LARGEST_BETA = 0.999


class ImageEmbedder:
    """A loaded vision transformer with the mean and the deviation [width] of its vectors."""

    def __init__(self, model: CLIPVisionModelWithProjection, mean: Tensor, deviation: Tensor) -> None:
        self.model = model
        self.mean, self.deviation = mean.float(), deviation.float()

    @property
    def width(self) -> int:
        """The length of the vectors."""
        return len(self.mean)

    def __call__(self, pictures: Tensor) -> Tensor:
        """The vectors [B, width] of pictures [B, 3, H, W] in -1..1, in float32."""
        model: Any = self.model
        side = model.config.image_size
        seen = (square(pictures.float(), side) + 1) / 2
        mean, deviation = (torch.tensor(each, device=seen.device).view(1, 3, 1, 1) for each in (CLIP_MEAN, CLIP_STD))
        return model(((seen - mean) / deviation).to(model.dtype)).image_embeds.float()

    def noised(self, vectors: Tensor, level: int, noise: Tensor) -> Tensor:
        """What the UNet takes for vectors [B, width]: noised to `level` (0..999), and the level, [B, 2 width]."""
        mean, deviation = self.mean.to(vectors), self.deviation.to(vectors)
        kept = cosine_alphas_cumprod()[level].item()
        mixed = math.sqrt(kept) * (vectors - mean) / deviation + math.sqrt(1 - kept) * noise.to(vectors)
        half = self.width // 2
        frequencies = torch.exp(-math.log(10_000) * torch.arange(half, device=vectors.device) / half)
        sinusoids = torch.cat([(level * frequencies).cos(), (level * frequencies).sin()])
        return torch.cat([mixed * deviation + mean, sinusoids.expand(len(vectors), -1)], dim=1)


def cosine_alphas_cumprod() -> Tensor:
    """The noise schedule of the vectors [1000], a squared cosine (Nichol, Dhariwal 2021)."""
    share = torch.arange(NOISE_STEPS + 1, dtype=torch.float64) / NOISE_STEPS
    bars = torch.cos((share + 0.008) / 1.008 * math.pi / 2) ** 2
    betas = (1 - bars[1:] / bars[:-1]).clamp_max(LARGEST_BETA)
    return (1 - betas).cumprod(0)


def square(pictures: Tensor, side: int) -> Tensor:
    """Pictures [B, 3, H, W] stretched to squares, corner on corner, after a blur that suits how much they shrink."""
    height, width = pictures.shape[-2:]
    if max(height, width) > side:
        pictures = _blurred(_blurred(pictures, height / side, 2), width / side, 3)
    return functional.interpolate(pictures, size=(side, side), mode="bicubic", align_corners=True)


def _blurred(pictures: Tensor, factor: float, dim: int) -> Tensor:
    """A Gaussian along one dimension; its deviation is half of what `factor` is above 1."""
    sigma = max((factor - 1) / 2, 0.001)
    size = int(max(4 * sigma, 3))
    size += 1 - size % 2
    places = torch.arange(size, device=pictures.device, dtype=pictures.dtype) - size // 2
    kernel = torch.softmax(-(places**2) / (2 * sigma**2), dim=0)
    shape, margin = ((size, 1), (0, 0, size // 2, size // 2)) if dim == 2 else ((1, size), (size // 2, size // 2, 0, 0))
    channels = pictures.shape[1]
    padded = functional.pad(pictures, margin, mode="reflect")
    return functional.conv2d(padded, kernel.view(1, 1, *shape).expand(channels, 1, *shape), groups=channels)


def load_image_embedder(checkpoint: Path, folders: Sequence[Path], hardware: Hardware) -> ImageEmbedder:
    """The image embedder of a checkpoint; statistics that it lacks are looked for in `folders`.

    Raises RequestError that says what to put where, CheckpointError naming a file that cannot be used.
    """
    if checkpoint.is_dir():
        return _from_folder(checkpoint, hardware)
    with open_tensors(checkpoint) as source:
        if f"{VISION}conv1.weight" not in source.shapes:
            raise CheckpointError(
                f"{checkpoint} is not a usable unCLIP checkpoint: it has no image encoder under {VISION!r}. Download "
                "it again, whole."
            )
        with naming_the_file(checkpoint):
            config = _config(source.shapes)
            names = {key: key.removeprefix(VISION) for key in source.shapes if key.startswith(VISION)}
            model = _read(source, config, names, hardware, original=True)
            mean, deviation = _statistics(source, config["projection_dim"], checkpoint, folders)
    return ImageEmbedder(model, mean, deviation)


def _from_folder(checkpoint: Path, hardware: Hardware) -> ImageEmbedder:
    folder, statistics = checkpoint / FOLDER_PART, checkpoint / NORMALIZER_PART
    config = read_json(folder / "config.json")
    config = {key: value for key, value in config.items() if not key.startswith("_")}
    with contextlib.ExitStack() as stack:
        source = stack.enter_context(open_tensors(_weights(folder)))
        with naming_the_file(folder):
            model = _read(source, config, {key: key for key in source.shapes}, hardware)
        normalizer = stack.enter_context(open_tensors(_weights(statistics)))
        with naming_the_file(statistics):
            mean, deviation = (normalizer.read(name).flatten() for name in ("mean", "std"))
    return ImageEmbedder(model, mean, deviation)


def _weights(folder: Path) -> Path:
    names = ("model", "diffusion_pytorch_model", "pytorch_model")
    files = (folder / f"{name}{kind}" for name in names for kind in (".safetensors", ".fp16.safetensors", ".bin"))
    path = next((each for each in files if each.is_file()), None)
    if path is None:
        raise CheckpointError(f"{folder} holds no weights; download or copy the folder again.")
    return path


def _statistics(source: TensorSource, width: int, checkpoint: Path, folders: Sequence[Path]) -> tuple[Tensor, Tensor]:
    """Mean and deviation of the vectors: the file's own; none for OpenCLIP's, which were trained without."""
    if MEAN in source.shapes and DEVIATION in source.shapes:
        return source.read(MEAN).flatten(), source.read(DEVIATION).flatten()
    if width != OPENAI_WIDTH:
        return torch.zeros(width), torch.ones(width)
    path = next((folder / STATISTICS_FILE for folder in folders if (folder / STATISTICS_FILE).is_file()), None)
    if path is None:
        where = folders[0] if folders else "models/karlo"
        raise RequestError(
            f"{checkpoint.name} takes pictures as vectors of CLIP, whose statistics are missing: {STATISTICS_NEEDS} "
            f"{where}.",
            "init_images",
        )
    found: Any = load_pickle(path)
    if not (isinstance(found, tuple | list) and len(found) == 2 and all(isinstance(each, Tensor) for each in found)):
        raise CheckpointError(f"{path} does not hold a mean and a deviation of vectors. Download it again.")
    return found[0].flatten(), found[1].flatten()


def _config(shapes: Shapes) -> dict[str, Any]:
    """Arguments of transformers' CLIPVisionConfig. Raises CheckpointError for names that do not form the network."""
    try:
        width, _, patch, _ = shapes[f"{VISION}conv1.weight"]
        projection = shapes[f"{VISION}proj"][1]
        grid = round((shapes[f"{VISION}positional_embedding"][0] - 1) ** 0.5)
        openai = projection == OPENAI_WIDTH
        # OpenCLIP's ViT-H has 16 heads of 80, OpenAI's ViT-L 16 of 64.
        head = 64 if openai or width % 80 else 80
        return {
            "hidden_size": width,
            "intermediate_size": shapes[f"{VISION}transformer.resblocks.0.mlp.c_fc.weight"][0],
            "projection_dim": projection,
            "num_hidden_layers": count_layers(shapes, f"{VISION}transformer.resblocks.", ".ln_1.weight"),
            "num_attention_heads": max(width // head, 1),
            "image_size": grid * patch,
            "patch_size": patch,
            "hidden_act": "quick_gelu" if openai else "gelu",
        }
    except (KeyError, IndexError, ValueError) as error:
        raise CheckpointError(f"its image encoder is no CLIP (there is no whole {error})") from error


@torch.inference_mode(False)
def _read(
    source: TensorSource, config: JsonMapping, names: dict[str, str], hardware: Hardware, *, original: bool = False
) -> CLIPVisionModelWithProjection:
    with importing("transformers.models.clip.modeling_clip"):
        from transformers import CLIPVisionConfig, CLIPVisionModelWithProjection

    made = Assembly(
        what="image encoder",
        module=without_numbers(lambda: CLIPVisionModelWithProjection(CLIPVisionConfig(**config))),
        keys=[(source, names)],
        dtype=hardware.text_dtype,
        rename=vision_to_transformers if original else lambda tensors: tensors,
    )
    made.check()
    return made.read(hardware)[0]
