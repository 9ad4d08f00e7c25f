"""Trainings as jobs of the queue: what clients ask for is checked here, in every dialect."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from modules.application.jobs.job import TaskJob
from modules.foundation.errors import CheckpointError, RequestError, UnknownName
from modules.foundation.plain import JsonMapping
from modules.generation.progress import RunControl
from modules.settings.paths import PROGRAM_FOLDER

if TYPE_CHECKING:
    from modules.application.application import Application
    from modules.training.options import TrainingOptions
    from modules.training.results import TrainingCost, TrainingResult

KIND = "training"
TEMPLATES = "textual_inversion_templates"


def submit_training(app: Application, options: TrainingOptions, job_id: str | None = None) -> TaskJob[TrainingResult]:
    """Queue a training. It survives a restart; retried after an interruption it goes on from its last saved step.

    Raises RequestError, UnknownName or Forbidden at once for what cannot work at all.
    """
    options = checked(app, options)
    return app.submit_task(
        TaskJob(
            _work(app, options),
            kind=KIND,
            title=f"Train {options.kind} {options.name}",
            job_id=job_id,
            parameters={"asked": options.model_dump_json()},
        )
    )


def submit_dry_run(app: Application, options: TrainingOptions, job_id: str | None = None) -> TaskJob[TrainingCost]:
    """Queue the estimate of a training, which writes nothing. Raises as `submit_training`."""
    options = checked(app, options)

    def work(control: RunControl) -> TrainingCost:
        from modules.training.estimate import estimate

        return estimate(options, app.engine, control, app.settings.current)

    title = f"Estimate of training {options.name}"
    return app.submit_task(TaskJob(work, kind="training estimate", title=title, job_id=job_id))


def keep_trainings(app: Application) -> None:
    """Let trainings survive a restart."""

    def again(parameters: JsonMapping) -> Callable[[RunControl], Any]:
        from modules.training.options import TrainingOptions

        return _work(app, TrainingOptions.model_validate_json(parameters["asked"]))

    app.jobs.register_kind(KIND, again)


def _work(app: Application, options: TrainingOptions) -> Callable[[RunControl], TrainingResult]:
    def work(control: RunControl) -> TrainingResult:
        from modules.training.run import train

        try:
            return train(options, app.engine, control, app.settings.current)
        finally:
            app.networks.refresh()
            app.engine.embeddings.refresh()

    return work


def checked(app: Application, options: TrainingOptions) -> TrainingOptions:
    """The options with folders and checkpoint as they are meant. Raises for what cannot work."""
    from modules.training.captions import word_pattern
    from modules.training.learning_rate import parse_rates

    app.policy.check_files("Training")
    steps, dataset = options.steps, options.dataset
    parse_rates(steps.learning_rate, "learn_rate")
    if steps.text_encoder_learning_rate:
        parse_rates(steps.text_encoder_learning_rate, "text_encoder_learning_rate")
    if steps.clipping != "disabled":
        parse_rates(steps.clip_at, "clip_grad_value")
    word_pattern(dataset.word_pattern)
    folder = named_folder(app, dataset.folder, "data_root")
    if not folder.is_dir():
        raise RequestError(f"{folder} is not a folder that exists. Check its name.", "data_root")
    log_folder = named_folder(app, options.output.log_folder, "log_directory")
    name = options.name if options.kind != "lora" else file_name(options.name)
    chosen = app.catalogue.find(options.checkpoint) if options.checkpoint else app.selected_checkpoint
    if chosen is None:
        raise CheckpointError("Training needs a checkpoint, and there is none. Put one into the folder.")
    return options.model_copy(
        update={
            "name": name,
            "checkpoint": chosen.title,
            "dataset": dataset.model_copy(update={"folder": str(folder)}),
            "output": options.output.model_copy(update={"log_folder": str(log_folder)}),
        }
    )


def named_folder(app: Application, name: str, field: str) -> Path:
    """The folder of this name, in the data folder unless it says otherwise. Raises RequestError for none at all."""
    if not name.strip():
        raise RequestError("Name a folder.", field)
    try:
        folder = app.paths.data / Path(name.strip()).expanduser()
        folder.is_dir()
    except (OSError, ValueError, RuntimeError) as error:
        raise RequestError("This is no name that a folder can have.", field) from error
    return folder


def file_name(wanted: str) -> str:
    """The name with nothing in it that could lead out of the folder or be refused by a file system.

    Raises RequestError where nothing is left.
    """
    name = "".join(sign for sign in wanted if sign.isalnum() or sign in "._- ").strip(" .")
    if not name or len(name.encode()) > 200:
        raise RequestError("name must hold letters or digits, and at most 200 of them.", "name")
    return name


def template_names(app: Application) -> list[str]:
    """The template files there are, the user's own and Easel's, by name."""
    return sorted({path.name for folder in _template_folders(app) for path in folder.glob("*.txt")})


def template_lines(app: Application, name: str) -> Sequence[str]:
    """The lines of a template by the name of its file. Raises UnknownName, or RequestError for an empty one."""
    from modules.training.captions import read_template

    wanted = Path(name).name
    for folder in _template_folders(app):
        if wanted and (folder / wanted).is_file():
            return read_template(folder / wanted)
    raise UnknownName("template", name, template_names(app), "template_filename")


def _template_folders(app: Application) -> list[Path]:
    own = app.flags.textual_inversion_templates_dir
    folders = [app.paths.data / TEMPLATES, PROGRAM_FOLDER / TEMPLATES]
    return [own.expanduser().absolute(), *folders] if own else folders
