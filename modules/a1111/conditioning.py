"""Prompts over the steps, as `modules.prompt_parser` has them: texts with their last step, and encoded the same way."""

from __future__ import annotations

import contextlib
import contextvars
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from modules.a1111.types import ScriptArgument
from modules.foundation.plain import JsonObject
from modules.prompts.attention import parse_attention
from modules.prompts.composition import split_and
from modules.prompts.editing import parse_schedule

if TYPE_CHECKING:
    from modules.sampling.conditioning import CondBatch


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


def rows_of_network(cond: object) -> CondBatch:
    """A conditioning in any of the original's forms as the rows of a call of the network.

    It has "c_crossattn" or "crossattn", "c_concat" and "vector"; the first two may stand in lists.
    """
    from modules.sampling.conditioning import CondBatch

    tokens, vector, beside = conditioning_of(cond)
    # Models that take no picture are given a stand-in of one cell.
    takes_none = beside is None or not beside.shape[1] or beside.shape[-2:] == (1, 1)
    return CondBatch(
        tokens=tokens, vector=vector, image_cond=None if takes_none else beside, images=tuple(range(len(tokens)))
    )


def conditioning_of(cond: object) -> tuple[Any, Any, Any]:
    """Tokens, vector and picture of a conditioning in any of the original's forms."""
    if not isinstance(cond, dict):
        return cond, None, None
    tokens = cond.get("c_crossattn", cond.get("crossattn"))
    beside = cond.get("c_concat")
    tokens = tokens[0] if isinstance(tokens, list) else tokens
    beside = beside[0] if isinstance(beside, list) and beside else beside
    return tokens, cond.get("vector"), beside if beside is not None and hasattr(beside, "shape") else None


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


def stack_conds(tensors: Sequence[Any]) -> Any:
    """Encoded texts [n, width] as one tensor [texts, most n, width]; shorter ones are filled with their last vector."""
    return _stacked(list(tensors))


def catenate_conds(conds: Sequence[Any]) -> Any:
    """The rows of several conditionings, one after the other."""
    import torch

    if not isinstance(conds[0], dict):
        return torch.cat(list(conds))
    return DictWithShape({key: torch.cat([each[key] for each in conds]) for key in conds[0]})


def subscript_cond(cond: Any, a: int, b: int) -> Any:
    """The rows of a conditioning from `a` up to `b`."""
    if not isinstance(cond, dict):
        return cond[a:b]
    return DictWithShape({key: value[a:b] for key, value in cond.items()})


def pad_cond(tensor: Any, repeats: int, empty: Any) -> Any:
    """A conditioning [rows, n, width] with an encoded empty text [1, m, width] `repeats` times at its end."""
    import torch

    if isinstance(tensor, dict):
        return DictWithShape({**tensor, "crossattn": pad_cond(tensor["crossattn"], repeats, empty)})
    return torch.cat([tensor, empty.repeat(len(tensor), repeats, 1)], dim=1)
