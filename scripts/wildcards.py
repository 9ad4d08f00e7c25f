"""Wildcards: prompts are templates in which `__name__`, `{a|b}` and `${x=a}` are made one prompt a picture."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from typing import Any

import gradio as gr

from modules import script_callbacks, scripts
from modules.a1111.current import current
from modules.application.prompt_craft import TEMPLATE_LABELS
from modules.foundation.errors import Refused
from modules.prompts.styles import pick_styles
from modules.prompts.wildcards.expansion import Expander, Expansion
from modules.prompts.wildcards.template import ChoiceMode, may_choose

MODES: dict[str, ChoiceMode] = {"random": "random", "by index": "cyclical", "all combinations": "combinatorial"}

LARGEST_INDEX = 100_000

FIELDS = dict(
    zip(
        ("all_prompts", "all_negative_prompts", "all_hr_prompts", "all_hr_negative_prompts"),
        TEMPLATE_LABELS.values(),
        strict=True,
    )
)
"""Lists of prompts of `p`, and the labels under which their templates are kept with a picture."""

Templates = tuple[str, ...]


class Script(scripts.Script):
    """The script."""

    def title(self) -> str:
        """Its name."""
        return "Wildcards"

    def show(self, is_img2img: bool) -> Any:
        """Always on."""
        return scripts.AlwaysVisible

    def ui(self, is_img2img: bool) -> list[Any]:
        """Its controls."""
        with gr.Accordion("Wildcards and variants", open=False, elem_id=self.elem_id("accordion")):
            mode = gr.Radio(list(MODES), value="random", label="How wildcards are chosen", elem_id=self.elem_id("mode"))
            with gr.Row():
                first = gr.Number(
                    0, label="First index", precision=0, minimum=0, maximum=LARGEST_INDEX, elem_id=self.elem_id("first")
                )
                most = gr.Number(
                    100, label="Most pictures of all combinations", precision=0, minimum=1, elem_id=self.elem_id("most")
                )
            same_seed = gr.Checkbox(
                value=False, label="The same seed for all combinations", elem_id=self.elem_id("same_seed")
            )
        self.infotext_fields = [(mode, "Wildcard mode"), (first, "Wildcard first index")]
        self.paste_field_names = ["Wildcard mode", "Wildcard first index"]
        return [mode, first, most, same_seed]

    def concerns(self, request: Any) -> bool:
        """Only where there is something to choose in a prompt, or in a style that is put around it."""
        texts = [request.prompt, request.negative_prompt]
        if request.hires is not None:
            texts += [request.hires.prompt, request.hires.negative_prompt]
        if request.per_picture is not None:
            texts += [*request.per_picture.prompts, *request.per_picture.negative_prompts]
        if request.styles:
            chosen, _ = pick_styles(request.styles, current().app.styles.all())
            texts += [text for style in chosen for text in (style.prompt, style.negative_prompt)]
        return any(map(may_choose, texts))

    def process(self, p: Any, mode: str, first: int, most: int, same_seed: bool) -> None:
        """Put the prompts that the templates become in their places."""
        lists = {name: list(getattr(p, name, None) or ()) for name in FIELDS}
        if not any(may_choose(text) for texts in lists.values() for text in texts):
            return
        craft = current().app.prompt_craft
        if craft.is_left_to_an_extension:
            return
        sampler, first, most = _checked(mode, first, most)
        dialect = p.override_settings.get("prompt_dialect", current().settings.prompt_dialect)
        expander = Expander(craft.wildcards.snapshot(), variants=dialect == "A1111")
        count = len(p.all_prompts)
        names = [name for name, texts in lists.items() if len(texts) >= count]
        pictures: list[Templates] = [tuple(lists[name][index] for name in names) for index in range(count)]
        if sampler == "combinatorial":
            seeds = itertools.count(int(p.all_seeds[0]), 0 if same_seed or p.subseed_strength else 1)
            made = list(itertools.islice(_all_combinations(expander, pictures, seeds), _most(most)))
            if len(made) > 1 or count == 1:
                _lay_out(p, len(made), same_seed=same_seed)
            else:  # nothing to combine: as many pictures as were asked for
                made *= count
        else:
            made = _one_a_picture(expander, pictures, [int(seed) for seed in p.all_seeds], sampler, first)
        _put(p, names, made)
        if mode != "random":
            p.extra_generation_params["Wildcard mode"] = mode
        if sampler == "cyclical" and first:
            p.extra_generation_params["Wildcard first index"] = first


def _checked(mode: str, first: Any, most: Any) -> tuple[ChoiceMode, int, int]:
    if mode not in MODES:
        raise Refused(f"Wildcards: the mode must be one of {', '.join(MODES)}; it is {mode!r}.", "alwayson_scripts")
    for name, value, least in (("First index", first, 0), ("Most pictures", most, 1)):
        if not isinstance(value, int | float) or not least <= value <= LARGEST_INDEX:
            raise Refused(
                f"Wildcards: {name} must lie between {least} and {LARGEST_INDEX}; it is {value!r}.", "alwayson_scripts"
            )
    return MODES[mode], int(first), int(most)


def _most(number: int) -> int:
    return min(number, current().app.flags.max_pictures)


Made = tuple[tuple[str, Expansion], ...]
"""The templates of one picture, each with what it became. Equal templates become equal prompts."""


def _one_a_picture(
    expander: Expander, pictures: list[Templates], seeds: list[int], sampler: ChoiceMode, first: int
) -> list[Made]:
    def made(templates: Templates, seed: int) -> Made:
        expansions = {text: expander.expand(text, seed, sampler) for text in dict.fromkeys(templates)}
        return tuple((text, expansions[text]) for text in templates)

    if sampler == "cyclical":
        for _ in range(first):  # the turns of the pictures before the first one
            made(pictures[0], 0)
    return [made(templates, seed) for templates, seed in zip(pictures, seeds, strict=False)]


def _all_combinations(expander: Expander, pictures: list[Templates], seeds: Iterator[int]) -> Iterator[Made]:
    for templates in dict.fromkeys(pictures):
        texts = tuple(dict.fromkeys(templates))
        for expansions in expander.combinations(texts, seeds):
            made = dict(zip(texts, expansions, strict=True))
            yield tuple((text, made[text]) for text in templates)


def _lay_out(p: Any, count: int, *, same_seed: bool) -> None:
    """Have `p` make `count` pictures, in batches of the size asked for."""
    p.n_iter = math.ceil(count / p.batch_size)
    seed, subseed = int(p.all_seeds[0]), int(p.all_subseeds[0])
    step = 0 if same_seed or p.subseed_strength else 1
    p.all_seeds = [seed + index * step for index in range(count)]
    p.all_subseeds = [subseed + (0 if same_seed else index) for index in range(count)]


def _put(p: Any, names: list[str], made: list[Made]) -> None:
    """The prompts, and the templates beside them where they are another text. What could not be done is said."""
    for name, *entries in zip(names, *made, strict=True):
        setattr(p, name, [expansion.text for _, expansion in entries])
        kept = [template if template != expansion.text else None for template, expansion in entries]
        if any(kept):
            p.extra_generation_params[FIELDS[name]] = kept
        for note in dict.fromkeys(note for _, expansion in entries for note in expansion.notes):
            p.comment(note)
    p.main_prompt, p.main_negative_prompt = p.all_prompts[0], p.all_negative_prompts[0]


def on_infotext_pasted(text: str, params: dict[str, Any]) -> None:
    """Put templates in the place of what was made of them, if the settings say so."""
    current().app.prompt_craft.restore_templates(text, params)


script_callbacks.on_infotext_pasted(on_infotext_pasted)
