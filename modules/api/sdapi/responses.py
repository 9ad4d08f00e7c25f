"""What clients get: A1111's names and types. The documentation at /docs is made from these."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from modules.foundation.plain import JsonObject


class CreateResponse(BaseModel):
    """What was made."""

    info: str = Field(title="Create info", description="A sentence with the file's path.")


class TrainResponse(BaseModel):
    """How training went."""

    info: str = Field(title="Train info")


class InterrogateResponse(BaseModel):
    """The words for a picture."""

    caption: str = Field(description="A sentence, ranked words or tags, as the model gives them.")


class TextToImageResponse(BaseModel):
    """Finished pictures."""

    images: list[str] | None = Field(None, title="Image", description="The pictures in base64, a grid first.")
    parameters: JsonObject = Field(description="The request, with what was left out filled in.")
    info: str = Field(description="JSON text: seeds, prompts and the parameters text of every picture.")


class ImageToImageResponse(TextToImageResponse):
    """Finished pictures."""


class PNGInfoResponse(BaseModel):
    """What a picture says about how it was made."""

    info: str = Field(title="Image info", description="The parameters text, empty if there is none.")
    items: JsonObject = Field(description="Whatever else the file says.")
    parameters: JsonObject = Field(description="The parameters text, taken apart.")


class State(BaseModel):
    """The running job."""

    skipped: bool = False
    interrupted: bool = False
    stopping_generation: bool = False
    job: str = ""
    job_count: int = 0
    job_timestamp: str = "0"
    job_no: int = 0
    sampling_step: int = 0
    sampling_steps: int = 0


class ProgressResponse(BaseModel):
    """How far the running job is."""

    progress: float = Field(description="0 to 1.")
    eta_relative: float = Field(title="ETA in secs")
    state: State
    current_image: str | None = Field(None, description="The unfinished picture in base64.")
    textinfo: str | None = None


class InternalProgressResponse(BaseModel):
    """How far one job is."""

    model_config = ConfigDict(title="ProgressResponse")

    active: bool = Field(description="It is being worked on.")
    queued: bool = Field(description="It waits for its turn.")
    completed: bool = Field(description="It has finished, one way or the other.")
    progress: float | None = None
    eta: float | None = Field(None, title="ETA in secs")
    live_preview: str | None = Field(None, description="A newer preview than the client has, as a data: address.")
    id_live_preview: int | None = None
    textinfo: str | None = None


class PendingTasks(BaseModel):
    """The jobs that have not started."""

    size: int
    tasks: list[str]


class ExtrasSingleImageResponse(BaseModel):
    """A finished picture."""

    html_info: str = Field(description="What was done.")
    image: str | None = Field(None, description="The picture, in base64.")


class ExtrasBatchImagesResponse(BaseModel):
    """Finished pictures."""

    html_info: str = Field(description="What was done.")
    images: list[str] = Field(description="The pictures, in base64.")


class UpscalerItem(BaseModel):
    """An upscaler. `problem` is there only for one that cannot be used, and says why."""

    model_config = ConfigDict(protected_namespaces=())

    name: str
    model_name: str | None = None
    model_path: str | None = Field(None, description="Its file; or where that can be had, when it is not there.")
    model_url: str | None = None
    scale: float | None = None
    problem: str | None = None


class FaceRestorerItem(BaseModel):
    """A face restorer. `problem` is there only for one that cannot be used, and says which file to put where."""

    name: str
    cmd_dir: str | None = None
    problem: str | None = None


class LatentUpscalerModeItem(BaseModel):
    """A way to enlarge latents."""

    name: str


class RealesrganItem(BaseModel):
    """A well-known Real-ESRGAN model."""

    name: str
    path: str | None = None
    scale: int | None = None


class SDModelItem(BaseModel):
    """A checkpoint."""

    model_config = ConfigDict(protected_namespaces=())

    title: str
    model_name: str
    hash: str | None = Field(None, title="Short hash")
    sha256: str | None = None
    filename: str
    config: str | None = None


class SDVaeItem(BaseModel):
    """A VAE file."""

    model_config = ConfigDict(protected_namespaces=())

    model_name: str
    filename: str


class SamplerItem(BaseModel):
    """A sampler."""

    name: str
    aliases: list[str]
    options: dict[str, str]


class SchedulerItem(BaseModel):
    """A schedule of noise levels."""

    name: str
    label: str
    aliases: list[str] | None = None
    default_rho: float | None = None
    need_inner_model: bool | None = None


class EmbeddingItem(BaseModel):
    """An embedding."""

    step: int | None = Field(None, description="Steps of training.")
    sd_checkpoint: str | None = Field(None, title="SD Checkpoint", description="Hash of the checkpoint it was made on.")
    sd_checkpoint_name: str | None = Field(None, title="SD Checkpoint Name")
    shape: int = Field(description="Length of its vectors.")
    vectors: int = Field(description="How many tokens it takes up.")


class EmbeddingsResponse(BaseModel):
    """The embeddings in the folder."""

    loaded: dict[str, EmbeddingItem] = Field(description="Those made for the loaded checkpoint's family.")
    skipped: dict[str, EmbeddingItem] = Field(description="Those made for others.")


class LoraItem(BaseModel):
    """A LoRA file."""

    name: str = Field(description="How prompts mention it.")
    alias: str = Field(description="The name that its author gave it; prompts may use it too.")
    path: str
    metadata: JsonObject = Field(description="What the trainer wrote into the file.")


class HypernetworkItem(BaseModel):
    """A hypernetwork."""

    name: str
    path: str | None = None


class PromptStyleItem(BaseModel):
    """A style."""

    name: str
    prompt: str | None = None
    negative_prompt: str | None = None


class MemoryResponse(BaseModel):
    """Memory in bytes."""

    ram: JsonObject
    cuda: JsonObject


class ScriptsList(BaseModel):
    """Names of scripts."""

    txt2img: list[str] | None = None
    img2img: list[str] | None = None


class ScriptArg(BaseModel):
    """An argument of a script, with what a slider or a list would need."""

    label: str | None = None
    value: Any | None = None
    minimum: Any | None = None
    maximum: Any | None = None
    step: Any | None = None
    choices: list[str] | None = None


class ScriptInfo(BaseModel):
    """A script with its arguments."""

    name: str | None = None
    is_alwayson: bool | None = None
    is_img2img: bool | None = None
    args: list[ScriptArg]


class ExtensionItem(BaseModel):
    """An installed extension."""

    name: str
    remote: str
    branch: str
    commit_hash: str
    version: str
    commit_date: str
    enabled: bool


class QuicksettingsHint(BaseModel):
    """A setting that can be put on top of the page."""

    name: str
    label: str
