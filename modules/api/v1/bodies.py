"""What clients of /api/v1 send and get."""

from __future__ import annotations

import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from modules.api.body import Body, FiniteNumber, ShortText, Whole
from modules.api.generation.bodies import StableDiffusionProcessingImg2Img, StableDiffusionProcessingTxt2Img

Priority = Annotated[Whole, Field(ge=-1000, le=1000)]
JobStateName = Literal["waiting", "paused", "running", "done", "failed", "interrupted"]
_PRIORITY = "Greater runs first; 0 is that of the page and of /sdapi/v1."
_SAVED = "false: the pictures are in no file, and only for a while in memory."


class SubmitTxt2Img(StableDiffusionProcessingTxt2Img):
    """A request for pictures from words, with the fields of /sdapi/v1/txt2img."""

    priority: Priority = Field(0, description=_PRIORITY)
    save_images: bool = Field(True, description=_SAVED)


class SubmitImg2Img(StableDiffusionProcessingImg2Img):
    """A request for pictures from pictures and words, with the fields of /sdapi/v1/img2img."""

    priority: Priority = Field(0, description=_PRIORITY)
    save_images: bool = Field(True, description=_SAVED)


class JobProgress(BaseModel):
    """How far a running job is."""

    fraction: float = Field(description="0 to 1.")
    eta: float | None = Field(None, description="Seconds left, as far as can be told.")
    phase: str
    step: int
    steps: int
    batch: int
    batches: int
    preview: int = Field(description="FiniteNumber of the newest preview; 0: there is none yet.")


class JobInfo(BaseModel):
    """A job. Times are seconds since 1970."""

    number: int = Field(description="Grows with each submitted job; pages of the list begin `before` one.")
    id: str
    kind: str = Field(description="txt2img, img2img, or the kind of another task.")
    title: str = Field(description="The prompt, or what the task is.")
    state: JobStateName
    position: int | None = Field(None, description="Place in the queue, from 1, while it waits.")
    priority: int
    attempts: int = Field(description="1, and one more for each retry.")
    checkpoint: str | None = None
    standing: str | None = Field(None, description="The recurring job that it belongs to.")
    created: float
    started: float | None = None
    finished: float | None = None
    note: str = Field("", description="Why it was interrupted.")
    error: str = Field("", description="Why it failed.")
    interrupted_by_restart: bool = Field(False, description="Easel ended while it ran; it can be retried.")
    progress: JobProgress | None = None


class JobDetails(JobInfo):
    """A job with its pictures."""

    images: list[HistoryItem] = Field(description="Its finished pictures, at `url`.")


class JobList(BaseModel):
    """Jobs, newest first."""

    jobs: list[JobInfo]
    next: int | None = Field(None, description="`before` of the next page; null on the last one.")


class QueueInfo(BaseModel):
    """The queue at this moment."""

    paused: bool
    running: list[JobInfo]
    waiting: list[JobInfo] = Field(description="Next first, paused ones among them.")


class CancelBody(Body):
    """How to stop a job that runs already."""

    stop: Literal["now", "after_image"] = Field(
        "now", description="`now`: within a step, what is finished is kept; `after_image`: when its batch is finished."
    )


class MoveBody(Body):
    """A new place in the queue. Give one of the three."""

    to: Literal["first", "last"] | None = Field(None, description="An end of the queue.")
    before: ShortText | None = Field(None, description="Id of a waiting job before which it is to stand.")
    priority: Priority | None = Field(None, description=_PRIORITY)


class RepeatBody(Body):
    """How to do a job again."""

    count: Annotated[Whole, Field(ge=1, le=1000)] = Field(1, description="How many jobs.")
    same_seeds: bool = Field(False, description="true: with the seeds that were chosen for it, not with new ones.")


class RecurringBody(Body):
    """When and how a recurring job goes on."""

    seeds: Literal["random", "advance", "fixed"] = Field(
        "random", description="New seeds for every job; seeds that count on from picture to picture; always the same."
    )
    pictures: Annotated[Whole, Field(ge=1, le=2**53)] | None = Field(None, description="It ends after so many.")
    seconds: Annotated[FiniteNumber, Field(gt=0)] | None = Field(None, description="It ends after so long.")
    least_free_gb: Annotated[FiniteNumber, Field(ge=0, le=1e9)] | None = Field(
        None, description="It ends when the disk of the output folder has less room; not given: as the settings say."
    )


class RecurringTxt2Img(SubmitTxt2Img, RecurringBody):
    """Pictures from words, again and again."""


class RecurringImg2Img(SubmitImg2Img, RecurringBody):
    """Pictures from pictures and words, again and again."""


class RecurringJobInfo(BaseModel):
    """A recurring job. Times are seconds since 1970."""

    id: str
    state: Literal["running", "paused", "done", "stopped", "failed"]
    title: str
    priority: int
    checkpoint: str | None = None
    seeds: str
    pictures: int | None = None
    seconds: float | None = None
    least_free_gb: float
    made: int = Field(description="Finished pictures.")
    created: float
    finished: float | None = None
    note: str = Field("", description="Why it ended.")


