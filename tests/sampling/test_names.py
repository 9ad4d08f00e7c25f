"""Samplers and schedules by name: aliases, old combined names, and what is said about a wrong one."""

from __future__ import annotations

import subprocess
import sys
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modules.foundation.errors import MAX_SHOWN, UnknownName
from modules.sampling import samplers, schedules

KNOWN = [(alias, sampler.name) for sampler in samplers.SAMPLERS for alias in (sampler.name, *sampler.aliases)]


def test_all_samplers_and_schedules_are_there_in_the_usual_order() -> None:
    assert samplers.names() == [
        "DPM++ 2M",
        "DPM++ SDE",
        "DPM++ 2M SDE",
        "DPM++ 2M SDE Heun",
        "DPM++ 2S a",
        "DPM++ 3M SDE",
        "Euler a",
        "Euler",
        "LMS",
        "Heun",
        "DPM2",
        "DPM2 a",
        "DPM fast",
        "DPM adaptive",
        "Restart",
        "DDIM",
        "DDIM CFG++",
        "PLMS",
        "UniPC",
        "LCM",
    ]
    assert schedules.names() == [
        "Automatic",
        "Uniform",
        "Karras",
        "Exponential",
        "Polyexponential",
        "SGM Uniform",
        "KL Optimal",
        "Align Your Steps",
        "Simple",
        "Normal",
        "DDIM",
        "Beta",
    ]


@pytest.mark.parametrize(("alias", "name"), KNOWN)
@pytest.mark.parametrize("spell", [str, str.upper, str.lower, str.title, lambda text: f"  {text} "])
def test_names_and_aliases_resolve_in_any_case(alias: str, name: str, spell: object) -> None:
    assert callable(spell)
    assert samplers.resolve(cast(Any, spell(alias))).name == name


@pytest.mark.parametrize("schedule", schedules.SCHEDULES, ids=lambda schedule: schedule.name)
def test_schedules_resolve_by_name_label_and_alias(schedule: schedules.Schedule) -> None:
    for spelling in (schedule.name, schedule.label, schedule.label.upper(), *schedule.aliases):
        assert schedules.resolve(spelling) is schedule


@pytest.mark.parametrize(
    ("sampler", "scheduler", "expected"),
    [
        ("Euler a", None, ("Euler a", "Automatic")),
        ("DPM++ 2M Karras", None, ("DPM++ 2M", "Automatic")),
        ("DPM++ 2M Karras", "Exponential", ("DPM++ 2M", "Exponential")),
        ("Euler Karras", "Automatic", ("Euler", "Automatic")),
        ("Euler Karras", " ", ("Euler", "Karras")),
        ("DPM++ 2M SDE Exponential", None, ("DPM++ 2M SDE", "Automatic")),
        ("DPM++ 2M SDE Karras", None, ("DPM++ 2M SDE", "Karras")),
        ("DPM++ 2M SDE Heun Karras", "", ("DPM++ 2M SDE Heun", "Karras")),
        ("DPM++ 2M", "Karras", ("DPM++ 2M", "Automatic")),
        ("Euler", "Karras", ("Euler", "Karras")),
        ("Euler", "Uniform", ("Euler", "Uniform")),
        (None, None, ("DPM++ 2M", "Automatic")),
        ("", "", ("DPM++ 2M", "Automatic")),
        ("DPM2 a Karras", "Automatic", ("DPM2 a", "Automatic")),
        ("Euler SGM Uniform", None, ("Euler", "SGM Uniform")),
        ("Euler SGMUniform", None, ("Euler", "SGM Uniform")),
        ("Euler karras", None, ("Euler", "Karras")),
        ("LMS", "sgm_uniform", ("LMS", "SGM Uniform")),
        ("k_dpmpp_2m_karras", None, None),
        ("k_euler_a align your steps", None, ("Euler a", "Align Your Steps")),
    ],
)
def test_pairs_of_names_resolve(sampler: str | None, scheduler: str | None, expected: tuple[str, str] | None) -> None:
    if expected is None:
        with pytest.raises(UnknownName, match="k_dpmpp_2m"):
            samplers.resolve_pair(sampler, scheduler)
        return
    found, schedule = samplers.resolve_pair(sampler, scheduler)
    assert (found.name, schedule.label) == expected


def test_an_unknown_sampler_is_named_with_its_nearest() -> None:
    with pytest.raises(UnknownName, match=r"Unknown sampler 'Eular a'.*'Euler a'") as caught:
        samplers.resolve("Eular a")
    assert caught.value.field == "sampler_name"


def test_an_unknown_schedule_is_named_with_its_nearest() -> None:
    with pytest.raises(UnknownName, match=r"Unknown schedule type 'Karas'.*'Karras'") as caught:
        schedules.resolve("Karas")
    assert caught.value.field == "scheduler"


@given(st.text())
def test_any_text_is_a_name_or_a_clear_refusal(text: str) -> None:
    refusal, pair = "", None
    try:
        pair = samplers.resolve_pair(text, None)
    except UnknownName as error:
        refusal = str(error)
    shown = text if len(text) <= MAX_SHOWN else text[:MAX_SHOWN] + "..."
    assert repr(shown) in refusal if pair is None else pair[0] in samplers.SAMPLERS and pair[1] in schedules.SCHEDULES


@given(st.sampled_from(KNOWN), st.sampled_from(schedules.SCHEDULES[1:]), st.integers(1, 3))
def test_any_sampler_followed_by_any_schedule_is_an_old_name(
    known: tuple[str, str], schedule: schedules.Schedule, gap: int
) -> None:
    name = known[0] + " " * gap + schedule.label
    sampler, found = samplers.resolve_pair(name, None)
    if schedule.name == "ddim":  # "Euler DDIM" is the sampler with the schedule of that name
        assert found.label == "DDIM"
    assert sampler.name == known[1]
    assert found is schedule or schedule.label == sampler.default_schedule
    for explicit in schedules.SCHEDULES:  # which holds where it is given beside the old name
        if samplers.find(name) is None:
            assert samplers.resolve_pair(name, explicit.label) == samplers.resolve_pair(sampler.name, explicit.label)


def test_listing_names_does_not_load_torch() -> None:
    code = (
        "import sys; from modules.sampling import samplers, schedules; samplers.names(); schedules.names(); "
        "samplers.resolve_pair('DPM++ 2M Karras', None); sys.exit('torch' in sys.modules or 'scipy' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=120).returncode == 0
