"""From a model file to networks that compute."""

from __future__ import annotations

import contextlib
import json
import logging
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from modules.checkpoints.architectures.architecture import (
    Component,
    EncoderName,
    Family,
    ImageInput,
    TextComponent,
)
from modules.checkpoints.declared import Prediction
from modules.checkpoints.identify import identify
from modules.checkpoints.info import CheckpointInfo
from modules.checkpoints.openclip_keys import to_transformers
from modules.checkpoints.prediction import measured_prediction
from modules.checkpoints.tensors import TensorSource, open_tensors
from modules.checkpoints.unet_vector import with_whole_vector
from modules.checkpoints.upsample import with_doubling_upsamples
from modules.foundation.errors import CheckpointError
from modules.hardware.device import Hardware

if TYPE_CHECKING:
    from diffusers import AutoencoderKL, UNet2DConditionModel
    from transformers import CLIPTextModel

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, eq=False)
class TextModel:
    """One text encoder. `projection` [width, projection] makes the vector of a whole text, where the family has one.

    `layers` is how many layers give the conditioning, None where the encoder's own rule says it.
    """

    name: EncoderName
    model: CLIPTextModel
    projection: Tensor | None = None
    layers: int | None = None


@dataclass(frozen=True, kw_only=True, eq=False)
class LoadedCheckpoint:
    """A checkpoint in memory. `alphas_cumprod` is the file's own noise schedule, None where it carries none."""

    info: CheckpointInfo
    family: Family
    prediction: Prediction
    latent_scale: float
    unet: UNet2DConditionModel
    vae: AutoencoderKL
    text_encoders: tuple[TextModel, ...]
    alphas_cumprod: Tensor | None
    image_input: ImageInput = "none"
    zero_terminal_snr: bool = False

    @property
    def text_encoder(self) -> CLIPTextModel:
        """The first text encoder, for most families the only one."""
        return self.text_encoders[0].model

    @property
    def text_models(self) -> tuple[CLIPTextModel, ...]:
        """All text encoders, as networks."""
        return tuple(encoder.model for encoder in self.text_encoders)

    @property
    def size(self) -> int:
        """Bytes of all weights."""
        parts: tuple[nn.Module, ...] = (self.unet, self.vae, *self.text_models)
        return sum(tensor.nbytes for part in parts for tensor in part.state_dict().values())


def load_checkpoint(
    info: CheckpointInfo, hardware: Hardware, on_progress: Callable[[float], None] | None = None
) -> LoadedCheckpoint:
    """Read a checkpoint, single file or diffusers folder, into the number types and layout that `hardware` wants.

    `on_progress` hears the share (0..1) that has been read. Raises CheckpointError naming the file and the reason; what
    was loaded before stays untouched.
    """
    if info.path.is_dir():
        from modules.checkpoints.diffusers_folder import load_folder

        return load_folder(info, hardware, on_progress)
    report = on_progress or (lambda share: None)
    with open_tensors(info.path) as source:
        architecture = identify(source, info.path)
        with naming_the_file(info.path):
            text_encoders = tuple(_text_model(source, each, hardware) for each in architecture.text_encoders)
            report(0.15)
            vae = build_vae(
                architecture.vae.config, _tensors(source, architecture.vae, hardware.vae_dtype, hardware), hardware
            )
            report(0.25)
            unet = build_unet(
                architecture.unet.config, _tensors(source, architecture.unet, hardware.unet_dtype, hardware), hardware
            )
            prediction = architecture.prediction or measured_prediction(unet, hardware)
            report(1.0)
        alphas = source.read("alphas_cumprod").clone() if "alphas_cumprod" in source.shapes else None
    return LoadedCheckpoint(
        info=info,
        family=architecture.family,
        prediction=prediction,
        latent_scale=architecture.latent_scale,
        unet=unet,
        vae=vae,
        text_encoders=text_encoders,
        alphas_cumprod=alphas,
        image_input=architecture.image_input,
        zero_terminal_snr=architecture.zero_terminal_snr,
    )


def _text_model(source: TensorSource, component: TextComponent, hardware: Hardware) -> TextModel:
    tensors = _tensors(source, component, hardware.text_dtype, hardware)
    projection = None
    if component.is_openclip:
        tensors, projection = to_transformers(tensors)
    return TextModel(name=component.name, model=build_clip(component.config, tensors), projection=projection)


def _tensors(source: TensorSource, component: Component, dtype: torch.dtype, hardware: Hardware) -> dict[str, Tensor]:
    """The tensors of one network under the names of its class, each read, converted and moved once."""
    from modules.checkpoints.ldm_keys import KeyMap

    translate = KeyMap(iter(component.modules.items())) if component.modules else None
    found: dict[str, Tensor] = {}
    for key in source.shapes:
        prefix = next((each for each in component.prefixes if key.startswith(each)), None)
        if prefix is None:
            continue
        name = key.removeprefix(prefix)
        target = translate(name) if translate else name
        if target is not None:
            found[target] = place(source.read(key), dtype, hardware)
    return found


