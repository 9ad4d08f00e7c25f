"""Brownian motion whose path depends on the seed alone, not on the points at which it is asked for.

The samplers for stochastic differential equations need increments W(b) - W(a) of one fixed path, so that a picture
keeps its composition when the number of steps changes. The path is refined on a dyadic tree by Brownian bridges: Li,
Wong, Chen, Duvenaud 2020, "Scalable Gradients for Stochastic Differential Equations" (the virtual Brownian tree). Nodes
are seeded as in Kidger et al. 2021, "Efficient and Accurate Gradients for Neural SDEs", in the way of the torchsde
library, so that its numbers are reproduced. Times are kept to six decimals.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor

NodeNoise = Callable[[int], Tensor]
"""Standard normals [C, H, W] for one node, from the node's own 32-bit seed; a fresh tensor at every call."""

_DECIMALS = 6
_POOL_SIZE = 24
_KEPT_NODES = 64  # increments of nodes that stay in memory; any other is made again from its seed


class _Node:
    """One interval of the dyadic tree: the whole, or the left or right half of `parent`."""

    __slots__ = ("_halves", "depth", "end", "is_left", "key", "middle", "parent", "start")

    def __init__(self, start: float, end: float, parent: _Node | None = None, is_left: bool = False) -> None:
        self.start, self.end, self.parent, self.is_left = start, end, parent, is_left
        self.middle = round(0.5 * (end + start), _DECIMALS)
        self.depth = 0 if parent is None else parent.depth + 1
        self.key = 0 if parent is None else 2 * parent.key + (not is_left)
        self._halves: tuple[_Node, _Node] | None = None

    @property
    def halves(self) -> tuple[_Node, _Node]:
        """The left and the right half; made once."""
        if self._halves is None:
            self._halves = _Node(self.start, self.middle, self, True), _Node(self.middle, self.end, self, False)
        return self._halves


class BrownianTree:
    """One image's Brownian path on [t0, t1]; `increment(a, b)` is W(b) - W(a), a float32 tensor [C, H, W]."""

    def __init__(self, t0: float, t1: float, *, seed: int, noise: NodeNoise) -> None:
        self._seed, self._noise = seed, noise
        self._root = _Node(round(t0, _DECIMALS), round(t1, _DECIMALS))
        first = np.random.SeedSequence(entropy=seed, pool_size=_POOL_SIZE).generate_state(1)[0]
        self._whole = noise(int(first)) * math.sqrt(t1 - t0)
        self._kept: OrderedDict[tuple[int, int], Tensor] = OrderedDict()

    def increment(self, a: float, b: float) -> Tensor:
        """W(b) - W(a) for a <= b; times outside of [t0, t1] count as the nearer end."""
        a, b = (round(min(max(t, self._root.start), self._root.end), _DECIMALS) for t in (a, b))
        if a >= b:
            return torch.zeros_like(self._whole)
        pieces = [self._increment_of(node) for node in _cover(self._root, a, b)]
        if len(pieces) == 1:
            return pieces[0]
        total = pieces[0] + pieces[1]
        for piece in pieces[2:]:
            total += piece
        return total

    def _increment_of(self, node: _Node) -> Tensor:
        """The increment over a node's interval: the left half's by a Brownian bridge, the right one's as the rest."""
        parent = node.parent
        if parent is None:
            return self._whole
        place = (node.depth, node.key)
        if place in self._kept:
            self._kept.move_to_end(place)
            return self._kept[place]
        if node.is_left:
            increment = self._bridge(parent)
        else:
            increment = self._increment_of(parent) - self._increment_of(parent.halves[0])
        self._keep(place, increment)
        return increment

    def _bridge(self, parent: _Node) -> Tensor:
        """The increment over the left half of an interval, given that over the whole.

        Written with in-place operations, in the order that fixes the rounding: this is most of the cost of a step.
        """
        left_part, right_part = parent.middle - parent.start, parent.end - parent.middle
        reciprocal = 1 / (parent.end - parent.start)
        seed = np.random.SeedSequence(
            entropy=self._seed, spawn_key=(parent.key, parent.depth), pool_size=_POOL_SIZE
        ).generate_state(1)[0]
        deviation = self._noise(int(seed)).mul_(math.sqrt(left_part * right_part * reciprocal))
        return (self._increment_of(parent) * left_part).mul_(reciprocal).add_(deviation)

    def _keep(self, place: tuple[int, int], increment: Tensor) -> None:
        self._kept[place] = increment
        self._kept.move_to_end(place)
        while len(self._kept) > _KEPT_NODES:
            self._kept.popitem(last=False)


def _cover(root: _Node, a: float, b: float) -> list[_Node]:
    """The nodes, left to right, whose intervals together are exactly [a, b]."""
    cover: list[_Node] = []
    waiting = [root]
    while waiting:
        node = waiting.pop()
        if a <= node.start and node.end <= b:
            cover.append(node)
            continue
        left, right = node.halves
        if b > node.middle:
            waiting.append(right)
        if a < node.middle:
            waiting.append(left)
    return cover


class BrownianNoise:
    """What the SDE samplers call: unit-variance noise for a step from one noise level to another.

    Holds one tree for each image, so that an image's noise does not depend on its neighbours in the batch.
    """

    def __init__(self, trees: Sequence[BrownianTree], *, device: torch.device, batched: bool = False) -> None:
        self._trees, self._device, self._batched = list(trees), device, batched

    def __call__(self, sigma: float, sigma_next: float) -> Tensor:
        """Noise [B, C, H, W] for the step `sigma` -> `sigma_next`: the path's increment over its square root."""
        # Noise levels are float32 wherever these numbers were first defined, so the distance is rounded as well.
        first, second = np.float32(sigma), np.float32(sigma_next)
        low, high = min(first, second), max(first, second)
        sign = 1.0 if first < second else -1.0
        pieces = [tree.increment(float(low), float(high)) for tree in self._trees]
        increment = pieces[0] if self._batched else torch.stack(pieces)
        return (increment * sign / float(np.sqrt(high - low))).to(self._device, non_blocking=True)

    def image(self, index: int) -> BrownianNoise:
        """The noise of one image alone."""
        if self._batched:
            raise ValueError("a tree that was drawn for a whole batch has no single images")
        return BrownianNoise([self._trees[index]], device=self._device)
