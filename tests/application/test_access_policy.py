"""What clients may do, by the flags."""

from __future__ import annotations

from pathlib import Path

import pytest

from modules.application.access_policy import FOLDER_SETTINGS, AccessPolicy
from modules.foundation.errors import Forbidden, StartupError
from modules.settings.flags import Flags
from modules.settings.model import Settings


def test_this_machine_alone_may_do_everything_without_logging_in() -> None:
    policy = AccessPolicy.from_flags(Flags())
    assert not policy.is_open
    assert not policy.page_users
    assert not policy.api_users
    policy.check_code("Installing extensions")
    policy.check_settings({"outdir_samples": "/elsewhere"}, Settings())


def test_an_open_program_refuses_code_folders_and_reaching_out() -> None:
    policy = AccessPolicy.from_flags(Flags(listen=True))
    assert policy.is_open
    with pytest.raises(Forbidden, match="Installing extensions is not allowed"):
        policy.check_code("Installing extensions")
    for key in ("outdir_samples", "outdir_txt2img_grids"):
        with pytest.raises(Forbidden, match=key):
            policy.check_settings({key: "/etc"}, Settings())
    with pytest.raises(Forbidden, match="api_enable_requests"):
        policy.check_settings({"api_enable_requests": True}, Settings())
    policy.check_settings({"outdir_samples": "", "jpeg_quality": 3}, Settings())


@pytest.mark.parametrize(
    "flags",
    [
        Flags(listen=True, gradio_auth="me:secret"),
        Flags(listen=True, nowebui=True, api_auth="me:secret"),
        Flags(server_name="localhost"),
        Flags(server_name="::1"),
    ],
)
def test_a_program_with_a_lock_is_not_open(flags: Flags) -> None:
    assert not AccessPolicy.from_flags(flags).is_open


def test_users_of_the_api_alone_leave_the_page_open() -> None:
    assert AccessPolicy.from_flags(Flags(listen=True, api_auth="me:secret")).is_open


def test_code_can_be_allowed_all_the_same() -> None:
    AccessPolicy.from_flags(Flags(listen=True, enable_insecure_extension_access=True)).check_code("Anything")


def test_settings_are_frozen_by_key_by_section_and_altogether() -> None:
    assert AccessPolicy.from_flags(Flags(freeze_specific_settings="jpeg_quality, sd_vae")).frozen == {
        "jpeg_quality",
        "sd_vae",
    }
    assert "samples_format" in AccessPolicy.from_flags(Flags(freeze_settings_in_sections="saving images/grids")).frozen
    assert AccessPolicy.from_flags(Flags(freeze_settings=True)).frozen == set(Settings.model_fields)
    assert AccessPolicy.from_flags(Flags(hide_ui_dir_config=True)).frozen == FOLDER_SETTINGS


def test_users_come_from_flags_and_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "users"
    file.write_text("ann:one, ben:two\ncho:th:ree\n", encoding="utf-8")
    users = AccessPolicy.from_flags(Flags(gradio_auth="dan:four", gradio_auth_path=file)).page_users
    for name, password in (("ann", "one"), ("ben", "two"), ("cho", "th:ree"), ("dan", "four")):
        assert users.admit(name, password)
    for name, password in (("ann", "two"), ("", ""), ("eve", "one"), ("ann", "one ")):
        assert not users.admit(name, password)


def test_passwords_are_not_kept() -> None:
    assert "secret" not in repr(AccessPolicy.from_flags(Flags(api_auth="me:secret")))


@pytest.mark.parametrize(
    ("flags", "why"),
    [
        (Flags(api_auth="nobody"), "user:password"),
        (Flags(gradio_auth=":secret"), "user:password"),
        (Flags(gradio_auth_path=Path("/nonexistent/users")), "cannot be read"),
        (Flags(freeze_settings_in_sections="Nothing"), "no section 'Nothing'"),
    ],
)
def test_what_makes_no_sense_ends_the_start_with_a_sentence(flags: Flags, why: str) -> None:
    with pytest.raises(StartupError, match=why):
        AccessPolicy.from_flags(flags)


def test_who_is_reached_through_a_tunnel_without_a_user_is_open() -> None:
    assert not AccessPolicy.from_flags(Flags()).is_open
    assert AccessPolicy.from_flags(Flags(allowed_hosts="easel.example")).is_open
    assert not AccessPolicy.from_flags(Flags(allowed_hosts="easel.example", gradio_auth="me:word")).is_open


def test_a_frozen_setting_may_be_sent_as_it_is_in_any_form() -> None:
    policy = AccessPolicy.from_flags(Flags(freeze_settings=True))
    current = Settings(CLIP_stop_at_last_layers=2)
    for same in (2, "2", 2.0):
        policy.check_settings({"CLIP_stop_at_last_layers": same}, current)
    for other in (3, "3", "two", None):
        with pytest.raises(Forbidden, match="CLIP_stop_at_last_layers"):
            policy.check_settings({"CLIP_stop_at_last_layers": other}, current)


def test_what_pages_begin_with_is_changed_by_those_who_may() -> None:
    AccessPolicy.from_flags(Flags()).check_defaults()
    for flags, why in ((Flags(freeze_settings=True), "--freeze-settings"), (Flags(listen=True), "--gradio-auth")):
        with pytest.raises(Forbidden, match=why):
            AccessPolicy.from_flags(flags).check_defaults()
