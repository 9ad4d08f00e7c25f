"""What is on a canvas, as it travels between the browser and the server."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from modules.foundation.errors import EaselError, Forbidden, RequestError

MOST_ADDED = 8192
"""Pixels by which a side of a picture can grow."""

Frame = tuple[int, int, int, int]
"""Pixels added to a picture at its left, top, right and bottom."""


@dataclass(frozen=True, kw_only=True)
class CanvasValue:
    """A picture and what was painted over it.

    `picture` is the file as it was given, nothing of it lost. `paint` is a PNG with transparency in the size of the
    picture, upright, with `frame` around it; its alpha says how much is painted. Without `soft`, levels between
    nothing and all are only the smooth edges of hard brushes.
    """

    picture: Path
    paint: Path | None = None
    soft: bool = False
    frame: Frame = (0, 0, 0, 0)

    @property
    def is_painted(self) -> bool:
        """Whether there may be anything beside the picture."""
        return self.paint is not None or any(self.frame)


@dataclass(frozen=True, kw_only=True)
class RefusedCanvas:
    """What a browser sent that is not taken, with the reason: to be raised where it can be told."""

    error: EaselError


def to_text(value: CanvasValue | Path | str | None) -> str:
    """The text that the browser is given; "" for an empty canvas. A path is a picture with nothing painted."""
    if value is None or value == "":
        return ""
    if not isinstance(value, CanvasValue):
        value = CanvasValue(picture=Path(value))
    content = {
        "picture": str(value.picture),
        "paint": None if value.paint is None else str(value.paint),
        "soft": value.soft,
        "frame": list(value.frame),
    }
    return json.dumps(content)


def from_text(text: object, may_be_read: Callable[[Path], bool]) -> CanvasValue | None:
    """The value that a browser sent; None for an empty canvas.

    Raises Forbidden for files that `may_be_read` does not allow: the paths come from the client. Raises
    RequestError for what no canvas says.
    """
    if text in (None, ""):
        return None
    try:
        content = json.loads(str(text))
        picture, paint = Path(str(content["picture"])), content.get("paint")
        left, top, right, bottom = (int(side) for side in content.get("frame") or (0, 0, 0, 0))
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise RequestError("The canvas sent something that cannot be read. Reload the page.", "canvas") from error
    frame = (left, top, right, bottom)
    if not all(0 <= side <= MOST_ADDED for side in frame):
        raise RequestError(f"A picture can grow by at most {MOST_ADDED} pixels on each side.", "canvas")
    value = CanvasValue(
        picture=picture, paint=Path(str(paint)) if paint else None, soft=bool(content.get("soft")), frame=frame
    )
    for path in (value.picture, value.paint):
        if path is not None and not may_be_read(path):
            raise Forbidden(f"{path.name} is neither an uploaded picture nor one that was made here.", "canvas")
    return value


def taken_apart(value: CanvasValue) -> tuple[dict[str, object], dict[str, Path]]:
    """What can be written as JSON, and the files, for keeping them beside each other; see `put_together`."""
    files = {"picture": value.picture} | ({} if value.paint is None else {"paint": value.paint})
    return {"soft": value.soft, "frame": list(value.frame)}, files


def put_together(content: object, files: Mapping[str, Path]) -> CanvasValue | None:
    """The value that `taken_apart` took apart, its files being elsewhere now; None where its picture is gone."""
    if not isinstance(content, dict) or "picture" not in files:
        return None
    paths = {part: str(path) for part, path in files.items()}
    return from_text(json.dumps({**content, **paths}), lambda path: True)
