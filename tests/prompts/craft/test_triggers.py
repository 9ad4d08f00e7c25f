from __future__ import annotations

from pathlib import Path

from modules.prompts.craft.triggers import TriggerWord, searched, trigger_words, with_weight


def test_words_come_from_notes_header_lists_and_training_once_each(tmp_path: Path) -> None:
    (tmp_path / "a.triggers.txt").write_text("# Styles\nflat color, impasto\n\n# Quality\nbest quality\nflat color\n")
    (tmp_path / "a.triggers.yaml").write_text("aesthetics: [beautiful, 3d]\nquality:\n  - Best Quality\n")
    words, problems = trigger_words(
        str(tmp_path / "a.safetensors"),
        {"modelspec.trigger_phrase": "by xxx, (lucy:1.1)"},
        {"activation text": "by xxx"},
        {"1girl": 30, "impasto": 5, "smile": 70},
    )
    assert problems == []
    assert [(each.text, each.group, each.count) for each in words] == [
        ("by xxx", "notes", None),
        ("(lucy:1.1)", "header", None),
        ("flat color", "Styles", None),
        ("impasto", "Styles", None),
        ("best quality", "Quality", None),
        ("beautiful", "aesthetics", None),
        ("3d", "aesthetics", None),
        ("smile", "training", 70),
        ("1girl", "training", 30),
    ]
    assert [each.text for each in searched(words, "styles im")] == ["impasto"]
    assert len(searched(words, "")) == 9


def test_hundreds_of_words_and_broken_lists(tmp_path: Path) -> None:
    (tmp_path / "b.triggers.txt").write_text("\n".join(f"word {index}" for index in range(20_000)))
    (tmp_path / "b.triggers.yaml").write_text("a: &x [b]\nc: *x\n")
    words, problems = trigger_words(str(tmp_path / "b.safetensors"), {}, {}, {})
    assert len(words) == 10_000
    assert len(problems) == 1
    assert "b.triggers.yaml, line 2" in problems[0]
    (tmp_path / "b.triggers.yaml").write_text("a: b\n")
    assert "line 1" in trigger_words(str(tmp_path / "b.safetensors"), {}, {}, {})[1][0]


def test_a_word_is_put_in_with_its_weight() -> None:
    assert with_weight("by xxx", 0.6) == "(by xxx:0.6)"
    assert with_weight("by xxx", 1) == "by xxx"
    assert TriggerWord(text="a", group="b").count is None
