"""`process_images`: make the pictures of a `p`, within the job that runs or as a job of its own."""

from __future__ import annotations

from typing import Any

from modules.a1111.current import current
from modules.a1111.patching import replaced
from modules.a1111.processing.conversion import request_of
from modules.a1111.processing.parameters import StableDiffusionProcessing
from modules.a1111.processing.processed import Processed
from modules.application.jobs.job import TaskJob
from modules.foundation.plain import JsonObject
from modules.generation.progress import RunControl
from modules.infotext.write import write


def process_images(p: StableDiffusionProcessing) -> Processed:
    """The pictures of `p`, its scripts working on them. Raises the EaselError of whatever went wrong.

    On a thread of the page or of an extension's own it waits for its turn in the queue.
    """
    dialect = current()
    if dialect.control is not None and dialect.job.is_working_thread:
        return _inner(p)
    if p.scripts is not None and not p.scripts_setup_complete:
        p.scripts.setup_scrips(p, is_ui=False)

    def work(control: RunControl) -> Processed:
        with dialect.job.working(control):
            return _inner(p)

    job: TaskJob[Processed] = dialect.app.submit_task(TaskJob(work, kind="script", title=str(p.prompt)[:80]))
    return job.wait()


def _inner(p: StableDiffusionProcessing) -> Processed:
    """What stands at `modules.processing.process_images_inner` now, which some extensions replace."""
    return (replaced("modules.processing", "process_images_inner", process_images_inner) or process_images_inner)(p)


def process_images_inner(p: StableDiffusionProcessing) -> Processed:
    """The pictures of `p`, within the job that runs."""
    dialect = current()
    state = dialect.shared.state
    control = dialect.control
    if control is not None and state.job_count > 1:
        control.begin_part(state.job_no, state.job_count)
    with dialect.job.next_run_is_for(p):
        result = dialect.job.make(request_of(p))
    state.nextjob()
    processed = dialect.job.take_processed(result)
    return processed if processed is not None else Processed.of(p, result)


def create_infotext(
    p: StableDiffusionProcessing,
    all_prompts: list[str],
    all_seeds: list[int],
    all_subseeds: list[int],
    comments: object = None,
    iteration: int = 0,
    position_in_batch: int = 0,
    use_main_prompt: bool = False,
    index: int | None = None,
    all_negative_prompts: list[str] | None = None,
) -> str:
    """The parameters text of a picture of `p`, as it stands now."""
    place = index if index is not None else position_in_batch + iteration * p.batch_size
    prompt = p.main_prompt if use_main_prompt and p.main_prompt else _at(all_prompts, place)
    negative = _at(all_negative_prompts or p.all_negative_prompts or [p.negative_prompt], place)
    # What the last run wrote stands for what a text alone cannot tell: the model, its hash, the sampler's options.
    written = getattr(p, "written_fields", {})
    fields = {
        "Steps": p.steps,
        "Sampler": p.sampler_name,
        "Schedule type": p.scheduler,
        "CFG scale": p.cfg_scale,
        "Size": f"{p.width}x{p.height}",
        **written.get(place, written.get(0, {})),
        "Seed": _at(all_seeds, place),
        **extra_params(p, place),
    }
    return write(str(prompt), str(negative), fields)


def _at(entries: object, index: int) -> Any:
    return entries[min(index, len(entries) - 1)] if isinstance(entries, list) else entries


def extra_params(p: StableDiffusionProcessing, index: int) -> JsonObject:
    """`p.extra_generation_params` for one picture: values as they are, lists by the picture, functions called."""
    fields: JsonObject = {}
    for key, value in p.extra_generation_params.items():
        if isinstance(value, list):
            fields[key] = value[index] if index < len(value) else None
        elif callable(value):
            fields[key] = value(
                p=p,
                index=index,
                all_prompts=p.all_prompts,
                all_seeds=p.all_seeds,
                all_subseeds=p.all_subseeds,
                all_negative_prompts=p.all_negative_prompts,
                iteration=p.iteration,
                position_in_batch=index % max(p.batch_size, 1),
            )
        else:
            fields[key] = value
    return fields
