"""The pictures that img2img starts from, and their masks, brought to what the plan says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from PIL import Image, ImageOps

from modules.foundation.errors import RequestError
from modules.generation.inpaint import InpaintPlan, InpaintRequest, MaskedContent, MaskedPicture
from modules.generation.request import GenerationRequest
from modules.imaging.inpaint_fill import fill_masked
from modules.imaging.masks import Box, blur, doubled, expanded_region, painted_region, read_mask
from modules.imaging.pixelwise import inverted
from modules.imaging.resize import ResizeMode, Upscale, flatten, resize

Item = TypeVar("Item")

BLANK_MASK = "The mask is blank, so there is nothing to inpaint: the whole picture was used (as in img2img)."


@dataclass(frozen=True, kw_only=True, eq=False)
class InitPictures:
    """`pictures` (RGB) has one entry a picture, over all batches; `inpaint` is None without a mask."""

    pictures: tuple[Image.Image, ...] = ()
    inpaint: InpaintPlan | None = None


@dataclass(frozen=True, kw_only=True, eq=False)
class Way:
    """How pictures come to the size of the plan. Masks, which are grey, are never given to `upscale`."""

    size: tuple[int, int]
    mode: ResizeMode
    upscale: Upscale | None = None

    def resized(self, picture: Image.Image) -> Image.Image:
        """`picture` resized to the size of the pass."""
        return resize(picture, *self.size, self.mode, self.upscale)


def batch_size_for(request: GenerationRequest, warnings: list[str]) -> int:
    """Pictures in a batch: as many as asked for, but not more than there are init images, where there are several.

    Raises RequestError for more init images than pictures.
    """
    count, wanted = len(request.init_images), request.batch_size
    if count > wanted * request.batch_count:
        raise RequestError(
            f"{count} init images are more than the {wanted * request.batch_count} pictures asked for. Raise the batch "
            "size (batch_size) or the batch count (n_iter), or send fewer.",
            "init_images",
        )
    if 1 < count < wanted:
        warnings.append(f"The batch size was changed to {count}: each batch makes one picture from each init image.")
        return count
    return wanted


def init_pictures(
    request: GenerationRequest,
    *,
    size: tuple[int, int],
    count: int,
    background: str,
    warnings: list[str],
    upscale: Upscale | None = None,
) -> InitPictures:
    """What each of `count` pictures starts from: upright, opaque and of `size`, in turn for several init images.

    With resize mode LATENT they keep their own size. A mask that does not fit a picture is stretched to it. `upscale`
    enlarges smaller pictures.
    """
    if not request.is_img2img:
        return InitPictures()
    sources = [flatten(ImageOps.exif_transpose(image), background) for image in request.init_images]
    inpaint = request.inpaint
    if inpaint is not None and request.soft_inpainting is not None:
        # Levels between black and white are what it works with.
        inpaint = replace(inpaint, rounded=False)
    way = Way(size=size, mode=request.resize_mode, upscale=upscale)
    masked = _all_masked(sources, inpaint, way, warnings) if inpaint else None
    if inpaint is None or masked is None:
        pictures = [source if way.mode == ResizeMode.LATENT else way.resized(source) for source in sources]
        return InitPictures(pictures=_in_turn(pictures, count))
    pictures = [_painted_on(source, each, inpaint, way) for source, each in zip(sources, masked, strict=True)]
    plan = InpaintPlan(
        request=inpaint,
        pictures=_in_turn(masked, count),
        rounds_mask=inpaint.rounded,
        soft=request.soft_inpainting,
    )
    return InitPictures(pictures=_in_turn(pictures, count), inpaint=plan)


def _in_turn(items: Sequence[Item], count: int) -> tuple[Item, ...]:
    return tuple(items[index % len(items)] for index in range(count))


def _painted_on(source: Image.Image, masked: MaskedPicture, inpaint: InpaintRequest, way: Way) -> Image.Image:
    """The picture that is encoded: the part to paint on, with what the mask covers filled, where that is asked for."""
    if masked.region is None:
        picture = source if way.mode == ResizeMode.LATENT else masked.source
    else:
        picture = resize(source.crop(masked.region), *way.size, ResizeMode.FILL, way.upscale)
    if inpaint.content == MaskedContent.ORIGINAL:
        return picture
    mask = masked.latent_mask
    return fill_masked(picture, mask if mask.size == picture.size else resize(mask, *picture.size))


def _all_masked(
    sources: Sequence[Image.Image],
    inpaint: InpaintRequest,
    way: Way,
    warnings: list[str],
) -> list[MaskedPicture] | None:
    """Every picture with its mask; None when only the masked part is wanted and there is none."""
    mask = _blurred_mask(inpaint)
    if unlike := [source for source in sources if source.size != mask.size]:
        (width, height), (x, y) = mask.size, unlike[0].size
        warnings.append(f"The mask has {width}x{height} pixels and the picture {x}x{y}: the mask was stretched to it.")
    found = [_masked(source, mask, inpaint, way) for source in sources]
    if any(each is None for each in found):
        warnings.append(BLANK_MASK)
        return None
    return [each for each in found if each is not None]


def masked_region(source_size: tuple[int, int], inpaint: InpaintRequest, size: tuple[int, int]) -> Box | None:
    """The part of a picture that is worked on when only the masked part is, `size` being what is made of it.

    None for a blank mask. A plan for an upright picture of `source_size` decides for the same part.
    """
    return _region(_at_size_of(source_size, _blurred_mask(inpaint)), inpaint, size)


def _blurred_mask(inpaint: InpaintRequest) -> Image.Image:
    mask = read_mask(ImageOps.exif_transpose(inpaint.mask), rounded=inpaint.rounded)
    if inpaint.inverted:
        mask = inverted(mask)
    return blur(mask, inpaint.blur_x, inpaint.blur_y)


def _region(mask: Image.Image, inpaint: InpaintRequest, size: tuple[int, int]) -> Box | None:
    painted = painted_region(mask, inpaint.padding)
    return None if painted is None else expanded_region(painted, size, mask.size)


def _masked(source: Image.Image, mask: Image.Image, inpaint: InpaintRequest, way: Way) -> MaskedPicture | None:
    if inpaint.only_masked:
        return _region_masked(source, mask, inpaint, way.size)
    # Stretching reaches the same places from any size; the other modes go by proportions, which must be the picture's.
    proportional = mask.width * source.height == source.width * mask.height
    if way.mode != ResizeMode.STRETCH and not proportional:
        mask = resize(mask, *source.size)
    if way.mode == ResizeMode.LATENT:
        return _unresized(source, mask, inpaint, way.size)
    small = way.resized(mask)
    return MaskedPicture(
        mask=small,
        latent_mask=small if inpaint.latent_mask is None else way.resized(_latent_mask(inpaint)),
        source=way.resized(source),
        overlay_mask=doubled(small),
    )


def _unresized(source: Image.Image, mask: Image.Image, inpaint: InpaintRequest, size: tuple[int, int]) -> MaskedPicture:
    """The picture as it is, its latents being what is stretched.

    As in A1111 the mask is fitted into `size` even so, and from there into the picture, and what is kept is laid over
    the result in its own size, from the upper left corner.
    """
    small = resize(mask, *size, ResizeMode.FILL)
    kept = doubled(small)
    return MaskedPicture(
        mask=small,
        latent_mask=small if inpaint.latent_mask is None else resize(_latent_mask(inpaint), *size, ResizeMode.FILL),
        source=source,
        overlay_mask=kept if kept.size == source.size else resize(kept, *source.size, ResizeMode.FILL),
    )


def _region_masked(
    source: Image.Image, mask: Image.Image, inpaint: InpaintRequest, size: tuple[int, int]
) -> MaskedPicture | None:
    mask = _at_size_of(source.size, mask)
    region = _region(mask, inpaint, size)
    if region is None:
        return None
    small = resize(mask.crop(region), *size, ResizeMode.FILL)
    latent_mask = small
    if inpaint.latent_mask is not None:
        latent_mask = resize(_at_size_of(source.size, _latent_mask(inpaint)).crop(region), *size, ResizeMode.FILL)
    return MaskedPicture(mask=small, latent_mask=latent_mask, source=source, overlay_mask=mask, region=region)


def _at_size_of(size: tuple[int, int], mask: Image.Image) -> Image.Image:
    return mask if mask.size == size else resize(mask, *size)


def _latent_mask(inpaint: InpaintRequest) -> Image.Image:
    assert inpaint.latent_mask is not None
    return read_mask(ImageOps.exif_transpose(inpaint.latent_mask), rounded=inpaint.rounded)
