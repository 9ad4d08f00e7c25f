"""Every function that takes a stranger's text does an amount of work that grows like the text, whatever it looks like.

Work in Python is counted in calls. Work inside a pattern cannot be counted, but one that goes back over its text takes
minutes for 200 kB where a linear one takes milliseconds: all shapes together get a time that only the former exceeds.
"""

from __future__ import annotations

import contextlib
import datetime
import itertools
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from modules.application import history_search
from modules.application.downloads.download import clean_name, file_address
from modules.foundation.errors import EaselError, UnknownName
from modules.foundation.json_text import parse_json
from modules.foundation.user_pattern import UserPattern
from modules.imaging.filenames import NameContext, fill_pattern, sanitize
from modules.infotext import network_names, parse, quoting, restore, versions
from modules.library.folders import natural_key
from modules.networks.keys import split_key
from modules.networks.metadata import tag_counts
from modules.prompts import attention, comments, composition, editing, networks, styles, xyz_axis_values
from modules.prompts.craft.data import OWN
from modules.prompts.craft.notes import NoteContext, notes
from modules.prompts.craft.rules import read_rules
from modules.prompts.craft.tag_list import deduplicated
from modules.prompts.craft.weights import at_weight, to_a1111, to_novelai
from modules.prompts.wildcards.expansion import Expander
from modules.prompts.wildcards.template import parse_template
from modules.prompts.wildcards.values import NoWildcards
from modules.training import tags
from modules.upscalers.catalogue import scale_in
from tests.thorough import THOROUGH

RUNS = "a 0.,:;\"'\\()[]{}<>|/-_=#*&%@\n\t\r\u3000\u00e9\u6f22\U0001f600\ud800\x00"
"""Characters of which a text may consist alone."""

REPEATED = (
    *(
        "<a:",
        "<a:>",
        "<lora:x:1>",
        "[a|b]",
        "[a:b:0.5]",
        "(a:1.1)",
        "((a",
        "(a",
        "[[a",
        "{a",
        "{a|",
        "{2$$a",
        "__a",
        "__a(b=",
        "${a=",
        "${",
        "(a]",
        "[a)",
        "(]",
        "a:1)",
    ),
    *(
        ": ",
        ", ",
        "a, ",
        '"a',
        '\\"',
        '"\\',
        '"a" ',
        'aa: "',
        'seed: "a\\',
        "a: b, ",
        "Steps: 1, ",
        "Negative prompt:\n",
    ),
    *(
        "AND ",
        "a AND b:1 ",
        "BREAK ",
        "a BREAK",
        "#a\n",
        "\n#",
        "# ",
        "{prompt}",
        "[seed]",
        "[hasprompt<",
        "[datetime<%c>]",
    ),
    *(
        "1.",
        "1-",
        "-1",
        "1-2 (",
        "a1",
        "a10b",
        "x1",
        "[a:(b:",
        "[(a|b):(c:1.2):3]",
        "[[a:b:1]:c:2",
        "&amp;",
        "a.b-",
        ".lora_",
    ),
    "a" * 30 + " ",
)
NESTED = (
    *(("[", "]"), ("(", ")"), ("(a", ")"), ("[a:", ":1]"), ("[a|", "b]"), ("<a:", ">"), ('{"a":', "1}"), ("([", ")]")),
    *(("[a", "]b"), ("(", ":1.1)"), ("{", "}"), ("{a|", "}"), ("${a=", "}"), ("__a(b=", ")__")),
)


