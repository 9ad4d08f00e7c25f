"""Notes about a prompt: what contradicts itself, is missing, stands too often or will not be understood.

A pure function of the prompt and of what is known around it. Time grows like the prompt.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from modules.prompts.attention import Dialect
from modules.prompts.craft.rules import Severity, TagFinder, TagRule, pattern_places
from modules.prompts.craft.tag_list import Tag, split_tags, unweighted

TOO_OFTEN = 2
"""Times that a tag stands in a prompt until that is said."""

MAX_NOTES = 100


@dataclass(frozen=True, kw_only=True)
class PromptNote:
    """A note about the characters from `start` to `end` of a prompt."""

    start: int
    end: int
    severity: Severity
    kind: str
    text: str


@dataclass(frozen=True, kw_only=True)
class NoteContext:
    """What is known around a prompt; what is None or empty is not looked at.

    `family` is the model's; `networks` and `embeddings` say of a name in small letters for which family it is, "" where
    that is not known. `knows` says whether the list of tags has a key, `count_tokens` how many tokens each of some
    texts takes.
    """

    negative_prompt: str = ""
    dialect: Dialect = "A1111"
    family: str = ""
    networks: Mapping[str, str] | None = None
    embeddings: Mapping[str, str] = field(default_factory=dict[str, str])
    knows: Callable[[str], bool] | None = None
    count_tokens: Callable[[Sequence[str]], Sequence[int]] | None = None
    chunk: int = 75
    rules: Sequence[TagRule] = ()


def notes(prompt: str, context: NoteContext) -> list[PromptNote]:
    """What is to be said about a prompt, by where it stands."""
    tags = [(tag.key, tag) for tag in split_tags(prompt)]
    found: list[PromptNote] = []
    found += _brackets(prompt, context.dialect)
    found += _repeated(tags)
    found += _written(tags, context)
    found += _ruled(prompt, tags, context)
    found += _networks(prompt, context)
    found += _embeddings(tags, context)
    found += _beyond_the_chunk(tags, context)
    found.sort(key=lambda note: (note.start, note.end))
    return found[:MAX_NOTES]


_BRACKET = re.compile(r"\\.|[()\[\]{}<>]", re.DOTALL)
_PAIRS = {")": "(", "]": "[", "}": "{"}


def _brackets(prompt: str, dialect: Dialect) -> Iterator[PromptNote]:
    """Brackets that are closed or opened nowhere. NovelAI's need no pairs."""
    if dialect in ("NovelAI", "none"):
        return
    opened: dict[str, list[int]] = {"(": [], "[": [], "{": []}
    for sign in _BRACKET.finditer(prompt):
        mark, at = sign[0], sign.start()
        if mark in opened:
            opened[mark].append(at)
        elif mark in _PAIRS:
            if opened[_PAIRS[mark]]:
                opened[_PAIRS[mark]].pop()
            else:
                yield _note(at, at + 1, "warning", "brackets", f"This {mark} closes nothing.")
    for mark, places in opened.items():
        for at in places:
            yield _note(at, at + 1, "warning", "brackets", f"This {mark} is closed nowhere.")


def _repeated(tags: Sequence[tuple[str, Tag]]) -> Iterator[PromptNote]:
    counts: dict[str, int] = {}
    for key, _ in tags:
        counts[key] = counts.get(key, 0) + 1
    seen: set[str] = set()
    for key, tag in tags:
        if counts[key] >= TOO_OFTEN and key not in ("break", "and"):
            if key in seen:
                yield _note(tag.start, tag.end, "info", "repeated", f'"{tag.text}" stands {counts[key]} times.')
            seen.add(key)


_PART = re.compile(r"[(\[{]{1,20}+[^()\[\]{}<>|:,]{1,80}+(?::[0-9.]{1,8}+)?[)\]}]{1,20}+")


def _written(tags: Sequence[tuple[str, Tag]], context: NoteContext) -> Iterator[PromptNote]:
    """What is wrong with a tag as it is written: no comma, a part of it weighted, a face, a word in no tag list."""
    for key, tag in tags:
        text, start, end = tag.text, tag.start, tag.end
        if text.startswith("<") or key in context.embeddings or "__" in text or "${" in text:
            continue
        if key in (":|", "|", ";|", "=|"):
            said = f'"{text}" breaks what knows | as a sign; write expressionless.'
            yield _note(start, end, "warning", "face", said)
            continue
        line_break = text.find("\n")
        if line_break >= 0 and "BREAK" not in text:
            yield _note(start + line_break, end, "info", "comma", "There is no comma at the end of the line.")
        elif (part := _PART.search(text[:400])) is not None and "\\" not in text:
            rest = (text[: part.start()] + text[part.end() :]).strip()
            if rest and rest[0].isalnum() and rest[-1].isalnum() and " " not in unweighted(part[0]).strip():
                said = "A weight on a part of a tag draws that part alone; weigh the whole tag."
                yield _note(start + part.start(), start + part.end(), "info", "part", said)
        if context.knows is not None and line_break < 0:
            yield from _unknown(key, tag, context.knows)


