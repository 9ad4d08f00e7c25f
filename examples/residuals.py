"""A hook: residuals that a picture of edges puts into the UNet, in the place and shape of a ControlNet's.

A ControlNet is a trained network that makes such residuals (Zhang et al. 2023, "Adding Conditional Control to
Text-to-Image Diffusion Models"). This one is not trained: it spreads the edges over the channels by fixed random
weights. What it shows is where such a network stands, and that a model is as before once it has gone.

    python -m examples.residuals edges.png result.png "a castle on a hill"
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from PIL import Image, ImageFilter
from torch import Tensor
from torch.nn import functional

from modules.application.application import Application
from modules.generation.request import GenerationRequest
from modules.hooks.events import RunEvent
from modules.hooks.points import Hooks
from modules.sampling.guidance_hooks import NetworkCall
from modules.settings.flags import parse_flags

OWNER = "examples.residuals"


@dataclass(kw_only=True, eq=False)
class EdgeResiduals:
    """Adds residuals to each call of the UNet between the shares `start` and `end` of a run.

    `edges` is any picture; where it has an edge the residuals are large. What was made for one size is kept.
    """

    edges: Image.Image
    strength: float = 1.0
    start: float = 0.0
    end: float = 1.0
    made: dict[tuple[int, ...], tuple[Tensor, ...]] = field(default_factory=dict[tuple[int, ...], tuple[Tensor, ...]])

    def attach(self, hooks: Hooks) -> Callable[[], None]:
        """Take part in every run from now on; what is returned ends that."""
        return hooks.network.attach(OWNER, self.add)

    def add(self, call: NetworkCall, event: RunEvent) -> NetworkCall:
        """The call with the residuals of the edges, for prompt and negative prompt alike."""
        if not self.start <= call.share_done < self.end:
            return call
        *down, mid = self.residuals(event.model.checkpoint.unet, call.x)
        return call.with_residuals(down, mid)

    def residuals(self, unet: Any, x: Tensor) -> tuple[Tensor, ...]:
        """One residual [1, C, h, w] for each skip connection of the UNet, then that of its middle block."""
        shapes = residual_shapes(unet.config, *x.shape[-2:])
        key = (*x.shape[-2:], *(channels for channels, _, _ in shapes))
        if key not in self.made:
            generator = torch.Generator().manual_seed(0)
            edges = edge_map(self.edges)
            self.made[key] = tuple(
                (
                    self.strength
                    * functional.adaptive_avg_pool2d(edges, (height, width))
                    * torch.randn(1, channels, 1, 1, generator=generator)
                ).to(x.device)
                for channels, height, width in shapes
            )
        return self.made[key]


def edge_map(picture: Image.Image) -> Tensor:
    """The edges of a picture as [1, 1, H, W] in 0..1."""
    edges = picture.convert("L").filter(ImageFilter.FIND_EDGES)
    levels = torch.frombuffer(bytearray(edges.tobytes()), dtype=torch.uint8)
    return levels.reshape(1, 1, picture.height, picture.width).float() / 255


def residual_shapes(config: Mapping[str, Any], height: int, width: int) -> list[tuple[int, int, int]]:
    """Channels, height and width of what each part of a UNet's descent hands over, and of its middle block."""
    channels: Sequence[int] = config["block_out_channels"]
    layers: int | Sequence[int] = config["layers_per_block"]
    shapes = [(channels[0], height, width)]
    for level, wide in enumerate(channels):
        shapes += [(wide, height, width)] * (layers if isinstance(layers, int) else layers[level])
        if level < len(channels) - 1:
            height, width = (height + 1) // 2, (width + 1) // 2
            shapes.append((wide, height, width))
    return [*shapes, (channels[-1], height, width)]


def main(edges: str, target: str, prompt: str, **fields: Any) -> None:
    """Make one picture of `prompt` with the edges of a picture file, and save it as `target`.

    `fields` is whatever else a GenerationRequest can ask for.
    """
    application = Application(parse_flags([]))
    try:
        with Image.open(edges) as picture:
            EdgeResiduals(edges=picture.copy()).attach(application.hooks)
        result = application.submit(GenerationRequest(prompt=prompt, seed=1, **fields)).wait()
        result.samples[0].image.save(target)
    finally:
        application.close()


if __name__ == "__main__":
    main(*sys.argv[1:4])
