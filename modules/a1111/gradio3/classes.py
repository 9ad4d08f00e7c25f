"""Gradio's classes as Gradio 3 had them: derived from today's, with the old keywords, methods and behaviour."""

from __future__ import annotations

import contextlib
import functools
import inspect
from collections.abc import Callable, Generator
from types import FrameType
from typing import Any, cast

import gradio as gr
from gradio import component_meta
from gradio.blocks import Block, BlockContext
from gradio.component_meta import ComponentMeta
from gradio.components.base import Component, FormComponent
from gradio.data_classes import GradioRootModel

from modules.a1111.gradio3.blocks import make_old, tabs_alone
from modules.a1111.gradio3.gallery import files_of, taking_files
from modules.a1111.gradio3.keywords import HIDDEN_CLASS, PAGE_PARTS, constructor_keywords
from modules.a1111.gradio3.listeners import old_listener
from modules.a1111.gradio3.updates import is_hidden_by_class, shown_classes, update
from modules.a1111.option_info import number_of
from modules.a1111.types import ComponentValue, ExtensionFunction, GradioComponent
from modules.foundation.plain import JsonObject

UPDATES = "gradio.blocks"
"""The module that makes a component again for each update of its properties."""

ABSTRACT = (Block, BlockContext, Component, FormComponent)
"""Classes that extensions derive from beside a concrete one."""

STYLE = {"grid": "columns", "columns": "columns", "rows": "rows", "height": "height", "object_fit": "object_fit"}
"""What `.style()` of a gallery sets, under today's names."""


NUMBERS = ("value", "minimum", "maximum", "step")
"""What Gradio 3 also took as a text where a number is meant."""


class Choice(tuple[str, object]):
    """A pair of label and value that is equal to its value, as which Gradio 3 kept a choice."""

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        return tuple.__eq__(self, other) is True if isinstance(other, tuple) else bool(self[1] == other)

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        return hash(self[1])

    def __str__(self) -> str:
        return str(self[1])


class _Anything(GradioRootModel):
    """Whatever the page sends: Gradio 3 looked at nothing, and extensions send a job's id by a hidden label."""

    root: Any = None


def _as_it_came(self: Any, payload: Any) -> Any:
    """The value of a label as Gradio 3 gave it: its text, or the shares of several."""
    sent = payload.root if isinstance(payload, GradioRootModel) else payload
    if not isinstance(sent, dict):
        return sent
    shares: Any = sent.get("confidences")
    return sent.get("label") if shares is None else {each["label"]: each["confidence"] for each in shares}


class OldBlock:
    """What every class of this dialect has beside its Gradio class.

    The methods are put into each of them: with a second base, objects of the Gradio class could not become objects of
    the derived one (`take_old_arguments`).
    """

    _gradio_class: type[Block] | None = None

    def get_block_name(self) -> str:
        """The name by which the page knows the component: that of the Gradio class, whatever is derived from it."""
        real = _real_of(type(self))
        # Some classes have another name in the page than in Python: a Tab is a "tabitem" there.
        named_by_itself = real.get_block_name is not Block.get_block_name
        return real.get_block_name(cast(Block, self)) if named_by_itself else _page_name(real)

    def get_block_class(self) -> str:
        """The name of the Gradio class."""
        return _page_name(_real_of(type(self)))

    @classmethod
    def get_component_class_id(cls) -> str:
        """The identity of the Gradio class, for the same reason."""
        return _real_of(cls).get_component_class_id()

    @classmethod
    def update(cls, *positional: object, **properties: object) -> JsonObject:
        """gr.X.update(): the first argument is the value, or for layout blocks whether it is visible."""
        first = "visible" if issubclass(_real_of(cls), BlockContext) else "value"
        return update(**dict(zip((first,), positional, strict=False)), **properties)

    def style(self, **attributes: object) -> Any:
        """Gradio 3's later arguments of the constructor. Those without a counterpart change nothing."""
        for name, value in attributes.items():
            today = STYLE.get(name, name)
            if name != "height" and hasattr(self, today) and not callable(getattr(self, today)):
                setattr(self, today, _largest(value))
        return self


