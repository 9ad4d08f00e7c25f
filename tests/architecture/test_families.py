"""Families are data: nothing outside their own files asks for a family's name, or knows the numbers of one VAE."""

from __future__ import annotations

import ast
import functools
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from modules.checkpoints.architectures.unsupported_families import UNSUPPORTED_FAMILIES
from modules.checkpoints.families import BUILT_IN
from modules.sampling.samplers import SAMPLERS

ROOT = Path(__file__).parents[2]
OWN = ROOT / "modules" / "checkpoints" / "architectures"
FILES = sorted(path for path in (ROOT / "modules").rglob("*.py") if not path.is_relative_to(OWN))
# What old parameters texts meant hangs on the names that stand in them.
TEXTS_OF_OLD = ROOT / "modules" / "infotext" / "versions.py"
OUTSIDE_SAMPLING = [
    path for path in FILES if not path.is_relative_to(ROOT / "modules" / "sampling") and path != TEXTS_OF_OLD
]
SAMPLER_NAMES = frozenset(sampler.name for sampler in SAMPLERS)
NAMES = frozenset({*(family.name for family in BUILT_IN), *UNSUPPORTED_FAMILIES})
SIZED = ("latent", "noise", "width", "height", "side", "size", "target", "pixels", "plan", "picture", "image")
"""Words of which one stands in whatever is measured in pixels or cells."""


@functools.cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def places(files: Sequence[Path], look: Callable[[ast.Module], Iterator[ast.expr]]) -> list[str]:
    """Where `look` finds something."""
    return [
        f"{path.relative_to(ROOT)}:{node.lineno}: {ast.unparse(node)}" for path in files for node in look(parsed(path))
    ]


def is_name_of_a_family(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value in NAMES


def family_names_asked_for(tree: ast.Module) -> Iterator[ast.expr]:
    """Comparisons with a family's name, look-ups by one, and patterns: every way to branch on it."""
    for node in ast.walk(tree):
        match node:
            case ast.Compare():
                sides = [node.left, *node.comparators]
                members = [each for side in sides for each in getattr(side, "elts", [side])]
                if any(map(is_name_of_a_family, members)):
                    yield node
            case ast.Call(func=ast.Attribute(attr="startswith" | "endswith" | "get" | "removeprefix"), args=arguments):
                members = [each for argument in arguments for each in getattr(argument, "elts", [argument])]
                if any(map(is_name_of_a_family, members)):
                    yield node
            case ast.Dict(keys=keys, values=values):
                if any(each is not None and is_name_of_a_family(each) for each in [*keys, *values]):
                    yield node
            case ast.MatchValue(value=value) if is_name_of_a_family(value):
                yield value
            case ast.Name(id=name) | ast.arg(arg=name) | ast.keyword(arg=name) if name in (
                "is_sdxl",
                "is_sd1",
                "is_sd2",
            ):
                yield ast.Name(id=name, lineno=getattr(node, "lineno", 0), col_offset=0)
            case _:
                pass


def numbers_of_one_vae(tree: ast.Module) -> Iterator[ast.expr]:
    """4 and 8 where they can only be channels and pixels: sides divided or multiplied, channels compared."""
    for node in ast.walk(tree):
        match node:
            case ast.BinOp(left=left, op=ast.FloorDiv() | ast.Mod() | ast.Mult(), right=right):
                pairs = ((left, right), (right, left)) if isinstance(node.op, ast.Mult) else ((left, right),)
                if any(is_number(one, 8) and is_sized(other) for other, one in pairs):
                    yield node
            case ast.Compare(left=left, comparators=[right]):
                if "channels" in ast.unparse(left) and any(is_number(right, each) for each in (4, 8, 9)):
                    yield node
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                wanted = ("LATENT_CHANNELS", "PIXELS_PER", "MULTIPLE", "CELL")
                if name.startswith(wanted) and any(is_number(value, each) for each in (4, 8)):
                    yield value
            case _:
                pass


def is_number(node: ast.expr, value: int) -> bool:
    return isinstance(node, ast.Constant) and type(node.value) is int and node.value == value


def is_sized(node: ast.expr) -> bool:
    text = ast.unparse(node).casefold()
    return any(word in text for word in SIZED)


def test_no_file_asks_for_a_family_s_name() -> None:
    found = places(FILES, family_names_asked_for)
    assert not found, "Give the Family a field that says what is wanted:\n" + "\n".join(found)


def samplers_asked_for(tree: ast.Module) -> Iterator[ast.expr]:
    """Comparisons with a sampler's name, and questions for the kind of a sampler."""
    for node in ast.walk(tree):
        match node:
            case ast.Compare():
                sides = [node.left, *node.comparators]
                members = [each for side in sides for each in getattr(side, "elts", [side])]
                if any(isinstance(each, ast.Constant) and each.value in SAMPLER_NAMES for each in members):
                    yield node
            case ast.Attribute(value=value, attr="space" | "lcm") if "sampler" in ast.unparse(value):
                yield node
            case _:
                pass


def test_no_file_outside_sampling_asks_which_sampler_it_is() -> None:
    found = places(OUTSIDE_SAMPLING, samplers_asked_for)
    assert not found, "Give the Sampler, or its Denoiser, a field that says what is wanted:\n" + "\n".join(found)


@pytest.mark.parametrize("line", ['if sampler.name == "UniPC": pass', "if plan.sampler.space: pass"])
def test_every_question_for_a_sampler_is_noticed(line: str) -> None:
    assert list(samplers_asked_for(ast.parse(line)))


def test_no_file_knows_the_numbers_of_one_vae() -> None:
    found = places(FILES, numbers_of_one_vae)
    assert not found, "Ask the model's LatentSpace, or the Family's size_step:\n" + "\n".join(found)


@pytest.mark.parametrize(
    "line",
    [
        'if family == "SDXL": pass',
        'if checkpoint.family.name in ("SD1", "SD2"): pass',
        'x = "SDXL" if folder else other == "SDXL refiner"',
        'wide = family.startswith("SDXL")',
        'side = {"SD2": 768}.get(family, 512)',
        'family = {768: "SD1"}[width]',
        'match family:\n    case "Flux": pass',
        "plan(is_sdxl=True)",
    ],
)
def test_every_way_to_ask_is_noticed(line: str) -> None:
    assert list(family_names_asked_for(ast.parse(line)))


@pytest.mark.parametrize(
    "line",
    [
        "rows = plan.height // 8",
        "height, width = (8 * side for side in latent.shape[-2:])",
        "if side % 8: pass",
        "if channels == 4: pass",
        "LATENT_CHANNELS = 4",
        "MULTIPLE = 8",
        "PIXELS_PER_LATENT = 8",
    ],
)
def test_the_numbers_of_one_vae_are_noticed(line: str) -> None:
    assert list(numbers_of_one_vae(ast.parse(line)))


@pytest.mark.parametrize("line", ['print("SDXL")', 'text = f"{family} is not SD1"', "bits = value % 8", "x = a[:, 4]"])
def test_what_only_looks_alike_is_let_be(line: str) -> None:
    assert not list(family_names_asked_for(ast.parse(line)))
    assert not list(numbers_of_one_vae(ast.parse(line)))


def test_each_family_is_data_through_and_through() -> None:
    for family in BUILT_IN:
        assert family.size_step == family.latents.pixels * family.patch
        assert family.latents.preview is not None
        assert len(family.latents.preview.factors) == family.latents.channels
