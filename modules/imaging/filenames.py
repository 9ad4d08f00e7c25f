"""File and folder names from patterns such as `[seed]-[prompt_words]`, with A1111's tokens.

A token is written `[name]` or `[name<argument><argument>]`, in either case of letters. Three rules are worth knowing: a
token that does not exist stays, as `[name]` without its arguments; so does one without a value (`[user]` without a user
logged in) and one with an argument that it cannot take (`[seed<3>]`, `[prompt_hash<abc>]`); and one that makes no sense
for this picture (`[batch_number]` of a single picture) disappears *together with the literal text before it*, so that
`[seed]_[batch_number]` does not end in a lonely underscore.
"""

from __future__ import annotations

import datetime
import hashlib
import os
import re
import string
import zoneinfo
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from modules.foundation.registry import Registry

if TYPE_CHECKING:
    from PIL import Image

MAX_PART_LENGTH = 128
"""Characters of one token's value, unless told otherwise; A1111's --filenames-max-length."""

MAX_PATTERN = 4096
"""Characters of a pattern; what comes after is left out, because no system has longer paths."""

FORBIDDEN: Final = re.compile(r'[#<>:"/\\|?*\x00-\x1f\x7f]')
_FORBIDDEN_ON_UNIX: Final = re.compile(r"[/\x00-\x1f\x7f]")
_TOKEN: Final = re.compile(r"\[([^\[\]]+)\]")
_BETWEEN_WORDS: Final = re.compile(rf"[\s{re.escape(string.punctuation)}]+")
_DEFAULT_TIME_FORMAT = "%Y%m%d%H%M%S"


@dataclass(frozen=True, kw_only=True, eq=False)
class NameContext:
    """What a name can be made of: the values of one picture.

    `scheduler` is the schedule in use ("karras" where "Automatic" chose it), `style_prompts` the prompts of `styles`,
    `batch_index` and `iteration` count from 0, `now` is local time, `image` is only looked at by `[image_hash]`.
    """

    now: datetime.datetime
    seed: int | None = None
    prompt: str = ""
    negative_prompt: str = ""
    steps: int = 0
    cfg_scale: float = 0.0
    width: int = 0
    height: int = 0
    sampler: str = ""
    scheduler: str = ""
    styles: tuple[str, ...] = ()
    style_prompts: tuple[str, ...] = ()
    model_name: str = ""
    model_hash: str = ""
    vae_name: str | None = None
    clip_skip: int = 1
    denoising_strength: float | None = None
    batch_index: int = 0
    batch_size: int = 1
    iteration: int = 0
    batch_count: int = 1
    all_seeds: tuple[int, ...] = ()
    job_timestamp: str = ""
    user: str | None = None
    basename: str = ""
    image: Image.Image | None = None


@dataclass(frozen=True, kw_only=True)
class NameLimits:
    """How the pieces of a name may look: characters of one token's value, words of `[prompt_words]`.

    With `unix_names` only what Unix itself refuses is replaced; on Windows it has no effect.
    """

    part_length: int = MAX_PART_LENGTH
    prompt_words: int = 8
    unix_names: bool = False

    def clean(self, text: str, *, replace_spaces: bool = False) -> str:
        """`text` as a piece of a name within these limits."""
        unix = self.unix_names and os.name != "nt"
        return sanitize(text, replace_spaces=replace_spaces, max_length=self.part_length, unix_names=unix)


def fill_pattern(pattern: str, context: NameContext, limits: NameLimits | None = None) -> str:
    """`pattern` with its tokens replaced by the values of `context`.

    Values are cleaned (`sanitize`), the literal text of the pattern is not: a "/" in it makes folders.
    """
    limits = limits or NameLimits()
    pattern = pattern[:MAX_PATTERN]
    result: list[str] = []
    end = 0
    for match in _TOKEN.finditer(pattern):
        literal, end_of_literal = pattern[end : match.start()], match.end()
        end = end_of_literal
        name, arguments = _split(match.group(1))
        value = _value(name, arguments, context, limits)
        if value is _ABSENT:
            continue
        result += [literal, f"[{name}]" if value is None else str(value)]
    return "".join([*result, pattern[end:]])


