"""What there is to choose from."""

from __future__ import annotations

from fastapi import APIRouter

from modules.api.generation.scripts import available, script_info
from modules.api.sdapi.responses import (
    ExtensionItem,
    PromptStyleItem,
    SamplerItem,
    SchedulerItem,
    ScriptInfo,
    ScriptsList,
    SDModelItem,
    SDVaeItem,
)
from modules.application.application import Application
from modules.checkpoints.info import CheckpointInfo
from modules.extension_host.extension import Extension
from modules.sampling.samplers.registry import SAMPLERS, Sampler
from modules.sampling.schedules import SCHEDULES, Schedule


def routes(app: Application) -> APIRouter:
    """GET the lists of checkpoints, VAEs, samplers, schedules, styles and scripts."""
    router = APIRouter(prefix="/sdapi/v1", tags=["lists"])

    @router.get("/sd-models", summary="Checkpoints")
    def sd_models() -> list[SDModelItem]:
        """The checkpoints in the folders. A hash is there once the checkpoint has been loaded."""
        return [_model_item(info) for info in app.catalogue.all()]

    @router.get("/sd-vae", summary="VAE files")
    def sd_vaes() -> list[SDVaeItem]:
        """The VAE files in their own folders, and those beside the checkpoints."""
        return [SDVaeItem(model_name=info.name, filename=str(info.path)) for info in app.vaes.all()]

    @router.get("/samplers", summary="Samplers")
    def samplers() -> list[SamplerItem]:
        """The samplers in the order in which they are offered."""
        return [_sampler_item(sampler) for sampler in SAMPLERS]

    @router.get("/schedulers", summary="Schedules of noise levels")
    def schedulers() -> list[SchedulerItem]:
        """The schedules in the order in which they are offered."""
        return [_scheduler_item(schedule) for schedule in SCHEDULES]

    @router.get("/prompt-styles", summary="Styles")
    def prompt_styles() -> list[PromptStyleItem]:
        """The styles of the styles files."""
        return [
            PromptStyleItem(name=style.name, prompt=style.prompt, negative_prompt=style.negative_prompt)
            for style in app.styles.all()
        ]

    @router.get("/scripts", summary="Scripts by name")
    def scripts() -> ScriptsList:
        """The scripts that alwayson_scripts can name, for each kind of request."""
        names = {img2img: [script.name for script in available(app, img2img=img2img)] for img2img in (False, True)}
        return ScriptsList(txt2img=names[False], img2img=names[True])

    @router.get("/script-info", summary="Scripts with their arguments")
    def scripts_with_arguments() -> list[ScriptInfo]:
        """The scripts that alwayson_scripts can name, each with its arguments in their order."""
        return [ScriptInfo.model_validate(info) for info in script_info(app)]

    @router.get("/extensions", summary="Extensions")
    def extensions() -> list[ExtensionItem]:
        """The installed extensions."""
        return [_extension_item(extension) for extension in app.extensions.extensions]

    return router


def _extension_item(extension: Extension) -> ExtensionItem:
    version = extension.version
    return ExtensionItem(
        name=extension.name,
        remote=version.remote,
        branch=version.branch,
        commit_hash=version.commit,
        version=version.short,
        commit_date=version.date,
        enabled=extension.enabled,
    )


def _model_item(info: CheckpointInfo) -> SDModelItem:
    return SDModelItem(
        title=info.title,
        model_name=info.model_name,
        hash=info.short_hash,
        sha256=info.sha256,
        filename=str(info.path),
        config=str(info.sidecar) if info.sidecar.is_file() else None,
    )


def _sampler_item(sampler: Sampler) -> SamplerItem:
    options = {}
    if sampler.default_schedule != "Uniform":
        options["scheduler"] = sampler.default_schedule.lower()
    for name in ("second_order", "brownian_noise", "discard_next_to_last_sigma", "uses_ensd"):
        if getattr(sampler, name):
            options[name] = "True"
    options |= {name: str(value) for name, value in sampler.fixed.items()}
    return SamplerItem(name=sampler.name, aliases=list(sampler.aliases), options=options)


def _scheduler_item(schedule: Schedule) -> SchedulerItem:
    return SchedulerItem(
        name=schedule.name,
        label=schedule.label,
        aliases=list(schedule.aliases) or None,
        default_rho=-1.0 if schedule.default_rho is None else schedule.default_rho,
        need_inner_model=schedule.needs_model,
    )