def _largest(value: ComponentValue) -> ComponentValue:
    # Gradio 3 took a number for each width of the screen; the last is for the widest.
    return value[-1] if isinstance(value, list | tuple) and value else value


def _page_name(real: type) -> str:
    if issubclass(real, gr.HTML):
        return "html"
    return (real.__bases__[0] if getattr(real, "is_template", False) else real).__name__.lower()


def _real_of(cls: type) -> type[Block]:
    for each in cls.__mro__:
        real = each.__dict__.get("_gradio_class")
        if real is not None and real not in ABSTRACT:
            return cast(type[Block], real)
    return Block


class _OldMeta(type):
    """Beside Gradio's own metaclasses: constructors of extensions are left as they are written."""

    def __new__(cls, name: str, bases: tuple[type, ...], attrs: JsonObject) -> Any:
        own = attrs.pop("__init__", None)
        with _no_interface_files():
            made = super().__new__(cls, name, bases, attrs)
        if own is not None:
            if "_gradio_class" not in attrs:
                # Gradio reads off the signature what of a component goes into the page.
                own.__signature__ = inspect.signature(_real_of(made).__init__)
            made.__init__ = own
        if issubclass(made, gr.Blocks):
            make_old(made)
        return made

    def __call__(cls, *args: object, **named: object) -> Any:
        if "_gradio_class" not in cls.__dict__ and _called_from(inspect.currentframe()) == UPDATES:
            # Made again with the arguments of the Gradio class, which are not those of the extension's constructor.
            made = old_class(_real_of(cls))(*args, **named)
            made.__class__ = cls
            return made
        return super().__call__(*args, **named)

    def __instancecheck__(cls, instance: object) -> bool:
        return cls.__subclasscheck__(instance.__class__)

    def __subclasscheck__(cls, subclass: type) -> bool:
        # By the order of resolution alone: Gradio's abstract classes ask each class derived from them, these too.
        line = getattr(subclass, "__mro__", ())
        return cls in line or cls.__dict__.get("_gradio_class") in line


def _called_from(frame: FrameType | None) -> str | None:
    """The module whose code called the function of `frame`."""
    caller = frame.f_back if frame is not None else None
    return None if caller is None else caller.f_globals.get("__name__")


@contextlib.contextmanager
def _no_interface_files() -> Generator[None]:
    """Keep Gradio from writing a .pyi file beside the source of a class, which is an extension's or ours."""
    written = component_meta.create_or_modify_pyi
    component_meta.create_or_modify_pyi = lambda *_: None
    try:
        yield
    finally:
        component_meta.create_or_modify_pyi = written


@functools.cache
def _meta_for(meta: type) -> type:
    return type(f"Old{meta.__name__}", (_OldMeta, meta), {})


@functools.cache
def old_class(real: type[Block]) -> Any:
    """The class of this dialect for Gradio's class `real`."""
    attrs = {name: value for name, value in vars(OldBlock).items() if not name.startswith("__")}
    attrs |= {"_gradio_class": real, "__module__": real.__module__, "__doc__": real.__doc__}
    if real not in ABSTRACT:
        attrs |= {"__init__": _constructor(real), "__setattr__": _set_attribute}
    for event in getattr(real, "EVENTS", ()):
        attrs[str(event)] = old_listener(getattr(real, str(event)))
    if issubclass(real, gr.Dropdown | gr.Radio | gr.CheckboxGroup):
        attrs["preprocess"] = _lenient(real.preprocess)
        attrs["_warn_if_invalid_choice"] = lambda self, value: None
    if issubclass(real, gr.Slider | gr.Number):
        attrs["preprocess"] = _beyond_bounds
    if issubclass(real, gr.Label):
        attrs |= {"data_model": _Anything, "preprocess": _as_it_came}
    if issubclass(real, gr.Gallery):
        attrs |= {"preprocess": files_of(real.preprocess), "postprocess": taking_files(real.postprocess)}
    if issubclass(real, gr.Tabs):
        attrs["__exit__"] = tabs_alone
    if issubclass(real, gr.Image) and not issubclass(real, gr.ImageEditor):
        attrs["edit"] = old_listener(real.change)
    meta = _meta_for(type(real) if type(real) is not type else ComponentMeta)
    if real in (Block, BlockContext):
        meta = _meta_for(type)
    return meta(real.__name__, (real,), attrs)