def sanitize(
    text: str, *, replace_spaces: bool = True, max_length: int = MAX_PART_LENGTH, unix_names: bool = False
) -> str:
    """`text` as a piece of a file name: characters that file systems refuse become "_", spaces too if wanted.

    `unix_names` leaves alone what only other systems refuse. Leading spaces and trailing spaces and dots go (Windows
    drops them silently), and it ends after `max_length`.
    """
    # Cut first: a prompt may be a thousand times longer than a name.
    text = (text.replace(" ", "_") if replace_spaces else text.lstrip(" "))[:max_length]
    return (_FORBIDDEN_ON_UNIX if unix_names else FORBIDDEN).sub("_", text).rstrip(" .")


class _Absent:
    """The value of a token that makes no sense for this picture."""


_ABSENT: Final = _Absent()
_Value = str | int | float | _Absent | None
_Rule = Callable[[NameContext, Sequence[str], NameLimits], _Value]


def _split(token: str) -> tuple[str, list[str]]:
    """A token's name, and its arguments: all that stand at its end."""
    arguments: list[str] = []
    end = len(token)
    while token.endswith(">", 0, end):
        start = token.rfind("<", 0, end)
        if start < 0 or token.find(">", start, end - 1) >= 0:
            break
        arguments.append(token[start + 1 : end - 1])
        end = start
    return token[:end], arguments[::-1]


def _value(name: str, arguments: Sequence[str], context: NameContext, limits: NameLimits) -> _Value:
    """The value of a token; None where it has none, or cannot take these arguments."""
    token = NAME_TOKENS.find(name)
    if token is None or (arguments and not token.takes_arguments):
        return None
    return token.rule(context, arguments, limits)


def _text(field: Callable[[NameContext], str], *, replace_spaces: bool = False) -> _Rule:
    def rule(context: NameContext, _arguments: Sequence[str], limits: NameLimits) -> _Value:
        return limits.clean(field(context), replace_spaces=replace_spaces)

    return rule


def _plain(field: Callable[[NameContext], _Value]) -> _Rule:
    return lambda context, _arguments, _limits: field(context)


def _hash(field: Callable[[NameContext], bytes | None], length: int | None = 8) -> _Rule:
    """SHA-256 in hexadecimal, by default its first `length` digits or all of them."""

    def rule(context: NameContext, arguments: Sequence[str], _limits: NameLimits) -> _Value:
        data = field(context)
        try:
            wanted = int(arguments[0]) if arguments and arguments[0] else 0
        except ValueError:
            return None
        return None if data is None else hashlib.sha256(data).hexdigest()[: wanted or length]

    return rule


def _datetime(context: NameContext, arguments: Sequence[str], limits: NameLimits) -> _Value:
    moment = context.now
    if len(arguments) > 1 and arguments[1]:
        try:
            moment = moment.astimezone(zoneinfo.ZoneInfo(arguments[1]))
        except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
            moment = context.now
    try:
        text = moment.strftime((arguments[0] if arguments else "") or _DEFAULT_TIME_FORMAT)
    except ValueError:  # what strftime refuses differs between systems
        text = moment.strftime(_DEFAULT_TIME_FORMAT)
    return limits.clean(text)


def _prompt_words(context: NameContext, _arguments: Sequence[str], limits: NameLimits) -> _Value:
    words = [word for word in _BETWEEN_WORDS.split(context.prompt) if word] or ["empty"]
    return limits.clean(" ".join(words[: limits.prompt_words]))


def _without_styles(context: NameContext) -> str:
    text = context.prompt
    for style in context.style_prompts:
        for piece in style.split("{prompt}"):
            if piece.strip(" ,"):
                text = text.replace(piece, "").replace(", ,", ",").strip().strip(",")
    return text.strip()


def _has_prompt(context: NameContext, arguments: Sequence[str], limits: NameLimits) -> _Value:
    prompt, found = context.prompt.lower(), ""
    for argument in arguments:
        wanted, _, default = argument.partition("|")
        found += wanted.lower() if wanted.lower() in prompt else default
    return limits.clean(found, replace_spaces=True)


