"""Everything that has to be there before the first step of a training."""

from __future__ import annotations

import contextlib
import datetime
import time
from collections.abc import Generator
from dataclasses import dataclass, field
from pathlib import Path

import torch

from modules.foundation.errors import OutOfMemory, RequestError, UnknownName
from modules.generation.progress import RunControl
from modules.hardware.memory import release
from modules.pipeline.engine import Engine
from modules.pipeline.model import LoadedModel
from modules.settings.model import Settings
from modules.text_encoders.prompt_conditioning import EncodingOptions
from modules.training.captions import NAME, WORDS
from modules.training.dataset import Dataset, read_dataset
from modules.training.embedding import EmbeddingTrainee
from modules.training.hypernetwork import HypernetworkTrainee
from modules.training.in_training import NumberTypes, number_types, ready_for_training, set_aside
from modules.training.latents import EncodedPicture, encode_dataset
from modules.training.lora import LoraTrainee
from modules.training.lora_metadata import lora_metadata
from modules.training.options import TrainingOptions
from modules.training.sample_pictures import SamplePictures
from modules.training.state import has_state
from modules.training.trainee import Trained, Trainee
from modules.training.trainer import Trainer


@dataclass(kw_only=True, eq=False)
class Prepared:
    """A training that is ready to make steps. `saved` is the step that the newest file on the disk has."""

    options: TrainingOptions
    engine: Engine
    settings: Settings
    model: LoadedModel
    dataset: Dataset
    trainee: Trainee
    trainer: Trainer
    previews: SamplePictures
    folder: Path
    started: float
    warnings: list[str] = field(default_factory=list[str])
    saved: int | None = None

    def trained(self, step: int) -> Trained:
        """What a file that is saved now tells."""
        info = self.model.checkpoint.info
        metadata: dict[str, str] = {}
        if self.options.kind == "lora":
            digest = self.engine.catalogue.hashes.known(info.path)
            metadata = lora_metadata(
                self.options, self.model, self.dataset, sha256=digest, number_type=self.trainer.types.name
            )
            metadata |= {"ss_steps": str(step), "ss_epoch": str(step // max(self.trainer.steps_per_round, 1))}
        return Trained(
            step=step,
            checkpoint_hash=self.engine.short_hash(info),
            checkpoint_name=info.model_name,
            metadata=metadata,
        )


def prepare(
    options: TrainingOptions,
    engine: Engine,
    control: RunControl,
    settings: Settings,
    *,
    stack: contextlib.ExitStack,
    largest: int | None = None,
) -> Prepared:
    """Load, encode the pictures, and enter into `stack` what holds while the model is trained on.

    With `largest` only so many pictures are encoded and learned from: the largest ones.
    """
    control.begin(1)
    control.at_phase("loading")
    info = engine.catalogue.chosen(options.checkpoint)
    model = engine.load(info, control.at_load)
    check_trainable(model)
    engine.embeddings.update()
    started = time.monotonic()
    control.at_phase("Reading the pictures")
    dataset = read_dataset(options.dataset, model.checkpoint.family.size_step)
    options = with_template(options, dataset)
    types = number_types(options.steps.precision, engine.hardware)
    trainee = make_trainee(options, engine, model, settings)
    used = dataset if largest is None else dataset.largest(largest)
    pictures, broken = _encoded(options, used, model, control, settings)
    stack.enter_context(_memory_errors(engine))
    # Weights that were merged for pictures are of another number type than the model is in meanwhile.
    engine.extra_networks.rest(model)
    stack.enter_context(ready_for_training(model, types, checkpointing=options.steps.gradient_checkpointing))
    stack.callback(engine.extra_networks.rest, model)
    stack.enter_context(trainee.in_place())
    if settings.unload_models_when_training and not options.output.preview_every:
        stack.enter_context(set_aside(model, model.checkpoint.vae))
    previews = SamplePictures(engine=engine, options=options, settings=settings, checkpoint=info.title, trainee=trainee)
    stack.enter_context(previews.attached())
    return Prepared(
        options=options,
        engine=engine,
        settings=settings,
        model=model,
        dataset=dataset,
        trainee=trainee,
        trainer=_trainer(
            options=options,
            engine=engine,
            model=model,
            trainee=trainee,
            pictures=pictures,
            settings=settings,
            types=types,
        ),
        previews=previews,
        folder=engine.paths.data / options.output.log_folder / datetime.date.today().isoformat() / options.name,
        started=started,
        warnings=[*dataset.skipped, *broken],
    )


def check_trainable(model: LoadedModel) -> None:
    """Raise RequestError for a model that nothing can be trained on here."""
    checkpoint = model.checkpoint
    if model.schedule.prediction == "flow" or not model.text_encoder.encoders or checkpoint.image_input != "none":
        raise RequestError(
            f"{checkpoint.info.name} cannot be trained on: only Stable Diffusion 1, 2 and SDXL can, and none of their "
            "models that take a picture beside the prompt. Choose another checkpoint.",
            "checkpoint",
        )


def with_template(options: TrainingOptions, dataset: Dataset) -> TrainingOptions:
    """The options with prompts in which an embedding is named. Raises RequestError where none of them would name it."""
    template = options.dataset.template
    if options.kind != "embedding":
        return options
    if not template:
        return options.model_copy(
            update={"dataset": options.dataset.model_copy(update={"template": (f"{NAME}, {WORDS}",)})}
        )
    captions = (picture.caption for picture in dataset.pictures)
    if not any(NAME in line for line in template) and not any(options.name in caption for caption in captions):
        raise RequestError(
            f"No line of the template has {NAME} in it, so nothing would be learned. Add it, as in: a {NAME}.",
            "template_filename",
        )
    return options


def make_trainee(options: TrainingOptions, engine: Engine, model: LoadedModel, settings: Settings) -> Trainee:
    """What the options want trained. Raises RequestError for a name that is not there, or is taken."""
    match options.kind:
        case "embedding":
            found = next((each for each in engine.embeddings.all() if each.name == options.name), None)
            if found is None:
                raise UnknownName(
                    "embedding", options.name, [each.name for each in engine.embeddings.all()], "embedding_name"
                )
            return EmbeddingTrainee(found, dict(model.text_encoder.widths), model.hardware.device)
        case "hypernetwork":
            catalogue = engine.extra_networks.catalogue
            info = catalogue.find("hypernet", options.name)
            if info is None:
                known = [each.name for each in catalogue.all("hypernet")]
                raise UnknownName("hypernetwork", options.name, known, "hypernetwork_name")
            talkative = settings.print_hypernet_extra
            return HypernetworkTrainee(info, model.checkpoint.unet, model.hardware.device, talkative=talkative)
        case "lora":
            path = engine.paths.lora / f"{options.name}.safetensors"
            goes_on = options.output.resume and has_state(path, options.identity)
            if path.exists() and not (options.output.overwrite or goes_on):
                raise RequestError(
                    f"There is a LoRA called {options.name!r} already. Choose another name, or say overwrite.", "name"
                )
            return LoraTrainee(path, options.lora, model, options.steps.seed)


def _encoded(
    options: TrainingOptions, dataset: Dataset, model: LoadedModel, control: RunControl, settings: Settings
) -> tuple[list[EncodedPicture], tuple[str, ...]]:
    def report(done: int) -> None:
        control.check_interrupt()
        control.at_phase(f"Reading the pictures {done}/{len(dataset.pictures)}")

    return encode_dataset(
        dataset,
        model,
        weights=options.dataset.weights_from_alpha,
        flip=options.dataset.flip,
        on_progress=report,
        pinned=settings.pin_memory,
    )


def _trainer(
    *,
    options: TrainingOptions,
    engine: Engine,
    model: LoadedModel,
    trainee: Trainee,
    pictures: list[EncodedPicture],
    settings: Settings,
    types: NumberTypes,
) -> Trainer:
    widths = model.text_encoder.widths
    tables = {
        encoder.name: engine.embeddings.table(encoder.tokenizer, widths, trainee.embeddings)
        for encoder in model.text_encoder.encoders
    }
    is_lora = options.kind == "lora"
    encoding = EncodingOptions(
        clip_skip=options.steps.clip_skip if is_lora else settings.CLIP_stop_at_last_layers,
        sdxl_clip_l_skip=settings.sdxl_clip_l_skip,
        # Trainers of LoRAs read captions as they are; brackets are part of many tags.
        emphasis="None" if is_lora else settings.emphasis,
        dialect=settings.prompt_dialect,
        mean_per_prompt=True,
        comma_backtrack=settings.comma_padding_backtrack,
    )
    return Trainer(
        options=options,
        model=model,
        trainee=trainee,
        pictures=pictures,
        embeddings=tables,
        encoding=encoding,
        types=types,
    )


@contextlib.contextmanager
def _memory_errors(engine: Engine) -> Generator[None]:
    """Turn the device's running out of memory into an error that says what to do."""
    try:
        yield
    except torch.OutOfMemoryError as error:
        release(engine.hardware.device)
        raise OutOfMemory(
            f"{engine.hardware.name} ran out of memory while training. Take a smaller batch or size, or gradient "
            "checkpointing."
        ) from error
