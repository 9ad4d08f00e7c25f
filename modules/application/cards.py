"""Pages of cards on the generation tabs: networks, embeddings and checkpoints to choose from; others may add pages."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass

from modules.foundation.plain import JsonMapping, JsonObject

FIELDS = (
    *("name", "path", "folder", "prompt", "negative", "preview", "description", "words", "family", "hash", "problem"),
    *("created", "modified", "script"),
)
"""What a card of a page is told of, in this order; see `Card`."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Card:
    """One card. `path` is that of its file below `folder`, with slashes; what is not known is None or "".

    A click adds `prompt` to the prompt (None: what the page's tag makes of the name) and `negative` to the negative
    one; a `script` of an extension is called instead. `preview` is an address, `words` are found by a search besides
    name and path. `created` and `modified` are seconds since 1970.
    """

    name: str
    path: str = ""
    folder: str = ""
    prompt: str | None = None
    negative: str = ""
    preview: str | None = None
    description: str = ""
    words: str = ""
    family: str | None = None
    hash: str = ""
    problem: str | None = None
    created: int = 0
    modified: int = 0
    script: str | None = None


@dataclass(frozen=True, kw_only=True)
class Beginning:
    """The cards that a page shows first, with how many there are in all, and the places of all below their folders."""

    cards: Sequence[Card]
    total: int
    places: Collection[str]


@dataclass(frozen=True, kw_only=True)
class CardPage:
    """A page of cards. `name` is its short name, of which ids are made; `cards` is asked at each opening.

    `beginning`, where there is one, gives the first so many sooner than `cards` gives them all. `kind` is the kind of
    model file, whose notes can be written; `tag` that of the tags it stands for. Pages with `takes_negative` add to the
    negative prompt while the keyboard is there. A page with `html` draws its cards itself, for a tab ("txt2img",
    "img2img").
    """

    name: str
    title: str
    cards: Callable[[], Iterable[Card]]
    beginning: Callable[[int], Beginning] | None = None
    refresh: Callable[[], None] = lambda: None
    kind: str = ""
    tag: str = ""
    takes_negative: bool = False
    html: Callable[[str], str] | None = None


def packed(page: CardPage, first: int | None = None) -> JsonObject:
    """A page in little space: its folders, the names of the fields, and a list of values for each card.

    With `first` there need not be more cards than that; `total` says how many there are, `places` where they all lie.
    """
    if first is None or page.beginning is None:
        cards = list(page.cards())
        shown = Beginning(cards=cards, total=len(cards), places={place_of(card.path) for card in cards})
    else:
        shown = page.beginning(first)
    folders: dict[str, int] = {}
    rows = list(_rows(shown.cards, folders))
    places = sorted(filter(None, shown.places))
    return {"fields": FIELDS, "folders": list(folders), "places": places, "total": shown.total, "cards": rows}


def place_of(path: str) -> str:
    """Where below its folder a file lies; "" for the folder itself.

    >>> place_of("style/old/film.safetensors")
    'style/old'
    """
    return path.rpartition("/")[0]


def _rows(cards: Iterable[Card], folders: dict[str, int]) -> Iterator[Sequence[object]]:
    for card in cards:
        folder = folders.setdefault(card.folder, len(folders))
        yield (
            card.name,
            card.path,
            folder,
            card.prompt,
            card.negative,
            card.preview,
            card.description,
            card.words,
            card.family,
            card.hash,
            card.problem,
            card.created,
            card.modified,
            card.script,
        )


def noted_weight(notes: JsonMapping) -> float | None:
    """The weight that a user prefers for a network; None where the notes say none that can be used."""
    said = notes.get("preferred weight")
    if isinstance(said, bool) or not isinstance(said, int | float | str):
        return None
    try:
        weight = float(said)
    except ValueError:
        return None
    return weight if weight and weight == weight and abs(weight) < 1000 else None  # noqa: PLR0124 - NaN


def tag_text(tag: str, name: str, notes: JsonMapping, weight: float) -> str:
    """What a click on a network adds to the prompt: its tag, then the words that the user's notes say.

    >>> tag_text("lora", "film", {"activation text": "grainy", "preferred weight": 0.8}, 1.0)
    '<lora:film:0.8> grainy'
    """
    words = str(notes.get("activation text") or "").strip()
    text = f"<{tag}:{name}:{noted_weight(notes) or weight:g}>"
    return f"{text} {words}" if words else text