def _seed(context: NameContext) -> _Value:
    return "" if context.seed is None else context.seed


def _first_seed(context: NameContext) -> _Value:
    return context.seed if context.batch_size == 1 or not context.all_seeds else context.all_seeds[0]


def _last_seed(context: NameContext) -> _Value:
    return _ABSENT if context.batch_size == 1 or not context.all_seeds else context.all_seeds[-1]


def _batch_number(context: NameContext) -> _Value:
    return _ABSENT if context.batch_size == 1 else context.batch_index + 1


def _generation_number(context: NameContext) -> _Value:
    if context.batch_size == 1 and context.batch_count == 1:
        return _ABSENT
    return context.iteration * context.batch_size + context.batch_index + 1


def _user(context: NameContext, _arguments: Sequence[str], limits: NameLimits) -> _Value:
    return limits.clean(context.user) if context.user else None


def _styles(context: NameContext) -> str:
    return ", ".join(style for style in context.styles if style != "None") or "None"


def _schedule(context: NameContext) -> str:
    return context.scheduler.capitalize()


TOKENS: Final[Mapping[str, _Rule]] = MappingProxyType(
    {
        "basename": _plain(lambda context: context.basename),
        "batch_number": _plain(_batch_number),
        "batch_size": _plain(lambda context: context.batch_size),
        "cfg": _plain(lambda context: context.cfg_scale),
        "clip_skip": _plain(lambda context: context.clip_skip),
        "date": _plain(lambda context: context.now.strftime("%Y-%m-%d")),
        "datetime": _datetime,
        "denoising": _plain(lambda context: context.denoising_strength or _ABSENT),
        "full_prompt_hash": _hash(
            lambda context: f"{context.prompt} {context.negative_prompt}".encode(errors="replace")
        ),
        "generation_number": _plain(_generation_number),
        "hasprompt": _has_prompt,
        "height": _plain(lambda context: context.height),
        "image_hash": _hash(
            lambda context: context.image.tobytes() if context.image is not None else None, length=None
        ),
        "job_timestamp": _text(lambda context: context.job_timestamp),
        "model_hash": _text(lambda context: context.model_hash),
        "model_name": _text(lambda context: context.model_name),
        "negative_prompt_hash": _hash(lambda context: context.negative_prompt.encode(errors="replace")),
        "none": _plain(lambda _context: ""),
        "prompt": _text(lambda context: context.prompt, replace_spaces=True),
        "prompt_hash": _hash(lambda context: context.prompt.encode(errors="replace")),
        "prompt_no_styles": _text(_without_styles),
        "prompt_spaces": _text(lambda context: context.prompt),
        "prompt_words": _prompt_words,
        "sampler": _text(lambda context: context.sampler),
        "sampler_scheduler": _text(lambda context: f"{context.sampler} {_schedule(context)}"),
        "scheduler": _text(_schedule),
        "seed": _plain(_seed),
        "seed_first": _plain(_first_seed),
        "seed_last": _plain(_last_seed),
        "steps": _plain(lambda context: context.steps),
        "styles": _text(_styles),
        "user": _user,
        "vae_filename": _text(lambda context: context.vae_name or "NoneType"),
        "width": _plain(lambda context: context.width),
    }
)
"""Every token and how its value is found; the names are A1111's."""

_TAKE_ARGUMENTS: Final = frozenset(
    {"datetime", "hasprompt", "prompt_hash", "negative_prompt_hash", "full_prompt_hash", "image_hash"}
)


@dataclass(frozen=True, kw_only=True)
class NameToken:
    """One token: `rule(context, arguments, limits)` gives its value, which is to be cleaned with `limits.clean`."""

    name: str
    rule: _Rule
    takes_arguments: bool = False


NAME_TOKENS: Final[Registry[NameToken]] = Registry(
    "token of file names",
    lambda token: (token.name,),
    (NameToken(name=name, rule=rule, takes_arguments=name in _TAKE_ARGUMENTS) for name, rule in TOKENS.items()),
)
"""The tokens that a pattern may have."""
