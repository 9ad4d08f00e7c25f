"""The page as extensions get it in on_app_started: with the lists of events that Gradio 3's had."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import gradio as gr
from gradio.blocks import Block, BlockFunction
from gradio.context import Context

from modules.foundation.plain import JsonObject


class Generating:
    """The event of a Generate button as extensions look for it: its inputs and outputs."""

    def __init__(self, button: Block, inputs: Sequence[Block], outputs: Sequence[Block]) -> None:
        self.target, self.inputs, self.outputs = _number(button), list(inputs), list(outputs)
        self.fn = None

    def as_dependency(self) -> JsonObject:
        """As an entry of Gradio 3's `dependencies`."""
        return _dependency([(self.target, "click")], self.inputs, self.outputs)


class OldDemo:
    """Gradio's Blocks. `with demo:` ties further events to what is on the page."""

    def __init__(self, real: gr.Blocks, generating: Sequence[Generating]) -> None:
        self.__dict__.update(_real=real, _generating=tuple(generating), _before=[])

    @property
    def dependencies(self) -> list[JsonObject]:
        """The events of the page as Gradio 3 told of them; those of Generate with the outputs that A1111's has."""
        generating: Sequence[Generating] = self.__dict__["_generating"]
        generate_buttons = {each.target for each in generating}
        events = [
            _dependency(function.targets, function.inputs, function.outputs)
            for function in self._functions()
            if not any(target in generate_buttons for target, _ in function.targets)
        ]
        return [*(each.as_dependency() for each in generating), *events]

    @property
    def fns(self) -> list[Any]:
        """Their functions: objects with `fn`, `inputs` and `outputs`."""
        return [*self.__dict__["_generating"], *self._functions()]

    def _functions(self) -> list[BlockFunction]:
        return list(self.__dict__["_real"].fns.values())

    def __enter__(self) -> OldDemo:
        real = self.__dict__["_real"]
        self.__dict__["_before"].append((Context.root_block, Context.block))
        Context.root_block = Context.block = real
        return self

    def __exit__(self, *raised: object) -> None:
        Context.root_block, Context.block = self.__dict__["_before"].pop()
        real = self.__dict__["_real"]
        real.config = real.get_config_file()

    def __getattribute__(self, name: str) -> Any:
        # To `isinstance` it is what it stands for.
        return type(self.__dict__["_real"]) if name == "__class__" else super().__getattribute__(name)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.__dict__["_real"], name)

    def __setattr__(self, name: str, value: object) -> None:
        setattr(self.__dict__["_real"], name, value)


def _dependency(targets: Sequence[tuple[Any, str]], inputs: Sequence[Block], outputs: Sequence[Block]) -> JsonObject:
    return {
        "trigger": targets[0][1] if targets else "load",
        "targets": [target for target, _ in targets],
        "inputs": [_number(each) for each in inputs],
        "outputs": [_number(each) for each in outputs],
    }


def _number(block: Any) -> int:
    """The number by which Gradio's events name a block."""
    return block._id
