"""A client of the API: ask for a picture, save it with its parameters, and say how it was made.

It needs nothing but Python, and works with any program that has A1111's API.

    python -m examples.client http://127.0.0.1:7860 "a castle on a hill" castle.png
"""

from __future__ import annotations

import base64
import json
import sys
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any


class Easel:
    """An Easel that is served at `address`. Every method raises RuntimeError with what Easel said was wrong."""

    def __init__(self, address: str, timeout: float = 600.0) -> None:
        self.address, self.timeout = address.rstrip("/"), timeout

    def samplers(self) -> list[str]:
        """The names of the samplers."""
        return [sampler["name"] for sampler in self._ask("/sdapi/v1/samplers")]

    def picture(self, prompt: str, **fields: Any) -> tuple[bytes, str]:
        """A picture as the bytes of its file, and its parameters as text; `fields` are those of txt2img's body."""
        answer = self._ask("/sdapi/v1/txt2img", {"prompt": prompt, **fields})
        return base64.b64decode(answer["images"][0]), json.loads(answer["info"])["infotexts"][0]

    def _ask(self, path: str, body: Mapping[str, Any] | None = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.address + path, data, {"Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=self.timeout) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            with error:
                said = error.read().decode(errors="replace")
            raise RuntimeError(f"{path} was answered with {error.code}: {said}") from None


def main(address: str, prompt: str, target: str) -> None:
    """Save a picture of `prompt` as the file `target`."""
    picture, parameters = Easel(address).picture(prompt)
    Path(target).write_bytes(picture)
    print(parameters)


if __name__ == "__main__":
    main(*sys.argv[1:4])
