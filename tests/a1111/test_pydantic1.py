"""Models of extensions, written for pydantic 1."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.a1111.conftest import Stage


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # extensions use what pydantic has under later names
def test_models_of_extensions_keep_the_rules_of_pydantic_1(stage: Callable[..., Stage]) -> None:
    source = """
from typing import List, Optional
from pydantic import BaseModel, Field, root_validator, validator
from modules.api.models import StableDiffusionTxt2ImgProcessingAPI

class Asked(BaseModel):
    name: str
    size: Optional[int]
    note: "Optional[str]"
    wanted: Optional[int] = Field(title="Wanted")
    folders: List[str] = None
    tag: str = Field("a", regex="^[a-z]$", example="b")

    class Config:
        orm_mode = True
        anystr_strip_whitespace = True

    @validator("name")
    def checked(cls, value):
        return value.upper()

    @root_validator
    def all_checked(cls, values):
        values["note"] = values["note"] or "none"
        return values

made = Asked(name=" a ", folders=None)
assert (made.name, made.size, made.note, made.wanted, made.folders) == ("A", None, "none", None, None)
assert made.dict()["tag"] == "a" and Asked.parse_obj({"name": "b"}).json()
assert Asked.model_config["from_attributes"]
try:
    Asked(name="a", tag="too long")
except ValueError:
    pass
else:
    raise AssertionError("a pattern must hold")

class Fields(BaseModel):
    first: str
    second: int = 2

for field in Fields.__fields__.values():
    field.required = False
assert (Fields().first, Fields().second, Fields(first="x").first) == (None, 2, "x")
assert Fields.__fields__["second"].default == 2 and Fields.__fields__["first"].type_ is str

class Body(StableDiffusionTxt2ImgProcessingAPI):
    checkpoint: Optional[str] = Field(None, title="Checkpoint")
    sampler_index: Optional[str] = Field("Euler", alias="sampler_name")

    class Config(StableDiffusionTxt2ImgProcessingAPI.__config__):
        @staticmethod
        def schema_extra(schema, model):
            schema["seen"] = True

assert Body(prompt="x", sampler_name="Heun").sampler_index == "Heun"
assert Body.model_json_schema()["seen"]
"""
    assert stage(models=source).dialect.errors == {}


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_json_takes_the_arguments_of_the_json_module(stage: Callable[..., Stage]) -> None:
    source = """
from pydantic import BaseModel

class Machine(BaseModel):
    name: str
    port: int = 7860

written = Machine(name="\u00e9").json(indent=1, sort_keys=True, ensure_ascii=False, exclude={"port"}, encoder=str)
assert written == '{\\n "name": "\u00e9"\\n}', written
"""
    assert stage(models=source).dialect.errors == {}
