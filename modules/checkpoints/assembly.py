"""A network on its way from files to memory: first the module without numbers and a check, then the numbers."""

from __future__ import annotations

import contextlib
import copy
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import torch
from torch import Tensor, nn

from modules.checkpoints.architectures.configs import MIDDLE_DEPTH
from modules.checkpoints.tensor_placement import place
from modules.checkpoints.tensors import TensorSource
from modules.checkpoints.unet_vector import with_whole_vector
from modules.checkpoints.upsample import with_doubling_upsamples
from modules.foundation.errors import CheckpointError
from modules.foundation.importing import importing
from modules.foundation.plain import JsonMapping
from modules.hardware.device import Hardware

if TYPE_CHECKING:
    from diffusers import AutoencoderKL, UNet2DConditionModel
    from transformers import CLIPTextModel

_BUFFERS: Mapping[str, Callable[[int], Tensor]] = {
    "position_ids": torch.arange,
    "token_type_ids": lambda length: torch.zeros(length, dtype=torch.long),
}
"""Buffers of text encoders that are in no file, by their length."""

NetworkModule = TypeVar("NetworkModule", bound=nn.Module)
Tensors = dict[str, Tensor]
OnValuesRead = Callable[[int], None]
"""Hears how many more numbers have been read."""


@dataclass(kw_only=True, eq=False)
class Assembly(Generic[NetworkModule]):
    """A network whose parameters are on the meta device, and which tensors of which open files they are.

    `keys` are pairs (file, names there -> names here); `rename` takes tensors under the latter names and gives them
    those of the module's parameters, without copying. What it gives besides is left over by `read`.
    """

    what: str
    module: NetworkModule
    keys: Sequence[tuple[TensorSource, Mapping[str, str]]]
    dtype: torch.dtype
    rename: Callable[[Tensors], Tensors] = lambda tensors: tensors
    _count: int | None = field(default=None, init=False)

    @property
    def count(self) -> int:
        """How many numbers there are to read."""
        if self._count is None:
            shapes = (source.shapes[key] for source, names in self.keys for key in names)
            self._count = sum(torch.Size(shape).numel() for shape in shapes)
        return self._count

    @property
    def bytes(self) -> int:
        """Memory that the network will take."""
        return self.count * self.dtype.itemsize

    def check(self) -> None:
        """See that every parameter has its tensor, of its shape; no number is read. Raises CheckpointError."""
        with torch.device("meta"):
            have = {name: torch.empty(source.shapes[key]) for source, names in self.keys for key, name in names.items()}
        have, wanted = self.rename(have), dict(self.module.named_parameters())
        if missing := sorted(wanted.keys() - have.keys()):
            raise CheckpointError(f"its {self.what} lacks {len(missing)} tensors, {missing[0]} among them")
        for name, parameter in wanted.items():
            if (shape := tuple(have[name].shape)) != tuple(parameter.shape):
                raise CheckpointError(
                    f"{name} of its {self.what} has the shape {shape}, where {tuple(parameter.shape)} is expected"
                )

    def read(self, hardware: Hardware, on_read: OnValuesRead = lambda count: None) -> tuple[NetworkModule, Tensors]:
        """The network with its numbers, frozen and ready to compute, and what was left over."""
        tensors: Tensors = {}
        for source, names in self.keys:
            for key in source.in_order(names):
                tensors[names[key]] = place(source, key, self.dtype, hardware)
                on_read(torch.Size(source.shapes[key]).numel())
        tensors = self.rename(tensors)
        mine = {name: tensors.pop(name) for name, _ in self.module.named_parameters()}
        device = next(iter(mine.values())).device
        self.module.load_state_dict(mine, strict=False, assign=True)
        # Parameters are there; what moves are the buffers.
        self.module.to(device).eval().requires_grad_(False)
        return self.module, tensors


