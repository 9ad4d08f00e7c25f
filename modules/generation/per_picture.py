"""Prompts and seeds that were decided for each picture before the plan is made."""

from __future__ import annotations

from dataclasses import dataclass, fields

from modules.foundation.errors import RequestError
from modules.prompts.length import check_length


@dataclass(frozen=True, kw_only=True)
class PerPicture:
    """An entry a picture, over all batches; the prompts are final: styles are in them and comments are not.

    Where there are fewer entries than pictures asked for, fewer are made. The prompts of the second pass may be left
    out; then they follow from the request's.
    """

    prompts: tuple[str, ...]
    negative_prompts: tuple[str, ...]
    seeds: tuple[int, ...]
    subseeds: tuple[int, ...]
    hr_prompts: tuple[str, ...] = ()
    hr_negative_prompts: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Raise RequestError where a list is too short."""
        for each in fields(self):
            length = len(getattr(self, each.name))
            if length < self.count and (length or not each.name.startswith("hr_")):
                raise RequestError(f"There are {self.count} prompts, but only {length} {each.name}.", each.name)
        for name in ("prompts", "negative_prompts", "hr_prompts", "hr_negative_prompts"):
            check_length(max(map(len, getattr(self, name)), default=0), name)
        if not self.count:
            raise RequestError("There is no prompt, not even an empty one: the list of prompts has no entry.", "prompt")

    @property
    def count(self) -> int:
        """Pictures that there are prompts for."""
        return len(self.prompts)
