"""Prompts from file or textbox: a run for each line, which may be a prompt or `--prompt "..." --steps 20`."""

from __future__ import annotations

import copy
import shlex
from collections.abc import Callable, Mapping
from typing import Any

import gradio as gr

from modules import scripts
from modules.a1111.current import current
from modules.a1111.grids import check_pictures
from modules.foundation.errors import RequestError
from modules.processing import Processed, get_fixed_seed, process_images
from modules.prompts.length import LONGEST_PROMPT
from modules.shared import state


def _flag(text: str) -> bool:
    lowered = text.strip().lower()
    if lowered in ("true", "1", "yes", "on"):
        return True
    if lowered in ("false", "0", "no", "off"):
        return False
    raise ValueError(text)


ARGUMENTS: Mapping[str, Callable[[str], Any]] = {
    "sd_model": str,
    "outpath_samples": str,
    "outpath_grids": str,
    "prompt_for_display": str,
    "prompt": str,
    "negative_prompt": str,
    "styles": str,
    "seed": int,
    "subseed_strength": float,
    "subseed": int,
    "seed_resize_from_h": int,
    "seed_resize_from_w": int,
    "sampler_index": int,
    "sampler_name": str,
    "scheduler": str,
    "batch_size": int,
    "n_iter": int,
    "steps": int,
    "cfg_scale": float,
    "width": int,
    "height": int,
    "restore_faces": _flag,
    "tiling": _flag,
    "do_not_save_samples": _flag,
    "do_not_save_grid": _flag,
}
"""What a line may set, and how its text is read."""

WORDS = frozenset(name for name, kind in ARGUMENTS.items() if kind is str)
"""Arguments that take all words up to the next `--`, quoted or not."""

LARGEST_FILE = 1_000_000
"""Bytes of a file of prompts, which go into a box of the page."""

SETTINGS = {
    "outpath_samples": "outdir_samples",
    "outpath_grids": "outdir_grids",
    "sd_model": "sd_model_checkpoint",
}
"""Arguments that stand for settings, which not everybody may change."""


def read_line(line: str, number: int) -> dict[str, Any]:
    """The arguments of a line that begins with `--`. Raises RequestError, naming the line, for what cannot be read.

    >>> read_line('--prompt "a cat" --steps 20', 1)
    {'prompt': 'a cat', 'steps': 20}
    """
    if len(line) > LONGEST_PROMPT:
        raise RequestError(
            f"Line {number} has {len(line):,} characters; the most is {LONGEST_PROMPT:,}.", "script_args"
        )
    try:
        words = shlex.split(line)
    except ValueError as error:
        raise RequestError(
            f"Line {number} cannot be read: {error}. Close each quotation mark.", "script_args"
        ) from None
    arguments: dict[str, Any] = {}
    position = 0
    while position < len(words):
        word = words[position]
        name = word.removeprefix("--")
        if not word.startswith("--") or name not in ARGUMENTS:
            raise RequestError(
                f"Line {number}: {word!r:.200} is no argument that a line can have. These can be: "
                f"{', '.join(f'--{each}' for each in ARGUMENTS)}.",
                "script_args",
            )
        end = position + 1
        while end < len(words) and not words[end].startswith("--") and (name in WORDS or end == position + 1):
            end += 1
        arguments[name] = _value(name, words[position + 1 : end], number)
        position = end
    return arguments


def _value(name: str, words: list[str], number: int) -> Any:
    if not words and name not in WORDS:
        raise RequestError(f"Line {number}: --{name} has no value.", "script_args")
    text = " ".join(words)
    try:
        return ARGUMENTS[name](text)
    except ValueError:
        raise RequestError(f"Line {number}: --{name} cannot be {text!r:.200}.", "script_args") from None


def read_lines(text: str) -> list[dict[str, Any]]:
    """What each line asks for; empty lines count for nothing. Raises RequestError for one that cannot be read."""
    lines = [(number, line.strip()) for number, line in enumerate(text.splitlines(), 1) if line.strip()]
    check_pictures(len(lines))
    return [_read(line, number) for number, line in lines]


def _read(line: str, number: int) -> dict[str, Any]:
    # Thousands of long lines take a while, in which the job may be stopped.
    if (control := current().control) is not None:
        control.check_interrupt()
    return read_line(line, number) if line.startswith("--") else {"prompt": line}


