"""train: one training from its options to its file. What is done step by step stands in `trainer.py`."""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import Callable

from modules.foundation.errors import EaselError, Interrupted, SaveError
from modules.generation.progress import RunControl
from modules.pipeline.engine import Engine
from modules.settings.model import Settings
from modules.text_encoders.create_embedding import embedding_content
from modules.training.embedding import EmbeddingTrainee
from modules.training.options import TrainingOptions
from modules.training.picture_card import save_png, write_card
from modules.training.preparing import Prepared, prepare
from modules.training.records import TABLES, Board, LossTable, write_settings
from modules.training.results import TrainingResult
from modules.training.state import forget_state, read_state, save_state, take_over
from modules.training.trainer import StepResult, TrainingDivergedError

log = logging.getLogger(__name__)


def train(options: TrainingOptions, engine: Engine, control: RunControl, settings: Settings) -> TrainingResult:
    """Train as `options` say. Interrupting saves what was learned; the result then says so.

    Raises the EaselError of whatever went wrong; the file and the state of the last save are then still there.
    """
    with contextlib.ExitStack() as stack:
        prepared = prepare(options, engine, control, settings, stack=stack)
        return _all_steps(prepared, control)


def _all_steps(prepared: Prepared, control: RunControl) -> TrainingResult:
    options, trainer = prepared.options, prepared.trainer
    start = _begin(prepared)
    if start >= trainer.last:
        prepared.warnings.append(
            f"{options.name} has {start} steps already, and {trainer.last} were asked for: ask for more."
        )
        return _result(prepared, start, None)
    table = LossTable(
        prepared.folder / TABLES[options.kind],
        every=prepared.settings.training_write_csv_every,
        steps_per_epoch=trainer.steps_per_round * max(prepared.settings.training_image_repeats_per_epoch, 1),
        start=start,
    )
    board = Board(
        prepared.folder,
        wanted=prepared.settings.training_enable_tensorboard,
        flush_seconds=prepared.settings.training_tensorboard_flush_every,
    )
    if board.warning:
        prepared.warnings.append(board.warning)
    control.begin_batch(0, trainer.last - start)
    step, made = start, None
    with contextlib.closing(board):
        try:
            while step < trainer.last:
                control.check_interrupt()
                made = _step(prepared, step)
                step += 1
                _tell(prepared, control, step, start, made)
                _write(prepared, lambda made=made, step=step: table.add(step, made.loss, made.rate))
                board.add(step, made.loss, made.rate)
                _on_the_way(prepared, control, step, made, board)
        except Interrupted:
            _save_at_end(prepared, step, finished=False)
            return _result(prepared, step, made, interrupted=True)
    _save_at_end(prepared, step, finished=True)
    return _result(prepared, step, made)


def _begin(prepared: Prepared) -> int:
    """The step to begin with: that of a state that was saved, or what the file has learned already."""
    options, trainer, trainee = prepared.options, prepared.trainer, prepared.trainee
    start = trainee.start
    state = read_state(trainee, options.identity) if options.output.resume else None
    if state is not None and state.step >= start:
        take_over(state, trainee, trainer.optimiser, trainer.scaler)
        start = state.step
        prepared.saved = start
        log.info("Training %s goes on after step %d.", options.name, start)
    if prepared.settings.save_training_settings_to_txt:
        pictures, checkpoint = len(trainer.pictures), prepared.model.checkpoint.info.title
        _write(prepared, lambda: write_settings(prepared.folder, options, pictures, checkpoint))
    return start


def _step(prepared: Prepared, step: int) -> StepResult:
    try:
        return prepared.trainer.step(step)
    except TrainingDivergedError as error:
        kept = f"what was saved after step {prepared.saved}" if prepared.saved else "the file as it was before"
        raise TrainingDivergedError(f"{error} {prepared.options.name}: {kept} is kept.") from error


def _tell(prepared: Prepared, control: RunControl, step: int, start: int, made: StepResult) -> None:
    control.at_step(step - start)
    control.at_phase(f"Step {step}/{prepared.trainer.last}, loss {made.loss:.4f}")