class RecurringJobList(BaseModel):
    """Recurring jobs, newest first."""

    standing: list[RecurringJobInfo]


class HistoryItem(BaseModel):
    """A finished picture with its parameters."""

    model_config = ConfigDict(protected_namespaces=())

    number: int = Field(description="Grows with each picture; pages of the history begin `before` one.")
    id: str
    url: str = Field(description="Where the picture is; never another one at the same address.")
    job: str
    kind: str = Field(description="sample or grid.")
    created: float = Field(description="Seconds since 1970.")
    saved: bool = Field(description="Whether it was saved as a file.")
    width: int
    height: int
    seed: int
    subseed: int
    prompt: str
    negative_prompt: str
    model: str
    model_hash: str
    networks: tuple[str, ...]
    infotext: str
    sampler: str = ""
    rating: int = Field(0, description="1 to 5; 0 if it has not been rated.")
    favourite: bool = False
    mark: str = Field("", description="A word of the user's own.")
    trashed: float | None = Field(None, description="When it came into the trash, in seconds since 1970.")


class HistoryQuery(BaseModel):
    """What to look for; everything given must hold."""

    model_config = ConfigDict(protected_namespaces=())

    q: ShortText = Field("", description='Words of prompt, model or network, perhaps cut short; "a phrase" in quotes.')
    model: ShortText = Field("", description="Part of the checkpoint's name, or its short hash.")
    network: ShortText = Field("", description="Part of the name of a LoRA or hypernetwork.")
    seed: Annotated[int | None, Field(ge=-(2**63), lt=2**64)] = None
    job: ShortText = Field("", description="Id of a job.")
    kind: ShortText = Field("", description="sample or grid.")
    since: datetime.datetime | None = Field(None, description="A date or a moment; without a zone in local time.")
    until: datetime.datetime | None = Field(None, description="The first moment that is too late.")
    saved: bool | None = Field(None, description="Whether there is a file.")
    sampler: ShortText = Field("", description="Part of the sampler's name.")
    width: Annotated[int | None, Field(ge=1, le=2**31)] = None
    height: Annotated[int | None, Field(ge=1, le=2**31)] = None
    rating: Annotated[int, Field(ge=0, le=5, description="The least rating.")] = 0
    favourite: bool | None = None
    mark: ShortText = Field("", description="The whole of the mark.")
    pixels: ShortText = Field("", description="Hash of the pixels.")
    trashed: bool = Field(False, description="true: what is in the trash; false: all that is not.")


class HistoryPageQuery(HistoryQuery):
    """What to look for, and which part of it."""

    before: Annotated[int | None, Field(ge=0, le=2**53)] = Field(None, description="`next` of the page before.")
    limit: Annotated[int, Field(ge=1, le=500)] = 50


class HistoryPage(BaseModel):
    """Pictures that fit, newest first."""

    images: list[HistoryItem]
    total: int = Field(description="How many fit in all.")
    next: int | None = Field(None, description="`before` of the next page; null on the last one.")


class HistoryNumbers(BaseModel):
    """The numbers of all pictures that fit, newest first."""

    numbers: list[int]


class HistoryCounts(BaseModel):
    """How many of the pictures that fit have which value; the most frequent first, 500 of each at most."""

    model_config = ConfigDict(protected_namespaces=())

    total: int
    model: list[tuple[str, int]]
    sampler: list[tuple[str, int]]
    networks: list[tuple[str, int]]
    rating: list[tuple[str, int]]
    mark: list[tuple[str, int]]
    favourite: list[tuple[str, int]]


class Numbers(Body):
    """Which pictures, by their numbers."""

    numbers: Annotated[list[Annotated[Whole, Field(ge=0, le=2**53)]], Field(max_length=200_000)]


class MarkBody(Numbers):
    """What people make of pictures; what is not given stays as it is."""

    rating: Annotated[Whole, Field(ge=0, le=5, description="1 to 5; 0 takes it away.")] | None = None
    favourite: bool | None = None
    mark: Annotated[str, Field(max_length=100, description='A word of your own; "" takes it away.')] | None = None


class MoveFilesBody(Numbers):
    """Where the files of pictures go."""

    folder: Annotated[str, Field(min_length=1, max_length=4096)] = Field(
        description="A folder below the output folder, or a whole path."
    )


class FolderBody(Body):
    """A folder with pictures."""

    folder: Annotated[str, Field(max_length=4096)] = Field("", description="Its path; nothing: the output folders.")


class ChangedPictures(BaseModel):
    """How many pictures were changed, and why others were not."""

    done: int = Field(description="How many pictures.")
    problems: list[str] = Field(description="A sentence for each picture that it could not be done to.")


JobDetails.model_rebuild()