def applied(p: Any, arguments: Mapping[str, Any], position: str) -> Any:
    """`p` with what a line asks for. Its prompts stand before ("start") or behind ("end") those that `p` has.

    Raises Forbidden for a folder or a checkpoint that clients may not choose.
    """
    changed = {SETTINGS[name]: value for name, value in arguments.items() if name in SETTINGS}
    current().app.policy.check_settings(changed, current().settings)
    made = copy.copy(p)
    made.override_settings = dict(p.override_settings)
    for name, value in arguments.items():
        if name in ("prompt", "negative_prompt"):
            own = getattr(p, name)
            parts = (value, own) if position == "start" else (own, value)
            setattr(made, name, " ".join(part for part in parts if part))
        elif name == "sd_model":
            made.override_settings["sd_model_checkpoint"] = value
        elif name == "styles":
            made.styles = [style.strip() for style in value.split(",") if style.strip()]
        elif name == "sampler_index":
            made.sampler_name = _sampler(value)
        else:
            setattr(made, name, value)
    return made


def _sampler(index: int) -> str:
    from modules.sampling.samplers import registry

    names = registry.names()
    if not 0 <= index < len(names):
        raise RequestError(f"sampler_index must lie between 0 and {len(names) - 1}; it is {index}.", "script_args")
    return names[index]


class Script(scripts.Script):
    """The script."""

    def title(self) -> str:
        """Its name."""
        return "Prompts from file or textbox"

    def ui(self, is_img2img: bool) -> list[Any]:
        """Its controls."""
        iterate = gr.Checkbox(label="Iterate seed every line", value=False, elem_id=self.elem_id("checkbox_iterate"))
        same_seed = gr.Checkbox(
            label="Use same random seed for all lines", value=False, elem_id=self.elem_id("checkbox_iterate_batch")
        )
        position = gr.Radio(
            ["start", "end"],
            label="Insert prompts at the",
            elem_id=self.elem_id("prompt_position"),
            value="start",
        )
        text = gr.Textbox(label="List of prompt inputs", lines=1, elem_id=self.elem_id("prompt_txt"))
        file = gr.File(label="Upload prompt inputs", type="binary", elem_id=self.elem_id("file"))
        file.change(fn=load_file, inputs=[file], outputs=[file, text], show_progress="hidden")
        # We start at one line. When the text changes, several are shown.
        text.change(fn=lambda value: gr.update(lines=7 if "\n" in value else 2), inputs=[text], outputs=[text])
        return [iterate, same_seed, position, text]

    def run(self, p: Any, iterate: bool, same_seed: bool, position: str, text: str) -> Processed:
        """A run for each line."""
        if position not in ("start", "end"):
            raise RequestError(f"Prompts can be inserted at the start or end; not at {position!r}.", "script_args")
        lines = read_lines(text)
        if not lines:
            raise RequestError("There is no line with a prompt. Write one, or load a file.", "script_args")
        p.do_not_save_grid = True
        if (iterate or same_seed) and p.seed == -1:
            p.seed = get_fixed_seed(-1)
        jobs = [applied(p, arguments, position) for arguments in lines]
        check_pictures(sum(int(job.batch_size) * int(job.n_iter) for job in jobs))
        state.job_count = len(jobs)
        images: list[Any] = []
        prompts: list[str] = []
        texts: list[str] = []
        for number, (job, arguments) in enumerate(zip(jobs, lines, strict=True)):
            if state.stopping_generation:
                break
            state.job = f"{number + 1} out of {len(jobs)}"
            if "seed" not in arguments:
                job.seed = p.seed
            made = process_images(job)
            images += made.images
            prompts += made.all_prompts
            texts += made.infotexts
            if iterate:
                p.seed += p.batch_size * p.n_iter
        return Processed(p, images, p.seed, "", all_prompts=prompts, infotexts=texts)


def load_file(file: bytes | None) -> tuple[Any, Any]:
    """The lines of an uploaded file in the text box, and the file's field hidden away."""
    if file is None:
        return None, gr.update()
    if len(file) > LARGEST_FILE:
        raise RequestError(f"The file has more than {LARGEST_FILE:,} bytes. Split it.", "script_args")
    return None, file.decode("utf-8", errors="replace").strip("\ufeff\n ")