def _on_the_way(prepared: Prepared, control: RunControl, step: int, made: StepResult, board: Board) -> None:
    """Save and show, where it is the turn of this step."""
    output = prepared.options.output
    if output.save_every and step % output.save_every == 0 and step < prepared.trainer.last:
        _write(prepared, lambda: _save_copy(prepared, step))
    if output.preview_every and step % output.preview_every == 0:
        prepared.previews.step = step
        _preview(prepared, control, step, made, board)


def _save_copy(prepared: Prepared, step: int) -> None:
    trainee, options = prepared.trainee, prepared.options
    copy = prepared.folder / f"{options.kind}s" / f"{options.name}-{step}{trainee.path.suffix}"
    trainee.save(copy, prepared.trained(step))
    save_state(trainee, prepared.trainer.optimiser, prepared.trainer.scaler, options.identity, step)
    prepared.saved = step


def _save_at_end(prepared: Prepared, step: int, *, finished: bool) -> None:
    """Write the file itself. Its state goes where the training is finished, unless the settings keep it.

    Raises SaveError; the state of the last save is then still there, and a second try goes on from it.
    """
    trainee = prepared.trainee
    try:
        if not finished or prepared.settings.save_optimizer_state:
            save_state(trainee, prepared.trainer.optimiser, prepared.trainer.scaler, prepared.options.identity, step)
        trainee.save(trainee.path, prepared.trained(step))
        if finished and not prepared.settings.save_optimizer_state:
            forget_state(trainee.path)
    except OSError as error:
        kept = f" What was saved after step {prepared.saved} is kept: retry the job to go on." if prepared.saved else ""
        raise SaveError(
            f"{trainee.path} could not be written: {error.strerror or error}. Make room on the disk.{kept}"
        ) from error


def _preview(prepared: Prepared, control: RunControl, step: int, made: StepResult, board: Board) -> None:
    options = prepared.options
    try:
        shown = prepared.previews.make(made.prompt, control)
    except EaselError as error:
        _warn(prepared, f"A sample picture could not be made: {error}")
        return
    if shown is None:
        return
    picture, infotext = shown
    control.show(picture)
    if prepared.settings.training_tensorboard_save_images:
        board.show(step, picture)
    name = f"{options.name}-{step}.png"

    def write() -> None:
        (prepared.folder / "images").mkdir(parents=True, exist_ok=True)
        save_png(prepared.folder / "images" / name, picture, infotext)
        trainee = prepared.trainee
        if options.output.picture_cards and isinstance(trainee, EmbeddingTrainee):
            trained = prepared.trained(step)
            tensors = {encoder: vectors.detach() for encoder, vectors in trainee.parameters.items()}
            content = embedding_content(tensors, options.name, step, trained.checkpoint_hash, trained.checkpoint_name)
            words = (f"<{options.name}>", trained.checkpoint_name, f"{step} steps")
            write_card(prepared.folder / "image_embeddings" / name, picture, content, words, infotext)

    _write(prepared, write)


def _write(prepared: Prepared, write: Callable[[], None]) -> None:
    """Write something that the training can do without; a failure is told, and the training goes on."""
    try:
        write()
    except OSError as error:
        _warn(prepared, f"{error.filename or prepared.folder} could not be written: {error.strerror or error}.")


def _warn(prepared: Prepared, sentence: str) -> None:
    if sentence not in prepared.warnings:
        log.warning(sentence)
        prepared.warnings.append(sentence)


def _result(prepared: Prepared, step: int, made: StepResult | None, *, interrupted: bool = False) -> TrainingResult:
    return TrainingResult(
        path=prepared.trainee.path,
        step=step,
        steps=prepared.trainer.last,
        loss=None if made is None else made.loss,
        seconds=time.monotonic() - prepared.started,
        warnings=tuple(prepared.warnings),
        interrupted=interrupted,
    )
