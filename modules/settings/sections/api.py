"""What clients of the API may ask for."""

from __future__ import annotations

from typing import ClassVar

from modules.settings.declare import Section, setting


class ApiSection(Section):
    """Pictures that a client names by address instead of sending them."""

    title: ClassVar[str] = "API"
    category: ClassVar[str] = "system"

    api_enable_requests: bool = setting(False, "Allow http:// and https:// addresses for input images in the API")
    api_forbid_local_requests: bool = setting(True, "Forbid addresses that lead to this machine or its own network")
    api_useragent: str = setting("", "User agent for such requests")
