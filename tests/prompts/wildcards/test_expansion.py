"""What templates become, as sd-dynamic-prompts' documents and the tests of dynamicprompts have it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from itertools import permutations, product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modules.prompts.wildcards.expansion import Expander
from modules.prompts.wildcards.values import NoWildcards
from tests.prompts.wildcards.conftest import Pantry

WORDS = st.text(st.characters(categories=["L", "N"], include_characters=" .-"), max_size=12)


def bare(template: str, most: int = 10_000) -> list[str]:
    return [made.text for (made,) in Expander(NoWildcards()).combinations([template], iter(range(most)))]


def once(template: str, seed: int = 0) -> str:
    return Expander(NoWildcards()).expand(template, seed).text


@given(st.text(st.characters(exclude_characters="{_$")), st.integers(0, 2**63))
def test_a_text_without_signs_is_what_it_was(text: str, seed: int) -> None:
    assert once(text, seed) == text


@pytest.mark.parametrize(
    "text",
    [
        "good_bye world",
        "Test änderō [low emphasis:0.4] (high emphasis:0.4)",
        "[cat|dog] [cat:dog:0.25]",
        "Unmatched } bracket",
        "{cat|dog",
        "a {masterpiece}, {{{only background}}}, {best shadow}",
        "{prompt}",
        "@_@, >__<, ___",
        r"\{cat|dog\}",
        r"\__name__x",
    ],
)
def test_what_is_no_template_stands(text: str) -> None:
    assert bare(text) == [text]


@given(st.lists(WORDS, min_size=2, max_size=6, unique=True), WORDS, WORDS)
def test_every_option_comes_once_and_in_its_order(options: list[str], before: str, after: str) -> None:
    template = f"{before}{{{'|'.join(options)}}}{after}"
    assert bare(template) == [f"{before}{option}{after}" for option in options]
    assert {once(template, seed) for seed in range(30)} <= set(bare(template))


@given(st.lists(st.lists(WORDS, min_size=2, max_size=4, unique=True), min_size=1, max_size=3))
def test_combinations_are_the_product_the_last_choice_first(variants: list[list[str]]) -> None:
    template = "/".join("{" + "|".join(options) + "}" for options in variants)
    assert bare(template) == ["/".join(each) for each in product(*variants)]


@given(
    st.lists(st.sampled_from("abcdef"), min_size=1, max_size=4, unique=True),
    st.integers(0, 5),
    st.integers(0, 5),
    st.sampled_from([None, ", ", " and ", "|", " ", ""]),
)
def test_several_are_chosen_without_repetition(options: list[str], one: int, two: int, separator: str | None) -> None:
    least, most = sorted((one, two))
    sign = "" if separator is None else f"{separator}$$"
    template = f"{{{least}-{most}$${sign}{'|'.join(options)}|z}}"
    values = [*options, "z"]
    joined = "," if separator is None else separator
    sizes = range(min(least, len(values)), min(most, len(values)) + 1)
    expected = [joined.join(each) for size in sizes for each in permutations(values, size)]
    assert bare(template) == expected
    assert {once(template, seed) for seed in range(20)} <= set(expected)


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("{-2$$a|b|c}", "{1-2$$a|b|c}"),
        ("{1-$$a|b|c}", "{1-3$$a|b|c}"),
        ("{2-1$$a|b|c}", "{1-2$$a|b|c}"),
        ("{4$$a|b|c}", "{3$$a|b|c}"),
        ("{!1-2$$a|b|c}", "{1-2$$a|b|c}"),
        ("{ 2$$a|b|c}", "{2$$a|b|c}"),
    ],
)
def test_bounds_that_are_left_out_or_too_large(template: str, expected: str) -> None:
    assert bare(template) == bare(expected)


def test_separators_reach_no_further_than_their_own_bracket() -> None:
    assert bare("({0$$a|b} {1$$c|d|e})") == ["( c)", "( d)", "( e)"]
    assert len(bare("{2$$ 1| 2| 3} {2$$ 1| 2| 3}")) == 36
    assert set(bare("{1$$A|B|{2$$ and $$X|Y}}")) == {"A", "B", "X and Y", "Y and X"}
    assert bare("{2$$ $ $$cat|dog}") == [" $ $$cat,dog", "dog, $ $$cat"]


def test_options_on_lines_of_their_own_have_no_line_breaks() -> None:
    assert bare("{\n  2::summer\n\t|autumn\n}") == ["summer", "autumn"]
    assert bare("{ a | b }") == [" a ", " b "]


@given(st.integers(0, 2**63))
def test_a_seed_gives_the_same_words_again_and_the_same_draws(seed: int) -> None:
    template = "{a|b|c|d} {2$$e|f|g} {0.5::h|i}"
    assert once(template, seed) == once(template, seed)
    assert once(f"{template} {{x|y}}", seed).startswith(once(template, seed))


def test_words_of_a_seed_stay_the_same_for_ever() -> None:
    template = "{red|green|blue} {2$$ and $$cat|dog|bird} {3::x|y|0::z}"
    assert [once(template, seed) for seed in (0, 1, 42, 2**40)] == [
        "blue cat and bird y",
        "red cat and bird x",
        "green cat and bird y",
        "red bird and cat x",
    ]


def test_weights_are_how_often_options_come() -> None:
    drawn = Counter(once("{3::a|b|0::c}", seed) for seed in range(4000))
    assert drawn["c"] == 0
    assert 2800 < drawn["a"] < 3200
    first = Counter(once("{2$$3::a|b|0::c}", seed).split(",")[0] for seed in range(4000))
    assert 2800 < first["a"] < 3200
    assert {once("{0::a|0::b}", seed) for seed in range(40)} == {"a", "b"}


def test_turns_go_on_from_prompt_to_prompt(pantry: Pantry) -> None:
    assert pantry.turns("A {red|green} {square|circle}", 3) == ["A red square", "A green circle", "A red square"]
    assert pantry.turns("A {red|green {square|circle}}", 4) == ["A red", "A green square", "A red", "A green circle"]
    assert pantry.turns("{1-2$$one|two|three}", 5) == ["one", "two", "three", "one,two", "one,three"]
    assert pantry.turns("A {red|blue|} rose", 4) == ["A red rose", "A blue rose", "A  rose", "A red rose"]
    assert pantry.some("A {@red|green|blue} ball", 4) == ["A red ball", "A green ball", "A blue ball", "A red ball"]
    assert pantry.some("A {!red|green} ball", 3) == ["A red ball", "A green ball", "A red ball"]
    assert pantry.turns("A {!red|green} ball", 3) == ["A red ball", "A green ball", "A red ball"]


def test_signs_within_combinations_choose_once_a_combination(pantry: Pantry) -> None:
    assert pantry.all("A {@red|green} ball") == ["A red ball"]
    assert pantry.all("A {red|green} {@ball|car}") == ["A red ball", "A green car"]
    assert pantry.all("A {@red|green} {ball|car} {at night|in the morning}")[:3] == [
        "A red ball at night",
        "A green ball in the morning",
        "A red car at night",
    ]
    assert pantry.all("A {red|{@green|blue}} {@ball|car}") == ["A red ball", "A green car"]
    assert len(pantry.all("A {~red|green} ball")) == 1
    colours = "red|blue|green|yellow|purple|black|white"
    assert pantry.all(f"A {{{colours}}} {{@ball|{{!car|bike}}}}") == [
        "A red ball",
        "A blue car",
        "A green ball",
        "A yellow bike",
        "A purple ball",
        "A black car",
        "A white ball",
    ]


def test_wildcards_in_combinations_and_in_turn(colours: Callable[[], Pantry]) -> None:
    pantry = colours()
    four = ["blue", "green", "red", "yellow"]
    pairs = [f"{one},{two}" for one, two in permutations(four, 2)]
    assert pantry.all("__colors*__") == four == pantry.turns("{__colors*__}", 4)
    assert pantry.all("{2$$__colors*__}") == pairs == pantry.turns("{2$$__colors*__}", 12)
    assert pantry.all("{3$$__colors-cold__}") == ["blue,green", "green,blue"]
    assert pantry.all("{2$$__colors*__|black}") == [f"{c},black" for c in four] + [f"black,{c}" for c in four]
    assert set(pantry.some("{2$$__colors*__}", 200)) == set(pairs)
    assert pantry.all("(__colors-cold__:2.3) ") == ["(blue:2.3) ", "(green:2.3) "]
    assert pantry.all("{one|two} __@colors-cold__") == ["one blue", "two green"]
    assert pantry.some("__!colors-cold__", 3) == ["blue", "green", "blue"]


def test_values_may_be_templates_and_name_wildcards_beside_them(colours: Callable[[], Pantry]) -> None:
    pantry = colours()
    pantry.put("mixed.txt", "{red|pink}\ngreen\nblue")
    pantry.put("both.txt", "__colors-cold__\n__colors-warm__")
    pantry.put("animals/mammals/canine.txt", "dog\nwolf")
    pantry.put("animals/mystical.txt", "unicorn")
    pantry.put("animals/all.txt", "__mammals/canine__\n__mystical__\n__colors-cold__")
    assert pantry.all("__mixed__") == ["red", "pink", "green", "blue"]
    assert pantry.turns("__mixed__", 6) == ["red", "green", "blue", "pink", "green", "blue"]
    assert pantry.all("__both__") == ["blue", "green", "red", "yellow"]
    assert pantry.turns("__both__", 5) == ["blue", "red", "green", "yellow", "blue"]
    assert pantry.all("__animals/all__") == ["dog", "wolf", "unicorn", "blue", "green"]
    assert pantry.all("__canine__") == ["dog", "wolf"]


def test_variables(pantry: Pantry) -> None:
    pantry.put("clothes.txt", "In ${season}, I wear ${season} shirts")
    pantry.put("plush.yaml", "- Cute ${animal:bear} toy")
    assert bare("${animal=cat}the animal is ${animal:dog}") == ["the animal is cat"]
    assert bare("the animal is ${animal:dog}") == ["the animal is dog"]
    assert bare("${ a =! foo}${a}") == ["foo"]
    assert bare("${s={a|b}}${s}${s}") == ["aa", "ab", "ba", "bb"]
    assert bare("${s=!{a|b}}${s}${s}") == ["aa", "bb"]
    assert pantry.all("__clothes(season=winter)__") == ["In winter, I wear winter shirts"]
    assert pantry.all("${season=!{winter|spring}}__clothes__") == [
        "In winter, I wear winter shirts",
        "In spring, I wear spring shirts",
    ]
    assert pantry.all("__plush__, __plush(animal={fox|cat},other=1)__, __plush__") == [
        "Cute bear toy, Cute fox toy, Cute bear toy",
        "Cute bear toy, Cute cat toy, Cute bear toy",
    ]
    assert pantry.notes("${nothing} at all") == ["Variable nothing has no value; it stands as it was typed."]


def test_without_variants_wildcards_and_variables_still_count(colours: Callable[[], Pantry]) -> None:
    made = colours().expander(variants=False).expand("${x=dog}{{red|blue}} ${x} __colors-cold__", 3)
    assert made.text in ("{{red|blue}} dog blue", "{{red|blue}} dog green")


def test_what_cannot_be_done_stands_with_a_note_of_file_and_line(pantry: Pantry) -> None:
    pantry.put("a.txt", "# first\n__b__")
    pantry.put("b.txt", "__c__")
    pantry.put("c.txt", "\n\n__a__")
    pantry.put("empty.txt", "# nothing\n\n")
    made = pantry.expander().expand("{x|x} __a__, __empty__, __gone__", 1)
    assert made.text == "x __a__, __empty__, __gone__"
    loop, empty, gone = made.notes
    assert f"{pantry.folder / 'c.txt'}, line 3: wildcards lead back to themselves (a > b > c > a)." in loop
    assert empty == 'Wildcard "empty" has no values; it stands as it was typed.'
    assert gone == 'Wildcard "gone" is not there; it stands as it was typed.'


def test_a_few_lines_cannot_ask_for_billions(pantry: Pantry) -> None:
    for index in range(30):
        pantry.put(f"level{index}.txt", f"__level{index + 1}__ __level{index + 1}__ __level{index + 1}__")
    pantry.put("level30.txt", "x")
    pantry.put("long.txt", "y" * 60_000)
    for template in ("__level0__ and", "__long__ __long__", "${a=${b}${b}}${b=${a}}${a}" + "{a|b}" * 12_000):
        made = pantry.expander().expand(template, 1)
        assert made.text == template, template
        assert any("more than 20,000 parts or 100,000 characters" in note for note in made.notes)


def test_a_wildcard_of_100000_lines_is_as_good_as_any(pantry: Pantry) -> None:
    pantry.put("big.txt", "\n".join(f"value {index}" for index in range(100_000)))
    assert len(set(pantry.some("__big__", 50))) == 50
    assert pantry.turns("__big__", 2) == ["value 0", "value 1"]
    assert pantry.all("{2$$__big__}", 2) == ["value 0,value 1", "value 0,value 2"]
    assert len(pantry.some("{1000$$, $$__big__}", 1)[0].split(", ")) == 1000
    assert len(pantry.some("{90000$$, $$__big__}", 1)[0].split(", ")) == 1000