def place(tensor: Tensor, dtype: torch.dtype, hardware: Hardware) -> Tensor:
    """A tensor of its own on the device, in `dtype` (integers stay) and, for convolutions, in the device's layout."""
    if tensor.is_floating_point():
        tensor = tensor.to(dtype)
    if tensor.ndim == 4:
        tensor = tensor.contiguous(memory_format=hardware.memory_format)
    moved = tensor.to("cpu" if hardware.offload else hardware.device)
    # What is still backed by the file's pages must not be: the file may be replaced while the model lives.
    return moved.clone(memory_format=torch.preserve_format) if moved.device.type == "cpu" else moved


def build_unet(config: Mapping[str, Any], tensors: dict[str, Tensor], hardware: Hardware) -> UNet2DConditionModel:
    """diffusers' UNet with these weights."""
    from diffusers import UNet2DConditionModel

    def make() -> UNet2DConditionModel:
        unet = with_doubling_upsamples(UNet2DConditionModel(**config))
        return with_whole_vector(unet) if config.get("addition_embed_type") == "text_time" else unet

    return _filled(make, tensors, "UNet")


def build_vae(config: Mapping[str, Any], tensors: dict[str, Tensor], hardware: Hardware) -> AutoencoderKL:
    """diffusers' autoencoder with these weights."""
    from diffusers import AutoencoderKL

    for name, tensor in tensors.items():
        # LDM's attention projects with 1x1 convolutions where diffusers has linear layers.
        if ".attentions." in name and tensor.ndim == 4:
            tensors[name] = tensor[:, :, 0, 0].contiguous()
    vae: AutoencoderKL = _filled(lambda: AutoencoderKL(**config), tensors, "VAE")
    vae.encoder.to(memory_format=encoder_format(hardware))  # pyright: ignore[reportCallIssue]
    return vae


def encoder_format(hardware: Hardware) -> torch.memory_format:
    """The layout in which a VAE encodes.

    The CPU's group norm loses small variances when channels come last, and a picture of one colour has none at all.
    """
    return torch.contiguous_format if hardware.is_cpu else hardware.memory_format


def build_clip(config: Mapping[str, Any], tensors: dict[str, Tensor]) -> CLIPTextModel:
    """transformers' CLIP text encoder with these weights."""
    from transformers import CLIPTextConfig, CLIPTextModel

    def make() -> CLIPTextModel:
        return CLIPTextModel(CLIPTextConfig(**config))

    tensors.pop("embeddings.position_ids", None)
    return _filled(make, tensors, "text encoder", nested="text_model.")


def _filled(make: Callable[[], Any], tensors: dict[str, Tensor], what: str, nested: str = "") -> Any:
    """Make a module without allocating weights, and give it `tensors` as its own."""
    from accelerate import init_empty_weights

    with init_empty_weights(include_buffers=False):
        module: nn.Module = make()
    # transformers keeps the encoder one level down in some of its versions.
    if nested and next(iter(module.state_dict())).startswith(nested):
        tensors = {nested + name: tensor for name, tensor in tensors.items()}
    wanted = {name for name, parameter in module.named_parameters() if parameter.is_meta}
    if missing := sorted(wanted - tensors.keys()):
        raise CheckpointError(f"its {what} lacks {len(missing)} tensors, {missing[0]} among them")
    module.load_state_dict({name: tensors[name] for name in wanted}, strict=False, assign=True)
    device = next(iter(tensors.values())).device
    return module.to(device).eval().requires_grad_(False)


@contextlib.contextmanager
def naming_the_file(path: Path, what: str = "checkpoint") -> Generator[None]:
    """Turn what goes wrong inside into a CheckpointError that names `path` and says `what` it is not."""
    try:
        yield
    except CheckpointError as error:
        raise CheckpointError(f"{path} is not a usable {what}: {error}.") from error
    except torch.OutOfMemoryError as error:
        raise CheckpointError(f"{path} does not fit into the device's memory. Try --medvram.") from error
    except (RuntimeError, ValueError) as error:
        # Shapes that contradict each other: torch names the first, and one is enough.
        reason = next((line.strip() for line in str(error).splitlines() if "mismatch" in line), str(error))
        raise CheckpointError(f"{path} is not a usable {what}: {reason}.") from error


def read_json(path: Path) -> dict[str, Any]:
    """A JSON object from a file. Raises CheckpointError naming the file."""
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise CheckpointError(f"{path} cannot be read: {error}.") from error
    if not isinstance(value, dict):
        raise CheckpointError(f"{path} does not hold a JSON object.")
    return value