def shapes(size: int) -> Iterator[str]:
    """Texts of about `size` characters of every shape, with an end that does not fit."""
    for unit in (*RUNS, *REPEATED):
        yield unit * (size // len(unit)) + "x"
    for opening, closing in NESTED:
        depth = size // (len(opening) + len(closing))
        yield from (opening * depth + closing * depth, opening * depth + "a" + closing * (depth - 1))


def _context(prompt: str) -> NameContext:
    return NameContext(now=datetime.datetime(2024, 5, 6), prompt=prompt, style_prompts=("a", prompt[:100]))


STYLES = [
    styles.Style(name=str(n), prompt="a " * n + "{prompt}" * (n % 2), negative_prompt="{prompt}") for n in range(20)
]
RULES, _ = read_rules([OWN / "rules.yaml"])
EVERY_TOKEN = "[prompt][prompt_words][prompt_hash][prompt_spaces][prompt_no_styles][hasprompt<a><b|c>]"

FUNCTIONS: dict[str, Callable[[str], object]] = {
    "emphasis": attention.parse_attention,
    "emphasis of NovelAI": partial(attention.parse_attention, dialect="NovelAI"),
    "schedule": partial(editing.parse_schedule, steps=8),
    "schedule of a second pass": partial(editing.parse_schedule, steps=4, hires_steps=4),
    "tags of networks": networks.extract_networks,
    "name in a tag": networks.made_to_fit,
    "AND": composition.split_and,
    "notes about a prompt": lambda text: notes(text, NoteContext(networks={}, knows=lambda _: False, rules=RULES)),
    "tags of a prompt": partial(deduplicated, implied=True),
    "tags at one weight": partial(at_weight, amount=0.9),
    "brackets of A1111": to_a1111,
    "brackets of NovelAI": to_novelai,
    "template": parse_template,
    "prompt of a template": lambda text: Expander(NoWildcards()).expand(text, 1, "combinatorial"),
    "comments": comments.strip_comments,
    "styles.csv": styles.read_styles,
    "styles in a prompt": lambda text: styles.extract_styles(text, text, STYLES),
    "a style's own text": lambda text: styles.extract_styles("a", "b", [styles.Style(name="x", prompt=text)]),
    "whole numbers of an axis": partial(xyz_axis_values.parse_axis_values, kind="int"),
    "numbers of an axis": partial(xyz_axis_values.parse_axis_values, kind="float"),
    "texts of an axis": partial(xyz_axis_values.parse_axis_values, kind="str"),
    "orders of an axis": partial(xyz_axis_values.parse_axis_values, kind="permutation"),
    "infotext": parse.parse,
    "last line of an infotext": lambda text: (
        parse.parse("Steps: 1, Sampler: a, Seed: 2, A: " + text.replace("\n", " ")).parts
    ),
    "restoring an infotext": lambda text: restore.restore(parse.parse(text), restore.RestoreOptions()),
    "quoted value": lambda text: quoting.unquote(f'"{text}"'),
    "quoting": quoting.quote,
    "names of networks": lambda text: network_names.with_local_names(text, text, lambda _: None),
    "Additional Networks": lambda text: network_names.added_networks(
        {"AddNet Enabled": "True", "AddNet Module 1": "LoRA", "AddNet Model 1": text}
    ),
    "version": versions.parse_version,
    "pattern of a name": lambda text: fill_pattern(text, _context("a cat")),
    "prompt in a name": lambda text: fill_pattern(EVERY_TOKEN, _context(text)),
    "piece of a name": sanitize,
    "name in order": natural_key,
    "tensor of a network": split_key,
    "edit of a caption": lambda text: tags.edited(
        text, tags.TagEdit(find="a", replace=text[:100], add=text, unique=True, shorter=True, sort=True)
    ),
    "words in a file's name": lambda text: UserPattern(r"\w+", "a", "b").found_in(text),
    "tags of a training": lambda text: tag_counts({"ss_tag_frequency": text}),
    "JSON": parse_json,
    "search in the history": history_search.match_expression,
    "name of a download": clean_name,
    "address of a download": lambda text: file_address("https://huggingface.co/blob/" + text),
    "scale in a name": scale_in,
    "unknown name": lambda text: UnknownName("sampler", text, ["Euler", "Euler a"]),
}
READING_PROMPTS = {
    *("emphasis", "emphasis of NovelAI", "schedule", "schedule of a second pass", "notes about a prompt"),
    *("tags of a prompt", "tags at one weight", "brackets of A1111", "brackets of NovelAI"),
    *("template", "prompt of a template", "words in a file's name"),
}


def run_shapes(name: str) -> None:
    """Call one function with every shape at 5 kB, and at 200 kB with those whose turn it is.

    At 5 kB a pattern takes minutes that goes back more than once over its text, at 200 kB one that does so once. What
    reads prompts spends its time in calls, which are counted below, around the same patterns: there a shape comes to
    every eighteenth function.
    """
    every = 1 if THOROUGH or name not in READING_PROMPTS else 18
    turn = list(FUNCTIONS).index(name) % every
    for text in itertools.chain(shapes(5_000), itertools.islice(shapes(200_000), turn, None, every)):
        # What is refused is refused quickly, too; an error that is not meant for people ends the test.
        with contextlib.suppress(EaselError, ValueError):
            FUNCTIONS[name](text)


def _calls(function: Callable[[str], object], text: str) -> int:
    count = 0

    def on_event(_frame: object, event: str, _argument: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    sys.setprofile(on_event)
    try:
        with contextlib.suppress(EaselError, ValueError):
            function(text)
    finally:
        sys.setprofile(None)
    return count


@pytest.mark.parametrize("name", FUNCTIONS)
def test_calls_grow_like_the_text(name: str) -> None:
    for small, large in zip(shapes(1000), shapes(4000), strict=True):
        function = FUNCTIONS[name]
        function_of_nothing = _calls(function, "")
        few, many = _calls(function, small), _calls(function, large)
        # Up to four times as many, and what is there always; tables grow in leaps.
        assert many - function_of_nothing <= 5 * max(few - function_of_nothing, 100), small[:40]


GROUPS = [list(FUNCTIONS)[start::4] for start in range(4)]


@pytest.mark.parametrize("group", range(len(GROUPS)))
def test_no_shape_of_text_takes_minutes(group: int) -> None:
    call = f"for name in GROUPS[{group}]: run_shapes(name)"
    code = f"from tests.test_long_texts import GROUPS, run_shapes\n{call}"
    folder = Path(__file__).parents[1]
    done = subprocess.run([sys.executable, "-c", code], cwd=folder, timeout=400, check=False, capture_output=True)
    assert done.returncode == 0, done.stderr.decode()[-2000:]