def take_old_arguments(component: Block) -> Block:
    """Let a component of Easel's own page take Gradio 3's arguments, for it is handed to an extension."""
    kind = type(component)
    if "_gradio_class" not in kind.__dict__ and kind.__module__.startswith("gradio."):
        component.__class__ = old_class(kind)
        _with_old_choices(component)
    return component


def _constructor(real: type[Block]) -> Callable[..., None]:
    parameters = [name for name in inspect.signature(real.__init__).parameters if name != "self"]

    def __init__(self: Any, *positional: object, **named: object) -> None:  # noqa: N807
        keywords = constructor_keywords(
            real, real.__name__, {**dict(zip(parameters, positional, strict=False)), **named}
        )
        if keywords.get("visible") is False:
            if is_hidden_by_class(self):
                classes = keywords.get("elem_classes") or []
                classes = [classes] if isinstance(classes, str) else list(classes)
                keywords |= {"visible": True, "elem_classes": [*classes, HIDDEN_CLASS]}
            else:
                keywords["visible"] = "hidden"
        if issubclass(real, gr.Blocks):
            # Today the page as a whole has these; the host of the extension adds them to it.
            self.page_parts = {part: keywords.pop(part) for part in PAGE_PARTS if part in keywords}
        if issubclass(real, gr.Slider | gr.Number):
            keywords |= {name: number_of(keywords[name]) for name in NUMBERS if name in keywords}
        if issubclass(real, gr.Slider):
            keywords |= _with_width(keywords)
        cast(Any, real).__init__(self, **keywords)
        _with_old_choices(self)

    __init__.__signature__ = inspect.signature(real.__init__)  # type: ignore[attr-defined]
    return __init__


def _with_width(keywords: JsonObject) -> JsonObject:
    """The end of a slider that has a single value, or none, until an extension tells it its end: one step further."""
    begin, end = keywords.get("minimum", 0), keywords.get("maximum", 100)
    if begin is None or end is None or begin < end:
        return {}
    return {"maximum": begin + (keywords.get("step") or 1)}


def _set_attribute(self: Block, name: str, value: ComponentValue) -> None:
    """Extensions also write to components that are made already: what that meant in Gradio 3 holds."""
    if name == "visible" and isinstance(value, bool) and is_hidden_by_class(self) and hasattr(self, "elem_classes"):
        object.__setattr__(self, "elem_classes", shown_classes(self, value))
        value = True
    elif name == "visible" and value is False:
        value = "hidden"
    elif name == "choices" and isinstance(value, list):
        value = [each if isinstance(each, tuple) else Choice((str(each), each)) for each in value]
    object.__setattr__(self, name, value)


def _with_old_choices(component: GradioComponent) -> None:
    choices = getattr(component, "choices", None)
    if isinstance(choices, list):
        component.choices = [Choice(each) if isinstance(each, tuple) else each for each in choices]


def _lenient(preprocess: ExtensionFunction) -> ExtensionFunction:
    """Gradio 3 did not refuse a value that is no choice: lists are renewed in the page while the server's are old."""

    @functools.wraps(preprocess)
    def read(self: object, payload: ComponentValue) -> ComponentValue:
        try:
            return preprocess(self, payload)
        except gr.Error:
            return None if getattr(self, "type", "value") == "index" else payload

    return read


def _beyond_bounds(self: GradioComponent, payload: ComponentValue) -> float | int | None:
    """Gradio 3 took a number beyond the ends of a slider: extensions begin with one, or set one from the server."""
    if payload is None:
        return None
    number = payload if isinstance(payload, int | float) else float(payload)
    return gr.Number.round_to_precision(number, getattr(self, "precision", None))


__all__ = ["Choice", "OldBlock", "old_class", "shown_classes", "take_old_arguments"]