def _unknown(key: str, tag: Tag, knows: Callable[[str], bool]) -> Iterator[PromptNote]:
    if knows(key) or not any(letter.isalpha() for letter in key) or any(sign in key for sign in "()[]{}|<>:"):
        return
    words = key.split(" ")
    if len(words) <= 12:
        for cut in range(1, len(words)):
            first, last = " ".join(words[:cut]), " ".join(words[cut:])
            if knows(first) and knows(last):
                said = f'Is there a comma missing between "{first}" and "{last}"?'
                yield _note(tag.start, tag.end, "warning", "comma", said)
                return
    yield _note(tag.start, tag.end, "info", "unknown", f'The list of tags does not know "{key[:80]}".')


def _ruled(prompt: str, tags: Sequence[tuple[str, Tag]], context: NoteContext) -> Iterator[PromptNote]:
    if not context.rules:
        return
    finder = TagFinder(tags)
    unwanted = TagFinder((tag.key, tag) for tag in split_tags(context.negative_prompt))
    for rule in context.rules:
        if rule.pattern is not None:
            continue
        first = next(finder.find(rule.when), None)
        if first is not None and _holds(rule, first[1], finder, unwanted):
            yield _note(first[1].start, first[1].end, rule.severity, "rule", rule.say)
    places, slow = pattern_places([rule for rule in context.rules if rule.pattern is not None], prompt)
    for rule, start, end in places:
        yield _note(start, end, rule.severity, "rule", rule.say)
    for said in slow:
        yield _note(0, 0, "info", "rules", said)


def _holds(rule: TagRule, first: Tag, finder: TagFinder, unwanted: TagFinder) -> bool:
    """Whether everything else holds that a rule asks for; a rule without more holds where its tag stands."""

    def beside(words: Sequence[str]) -> Iterator[Tag]:
        return (tag for key, tag in finder.find(words) if key not in rule.unless and tag is not first)

    return (
        (not rule.beside or any(True for _ in beside(rule.beside)))
        and (not rule.needs or not any(True for _ in beside(rule.needs)))
        and (not rule.negative or any(True for _ in unwanted.find(rule.negative)))
        and (not rule.after or any(tag.start > first.start for tag in beside(rule.after)))
    )


_NETWORK = re.compile(r"<(lora|lyco|hypernet):([^:<>]{1,200}+)[^<>]{0,200}+>")


def _networks(prompt: str, context: NoteContext) -> Iterator[PromptNote]:
    if context.networks is None or "<" not in prompt:
        return
    for match in _NETWORK.finditer(prompt):
        name = match[2].strip()
        family = context.networks.get(name.casefold())
        if family is None:
            yield _note(*match.span(), "warning", "network", f'There is no network "{name}".')
        elif _is_other(family, context.family):
            said = f'"{name}" is for {family}; the model is {context.family}.'
            yield _note(*match.span(), "warning", "network", said)


def _embeddings(tags: Sequence[tuple[str, Tag]], context: NoteContext) -> Iterator[PromptNote]:
    if not context.embeddings:
        return
    for key, tag in tags:
        plain = unweighted(tag.text)
        for name in dict.fromkeys((plain.casefold(), key)):
            family = context.embeddings.get(name)
            if family is not None:
                if _is_other(family, context.family):
                    said = f'Embedding "{plain}" is for {family}; the model is {context.family}.'
                    yield _note(tag.start, tag.end, "warning", "embedding", said)
                break


def _is_other(family: str, model: str) -> bool:
    return bool(family and model) and family != model


def _beyond_the_chunk(tags: Sequence[tuple[str, Tag]], context: NoteContext) -> Iterator[PromptNote]:
    """The first tag that does not fit into the first chunk of tokens, where the words that follow count for less."""
    if context.count_tokens is None:
        return
    counted = [tag for _, tag in tags if not tag.text.startswith("<")]
    tokens = -1  # a comma takes one, but there is none before the first tag
    for tag, count in zip(counted, context.count_tokens([unweighted(tag.text) for tag in counted]), strict=True):
        tokens += count + 1
        if tokens > context.chunk:
            said = f"From here on it is beyond the first {context.chunk} tokens, which count most."
            yield _note(tag.start, tags[-1][1].end, "info", "chunk", said)
            return


def _note(start: int, end: int, severity: Severity, kind: str, text: str) -> PromptNote:
    return PromptNote(start=start, end=end, severity=severity, kind=kind, text=text)
