"""What clients may do, as follows from the flags: who can reach the program, who must log in, what is frozen."""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from modules.foundation.errors import Forbidden, SettingsError, StartupError
from modules.foundation.plain import JsonMapping
from modules.foundation.text_files import read_text
from modules.settings.flags import Flags
from modules.settings.known_options import known_options
from modules.settings.model import SECTIONS, Settings
from modules.settings.sections.saving import SavingPathsSection

FOLDER_SETTINGS = frozenset({*SavingPathsSection.model_fields, "temp_dir", "further_model_folders", "wildcard_folders"})
"""Settings by which a client could have files written, or looked for, anywhere."""

REACH_SETTINGS = frozenset({"api_enable_requests", "api_forbid_local_requests"})
"""Settings by which a client could make this machine connect to others."""


@dataclass(frozen=True, kw_only=True)
class Users:
    """Names with the digests of their passwords; passwords cannot be read out of a running program's state."""

    digests: Mapping[str, bytes]

    def __bool__(self) -> bool:
        return bool(self.digests)

    def admit(self, name: str, password: str) -> bool:
        """Whether a user has this name and password. Takes as long for a wrong name as for a wrong password."""
        candidate, known = _digest(password), False
        for user, digest in self.digests.items():
            same_name = hmac.compare_digest(_digest(user), _digest(name))
            known |= hmac.compare_digest(digest, candidate) and same_name
        return known


@dataclass(frozen=True, kw_only=True)
class AccessPolicy:
    """What follows from the flags.

    `page_users` must log in for the page, `api_users` for the API; empty means that no login is needed. `is_open` tells
    that all clients on the network can use the program without logging in.
    """

    page_users: Users
    api_users: Users
    is_open: bool
    frozen: frozenset[str]
    runs_code: bool
    all_frozen: bool = False

    @classmethod
    def from_flags(cls, flags: Flags) -> AccessPolicy:
        """Raises StartupError for users or sections that make no sense."""
        page_users = Users(digests=dict((*_users(flags.gradio_auth, "--gradio-auth"), *_users_in_file(flags))))
        api_users = Users(digests=dict(_users(flags.api_auth, "--api-auth")))
        # Who names a tunnel or a proxy is reached through it, whatever address it connects to.
        reachable = not _is_loopback(flags.host) or bool(flags.allowed_hosts)
        is_open = reachable and not page_users and not (api_users and flags.nowebui)
        return cls(
            page_users=page_users,
            api_users=api_users,
            is_open=is_open,
            frozen=_frozen(flags) | (FOLDER_SETTINGS | REACH_SETTINGS if is_open else frozenset()),
            runs_code=not is_open or flags.enable_insecure_extension_access,
            all_frozen=flags.freeze_settings,
        )

    def check_settings(self, changes: JsonMapping, current: Settings) -> None:
        """Raise Forbidden if a client may not make these changes. A value that stays as it is changes nothing."""
        for key, value in changes.items():
            frozen = key in self.frozen or (key not in type(current).model_fields and self._keeps_no_others(key))
            if frozen and value != getattr(current, key, None) and not _stays(current, key, value):
                raise Forbidden(
                    f"Setting {key!r} cannot be changed from here: a --freeze or --hide flag says so, or everybody on "
                    "the network may use this Easel (--listen without --gradio-auth), who must not choose folders or "
                    "addresses. Change it in the settings file, or start Easel otherwise.",
                    key,
                )

    def _keeps_no_others(self, key: str) -> bool:
        """Whether a key that Easel does not act on is not even kept: of A1111's list it is, unless all are frozen."""
        return self.all_frozen or (self.is_open and key not in known_options())

    def check_defaults(self) -> None:
        """Raise Forbidden if clients may not change what every page begins with (ui-config.json)."""
        if self.all_frozen:
            raise Forbidden("The defaults of the page cannot be changed: Easel was started with --freeze-settings.")
        self.check_files("Changing the defaults of the page")

    def check_files(self, what: str) -> None:
        """Raise Forbidden if `what`, by which strangers could fill the disk or replace model files, is not allowed."""
        if self.is_open:
            raise Forbidden(
                f"{what} is not allowed while everybody on the network may use this Easel (--listen without "
                "--gradio-auth): strangers could fill its disk or replace its files. Start Easel with "
                "--gradio-auth=USER:PASSWORD or without --listen."
            )

    def check_code(self, what: str) -> None:
        """Raise Forbidden if `what`, by which a client could have code run on this machine, is not allowed."""
        if not self.runs_code:
            raise Forbidden(
                f"{what} is not allowed while everybody on the network may use this Easel (--listen without "
                "--gradio-auth): it could run code here. Start Easel with --gradio-auth=USER:PASSWORD, without "
                "--listen, or with --enable-insecure-extension-access."
            )


def _stays(current: Settings, key: str, value: object) -> bool:
    """Whether `value` is another form of what the setting is: "2" of 2."""
    try:
        return current.changed({key: value}) == current
    except SettingsError:
        return False


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()


def _users(text: str | None, flag: str) -> Iterator[tuple[str, bytes]]:
    for entry in (text or "").replace("\n", ",").split(","):
        if not entry.strip():
            continue
        name, colon, password = entry.strip().partition(":")
        if not (name and colon and password):
            raise StartupError(f"{flag} takes user:password, several separated by commas.", exit_code=2)
        yield name, _digest(password)


def _users_in_file(flags: Flags) -> Iterator[tuple[str, bytes]]:
    path = flags.gradio_auth_path
    if path is None:
        return
    try:
        text = read_text(path.expanduser())
    except OSError as error:
        raise StartupError(f"The file of users {path} cannot be read ({error}). Check --gradio-auth-path.") from error
    users = list(_users(text, f"{path} (--gradio-auth-path)"))
    if not users:
        raise StartupError(f"The file of users {path} is empty. Write user:password into it.")
    yield from users


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _frozen(flags: Flags) -> frozenset[str]:
    keys: set[str] = set(Settings.model_fields) if flags.freeze_settings else set()
    if flags.hide_ui_dir_config:
        keys |= FOLDER_SETTINGS
    sections = {section.title.casefold(): section for section in SECTIONS}
    for title in _listed(flags.freeze_settings_in_sections):
        if title.casefold() not in sections:
            raise StartupError(
                f"--freeze-settings-in-sections: there is no section {title!r}. "
                f"Known: {', '.join(section.title for section in SECTIONS)}.",
                exit_code=2,
            )
        keys |= set(sections[title.casefold()].model_fields)
    return frozenset(keys | set(_listed(flags.freeze_specific_settings)))


def _listed(text: str | None) -> list[str]:
    return [item.strip() for item in (text or "").split(",") if item.strip()]
