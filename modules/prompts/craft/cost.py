"""What a picture would cost at NovelAI's prices, for people who compare. The formulas are those of its page."""

from __future__ import annotations

import math
from typing import Literal

from modules.foundation.errors import RequestError

MEGAPIXEL = 1024 * 1024

SMEA_FACTORS = {"": 1.0, "SMEA": 1.2, "SMEA DYN": 1.4}

LEAST = 2
"""That any picture costs."""


def novelai_cost(
    width: int,
    height: int,
    steps: int,
    *,
    generation: Literal["V1", "V2", "V3"] = "V3",
    smea: Literal["", "SMEA", "SMEA DYN"] = "",
    strength: float = 1.0,
    undesired_strength: float = 1.0,
) -> int:
    """The price of one picture. `strength` is that of img2img, `undesired_strength` of the negative guidance.

    Raises RequestError for sizes beyond 1 megapixel with V1 and V2, which have no price there.
    """
    area = width * height
    if generation == "V3":
        price = math.ceil(2.951823174884865e-6 * area + 5.753298233447344e-7 * area * steps) * SMEA_FACTORS[smea]
    elif area > MEGAPIXEL:
        raise RequestError(f"{generation} makes up to {MEGAPIXEL:,} pixels; {width}x{height} are {area:,}.", "width")
    else:
        scale = 15.266497014243718 * math.exp(0.6326248927474729 * area / MEGAPIXEL) - 15.225164493059737
        price = math.ceil(scale * steps / 28)
    return math.ceil(max(math.ceil(price * strength), LEAST) * undesired_strength)
