"""From a model file to networks that compute."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar, cast

from torch import Tensor, nn

from modules.checkpoints.architectures.architecture import (
    Component,
    EncoderKind,
    ImageInput,
    TextComponent,
    kind_of_encoder,
)
from modules.checkpoints.architectures.family import Family
from modules.checkpoints.assembly import (
    Assembly,
    OnValuesRead,
    clip_tensors,
    clip_without_numbers,
    naming_the_file,
    set_encoder_format,
    unet_without_numbers,
    vae_tensors,
    vae_without_numbers,
    without_numbers,
)
from modules.checkpoints.checkpoint_assembly import NOT_WEIGHTS, CheckpointAssembly, TextEncoderAssembly
from modules.checkpoints.diffusers_folder import assemble_folder
from modules.checkpoints.families import FamilyRegistry
from modules.checkpoints.identify import identify
from modules.checkpoints.info import CheckpointInfo
from modules.checkpoints.ldm_keys import KeyMap
from modules.checkpoints.openclip_keys import to_transformers
from modules.checkpoints.prediction import measured_prediction
from modules.checkpoints.tensors import TensorSource, open_tensors
from modules.foundation.plain import JsonMapping
from modules.hardware.device import Hardware
from modules.sampling.latent_space import LatentSpace
from modules.sampling.parameterisation import Prediction

if TYPE_CHECKING:
    from diffusers import AutoencoderKL, UNet2DConditionModel
    from transformers import CLIPTextModel

AnyModule = TypeVar("AnyModule", bound=nn.Module)

PROJECTION = "text_projection"


@dataclass(frozen=True, kw_only=True, eq=False)
class TextModel:
    """One text encoder; CLIP's, unless its family has one of its own.

    `projection` [width, projection] makes the vector of a whole text, where the family has one. `layers` is how many
    layers give the conditioning, None where the encoder's own rule says it.
    """

    name: str
    model: CLIPTextModel
    projection: Tensor | None = None
    layers: int | None = None

    @property
    def kind(self) -> EncoderKind:
        """By whose rules prompts are read and layers taken."""
        return kind_of_encoder(self.name)


@dataclass(frozen=True, kw_only=True, eq=False)
class LoadedCheckpoint:
    """A checkpoint in memory. `alphas_cumprod` is the file's own noise schedule, None where it carries none.

    `unet` is the network that denoises; in some families it is a transformer, and only `family.predict` calls it.
    """

    info: CheckpointInfo
    family: Family
    prediction: Prediction
    latents: LatentSpace
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
    info: CheckpointInfo,
    hardware: Hardware,
    on_progress: Callable[[float], None] | None = None,
    make_room: Callable[[int], None] | None = None,
    families: FamilyRegistry | None = None,
) -> LoadedCheckpoint:
    """Read a checkpoint, single file or diffusers folder, into the number types and layout that `hardware` wants.

    `on_progress` hears the share (0..1) that has been read. `make_room` is called with the bytes that the networks will
    take, once the file has been found to be whole and before a weight is read. `families` are Easel's own unless
    others are given. Raises CheckpointError naming the file and the reason; what was loaded before stays untouched.
    """
    families = families or FamilyRegistry()
    with contextlib.ExitStack() as files:
        if info.path.is_dir():
            assembly = assemble_folder(info, hardware, files, families)
        else:
            assembly = _assemble_file(info, hardware, files, families)
        with naming_the_file(info.path):
            for part in assembly.parts:
                part.check()
        if make_room is not None:
            make_room(assembly.bytes)
        with naming_the_file(info.path):
            return _built(info, assembly, hardware, _reporting(assembly, on_progress))


def _built(
    info: CheckpointInfo, assembly: CheckpointAssembly, hardware: Hardware, on_read: OnValuesRead
) -> LoadedCheckpoint:
    texts: list[TextModel] = []
    for text in assembly.text_encoders:
        model, left = text.assembly.read(hardware, on_read)
        projection = text.projection(left)
        texts.append(TextModel(name=text.name, model=model, projection=projection, layers=text.layers))
    vae, _ = assembly.vae.read(hardware, on_read)
    set_encoder_format(vae, hardware)
    unet, _ = assembly.unet.read(hardware, on_read)
    return LoadedCheckpoint(
        info=info,
        family=assembly.family,
        prediction=assembly.prediction or measured_prediction(unet, hardware),
        latents=assembly.latents,
        unet=unet,
        vae=vae,
        text_encoders=tuple(texts),
        alphas_cumprod=assembly.alphas_cumprod,
        image_input=assembly.image_input,
        zero_terminal_snr=assembly.zero_terminal_snr,
    )


def _reporting(assembly: CheckpointAssembly, on_progress: Callable[[float], None] | None) -> OnValuesRead:
    if on_progress is None:
        return lambda count: None
    total, done = sum(part.count for part in assembly.parts), 0

    def on_read(count: int) -> None:
        nonlocal done
        done += count
        on_progress(done / total)

    return on_read


def _assemble_file(
    info: CheckpointInfo, hardware: Hardware, files: contextlib.ExitStack, families: FamilyRegistry
) -> CheckpointAssembly:
    source = files.enter_context(open_tensors(info.path))
    architecture = identify(source, info.path, families)
    with naming_the_file(info.path):
        unet, vae = architecture.unet, architecture.vae
        return CheckpointAssembly(
            family=architecture.family,
            prediction=architecture.prediction,
            latents=architecture.latents,
            unet=Assembly(
                what="UNet",
                module=_module(unet, unet_without_numbers),
                keys=[(source, _names(source, unet))],
                dtype=hardware.unet_dtype,
            ),
            vae=Assembly(
                what="VAE",
                module=_module(vae, vae_without_numbers),
                keys=[(source, _names(source, vae))],
                dtype=hardware.vae_dtype,
                rename=vae_tensors if vae.build is None else lambda tensors: tensors,
            ),
            text_encoders=tuple(_text_encoder_assembly(source, each, hardware) for each in architecture.text_encoders),
            alphas_cumprod=source.read("alphas_cumprod") if "alphas_cumprod" in source.shapes else None,
            image_input=architecture.image_input,
            zero_terminal_snr=architecture.zero_terminal_snr,
        )


def _module(component: Component, usual: Callable[[JsonMapping], AnyModule]) -> AnyModule:
    """The module of a component, without numbers; of the `usual` class unless the family has another."""
    if component.build is None:
        return usual(component.config)
    build, config = component.build, component.config
    # What a family builds has the parts that its own functions ask for, whatever its class.
    return cast("AnyModule", without_numbers(lambda: build(config)))


def _text_encoder_assembly(source: TensorSource, component: TextComponent, hardware: Hardware) -> TextEncoderAssembly:
    module = _module(component, clip_without_numbers)
    nested = clip_tensors(module) if component.build is None else lambda tensors: tensors

    def rename(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
        if component.kind != "openclip":
            return nested(tensors)
        found, projection = to_transformers(tensors)
        return nested(found) | ({} if projection is None else {PROJECTION: projection})

    return TextEncoderAssembly(
        name=component.name,
        assembly=Assembly(
            what="text encoder",
            module=module,
            keys=[(source, _names(source, component))],
            dtype=hardware.text_dtype,
            rename=rename,
        ),
        projection=lambda left: left.get(PROJECTION),
    )


def _names(source: TensorSource, component: Component) -> dict[str, str]:
    """The tensors of one network: their names in the file, and those that its class gives them."""
    translate = KeyMap(iter(component.modules.items())) if component.modules else None
    found: dict[str, str] = {}
    for key in source.shapes:
        prefix = next((each for each in component.prefixes if key.startswith(each)), None)
        if prefix is None or key.endswith(NOT_WEIGHTS):
            continue
        name = key.removeprefix(prefix)
        target = translate(name) if translate else name
        if target is not None:
            found[key] = target
    return found
