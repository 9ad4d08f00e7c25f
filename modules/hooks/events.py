"""What attachments are told beside the value that a point hands them."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from modules.generation.latents import StepReport
from modules.generation.plan import Plan
from modules.generation.request import GenerationRequest

if TYPE_CHECKING:
    from PIL import Image
    from torch import Tensor

    # It imports torch, and the page must be up before torch is.
    from modules.generation.conditioning import Conditioning
    from modules.imaging.filenames import NameContext
    from modules.imaging.save import SavedPicture, SaveOptions
    from modules.sampling.guidance_hooks import GuidanceOutput
    from modules.sampling.inpainting import Blend

PictureKind = Literal["sample", "grid", "beside"]
"""What is saved: a finished picture, the grid of them, or what lies beside one (a mask, a state before a stage)."""


@dataclass(frozen=True, kw_only=True, eq=False)
class RunEvent:
    """Where a run is: its request and, once that is decided, its plan and the index of the batch (from 0).

    `model` is the loaded checkpoint, a `modules.pipeline.model.Model`, from `around_run` on. In the second pass of
    hires fix, and after the refiner has taken over, `stage` says so, and plan and model are those of that stage.
    """

    request: GenerationRequest
    plan: Plan | None = None
    model: Any = None
    batch: int = 0
    picture: int | None = None
    """The index of the plan's picture that a point is about, where it is about one."""
    stage: Literal["first pass", "second pass", "refiner"] = "first pass"
    warnings: list[str] = field(default_factory=list[str])
    """Sentences for the user; one list for the whole run, which its result carries."""
    kept: dict[str, Any] = field(default_factory=dict[str, Any])
    """What attachments keep from one point to the next, by their owners' names; one dict for the whole run."""

    @property
    def pictures(self) -> slice:
        """Which of the plan's pictures the batch holds."""
        size = self.plan.batch_size if self.plan is not None else self.request.batch_size
        return slice(self.batch * size, (self.batch + 1) * size)

    def warn(self, *sentences: str) -> None:
        """Tell the user something, each sentence once a run."""
        self.warnings.extend(sentence for sentence in sentences if sentence not in self.warnings)


@dataclass(frozen=True, kw_only=True, eq=False)
class WithinRun:
    """Something that happens within a run."""

    run: RunEvent

    def warn(self, *sentences: str) -> None:
        """Tell the user something, each sentence once a run."""
        self.run.warn(*sentences)


@dataclass(frozen=True, kw_only=True, eq=False)
class StartEvent(RunEvent):
    """Sampling of a pass is about to begin, with this conditioning and unit noise [B, C, h, w]."""

    conditioning: Conditioning
    noise: Tensor

    @classmethod
    def of(cls, run: RunEvent, *, conditioning: Conditioning, noise: Tensor) -> StartEvent:
        """The start of the pass that `run` describes."""
        where = {each.name: getattr(run, each.name) for each in fields(RunEvent)}
        return cls(**where, conditioning=conditioning, noise=noise)


@dataclass(frozen=True, kw_only=True, eq=False)
class StepEvent(WithinRun):
    """One sampling step was taken.

    The step's tensors are the sampler's own: what is written to them counts from where the sampler stands.
    """

    step: StepReport


@dataclass(frozen=True, kw_only=True, eq=False)
class EvaluationEvent(WithinRun):
    """The estimates of one evaluation of the network, and the guidance scale that combines them."""

    output: GuidanceOutput
    scale: float


@dataclass(frozen=True, kw_only=True, eq=False)
class BlendEvent(WithinRun):
    """Inpainting puts the kept part of the source back: `latent` is what was there before, `blend` knows the mask.

    `level` is as the sampler counts, None after the last step.
    """

    latent: Tensor
    blend: Blend
    level: float | None


@dataclass(frozen=True, kw_only=True, eq=False)
class PictureEvent(WithinRun):
    """Something happens to picture `index` of the plan."""

    index: int


@dataclass(frozen=True, kw_only=True, eq=False)
class MaskOverlay:
    """What inpainting lays over a new picture: its source (RGBA, clear where the new one is seen) and the mask."""

    mask: Image.Image
    overlay: Image.Image


@dataclass(frozen=True, kw_only=True, eq=False)
class GridLayout:
    """The pictures of a grid, row by row, and how many rows and columns it has."""

    images: tuple[Image.Image, ...]
    rows: int
    columns: int


@dataclass(frozen=True, kw_only=True, eq=False)
class PictureToSave:
    """A picture on its way to a file. What is changed is so in the file; the result keeps its own picture and text.

    `options` say where, in which format and by which patterns the file is named, from the values of `names`; with
    `forced_name` patterns are left out, and `suffix` follows the name. `chunks` are texts beside the infotext in a PNG.
    Nothing is saved where `wanted` is False. An attachment that has written the picture itself says in `saved` where.
    """

    image: Image.Image
    infotext: str
    options: SaveOptions
    names: NameContext
    kind: PictureKind = "sample"
    basename: str = ""
    suffix: str = ""
    short_name: bool = False
    forced_name: str | None = None
    chunks: dict[str, str] = field(default_factory=dict[str, str])
    wanted: bool = True
    saved: SavedPicture | None = None


@dataclass(frozen=True, kw_only=True, eq=False)
class PasteEvent:
    """A parameters text is read, to be put into the controls of the page or into a request of the API."""

    text: str


@dataclass(frozen=True, kw_only=True, eq=False)
class CountEvent:
    """The tokens of a prompt are about to be counted for the page, a negative one where `is_negative`."""

    is_negative: bool


@dataclass(frozen=True, kw_only=True)
class CountedPrompt:
    """A prompt whose tokens are counted, with the names of the styles that are counted with it."""

    prompt: str
    steps: int
    styles: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, eq=False)
class EndEvent:
    """The program ends; `restarts` where a client wants it to start again."""

    restarts: bool


@dataclass(frozen=True, kw_only=True, eq=False)
class ModelEvent:
    """A checkpoint was read from `path`; `model` is a `modules.pipeline.model.Model`."""

    model: Any
    path: Path


@dataclass(frozen=True, kw_only=True, eq=False)
class PageEvent:
    """The web server's parts: `api` is its FastAPI application, `page` gradio's Blocks; None where there is none."""

    api: Any = None
    page: Any = None
