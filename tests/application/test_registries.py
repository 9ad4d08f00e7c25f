"""An extension-like owner adds one of everything; it is listed, works, and is gone after one call."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar, cast

import numpy as np
import pytest
from fastapi import APIRouter
from fastapi.testclient import TestClient
from PIL import Image, ImageOps

from modules.api.server import create_api, tell_started
from modules.application.application import Application
from modules.application.registries import Routes
from modules.application.scripts import Argument, Script, ScriptRun
from modules.faces.catalogue import AddedRestorer
from modules.foundation.errors import ExtensionError, SettingsError
from modules.generation.request import GenerationRequest
from modules.generation.result import GenerationResult
from modules.hooks.events import PageEvent, PasteEvent, RunEvent
from modules.imaging.filenames import NameToken
from modules.networks.kinds import AdapterKind, kind_of
from modules.sampling.samplers.registry import SAMPLERS, Sampler
from modules.sampling.schedules import SCHEDULES, Schedule
from modules.settings.declare import Section, setting
from modules.settings.flags import parse_flags
from modules.settings.store import SettingsStore
from modules.upscalers.catalogue import AddedUpscaler
from tests.pipeline.conftest import Studio

OWNER = "a plug-in"


class GlowSection(Section):
    """How much pictures glow."""

    title: ClassVar[str] = "Glow"
    category: ClassVar[str] = "postprocessing"

    glow_amount: float = setting(0.5, "Amount of glow", ge=0.0, le=1.0, infotext="Glow")
    glow_colour: str = setting("gold", "Colour of the glow")


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Studio]:
    studio = Studio(tmp_path_factory.mktemp("studio"))
    yield studio
    studio.application.close()


@pytest.fixture
def app(studio: Studio) -> Iterator[Application]:
    """The application, without what the test added to it afterwards."""
    yield studio.application
    studio.application.remove_owner(OWNER)


def _euler(name: str) -> Sampler:
    euler = SAMPLERS.find("Euler")
    assert euler is not None
    return dataclasses.replace(euler, name=name, aliases=("plug-in euler",))


def test_a_sampler_and_a_schedule_are_listed_and_make_pictures_until_their_owner_goes(
    studio: Studio, app: Application
) -> None:
    euler, karras = SAMPLERS.find("Euler"), SCHEDULES.find("Karras")
    assert euler is not None
    assert karras is not None
    app.registries.samplers.register(OWNER, _euler("Euler of a plug-in"))
    app.registries.schedules.register(
        OWNER, Schedule(name="mine", label="Mine", function=karras.function, default_rho=7)
    )
    client = TestClient(create_api(app))
    assert client.get("/sdapi/v1/samplers").json()[-1]["name"] == "Euler of a plug-in"
    assert client.get("/sdapi/v1/schedulers").json()[-1]["label"] == "Mine"
    expected = studio.make(sampler="Euler", scheduler="Karras", save_images=False).samples[0]
    image = studio.make(sampler="plug-in euler", scheduler="mine", save_images=False).samples[0]
    assert np.array_equal(np.asarray(image.image), np.asarray(expected.image))
    assert "Sampler: Euler of a plug-in, Schedule type: Mine" in image.infotext
    app.remove_owner(OWNER)
    assert client.get("/sdapi/v1/samplers").json()[-1]["name"] != "Euler of a plug-in"
    with pytest.raises(Exception, match="Unknown sampler 'Euler of a plug-in'"):
        studio.make(sampler="Euler of a plug-in")


def test_settings_kept_from_before_their_section_was_there_are_read_when_it_comes_and_kept_when_it_goes(
    tmp_path: Path,
) -> None:
    path = tmp_path / "config.json"
    path.write_text(json.dumps({"glow_amount": 0.75, "other": [1]}), encoding="utf-8")
    store = SettingsStore(path)
    undo = store.sections.register(OWNER, GlowSection)
    assert (store.current.glow_amount, store.current.glow_colour) == (0.75, "gold")  # type: ignore[attr-defined]
    with pytest.raises(SettingsError, match="'glow_amount' cannot be 2"):
        store.change({"glow_amount": 2})
    store.change({"glow_colour": "red"})
    assert store.current.changed({"glow_amount": 0.1}).model_dump()["glow_amount"] == 0.1
    undo()
    assert "glow_amount" not in store.declared
    assert json.loads(path.read_text(encoding="utf-8"))["glow_colour"] == "red"
    store.change({"samples_format": "webp"})
    kept = json.loads(path.read_text(encoding="utf-8"))
    assert (kept["glow_amount"], kept["glow_colour"], kept["other"]) == (0.75, "red", [1])
    store.sections.register(OWNER, GlowSection)
    assert store.current.model_dump()["glow_colour"] == "red"


def test_a_kept_value_that_does_not_fit_gives_way_to_the_default(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "config.json"
    path.write_text(json.dumps({"glow_amount": "much"}), encoding="utf-8")
    store = SettingsStore(path)
    store.sections.register(OWNER, GlowSection)
    assert store.current.model_dump()["glow_amount"] == 0.5
    assert "glow_amount" in caplog.text


def test_a_setting_that_is_there_already_is_refused_and_nothing_changes(app: Application) -> None:
    class Clashing(Section):
        title: ClassVar[str] = "Clash"
        samples_format: str = setting("png", "Format")

    before = app.settings.current
    with pytest.raises(ExtensionError, match="'samples_format': Easel has one of that name"):
        app.registries.settings.register(OWNER, Clashing)
    assert app.settings.current == before


def test_an_added_setting_is_served_changed_overridden_and_written_into_the_text(
    studio: Studio, app: Application
) -> None:
    app.registries.settings.register(OWNER, GlowSection)
    client = TestClient(create_api(app))
    assert client.get("/sdapi/v1/options").json()["glow_amount"] == 0.5
    assert client.post("/sdapi/v1/options", json={"glow_amount": True}).status_code == 422
    assert client.post("/sdapi/v1/options", json={"glow_amount": 3}).status_code == 422
    assert client.post("/sdapi/v1/options", json={"glow_amount": 0.25}).status_code == 200
    assert studio.make(save_images=False).samples[0].infotext.count("Glow: 0.25") == 1
    overridden = studio.make(save_images=False, override_settings={"glow_amount": 0.5})
    assert "Glow" not in overridden.samples[0].infotext
    asked = {"infotext": "a dog\nSteps: 2, Sampler: Euler, Size: 64x64, Glow: 0.125", "save_images": False}
    answer = client.post("/sdapi/v1/txt2img", json=asked)
    assert "Glow: 0.125" in json.loads(answer.json()["info"])["infotexts"][0]
    keys = client.get("/openapi.json").json()["paths"]["/sdapi/v1/options"]["get"]["responses"]["200"]
    assert "glow_amount" in str(keys)
    app.settings.change({"glow_amount": 0.5})


def test_an_always_on_script_has_its_arguments_in_hooks_and_its_defaults_where_it_is_not_named(
    app: Application,
) -> None:
    script = Script(
        name="glow", title="Glow a little", arguments=(Argument(label="On", value=True), Argument(label="N", value=3))
    )
    seen: list[tuple[object, ...]] = []

    def note(request: GenerationRequest, event: RunEvent) -> GenerationRequest:
        seen.append(script.arguments_in(request))
        return request

    app.registries.scripts.register(OWNER, script)
    app.hooks.request.attach(OWNER, note)
    client = TestClient(create_api(app))
    body = {"prompt": "a cat", "steps": 1, "width": 64, "height": 64}
    assert client.post("/sdapi/v1/txt2img", json=body).status_code == 200
    named = {**body, "alwayson_scripts": {"Glow": {"args": [False]}}}
    assert client.post("/sdapi/v1/txt2img", json=named).status_code == 200
    assert seen == [(True, 3), (False, 3)]
    assert "glow" in client.get("/sdapi/v1/scripts").json()["txt2img"]
    app.remove_owner(OWNER)
    assert client.post("/sdapi/v1/txt2img", json=named).status_code == 422


def _two_seeds(run: ScriptRun) -> GenerationResult:
    first, *others = (
        run.make(dataclasses.replace(run.request, script=None, seed=seed)) for seed in range(int(run.arguments[0]))
    )
    return dataclasses.replace(first, images=(*first.images, *(image for each in others for image in each.images)))


def test_a_selectable_script_takes_a_request_over_and_is_listed_with_its_arguments(
    studio: Studio, app: Application
) -> None:
    arguments = (Argument(label="How many", value=2, minimum=1, maximum=9, step=1),)
    app.registries.scripts.register(
        OWNER, Script(name="seeds", title="Some seeds", arguments=arguments, img2img=False, run=_two_seeds)
    )
    client = TestClient(create_api(app))
    body = {"prompt": "a cat", "steps": 1, "width": 64, "height": 64, "script_name": "Some Seeds", "script_args": [3]}
    answer = client.post("/sdapi/v1/txt2img", json=body).json()
    assert len(answer["images"]) == 3
    (told,) = [info for info in client.get("/sdapi/v1/script-info").json() if info["name"] == "seeds"]
    assert (told["is_alwayson"], told["is_img2img"], told["args"][0]["maximum"]) == (False, False, 9)
    assert len(studio.make(script="seeds", save_images=False).samples) == 2
    app.remove_owner(OWNER)
    assert client.post("/sdapi/v1/txt2img", json=body).status_code == 422
    with pytest.raises(Exception, match="Script 'seeds' is not here"):
        studio.make(script="seeds")


def test_upscalers_face_restorers_and_tokens_of_names_may_be_added(studio: Studio, app: Application) -> None:
    registries = app.registries
    registries.upscalers.register(OWNER, AddedUpscaler(name="Blocky", enlarge=_blocky))
    registries.face_restorers.register(
        OWNER, AddedRestorer(name="Inverter", restore=lambda image, _: ImageOps.invert(image))
    )
    registries.name_tokens.register(OWNER, NameToken(name="colour", rule=lambda context, given, limits: "blue"))
    client = TestClient(create_api(app))
    assert "Blocky" in [each["name"] for each in client.get("/sdapi/v1/upscalers").json()]
    assert "Inverter" in [each["name"] for each in client.get("/sdapi/v1/face-restorers").json()]
    enlarged = app.engine.upscalers.upscale(Image.new("RGB", (16, 24)), 2, "blocky", app.settings.current)
    assert enlarged.size == (32, 48)
    plain = studio.make(save_images=False).samples[0].image
    asked = {"face_restoration": True, "face_restoration_model": "Inverter", "samples_filename_pattern": "[colour]"}
    image = studio.make(override_settings=asked).samples[0]
    assert np.array_equal(np.asarray(ImageOps.invert(image.image)), np.asarray(plain))
    assert image.path is not None
    assert image.path.stem.endswith("-blue")
    app.remove_owner(OWNER)
    assert "Blocky" not in [each.name for each in app.upscalers.all()]
    assert "Inverter" not in [each.name for each in app.restorers.all()]


def _blocky(image: Image.Image, scale: float) -> Image.Image:
    return image.resize((int(image.width * scale), int(image.height * scale)), Image.Resampling.NEAREST)


def test_a_kind_of_network_may_be_added(app: Application) -> None:
    mine = frozenset({"mine.weight"})
    app.registries.network_kinds.register(
        OWNER, AdapterKind(name="Mine", needs=(mine,), delta=lambda weight, parts, rank: parts["mine.weight"])
    )
    found = kind_of(mine)
    assert found is not None
    assert found.name == "Mine"
    app.remove_owner(OWNER)
    assert kind_of(mine) is None


def test_routes_are_added_before_the_server_is_built_or_when_it_starts(app: Application) -> None:
    def build(application: Application) -> APIRouter:
        router = APIRouter(prefix="/glow")

        @router.get("/seeds")
        def seeds() -> int:
            return application.settings.current.jobs_kept

        return router

    def add(event: PageEvent) -> None:
        event.api.add_api_route("/late", lambda: "here")

    app.registries.routes.register(OWNER, Routes(name="glow", build=build))
    app.hooks.app_started.attach(OWNER, add)
    api = create_api(app)
    api.mount("/", cast(Any, lambda *_: None))
    tell_started(api, app)
    client = TestClient(api)
    assert client.get("/glow/seeds").json() == app.settings.current.jobs_kept
    assert client.get("/late").json() == "here"


def test_one_call_undoes_all_that_an_owner_did(app: Application) -> None:
    before = [list(registry) for registry in app.registries]
    app.registries.samplers.register(OWNER, _euler("One"))
    app.registries.settings.register(OWNER, GlowSection)
    app.registries.scripts.register(OWNER, Script(name="glow"))
    app.hooks.saved.attach(OWNER, lambda image: None)
    app.remove_owner(OWNER)
    assert [list(registry) for registry in app.registries] == before
    assert all(each.owner != OWNER for point in app.hooks.all() for each in point.attachments)


def test_two_applications_have_settings_and_scripts_of_their_own(app: Application, tmp_path: Path) -> None:
    other = Application(parse_flags(["--data-dir", str(tmp_path)]))
    app.registries.scripts.register(OWNER, Script(name="glow"))
    app.registries.settings.register(OWNER, GlowSection)
    assert other.registries.scripts.find("glow") is None
    assert "glow_amount" not in other.settings.declared
    other.close()


def test_what_a_pasted_text_says_may_change(app: Application) -> None:
    heard: list[str] = []

    def other(values: dict[str, object], event: PasteEvent) -> dict[str, object]:
        heard.append(event.text)
        return {**values, "Steps": "1", "Seed": "77"}

    app.hooks.infotext_pasted.attach(OWNER, other)
    text = "a dog\nSteps: 30, Sampler: Euler, Seed: 5, Size: 64x64"
    answer = TestClient(create_api(app)).post("/sdapi/v1/txt2img", json={"infotext": text, "save_images": False})
    assert "Steps: 1, " in json.loads(answer.json()["info"])["infotexts"][0]
    assert json.loads(answer.json()["info"])["seed"] == 77
    assert heard == [text]
