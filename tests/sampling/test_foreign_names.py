from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modules.sampling import samplers, schedules
from modules.sampling.samplers.foreign_names import our_name


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        ("euler_ancestral", "Euler a"),
        ("Euler Ancestral", "Euler a"),
        ("euler_a", "Euler a"),
        ("k_euler_ancestral_karras", "Euler a Karras"),
        ("dpmpp_2m_sde_karras", "DPM++ 2M SDE Karras"),
        ("dpmpp_2m_sde_gpu_exponential", "DPM++ 2M SDE Exponential"),
        ("dpmpp_sde_gpu", "DPM++ SDE"),
        ("dpmpp_3m_sde", "DPM++ 3M SDE"),
        ("dpmpp_2s_ancestral_ka", "DPM++ 2S a Karras"),
        ("dpm_2_ancestral", "DPM2 a"),
        ("dpm_fast", "DPM fast"),
        ("uni_pc", "UniPC"),
        ("euler_sgm_uniform", "Euler SGM Uniform"),
        ("lms_simple", "LMS Simple"),
        ("DPM++ 2M Karras", "DPM++ 2M Karras"),
        ("res_multistep", "res_multistep"),
        ("", ""),
    ],
)
def test_a_sampler_of_another_program_gets_its_name_here(theirs: str, ours: str) -> None:
    assert our_name(theirs) == ours


@given(
    st.sampled_from(samplers.SAMPLERS),
    st.sampled_from([None, *schedules.SCHEDULES[1:]]),
    st.sampled_from(["_", "-", " ", "  "]),
)
def test_every_sampler_and_schedule_is_known_in_one_case_and_with_other_signs(
    sampler: samplers.Sampler, schedule: schedules.Schedule | None, sign: str
) -> None:
    theirs = sampler.name.casefold().replace("++", "pp").replace(" ", sign)
    theirs += f"{sign}{schedule.name.replace('_', sign)}" if schedule else ""
    if schedule is not None and schedule.name == "ddim":  # "Euler DDIM" is the sampler with the schedule of that name
        return
    found = samplers.resolve_pair(our_name(theirs), None)
    wanted = samplers.resolve_pair(sampler.name, schedule.name if schedule else None)
    assert found == wanted


@given(st.text())
def test_what_is_no_sampler_stays_as_it_is_or_becomes_one(text: str) -> None:
    name = our_name(text)
    assert name == text or samplers.resolve_pair(name, None)[0] in samplers.SAMPLERS
