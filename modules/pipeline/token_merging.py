"""Token merging, entered and left: the self-attention of the UNet's finest level sees fewer tokens within the block."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Generator
from typing import Any

from torch import Tensor, nn

from modules.pipeline.model import LoadedModel
from modules.sampling.token_merging import Merging, match_tokens


@contextlib.contextmanager
def merged_tokens(model: LoadedModel, *, ratio: float, height: int, width: int) -> Generator[None]:
    """Within the block, merge `ratio` of the tokens for latents of `height` x `width` cells."""
    if ratio <= 0:
        yield
        return
    blocks = [module for module in model.checkpoint.unet.modules() if type(module).__name__ == "BasicTransformerBlock"]
    handles = [handle for block in blocks for handle in _attach(block, ratio, height, width)]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def _attach(block: nn.Module, ratio: float, height: int, width: int) -> list[Any]:
    """Hooks on a transformer block: one decides what to merge, two merge and unmerge around its self-attention."""
    current: list[Merging | None] = [None]
    attention: nn.Module = block.get_submodule("attn1")

    def decide(_: nn.Module, arguments: tuple[Any, ...]) -> None:
        x: Tensor = arguments[0]
        finest = math.ceil(math.sqrt(height * width // x.shape[1])) <= 1
        current[0] = match_tokens(x, height, width, ratio) if finest else None

    def merge(_: nn.Module, arguments: tuple[Any, ...]) -> tuple[Any, ...]:
        merging = current[0]
        return arguments if merging is None else (merging.merge(arguments[0]), *arguments[1:])

    def unmerge(_: nn.Module, arguments: tuple[object, ...], output: Tensor) -> Tensor:
        merging = current[0]
        return output if merging is None else merging.unmerge(output)

    return [
        block.register_forward_pre_hook(decide),
        attention.register_forward_pre_hook(merge),
        attention.register_forward_hook(unmerge),
    ]
