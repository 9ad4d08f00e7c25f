"""HyperTile, entered and left: within the block, self-attention of the UNet or of the VAE sees tiles of the picture."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn
from torch.nn import functional

from modules.pipeline.model import LoadedModel
from modules.sampling.hypertile import join_tiles, least_side, split_tiles, tile_grid
from modules.settings.model import Settings


@dataclass(frozen=True, kw_only=True)
class Tiles:
    """How attention is tiled: `least` is a tile's side in latent cells, `choices` how many lengths it is drawn from.

    `depth` is the deepest level, counted from the finest that has attention, 0..3.
    """

    least: int
    choices: int
    depth: int
    seed: int

    @classmethod
    def of_unet(
        cls, settings: Settings, seed: int, size: tuple[int, int], cell: int, *, second_pass: bool
    ) -> Tiles | None:
        """Those of a pass that makes pictures of `size` pixels, `cell` of them in a latent's cell; None for none."""
        if not (settings.hypertile_enable_unet or (second_pass and settings.hypertile_enable_unet_secondpass)):
            return None
        return cls(
            least=least_side(settings.hypertile_max_tile_unet, size, cell),
            choices=settings.hypertile_swap_size_unet,
            depth=settings.hypertile_max_depth_unet,
            seed=seed,
        )

    @classmethod
    def of_vae(cls, settings: Settings, seed: int, size: tuple[int, int], cell: int) -> Tiles | None:
        """Those of the VAE, whose attention is all at one level; None where the settings want none."""
        if not settings.hypertile_enable_vae:
            return None
        return cls(
            least=least_side(settings.hypertile_max_tile_vae, size, cell),
            choices=settings.hypertile_swap_size_vae,
            depth=settings.hypertile_max_depth_vae,
            seed=seed,
        )


@contextlib.contextmanager
def tiled_unet(model: LoadedModel, tiles: Tiles | None, *, height: int, width: int) -> Generator[None]:
    """Tile the self-attention of a UNet's transformers for latents of `height` x `width` cells."""
    if tiles is None:
        yield
        return
    chance = random.Random(tiles.seed)
    blocks = [module for module in model.checkpoint.unet.modules() if type(module).__name__ == "BasicTransformerBlock"]
    first = _first_level(model.checkpoint.unet)
    levels = [(first + depth, depth) for depth in range(tiles.depth + 1)]
    grids = {
        (-(-height >> level)) * -(-width >> level): (-(-height >> level), -(-width >> level), tiles.least << depth)
        for level, depth in reversed(levels)
    }
    with contextlib.ExitStack() as stack:
        for block in blocks:
            for handle in _attach(block, grids, tiles, chance):
                stack.callback(handle.remove)
        yield


def _first_level(unet: nn.Module) -> int:
    """The finest level with attention, 0 for the latents' own."""
    config: Any = getattr(unet, "config", None)
    kinds = list(config.down_block_types) if config is not None and "down_block_types" in config else []
    return next((level for level, kind in enumerate(kinds) if "Attn" in kind), 0)


def _attach(
    block: nn.Module, grids: dict[int, tuple[int, int, int]], tiles: Tiles, chance: random.Random
) -> Iterator[Any]:
    """Hooks: one sees which level the block is at, two cut and join the tokens around its self-attention."""
    level: list[tuple[int, int, int] | None] = [None]
    cut: list[tuple[int, int] | None] = [None]

    def note(_: nn.Module, arguments: tuple[Any, ...]) -> None:
        level[0] = grids.get(arguments[0].shape[1])

    def split(_: nn.Module, arguments: tuple[Any, ...]) -> tuple[Any, ...]:
        cut[0] = None
        x: Tensor = arguments[0]
        # Merged tokens are no grid any more.
        if level[0] is None or x.shape[1] != level[0][0] * level[0][1]:
            return arguments
        height, width, least = level[0]
        grid = tile_grid(height, width, least, tiles.choices, chance)
        if grid == (1, 1):
            return arguments
        cut[0] = grid
        return split_tiles(x, height, width, grid), *arguments[1:]

    def join(_: nn.Module, arguments: tuple[Any, ...], output: Tensor) -> Tensor:
        if cut[0] is None or level[0] is None:
            return output
        return join_tiles(output, level[0][0], level[0][1], cut[0])

    attention: nn.Module = block.get_submodule("attn1")
    yield block.register_forward_pre_hook(note)
    yield attention.register_forward_pre_hook(split)
    yield attention.register_forward_hook(join)


@contextlib.contextmanager
def tiled_vae(vae: nn.Module, tiles: Tiles | None) -> Generator[None]:
    """Tile the attention in the middle of both halves of a diffusers VAE."""
    found: list[Any] = [] if tiles is None else [each for each in vae.modules() if _is_attention(each)]
    if tiles is None or not found:
        yield
        return
    chance = random.Random(tiles.seed)
    before = [attention.processor for attention in found]
    for attention in found:
        attention.processor = TiledVaeAttention(tiles, chance)
    try:
        yield
    finally:
        for attention, processor in zip(found, before, strict=True):
            attention.processor = processor


def _is_attention(module: Any) -> bool:
    return type(module).__name__ == "Attention" and getattr(module, "group_norm", None) is not None


class TiledVaeAttention:
    """diffusers' interface to attention over the cells of a latent, [B, C, height, width], within tiles.

    Its group norm is that of the whole.
    """

    def __init__(self, tiles: Tiles, chance: random.Random) -> None:
        self._tiles, self._chance = tiles, chance

    def __call__(self, attn: Any, hidden_states: Tensor, *_: Any, **__: Any) -> Tensor:
        """What the block gives, its input added where it does that."""
        batch, channels, height, width = hidden_states.shape
        x = attn.group_norm(hidden_states).flatten(2).transpose(1, 2)
        grid = tile_grid(height, width, self._tiles.least, self._tiles.choices, self._chance)
        x = split_tiles(x, height, width, grid)
        projected = (part(x) for part in (attn.to_q, attn.to_k, attn.to_v))
        query, key, value = (
            part.view(part.shape[0], -1, attn.heads, part.shape[-1] // attn.heads).transpose(1, 2) for part in projected
        )
        attended = functional.scaled_dot_product_attention(query, key, value).transpose(1, 2).flatten(2)
        attended = join_tiles(attn.to_out[1](attn.to_out[0](attended)), height, width, grid)
        result = attended.transpose(1, 2).reshape(batch, channels, height, width)
        result = result + hidden_states if attn.residual_connection else result
        return result / attn.rescale_output_factor


UNET_FIELDS = ("hypertile_max_depth_unet", "hypertile_max_tile_unet", "hypertile_swap_size_unet")
VAE_FIELDS = ("hypertile_max_depth_vae", "hypertile_max_tile_vae", "hypertile_swap_size_vae")


def hypertile_settings(settings: Settings, *, second_pass: bool) -> tuple[str, ...]:
    """The settings that a picture tells of, where they are not the defaults; none of them, where it is off."""
    keys: list[str] = []
    second = second_pass and settings.hypertile_enable_unet_secondpass
    if settings.hypertile_enable_unet or second:
        keys += ["hypertile_enable_unet", *(["hypertile_enable_unet_secondpass"] if second else []), *UNET_FIELDS]
    if settings.hypertile_enable_vae:
        keys += ["hypertile_enable_vae", *VAE_FIELDS]
    return tuple(keys)
