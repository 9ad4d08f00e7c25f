from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modules.prompts.craft.data import OWN
from modules.prompts.craft.notes import NoteContext, PromptNote, notes
from modules.prompts.craft.rules import read_rules

RULES, PROBLEMS = read_rules([OWN / "rules.yaml"])
CONTEXT = NoteContext(rules=RULES)
KNOWN = {"blue eyes", "long hair", "1girl", "cat", "red dress", "hatsune miku", "smile"}


def told(prompt: str, context: NoteContext = CONTEXT) -> list[tuple[str, str]]:
    return [(each.kind, prompt[each.start : each.end]) for each in notes(prompt, context)]


def test_our_own_rules_can_be_read() -> None:
    assert PROBLEMS == []
    assert len(RULES) > 10


def test_a_good_prompt_has_no_notes() -> None:
    prompt = r"1girl, solo, lucy \(cyberpunk\), (long hair:1.2), blue eyes, [cat|dog], [a:b:0.5], <lora:x:1>"
    assert notes(f"{prompt}, {{red|blue}} dress", CONTEXT) == []
    assert notes("", CONTEXT) == []


def test_brackets_that_fit_nothing_are_shown() -> None:
    assert told("(a, b") == [("brackets", "(")]
    assert told("a), [b, {c") == [("brackets", ")"), ("brackets", "["), ("brackets", "{")]
    assert told(r"a \( b") == []
    assert told("{a, ]b", replace(CONTEXT, dialect="NovelAI")) == []


def test_contradictions_and_what_is_missing() -> None:
    assert told("1girl, eyes closed, blue eyes") == [("rule", "eyes closed")]
    assert told("eyes_closed, 1girl") == []
    assert told("gloves", replace(CONTEXT, negative_prompt="(bad anatomy), hands")) == [("rule", "gloves")]
    assert told("gloves", replace(CONTEXT, negative_prompt="bad hands")) == []
    assert told("solo, 2girls") == [("rule", "solo")]
    assert told("blue eyes, red hair") == [("rule", "blue eyes")]
    assert told("red hair, blue eyes") == []


def test_what_is_written_wrongly() -> None:
    assert told("a cat, b, A_Cat, (a cat:1.2)") == [("repeated", "A_Cat"), ("repeated", "(a cat:1.2)")]
    assert told("{{{orange}}} eyes, x") == [("part", "{{{orange}}}")]
    assert told("(orange:1.2) eyes") == [("part", "(orange:1.2)")]
    assert told("a cat, :|") == [("face", ":|")]
    assert told("a cat\nsitting, b") == [("comma", "\nsitting")]


def test_the_list_of_tags_knows_commas_that_are_missing() -> None:
    context = replace(CONTEXT, knows=KNOWN.__contains__)
    assert told("1girl, blue eyes long hair, (Hatsune_Miku:1.1), gril", context) == [
        ("comma", "blue eyes long hair"),
        ("unknown", "gril"),
    ]
    assert told("[cat|dog], __colour__, <lora:gril:1>, 100%", context) == []


def test_networks_and_embeddings_of_another_family() -> None:
    context = replace(
        CONTEXT,
        family="SDXL",
        networks={"old": "SD1", "new": "SDXL", "any": ""},
        embeddings={"easynegative": "SD1", "good": "SDXL"},
    )
    prompt = "<lora:old:1>, <lora:new:1>, <lora:Any:0.5>, <lora:gone:1>, (EasyNegative:1.2), good"
    assert told(prompt, context) == [
        ("network", "<lora:old:1>"),
        ("network", "<lora:gone:1>"),
        ("embedding", "(EasyNegative:1.2)"),
    ]


def test_what_falls_beyond_the_chunk() -> None:
    context = replace(CONTEXT, count_tokens=lambda texts: [len(text.split()) for text in texts], chunk=6)
    assert told("a b, c, d e, f", context) == [("chunk", "d e, f")]
    assert told("a b, c, d", context) == []


def test_a_user_s_rules_add_to_ours_and_bad_ones_are_named(tmp_path: Path) -> None:
    path = tmp_path / "rules.yaml"
    path.write_text(
        "rules:\n"
        "  solo-rule: {when: [solo], needs: [1girl, 1boy], say: Who?}\n"
        "  alone:\n"
        "  typo: {pattern: 'teh\\b', say: the}\n"
        "  bad pattern: {pattern: '(a'}\n"
        "  bad words:\n    when: {a: b}\n"
        "  bad star: {when: ['a*b']}\n"
        "  empty: {say: nothing}\n"
        "  slow: {pattern: '(?:a|aa)+(?:b|c)', say: slow}\n"
    )
    rules, problems = read_rules([OWN / "rules.yaml", path])
    assert [problem.partition(": ")[0] for problem in problems] == [f"{path}, line {line}" for line in (5, 6, 8, 9)]
    context = NoteContext(rules=rules)
    assert told("teh cat, solo", context) == [("rule", "teh"), ("rule", "solo")]
    assert told("1girl, solo, 2girls", context) == []
    slow = notes("a" * 60 + "!", context)
    assert [note.kind for note in slow] == ["rules"]
    assert f"{path}, line 10" in slow[0].text


@pytest.mark.parametrize(
    ("content", "line"),
    [("rules: [a]", "line 1"), ("rules:\n  a: &x {when: [b]}\n  c: *x", "line 3"), ("\t", "line 1")],
)
def test_a_file_of_rules_that_cannot_be_read_is_named(tmp_path: Path, content: str, line: str) -> None:
    path = tmp_path / "rules.yaml"
    path.write_text(content)
    rules, problems = read_rules([path, tmp_path / "none.yaml"])
    assert rules == []
    assert len(problems) == 1
    assert problems[0].startswith(f"{path}, {line}")


def lengths(texts: Sequence[str]) -> list[int]:
    return [len(text) for text in texts]


@given(st.text("ab ,()[]{}<>:|_\\\n.1", max_size=80))
def test_notes_lie_within_the_prompt(prompt: str) -> None:
    context = replace(
        CONTEXT,
        knows=KNOWN.__contains__,
        networks={},
        count_tokens=lambda texts: [len(text) for text in texts],
        chunk=20,
    )
    found = notes(prompt, context)
    assert all(isinstance(note, PromptNote) and 0 <= note.start <= note.end <= len(prompt) for note in found)
