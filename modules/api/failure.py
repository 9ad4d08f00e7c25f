"""The answer to a request that was not carried out."""

from __future__ import annotations

from pydantic import BaseModel


class Failure(BaseModel):
    """Why a request was not done."""

    error: str
    detail: str
    body: str = ""
    errors: str = ""
