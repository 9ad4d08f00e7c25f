"""Grey pictures of more than 8 bits a level, as depth maps, scanners and masks from other programs have them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from PIL import Image


def is_deep(image: Image.Image) -> bool:
    """Whether the levels of `image` are wider than 8 bits: Pillow's modes I, F and I;16 in any byte order."""
    return image.mode.startswith("I") or image.mode == "F"


def eight_bits(image: Image.Image) -> Image.Image:
    """`image` itself where it has 8 bits a channel or fewer; a deep one in mode L, black to white as it is there.

    Pillow's own conversion cuts off all that is above 255, which turns nearly every 16-bit picture white. A level that
    stands for nothing (tRNS in a PNG) becomes transparent; the mode is LA then.
    """
    from PIL import Image

    if not is_deep(image):
        return image
    import numpy as np

    levels = np.asarray(image)
    result = Image.fromarray(_as_bytes(levels, image.mode))
    hidden = image.info.get("transparency")
    if isinstance(hidden, int):
        alpha = Image.fromarray(np.where(levels == hidden, 0, 255).astype(np.uint8))
        result = Image.merge("LA", (result, alpha))
    result.info = {key: value for key, value in image.info.items() if key != "transparency"}
    return result


def _as_bytes(levels: NDArray[np.number], mode: str) -> NDArray[np.uint8]:
    """Levels 0..255. Only I;16 says how wide it is; in the other modes the largest level tells.

    Mode I holds 8, 16 or 32 bits, mode F any of these or 0..1. What is not a number is black.
    """
    import numpy as np

    if mode.startswith("I;16"):
        return (levels.astype(np.uint16) >> 8).astype(np.uint8)
    if mode == "I" and _fills_32_bits(levels):
        return (levels.astype(np.int32).view(np.uint32) >> 24).astype(np.uint8)
    exact = np.nan_to_num(levels.astype(np.float64), nan=0.0, posinf=0.0, neginf=0.0)
    most = exact.max(initial=0)
    if mode == "F" and most <= 1:
        exact = np.rint(exact * 255)
    elif most > 0xFFFF:
        exact = exact / (1 << 24)
    elif most > 0xFF:
        exact = exact / 256
    return np.clip(exact, 0, 255).astype(np.uint8)


def _fills_32_bits(levels: NDArray[np.number]) -> bool:
    """Whether these are unsigned levels of 32 bits, the upper half of which is below 0 in Pillow's mode I."""
    least, most = levels.min(initial=0), levels.max(initial=0)
    return bool(most > 0xFFFF or least < -0x8000 or (least < 0 and most == 0))
