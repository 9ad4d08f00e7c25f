"""What the weights of a prompt do to the text encoder's output."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from torch import Tensor

Emphasis = Literal["Original", "No norm", "Ignore", "None"]
"""The setting. "None" has no emphasis syntax at all, "Ignore" reads it and gives every token weight 1."""


def apply_emphasis(
    hidden: Tensor, multipliers: Tensor, emphasis: Emphasis = "Original", *, mean_per_prompt: bool = False
) -> Tensor:
    """Multiply each token's vector by its weight.

    hidden: [batch, 77, width], the encoded chunks at one position of all prompts of a batch. multipliers: [batch, 77].
    "Original" then scales everything so that the mean is what it was before; A1111 takes that mean over the whole
    batch, `mean_per_prompt` takes it over each prompt by itself.
    """
    if emphasis in ("Ignore", "None"):
        return hidden
    weighted = hidden * multipliers.to(hidden)[..., None]
    if emphasis == "No norm":
        return weighted
    if mean_per_prompt:
        return weighted * (hidden.mean(dim=(1, 2), keepdim=True) / weighted.mean(dim=(1, 2), keepdim=True))
    return weighted * (hidden.mean() / weighted.mean())
