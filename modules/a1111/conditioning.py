"""Prompts over the steps, as `modules.prompt_parser` has them: texts with their last step, and encoded the same way."""

from __future__ import annotations

import contextlib
import contextvars
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from modules.a1111.types import ScriptArgument
from modules.foundation.plain import JsonObject
from modules.prompts.attention import parse_attention
from modules.prompts.composition import split_and
from modules.prompts.editing import parse_schedule


class DictWithShape(JsonObject):
    """A dict of tensors with the shape of its "crossattn"."""

    def __init__(self, x: Any = (), shape: object = None) -> None:
        super().__init__()
        self.update(x)

    @property
    def shape(self) -> Any:
        """Shape of the token embeddings."""
        return self["crossattn"].shape


class ScheduledPromptConditioning(NamedTuple):
    """An encoded text and the last step for which it holds."""

    end_at_step: int
    cond: ScriptArgument


class SdConditioning(list[str]):
    """Prompts with what else is told to the encoder: the size of the picture, and whether they are negative."""

    def __init__(
        self,
        prompts: Sequence[str],
        is_negative_prompt: bool = False,
        width: int | None = None,
        height: int | None = None,
        copy_from: object = None,
        distilled_cfg_scale: float | None = None,
    ) -> None:
        super().__init__(prompts)
        source = copy_from if copy_from is not None else prompts
        self.is_negative_prompt = is_negative_prompt or getattr(source, "is_negative_prompt", False)
        self.width = width or getattr(source, "width", None)
        self.height = height or getattr(source, "height", None)


@dataclass
class ComposableScheduledPromptConditioning:
    """One of the parts that AND joins, over the steps, with its weight."""

    schedules: list[ScheduledPromptConditioning]
    weight: float = 1.0


@dataclass
class MulticondLearnedConditioning:
    """The parts of each picture's prompt; `shape` holds how many pictures there are."""

    shape: tuple[int, ...]
    batch: list[list[ComposableScheduledPromptConditioning]]


def get_learned_conditioning_prompt_schedules(
    prompts: Sequence[str], base_steps: int, hires_steps: int | None = None, use_old_scheduling: bool = False
) -> list[list[list[ScriptArgument]]]:
    """For each prompt its texts, as [last step, text]."""
    return [
        [
            [entry.until_step, entry.text]
            for entry in parse_schedule(
                prompt, int(base_steps), hires_steps=hires_steps, old_scheduling=use_old_scheduling
            )
        ]
        for prompt in prompts
    ]


_read: contextvars.ContextVar[list[list[str]] | None] = contextvars.ContextVar("_read", default=None)


@contextlib.contextmanager
def reading() -> Generator[list[list[str]]]:
    """Within it each call of `get_multicond_prompt_list` leaves its prompts."""
    lists: list[list[str]] = []
    token = _read.set(lists)
    try:
        yield lists
    finally:
        _read.reset(token)


def get_multicond_prompt_list(
    prompts: Sequence[str],
) -> tuple[list[list[tuple[int, float]]], SdConditioning, dict[str, int]]:
    """For each prompt the numbers and weights of its parts, all parts once, and the number of each part."""
    if (lists := _read.get()) is not None:
        lists.append(list(prompts))
    numbers: dict[str, int] = {}
    flat = SdConditioning(prompts)
    flat.clear()
    parts_of: list[list[tuple[int, float]]] = []
    for prompt in prompts:
        found: list[tuple[int, float]] = []
        for text, weight in split_and(prompt):
            if text not in numbers:
                numbers[text] = len(flat)
                flat.append(text)
            found.append((numbers[text], weight))
        parts_of.append(found)
    return parts_of, flat, numbers


def parse_prompt_attention(text: str) -> list[list[str | float]]:
    """The pieces of a prompt as [text, weight]."""
    return [[piece, weight] for piece, weight in parse_attention(text)]


def get_learned_conditioning(
    model: Any, prompts: Any, steps: int, hires_steps: int | None = None, use_old_scheduling: bool = False
) -> list[list[ScheduledPromptConditioning]]:
    """Each prompt encoded over the steps."""
    schedules = get_learned_conditioning_prompt_schedules(prompts, steps, hires_steps, use_old_scheduling)
    known: dict[str, list[ScheduledPromptConditioning]] = {}
    for prompt, schedule in zip(prompts, schedules, strict=True):
        if prompt in known:
            continue
        texts = SdConditioning([text for _, text in schedule], copy_from=prompts)
        encoded = model.get_learned_conditioning(texts)
        known[prompt] = [
            ScheduledPromptConditioning(end, _row(encoded, index)) for index, (end, _) in enumerate(schedule)
        ]
    return [known[prompt] for prompt in prompts]


def _row(encoded: ScriptArgument, index: int) -> Any:
    if isinstance(encoded, dict):
        return {key: value[index] for key, value in encoded.items()}
    return encoded[index]


def get_multicond_learned_conditioning(
    model: object, prompts: Any, steps: int, hires_steps: int | None = None, use_old_scheduling: bool = False
) -> MulticondLearnedConditioning:
    """Each prompt's parts encoded over the steps."""
    parts_of, flat, _ = get_multicond_prompt_list(prompts)
    encoded = get_learned_conditioning(model, flat, steps, hires_steps, use_old_scheduling)
    batch = [
        [ComposableScheduledPromptConditioning(encoded[number], weight) for number, weight in parts]
        for parts in parts_of
    ]
    return MulticondLearnedConditioning(shape=(len(prompts),), batch=batch)


def _at(schedules: Sequence[Any], step: int) -> Any:
    return next((each.cond for each in schedules if step <= each.end_at_step), schedules[-1].cond)


def reconstruct_cond_batch(c: Sequence[Sequence[ScheduledPromptConditioning]], current_step: int) -> Any:
    """What holds at a step, a row for each prompt."""
    return _stacked([_at(schedules, current_step) for schedules in c])


def reconstruct_multicond_batch(
    c: MulticondLearnedConditioning, current_step: int
) -> tuple[list[list[tuple[int, float]]], Any]:
    """What holds at a step: for each picture the rows of its parts with their weights, and all rows."""
    rows: list[ScriptArgument] = []
    lists: list[list[tuple[int, float]]] = []
    for parts in c.batch:
        lists.append([])
        for part in parts:
            lists[-1].append((len(rows), part.weight))
            rows.append(_at(part.schedules, current_step))
    return lists, _stacked(rows)


def _stacked(rows: list[ScriptArgument]) -> Any:
    import torch

    if isinstance(rows[0], dict):
        keys = rows[0].keys()
        return DictWithShape({key: _stacked([row[key] for row in rows]) for key in keys})
    longest = max(len(row) for row in rows)
    return torch.stack(
        [row if row.ndim < 2 or len(row) == longest else _filled(row, longest - len(row)) for row in rows]
    )


def _filled(row: ScriptArgument, missing: int) -> Any:
    import torch

    return torch.cat([row, row[-1:].expand(missing, -1)])