def without_numbers(make: Callable[[], NetworkModule]) -> NetworkModule:
    """What `make` makes, with its parameters on the meta device: nothing is allocated or drawn at random.

    Other threads are not touched by this. Buffers that are not in files are made again: the positions of a text.
    """
    with torch.device("meta"):
        module = make()
    for owner in module.modules():
        for name, buffer in list(owner.named_buffers(recurse=False)):
            if not buffer.is_meta:
                continue
            if name not in _BUFFERS:
                raise CheckpointError(f"the class that runs it has a buffer {name!r}, which is not known here")
            owner.register_buffer(name, _BUFFERS[name](buffer.shape[-1]).expand(buffer.shape), persistent=False)
    return module


def unet_without_numbers(config: JsonMapping) -> UNet2DConditionModel:
    """diffusers' UNet of this configuration, with the parts that Easel replaces."""
    with importing("diffusers.models.unets.unet_2d_condition"):
        # From its own module: `diffusers` puts another object in its place at the end of its import, and a second
        # thread that waited for it would look into the former.
        from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel

    arguments = dict(config)
    middle = arguments.pop(MIDDLE_DEPTH, None)

    def make() -> UNet2DConditionModel:
        unet = with_doubling_upsamples(UNet2DConditionModel(**arguments))
        if middle is not None:
            transformer: Any = unet.get_submodule("mid_block.attentions.0")
            block = transformer.transformer_blocks[0]
            transformer.transformer_blocks = nn.ModuleList([copy.deepcopy(block) for _ in range(middle)])
        return with_whole_vector(unet) if config.get("addition_embed_type") == "text_time" else unet

    return without_numbers(make)


def vae_without_numbers(config: JsonMapping) -> AutoencoderKL:
    """diffusers' autoencoder of this configuration."""
    with importing("diffusers.models.autoencoders.autoencoder_kl"):
        from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL

    return without_numbers(lambda: AutoencoderKL(**config))


def clip_without_numbers(config: JsonMapping) -> CLIPTextModel:
    """transformers' CLIP text encoder of this configuration."""
    with importing("transformers.models.clip.modeling_clip"):
        from transformers import CLIPTextConfig, CLIPTextModel

    return without_numbers(lambda: CLIPTextModel(CLIPTextConfig(**config)))


def vae_tensors(tensors: Tensors) -> Tensors:
    """LDM's attention projects with 1x1 convolutions where diffusers has linear layers."""
    return {
        name: tensor[:, :, 0, 0] if ".attentions." in name and tensor.ndim == 4 else tensor
        for name, tensor in tensors.items()
    }


def clip_tensors(model: nn.Module) -> Callable[[Tensors], Tensors]:
    """Names of a text encoder's tensors for `model`: transformers keeps it one level down in some of its versions."""
    nested = "text_model." if next(iter(model.state_dict())).startswith("text_model.") else ""

    def rename(tensors: Tensors) -> Tensors:
        return {nested + name: tensor for name, tensor in tensors.items()}

    return rename


def set_encoder_format(vae: AutoencoderKL, hardware: Hardware) -> None:
    """Bring the encoder of a VAE into the layout in which it computes."""
    vae.encoder.to(memory_format=encoder_format(hardware))  # pyright: ignore[reportCallIssue]


def encoder_format(hardware: Hardware) -> torch.memory_format:
    """The layout in which a VAE encodes.

    The CPU's group norm loses small variances when channels come last, and a picture of one colour has none at all.
    """
    return torch.contiguous_format if hardware.is_cpu else hardware.memory_format


@contextlib.contextmanager
def naming_the_file(path: Path, what: str = "checkpoint") -> Generator[None]:
    """Turn what goes wrong inside into a CheckpointError that names `path` and says `what` it is not."""
    try:
        yield
    except CheckpointError as error:
        # What could not even be read has been named where it was found.
        names_file = str(error).startswith(str(path))
        raise CheckpointError(str(error) if names_file else f"{path} is not a usable {what}: {error}.") from error
    except torch.OutOfMemoryError as error:
        raise CheckpointError(f"{path} does not fit into the device's memory. Try --medvram.") from error
    except (RuntimeError, ValueError, TypeError, ArithmeticError, LookupError) as error:
        raise CheckpointError(f"{path} is not a usable {what}: {error}.") from error
