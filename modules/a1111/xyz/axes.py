"""What an axis of an X/Y/Z plot can be, and how its values are read, checked, applied and written beside the grid.

Names are A1111's: extensions import them from the script's module to add axes of their own.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Sequence
from pathlib import Path

from modules.a1111.current import current
from modules.a1111.processing.parameters import StableDiffusionProcessing, get_fixed_seed
from modules.a1111.types import AxisValue
from modules.foundation.errors import RequestError
from modules.prompts.xyz_axis_values import MOST_VALUES, AxisType, axis_label, parse_axis_values, split_values

SEED_AXES = ("Seed", "Var. seed")
"""Axes whose values of -1 are replaced by seeds, unless they are to stay."""

Apply = Callable[[StableDiffusionProcessing, AxisValue, Sequence[AxisValue]], object]
"""Sets a value of an axis, one of `xs`, in `p`."""

Confirm = Callable[[StableDiffusionProcessing, Sequence[AxisValue]], object]
"""Raises RequestError for values that the axis does not have."""


def do_nothing(p: StableDiffusionProcessing, x: AxisValue, xs: Sequence[AxisValue]) -> None:
    """Apply nothing."""


def format_nothing(p: StableDiffusionProcessing, opt: AxisOption, x: AxisValue) -> str:
    """No label."""
    return ""


def format_value_add_label(p: StableDiffusionProcessing, opt: AxisOption, x: AxisValue) -> str:
    """The name of the axis and the value, floats rounded to 8 digits."""
    return axis_label(opt.label, x, "float")


def format_value(p: StableDiffusionProcessing, opt: AxisOption, x: AxisValue) -> AxisValue:
    """The value by itself, floats rounded to 8 digits."""
    return round(x, 8) if isinstance(x, float) else x


def format_value_join_list(p: StableDiffusionProcessing, opt: AxisOption, x: Sequence[AxisValue]) -> str:
    """The parts of a value with commas between them."""
    return ", ".join(str(each) for each in x)


def format_remove_path(p: StableDiffusionProcessing, opt: AxisOption, x: AxisValue) -> str:
    """A file's name without its folders."""
    return Path(str(x).replace("\\", "/")).name


def str_permutations(x: AxisValue) -> AxisValue:
    """A type of axis whose values are every order of what is given."""
    return x


class AxisOption:
    """One kind of axis.

    `apply(p, value, all values)` changes `p` for a cell; `confirm(p, values)` raises for values that cannot be;
    `prepare(text)` reads them in a way of its own; `choices()` are those there are. The axis of greatest `cost` changes
    as rarely as can be. `type` is int, float, str, str_permutations or anything that makes a value of a text.
    """

    is_img2img: bool | None = None
    """The tab that it is for; None for both."""

    def __init__(
        self,
        label: str,
        type: Callable[[str], AxisValue],
        apply: Apply,
        format_value: Callable[[StableDiffusionProcessing, AxisOption, AxisValue], AxisValue] = format_value_add_label,
        confirm: Confirm | None = None,
        cost: float = 0.0,
        choices: Callable[[], Sequence[AxisValue]] | None = None,
        prepare: Callable[[str], list[AxisValue]] | None = None,
    ) -> None:
        self.label, self.type, self.apply, self.format_value = label, type, apply, format_value
        self.confirm, self.cost, self.choices, self.prepare = confirm, cost, choices, prepare


class AxisOptionImg2Img(AxisOption):
    """An axis for img2img alone."""

    is_img2img = True


class AxisOptionTxt2Img(AxisOption):
    """An axis for txt2img alone."""

    is_img2img = False


def options_for(options: Sequence[AxisOption], *, img2img: bool) -> list[AxisOption]:
    """The axes of one tab, as their numbers count."""
    return [option for option in options if getattr(option, "is_img2img", None) in (None, img2img)]


# Applying a value


def apply_field(field: str) -> Apply:
    """Set an attribute of `p`."""

    def apply(p: StableDiffusionProcessing, x: AxisValue, xs: Sequence[AxisValue]) -> None:
        setattr(p, field, x)

    return apply


def apply_override(field: str, boolean: bool = False) -> Apply:
    """Set a setting for the cell, where clients may; with `boolean` from the words True and False."""

    def apply(p: StableDiffusionProcessing, x: AxisValue, xs: Sequence[AxisValue]) -> None:
        value = str(x).strip().lower() == "true" if boolean else x
        current().app.policy.check_settings({field: value}, current().settings)
        p.override_settings[field] = value

    return apply


def boolean_choice(reverse: bool = False) -> Callable[[], list[str]]:
    """The choices True and False."""
    return lambda: ["False", "True"] if reverse else ["True", "False"]


def apply_prompt(p: StableDiffusionProcessing, x: str, xs: Sequence[str]) -> None:
    """Prompt S/R: put a value in the place of the first one, in both prompts."""
    if xs[0] not in p.prompt and xs[0] not in p.negative_prompt:
        raise RequestError(
            f"Prompt S/R: {xs[0]!r} is neither in the prompt nor in the negative prompt. The first value is what is "
            "searched for; the others are put in its place.",
            "script_args",
        )
    p.prompt = p.prompt.replace(xs[0], x)
    p.negative_prompt = p.negative_prompt.replace(xs[0], x)


