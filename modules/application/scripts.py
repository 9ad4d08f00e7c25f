"""Scripts: what requests and the page can name to have more done with a request than the program does by itself.

An always-on script has arguments that turn into fields of the request, or that its hooks read from it. A selectable one
is chosen by name and takes the request over: it may have any number of others made in its place.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from modules.foundation.errors import RequestError
from modules.foundation.plain import JsonMapping
from modules.foundation.registry import Registry
from modules.generation.progress import RunControl
from modules.generation.request import GenerationRequest
from modules.generation.result import GenerationResult

if TYPE_CHECKING:
    from modules.application.application import Application


@dataclass(frozen=True, kw_only=True)
class Argument:
    """One argument of a script: its label, its default, and the range or the list of what it may be.

    The type is that of the default. `choices` may depend on what there is at the moment.
    """

    label: str
    value: Any
    minimum: float | None = None
    maximum: float | None = None
    step: float | None = None
    choices: Callable[[Application], list[str]] | None = None
    shown: Any = None
    """What lists tell as the default where that is not `value`: the name of a choice that is given by its number."""

    def taken(self, value: Any, script: str) -> Any:
        """A client's value for this argument; numbers may be written as text. Raises RequestError for another kind."""
        kind, fits = self._kind()
        if kind == "a number" and isinstance(value, str):
            with contextlib.suppress(ValueError):
                value = float(value)
        if fits(value):
            return value
        raise RequestError(
            f"{script}: {self.label or 'an argument'} must be {kind}; it is {value!r:.100}.", "script_args"
        )

    def _kind(self) -> tuple[str, Callable[[Any], bool]]:
        if self.shown is not None:
            return "a name or a number", lambda value: isinstance(value, str | int)
        if isinstance(self.value, bool):
            return "true or false", lambda value: isinstance(value, bool | int)
        if isinstance(self.value, int | float):
            return "a number", lambda value: isinstance(value, int | float) and math.isfinite(value)
        if isinstance(self.value, str):
            return "a text", lambda value: isinstance(value, str)
        return "a list of texts", _is_list_of_texts


@dataclass(frozen=True, kw_only=True)
class ScriptRun:
    """What a selectable script works with.

    `make(request)` makes the pictures of a request with the job's settings and checkpoint; `control` is the job's, in
    which the user may have asked to stop.
    """

    application: Application
    request: GenerationRequest
    arguments: tuple[Any, ...]
    make: Callable[[GenerationRequest], GenerationResult]
    control: RunControl


@dataclass(frozen=True, kw_only=True)
class Script:
    """One script. `name` is what requests call it, `title` what people read; requests may name it by either.

    With `run` it is selectable and answers a request by itself, otherwise it is always on. `fields` turns the complete
    list of its arguments into fields of the GenerationRequest. Raises what the request's own fields raise.
    """

    name: str
    title: str = ""
    arguments: tuple[Argument, ...] = ()
    img2img_arguments: tuple[Argument, ...] | None = None
    """Those of img2img, where they are others."""
    txt2img: bool = True
    img2img: bool = True
    fields: Callable[[Sequence[Any]], JsonMapping] | None = None
    run: Callable[[ScriptRun], GenerationResult] | None = None
    is_strict: bool = False
    """Whether what a client gives must be of the kinds of the defaults. Scripts of others take what they like."""

    @property
    def always_on(self) -> bool:
        """Whether it is there without being chosen."""
        return self.run is None

    def is_for(self, *, img2img: bool) -> bool:
        """Whether it can be used with this kind of request."""
        return self.img2img if img2img else self.txt2img

    def arguments_of(self, *, img2img: bool) -> tuple[Argument, ...]:
        """Its arguments for this kind of request."""
        return self.img2img_arguments if img2img and self.img2img_arguments is not None else self.arguments

    def with_defaults(self, values: Sequence[Any] = (), *, img2img: bool = False) -> tuple[Any, ...]:
        """All arguments: those given, then the defaults of the rest. Surplus ones are dropped."""
        defaults = [argument.value for argument in self.arguments_of(img2img=img2img)]
        return (*values[: len(defaults)], *defaults[len(values) :])

    def given_by_client(self, arguments: Sequence[Any], *, img2img: bool = False) -> tuple[Any, ...]:
        """As `with_defaults`, for values that come from outside.

        Where the script is strict, null is the default, and RequestError names a value of another kind.
        """
        values = self.with_defaults(arguments, img2img=img2img)
        if not self.is_strict:
            return values
        return tuple(
            argument.value if value is None else argument.taken(value, self.name)
            for argument, value in zip(self.arguments_of(img2img=img2img), values, strict=True)
        )

    def arguments_in(self, request: GenerationRequest) -> tuple[Any, ...]:
        """Its arguments in a request, its defaults where the request does not name it."""
        values = request.script_arguments.get(self.name.casefold(), ())
        return self.with_defaults(values, img2img=request.is_img2img)


def _is_list_of_texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(each, str | int | float) for each in cast("list[object]", value))


def script_registry(built_in: Sequence[Script]) -> Registry[Script]:
    """The scripts by name and title, the built-in ones first."""
    return Registry("script", lambda script: (script.name, *([script.title] if script.title else [])), built_in)


def run_script(
    application: Application,
    request: GenerationRequest,
    control: RunControl,
    make: Callable[[GenerationRequest], GenerationResult],
) -> GenerationResult:
    """The result of the script that a request names. Raises RequestError for one that is not here."""
    assert request.script is not None
    script = application.registries.scripts.find(request.script)
    if script is None or script.run is None:
        raise RequestError(
            f"Script {request.script!r} is not here. Install what brings it, or choose another.", "script_name"
        )
    return script.run(
        ScriptRun(
            application=application,
            request=request,
            arguments=script.arguments_in(request),
            make=make,
            control=control,
        )
    )
