"""Scripts: what requests and the page can name to have more done with a request than the program does by itself.

An always-on script has arguments that turn into fields of the request, or that its hooks read from it. A selectable one
is chosen by name and takes the request over: it may have any number of others made in its place.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

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

    def with_defaults(self, given: Sequence[Any] = (), *, img2img: bool = False) -> tuple[Any, ...]:
        """All arguments: those given, then the defaults of the rest. Surplus ones are dropped."""
        defaults = [argument.value for argument in self.arguments_of(img2img=img2img)]
        return (*given[: len(defaults)], *defaults[len(given) :])

    def arguments_in(self, request: GenerationRequest) -> tuple[Any, ...]:
        """Its arguments in a request, its defaults where the request does not name it."""
        given = request.script_arguments.get(self.name.casefold(), ())
        return self.with_defaults(given, img2img=request.is_img2img)


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