def apply_order(p: StableDiffusionProcessing, x: Sequence[str], xs: Sequence[AxisValue]) -> None:
    """Prompt order: the given parts of the prompt change places, what is between them stays."""
    found = sorted((p.prompt.find(part), part) for part in x)
    if found and found[0][0] < 0:
        raise RequestError(f"Prompt order: {found[0][1]!r} is not in the prompt.", "script_args")
    pieces: list[str] = []
    end = 0
    for (start, part), instead in zip(found, x, strict=True):
        pieces += [p.prompt[end:start], instead]
        end = max(start + len(part), end)
    p.prompt = "".join([*pieces, p.prompt[end:]])


def apply_styles(p: StableDiffusionProcessing, x: str, xs: Sequence[AxisValue]) -> None:
    """Add styles, several with commas between them."""
    p.styles.extend(style.strip() for style in x.split(","))


def apply_size(p: StableDiffusionProcessing, x: str, xs: Sequence[AxisValue]) -> None:
    """Set width and height from WIDTHxHEIGHT."""
    p.width, p.height = size_of(x)


def size_of(text: str) -> tuple[int, int]:
    """Width and height. Raises RequestError for what is none."""
    width, _, height = str(text).lower().partition("x")
    try:
        return int(width.strip()), int(height.strip())
    except ValueError:
        raise RequestError(f"A size is written as 512x768; {text!r} is none.", "script_args") from None


# Reading values


def csv_string_to_list_strip(text: str) -> list[str]:
    """The values of a text, divided by commas."""
    return split_values(text)


def list_to_csv_string(values: Sequence[AxisValue]) -> str:
    """Values as one text that reads as the same values; quoted where they hold commas."""
    with io.StringIO() as text:
        csv.writer(text).writerow(values)
        return text.getvalue().strip()


_KINDS: dict[object, AxisType] = {int: "int", float: "float", str: "str", str_permutations: "permutation"}


def values_of(
    option: AxisOption, p: StableDiffusionProcessing, text: str, chosen: Sequence[AxisValue] | None, *, as_text: bool
) -> list[AxisValue]:
    """The values of an axis, from its text or, where it has choices and is not wanted `as_text`, those `chosen`.

    Raises RequestError where there are none, or for one that cannot be.
    """
    if option.label == "Nothing":
        return [0]
    try:
        values = _read(option, text, [] if as_text or option.choices is None else chosen or [])
    except ValueError as error:
        raise RequestError(f"The values of {option.label}: {error}", "script_args") from error
    if len(values) > MOST_VALUES:
        raise RequestError(
            f"The axis {option.label} has {len(values):,} values; the most is {MOST_VALUES:,}.", "script_args"
        )
    if not values:
        raise RequestError(f"The axis {option.label} has no values. Give some, or choose Nothing.", "script_args")
    if option.confirm is not None:
        try:
            option.confirm(p, values)
        except (RuntimeError, ValueError) as error:  # what checks of extensions raise
            raise RequestError(f"The values of {option.label}: {error}", "script_args") from error
    return values


def _read(option: AxisOption, text: str, chosen: Sequence[AxisValue]) -> list[AxisValue]:
    """The values that are `chosen`, or those of a text. Raises ValueError."""
    if chosen:
        values = list(chosen)
    elif option.prepare is not None:
        values = list(option.prepare(text))
    else:
        values = parse_axis_values(text, _KINDS.get(option.type, "str"))
    return values if option.type in (str, str_permutations) else [option.type(value) for value in values]


def fixed_seeds(option: AxisOption, values: list[AxisValue]) -> list[AxisValue]:
    """The values with seeds in the place of those left open, on axes that are seeds."""
    return [get_fixed_seed(value) for value in values] if option.label in SEED_AXES else values


# Checking values


def confirm_in(what: str, names: Callable[[], Sequence[str]]) -> Confirm:
    """A check that all values are among some names, in any case."""

    def confirm(p: StableDiffusionProcessing, xs: Sequence[AxisValue]) -> None:
        known = {str(name).casefold() for name in names()}
        for x in xs:
            if str(x).casefold() not in known:
                raise RequestError(f"Unknown {what}: {x}. There are: {', '.join(map(str, names()))}.", "script_args")

    return confirm


def confirm_range(least: float, most: float) -> Confirm:
    """A check that all values lie between two bounds."""

    def confirm(p: StableDiffusionProcessing, xs: Sequence[AxisValue]) -> None:
        for x in xs:
            if not least <= x <= most:
                raise RequestError(f"{x} does not lie between {least} and {most}.", "script_args")

    return confirm


def confirm_sizes(p: StableDiffusionProcessing, xs: Sequence[AxisValue]) -> None:
    """A check that all values are sizes."""
    for x in xs:
        size_of(x)
