"""What a client asks of scripts, and what is told of them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from fastapi import HTTPException

from modules.application.application import Application
from modules.application.scripts import Argument, Script
from modules.foundation.plain import JsonMapping, JsonObject


def available(app: Application, *, img2img: bool) -> list[Script]:
    """The scripts of one kind of request, always-on and selectable ones."""
    return [script for script in app.registries.scripts if script.is_for(img2img=img2img)]


def fields_of_scripts(
    app: Application, always_on: JsonMapping, name: str | None, arguments: Sequence[object], *, img2img: bool
) -> JsonObject:
    """What the scripts of a request ask of the GenerationRequest. Raises HTTPException 422 for one that is not here."""
    fields: JsonObject = {}
    by_script: dict[str, tuple[Any, ...]] = {}
    for each, content in always_on.items():
        script = _always_on_script(app, each, img2img=img2img)
        values = content.get("args") if isinstance(content, dict) else None
        if values is not None and not isinstance(values, list):
            raise HTTPException(422, f"alwayson_scripts: args of {each!r} must be a list.")
        if values is None:
            continue
        by_script[script.name.casefold()] = script.given_by_client(values, img2img=img2img)
        if script.fields is not None:
            fields |= script.fields(script.with_defaults(values))
    if name and name.casefold() != "none":
        script = _selectable_script(app, name, img2img=img2img)
        by_script[script.name.casefold()] = script.given_by_client(arguments, img2img=img2img)
        fields["script"] = script.name
    return {**fields, "script_arguments": by_script} if by_script else fields


def _always_on_script(app: Application, name: str, *, img2img: bool) -> Script:
    script = app.registries.scripts.find(name)
    if script is not None and script.always_on and script.is_for(img2img=img2img):
        return script
    names = ", ".join(each.name for each in available(app, img2img=img2img) if each.always_on)
    raise HTTPException(
        422, f"Always-on script {name!r} not found. Leave it out of alwayson_scripts; here are: {names}."
    )


def _selectable_script(app: Application, name: str, *, img2img: bool) -> Script:
    script = app.registries.scripts.find(name)
    if script is not None and not script.always_on and script.is_for(img2img=img2img):
        return script
    names = ", ".join(each.name for each in available(app, img2img=img2img) if not each.always_on)
    known = f"Here are: {names}." if names else "This Easel has no scripts to choose from."
    raise HTTPException(422, f"Script {name!r} not found. {known}")


def script_info(app: Application) -> list[JsonObject]:
    """Every script with its arguments, those of txt2img first."""
    return [
        {
            "name": script.name,
            "is_alwayson": script.always_on,
            "is_img2img": img2img,
            "args": [_described(argument, app) for argument in script.arguments_of(img2img=img2img)],
        }
        for img2img in (False, True)
        for script in available(app, img2img=img2img)
    ]


def _described(argument: Argument, app: Application) -> JsonObject:
    return {
        "label": argument.label,
        "value": _plain(argument.value if argument.shown is None else argument.shown),
        "minimum": argument.minimum,
        "maximum": argument.maximum,
        "step": argument.step,
        "choices": argument.choices(app) if argument.choices else None,
    }


def _plain(value: object) -> object:
    """A default as JSON has it: scripts of others have pictures and objects of their own, which are named."""
    try:
        json.dumps(value)
    except (TypeError, ValueError):
        return str(value)
    return value


def remarks_on_scripts(always_on: JsonMapping) -> list[str]:
    """Sentences about arguments of which their sender may expect something that they do not do."""
    named = {name.casefold(): content for name, content in always_on.items()}
    refiner = named.get("refiner")
    arguments = refiner.get("args") if isinstance(refiner, dict) else None
    if arguments and arguments[0]:
        return ["The script refiner changes nothing over the API; use refiner_checkpoint and refiner_switch_at."]
    return []
