"""`Processed`: what came of a generation, as scripts see and change it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PIL import Image

from modules.a1111.processing.parameters import StableDiffusionProcessing
from modules.foundation.plain import JsonObject
from modules.generation.result import FinishedImage, GenerationResult

COPIED = (
    "prompt",
    "negative_prompt",
    "width",
    "height",
    "sampler_name",
    "cfg_scale",
    "steps",
    "batch_size",
    "restore_faces",
    "seed_resize_from_w",
    "seed_resize_from_h",
    "denoising_strength",
    "extra_generation_params",
    "styles",
    "is_using_inpainting_conditioning",
    "eta",
    "s_churn",
    "s_tmin",
    "s_tmax",
    "s_noise",
    "s_min_uncond",
    "sd_model_name",
    "sd_model_hash",
    "sd_vae_name",
    "sd_vae_hash",
)
"""What a Processed takes over from its `p`."""


class Processed:
    """Pictures in `images`, each with its text in `infotexts`; the first `index_of_first_image` are grids."""

    if TYPE_CHECKING:
        # What is taken over from `p`, and what scripts add.
        def __setattr__(self, name: str, value: object) -> None: ...
        def __getattr__(self, name: str) -> Any: ...

    def __init__(
        self,
        p: StableDiffusionProcessing,
        images_list: list[Image.Image],
        seed: int | list[int] = -1,
        info: str = "",
        subseed: int | list[int] | None = None,
        all_prompts: list[str] | None = None,
        all_negative_prompts: list[str] | None = None,
        all_seeds: list[int] | None = None,
        all_subseeds: list[int] | None = None,
        index_of_first_image: int = 0,
        infotexts: list[str] | None = None,
        comments: str = "",
    ) -> None:
        for name in COPIED:
            setattr(self, name, getattr(p, name, None))
        self.prompt, self.negative_prompt = _first(p.prompt), _first(p.negative_prompt)
        self.images = images_list
        # Scripts also hand over the seeds of all pictures; the first counts then.
        self.seed = int(_first(seed if seed != -1 else p.seed))
        self.subseed = int(_first(subseed if subseed is not None else p.subseed))
        self.subseed_strength = p.subseed_strength
        self.all_prompts = all_prompts or p.all_prompts or [self.prompt]
        self.all_negative_prompts = all_negative_prompts or p.all_negative_prompts or [self.negative_prompt]
        self.all_seeds = all_seeds or p.all_seeds or [self.seed]
        self.all_subseeds = all_subseeds or p.all_subseeds or [self.subseed]
        self.index_of_first_image = index_of_first_image
        self.infotexts = infotexts or [info] * len(images_list)
        self.info, self.comments = info, comments
        self.extra_images: list[Image.Image] = []
        self.job_timestamp = ""
        self.result: GenerationResult | None = None
        """The result that it was made from, with what is no attribute here."""

    @classmethod
    def of(cls, p: StableDiffusionProcessing, result: GenerationResult) -> Processed:
        """What scripts see of `result`."""
        info = result.info
        for name in ("sd_model_name", "sd_model_hash", "sd_vae_name", "sd_vae_hash"):
            setattr(p, name, info.get(name))
        made = cls(
            p,
            [with_text(image) for image in result.images],
            seed=int(info["seed"]),
            info=str(info["infotexts"][0]) if info["infotexts"] else "",
            subseed=int(info["subseed"]),
            all_prompts=list(info["all_prompts"]),
            all_negative_prompts=list(info["all_negative_prompts"]),
            all_seeds=list(info["all_seeds"]),
            all_subseeds=list(info["all_subseeds"]),
            index_of_first_image=int(info["index_of_first_image"]),
            infotexts=[image.infotext for image in result.images],
            comments="\n".join([*result.warnings, *p.comments]),
        )
        made.prompt, made.negative_prompt = info["prompt"], info["negative_prompt"]
        made.width, made.height, made.sampler_name = info["width"], info["height"], info["sampler_name"]
        made.job_timestamp, made.result = str(info.get("job_timestamp", "")), result
        return made

    def infotext(self, p: StableDiffusionProcessing, index: int) -> str:
        """The parameters text of picture `index`, without grids."""
        place = self.index_of_first_image + index
        return self.infotexts[place] if place < len(self.infotexts) else self.info

    def js(self) -> str:
        """The `info` object as text."""
        return json.dumps({**self.fields(), "infotexts": self.infotexts}, default=lambda value: None)

    def fields(self) -> JsonObject:
        """The `info` object: that of the result it was made from, with what scripts changed."""
        kept = dict(self.result.info) if self.result is not None else {}
        own = {key: value for key, value in vars(self).items() if key not in NOT_INFO}
        return {**kept, **own, "infotexts": list(self.infotexts)}

    def get_token_merging_ratio(self, for_hr: bool = False) -> float:
        """The ratio that was in force."""
        from modules.a1111.current import current

        opts = current().shared.opts
        return opts.token_merging_ratio_hr if for_hr else opts.token_merging_ratio


NOT_INFO = frozenset(
    {
        "images",
        "extra_images",
        "info",
        "comments",
        "result",
        "eta",
        "infotexts",
        "s_churn",
        "s_tmin",
        "s_tmax",
        "s_noise",
        "s_min_uncond",
    }
)
"""Attributes that the `info` object does not have, or not in this form."""


MADE = "finished_image"
"""The attribute of a picture that says what it was when it was finished: its seed, its file."""


def with_text(image: FinishedImage) -> Image.Image:
    """The picture, carrying its text and path as pictures of A1111 do."""
    picture = image.image
    picture.info = {**picture.info, "parameters": image.infotext}
    setattr(picture, MADE, image)
    if image.path is not None:
        picture.already_saved_as = str(image.path)  # type: ignore[attr-defined]
    return picture


def result_of(processed: Processed) -> GenerationResult:
    """What the program goes on with, after scripts have worked on `processed`."""
    before = processed.result
    images: list[FinishedImage] = []
    for index, picture in enumerate([*processed.images, *processed.extra_images]):
        text = str(processed.infotexts[index]) if index < len(processed.infotexts) else processed.info
        images.append(_finished(processed, picture, index, text))
    return GenerationResult(
        images=tuple(images),
        # A script may tell of more pictures than it shows.
        info={
            **processed.fields(),
            "infotexts": [*(image.infotext for image in images), *map(str, processed.infotexts[len(images) :])],
        },
        warnings=tuple(line for line in processed.comments.splitlines() if line),
        seconds=before.seconds if before is not None else {},
        interrupted=before.interrupted if before is not None else False,
        peak_device_bytes=before.peak_device_bytes if before is not None else 0,
    )


def _finished(processed: Processed, picture: Any, index: int, text: str) -> FinishedImage:
    picture = picture if isinstance(picture, Image.Image) else Image.fromarray(picture)
    before: FinishedImage | None = getattr(picture, MADE, None)
    if before is not None:
        return replace(before, image=picture, infotext=text)
    number = max(index - processed.index_of_first_image, 0)
    saved = getattr(picture, "already_saved_as", None)
    return FinishedImage(
        image=picture,
        infotext=text,
        seed=_at(processed.all_seeds, number),
        subseed=_at(processed.all_subseeds, number),
        prompt=_at(processed.all_prompts, number),
        negative_prompt=_at(processed.all_negative_prompts, number),
        kind="grid" if index < processed.index_of_first_image else "sample",
        path=Path(saved) if saved else None,
    )


def _at(entries: list[Any], index: int) -> Any:
    return entries[min(index, len(entries) - 1)]


def _first(value: object) -> Any:
    return value[0] if isinstance(value, list) else value
