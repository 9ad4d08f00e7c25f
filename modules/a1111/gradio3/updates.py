"""What event functions return: updates in Gradio 3's form, as today's page takes them.

Gradio 3 left what is not visible in the page, hidden; scripts read such elements and press such buttons. Today's Gradio
takes it out of the page, so components are "hidden" instead, and layout blocks are hidden by a class of their own.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import AsyncGenerator, Generator, Sequence

from gradio.blocks import Block, BlockContext

from modules.a1111.gradio3.keywords import HIDDEN_CLASS
from modules.a1111.types import ComponentValue, ExtensionFunction, GradioComponent
from modules.foundation.plain import JsonObject


def update(**properties: object) -> JsonObject:
    """gr.update(): the properties of a component that are to change."""
    return {**properties, "__type__": "update"}


def is_hidden_by_class(block: object) -> bool:
    """Whether this kind of block has no hidden state of its own."""
    return isinstance(block, BlockContext)


def shown_classes(block: Block, visible: object, classes: Sequence[str] | None = None) -> list[str]:
    """The classes of a layout block that is to be visible or not."""
    kept = [each for each in (block.elem_classes if classes is None else classes) if each != HIDDEN_CLASS]
    return kept if visible is True or visible is None else [*kept, HIDDEN_CLASS]


def for_block(value: object, block: object) -> ComponentValue:
    """One returned value for the output `block`."""
    if not isinstance(value, dict) or value.get("__type__") not in ("update", "generic_update"):
        return value
    value = {**value, "__type__": "update"}
    if "visible" in value:
        visible = value["visible"]
        if is_hidden_by_class(block) and isinstance(block, Block):
            # Without "visible", which the page would hand on to all that is in the block.
            del value["visible"]
            value["elem_classes"] = shown_classes(block, visible, value.get("elem_classes"))
        elif visible is False:
            value["visible"] = "hidden"
    return value


def for_outputs(result: ComponentValue, outputs: GradioComponent) -> ComponentValue:
    """What an event function returned for its `outputs`, as the listener was given them."""
    if outputs is None:
        return result
    if isinstance(result, dict) and result and all(isinstance(key, Block) for key in result):
        return {block: for_block(value, block) for block, value in result.items()}
    if isinstance(outputs, Block):
        return for_block(result, outputs)
    blocks = list(outputs)
    if len(blocks) == 1 and not isinstance(result, list | tuple):
        return for_block(result, blocks[0])
    if isinstance(result, list | tuple) and len(result) == len(blocks):
        return type(result)(for_block(value, block) for value, block in zip(result, blocks, strict=True))
    return result


def translating(function: ExtensionFunction | None, outputs: GradioComponent) -> ExtensionFunction | None:
    """`function` with its results translated; of the same kind (plain, generator, coroutine) and signature."""
    if not callable(function):
        return function
    called = function.func if isinstance(function, functools.partial) else function
    if inspect.isasyncgenfunction(called) or inspect.iscoroutinefunction(called):
        return _like(_translating_async(function, called, outputs), function)
    if inspect.isgeneratorfunction(called):

        def steps(*args: object, **named: object) -> Generator[ComponentValue]:
            for result in function(*args, **named):
                yield for_outputs(result, outputs)

        return _like(steps, function)

    def plain(*args: object, **named: object) -> ComponentValue:
        return for_outputs(function(*args, **named), outputs)

    return _like(plain, function)


def _translating_async(function: ExtensionFunction, called: object, outputs: GradioComponent) -> ExtensionFunction:
    if inspect.isasyncgenfunction(called):

        async def async_steps(*args: object, **named: object) -> AsyncGenerator[ComponentValue]:
            async for result in function(*args, **named):
                yield for_outputs(result, outputs)

        return async_steps

    async def awaited(*args: object, **named: object) -> ComponentValue:
        return for_outputs(await function(*args, **named), outputs)

    return awaited


def _like(wrapper: ExtensionFunction, function: ExtensionFunction) -> ExtensionFunction:
    # A partial has no name of its own; Gradio wants one for the event.
    named = function.func if isinstance(function, functools.partial) else function
    functools.update_wrapper(wrapper, named)
    wrapper.__wrapped__ = function  # type: ignore[attr-defined]
    if not hasattr(wrapper, "__name__"):
        wrapper.__name__ = type(named).__name__
    return wrapper
