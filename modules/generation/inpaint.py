"""Inpainting: what was asked of it, and what was decided."""

from __future__ import annotations

import enum
from dataclasses import dataclass, fields

from PIL import Image

from modules.foundation.errors import RequestError
from modules.imaging.masks import Box

MOST_BLUR = 1000
"""Pixels: the largest sigma by which the edge of a mask is blurred."""


class MaskedContent(enum.IntEnum):
    """What the masked part holds before the model paints there. The numbers are A1111's."""

    FILL = 0
    ORIGINAL = 1
    LATENT_NOISE = 2
    LATENT_NOTHING = 3


@dataclass(frozen=True, kw_only=True)
class SoftInpainting:
    """Inpainting without a hard border: source and painting are mixed step by step, and as much as they differ at last.

    `schedule_bias` and `preservation_strength` say how the mask's power falls with the noise level,
    `transition_contrast_boost` (at least 1) how much of the contrast is kept where both mix. The last three decide
    where the source is laid over the result: how much the mask's own levels count (0..1), how large a difference of
    latents shows the painting half, and how sharply.
    """

    schedule_bias: float = 1
    preservation_strength: float = 0.5
    transition_contrast_boost: float = 4
    mask_influence: float = 0
    difference_threshold: float = 0.5
    difference_contrast: float = 2


@dataclass(frozen=True, kw_only=True, eq=False)
class InpaintOptions:
    """How a part of the init images is to be painted again, whatever the mask.

    Its edge is blurred by `blur_x` and `blur_y` (sigmas in pixels). `rounded` makes it black and white again for the
    latents. With `only_masked` the part around the mask, `padding` pixels larger, is made at the size asked for and put
    back into its place.
    """

    blur_x: int = 4
    blur_y: int = 4
    rounded: bool = True
    inverted: bool = False
    content: MaskedContent = MaskedContent.ORIGINAL
    only_masked: bool = False
    padding: int = 32

    def __post_init__(self) -> None:
        """Raise RequestError, naming the field, for what no plan could make sense of."""
        for name, value in (("mask_blur_x", self.blur_x), ("mask_blur_y", self.blur_y)):
            if not 0 <= value <= MOST_BLUR:
                raise RequestError(f"{name} must lie between 0 and {MOST_BLUR} pixels; it is {value}.", name)
        if self.padding < 0:
            raise RequestError(
                f"inpaint_full_res_padding must be at least 0; it is {self.padding}.", "inpaint_full_res_padding"
            )

    def with_mask(self, mask: Image.Image) -> InpaintRequest:
        """These options for one mask."""
        return InpaintRequest(mask=mask, **{field.name: getattr(self, field.name) for field in fields(self)})


@dataclass(frozen=True, kw_only=True, eq=False)
class InpaintRequest(InpaintOptions):
    """Which part of the init images is to be painted again, and how.

    `mask` is white (or, if it has transparency, opaque) where the model paints; `latent_mask` is another one for the
    latents alone.
    """

    mask: Image.Image
    latent_mask: Image.Image | None = None


@dataclass(frozen=True, kw_only=True, eq=False)
class MaskedPicture:
    """One init image with its mask, ready.

    `mask` and `latent_mask` (L, the plan's size) are white where the model paints. When it has, `source` (RGB) is laid
    over the result where `overlay_mask` (L, of its size) is black; the result goes into `region` of it, or covers all.
    """

    mask: Image.Image
    latent_mask: Image.Image
    source: Image.Image
    overlay_mask: Image.Image
    region: Box | None = None


@dataclass(frozen=True, kw_only=True, eq=False)
class InpaintPlan:
    """What was decided about inpainting; `pictures` has one entry a picture, over all batches.

    `rounds_mask` says whether masks of latents are black and white.
    """

    request: InpaintRequest
    pictures: tuple[MaskedPicture, ...]
    rounds_mask: bool = True
    soft: SoftInpainting | None = None
