"""What clients send to have embeddings and hypernetworks trained: A1111's names and defaults."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from modules.api.body import Body, FiniteNumber, LongText, Seed, ShortText, Whole
from modules.application.application import Application
from modules.application.training import template_lines
from modules.foundation.errors import UnknownName
from modules.training.buckets import Fit
from modules.training.options import (
    DatasetOptions,
    OutputOptions,
    PreviewOptions,
    StepOptions,
    TrainingKind,
    TrainingOptions,
)


def _text(value: object) -> object:
    """Rates are written as text, but some clients send the number."""
    return str(value) if isinstance(value, int | float) else value


Rate = Annotated[ShortText, BeforeValidator(_text)]
Count = Annotated[Whole, Field(ge=0, le=10_000_000)]


class TrainRequest(Body):
    """What both kinds of training take."""

    id_task: ShortText | None = Field(None, description="The id that the job is to have.")
    learn_rate: Rate = Field("0.005", description="A rate, or several over the steps: 0.005:100, 1e-3:1000, 1e-5.")
    batch_size: Annotated[Whole, Field(ge=1, le=1024)] = 1
    gradient_step: Annotated[Whole, Field(ge=1, le=1024)] = Field(1, description="Batches of one step.")
    data_root: ShortText = Field("", description="The folder with the pictures.")
    log_directory: ShortText = Field("textual_inversion", description="The folder for copies, losses and samples.")
    training_width: Annotated[Whole, Field(ge=64, le=2048)] = 512
    training_height: Annotated[Whole, Field(ge=64, le=2048)] = 512
    varsize: bool = Field(False, description="true: pictures keep their sizes.")
    steps: Annotated[Whole, Field(ge=1, le=10_000_000)] = Field(100_000, description="Steps in all.")
    clip_grad_mode: Literal["disabled", "value", "norm"] = "disabled"
    clip_grad_value: Rate = Field("0.1", description="The bound, or several over the steps.")
    shuffle_tags: bool = False
    tag_drop_out: Annotated[FiniteNumber, Field(ge=0, le=1)] = 0
    latent_sampling_method: Literal["once", "deterministic", "random"] = "once"
    use_weight: bool = Field(False, description="true: what is transparent in a PNG counts less.")
    create_image_every: Count = Field(500, description="Steps between sample pictures; 0: none.")
    template_filename: ShortText = Field("style_filewords.txt", description="A template by the name of its file.")
    preview_from_txt2img: bool = Field(False, description="true: sample pictures are made as the preview_ fields say.")
    preview_prompt: LongText = ""
    preview_negative_prompt: LongText = ""
    preview_steps: Annotated[Whole, Field(ge=1, le=150)] = 20
    preview_sampler_name: ShortText | None = None
    preview_cfg_scale: Annotated[FiniteNumber, Field(ge=0, le=100)] = 7
    preview_seed: Seed = -1
    preview_width: Annotated[Whole, Field(ge=0, le=4096)] = 512
    preview_height: Annotated[Whole, Field(ge=0, le=4096)] = 512

    def of_kind(
        self, app: Application, kind: TrainingKind, name: str, save_every: int, *, cards: bool
    ) -> TrainingOptions:
        """The options of a training of this kind. Raises UnknownName, or RequestError naming the field."""
        settings = app.settings.current
        fit: Fit = "own" if self.varsize else "crop"
        return TrainingOptions(
            kind=kind,
            name=name,
            dataset=DatasetOptions(
                folder=self.data_root,
                width=self.training_width,
                height=self.training_height,
                fit=fit,
                template=tuple(template_lines(app, self.template_filename)),
                shuffle_tags=self.shuffle_tags,
                tag_dropout=self.tag_drop_out,
                latent_sampling=self.latent_sampling_method,
                weights_from_alpha=self.use_weight,
                word_pattern=settings.dataset_filename_word_regex,
                word_join=settings.dataset_filename_join_string,
            ),
            steps=StepOptions(
                steps=self.steps,
                batch_size=self.batch_size,
                gradient_accumulation=self.gradient_step,
                learning_rate=self.learn_rate,
                clipping=self.clip_grad_mode,
                clip_at=self.clip_grad_value,
                weight_decay=0.0 if kind == "embedding" else 0.01,
            ),
            output=OutputOptions(
                log_folder=self.log_directory,
                save_every=save_every,
                preview_every=self.create_image_every,
                preview=self._preview(),
                picture_cards=cards,
            ),
        )

    def _preview(self) -> PreviewOptions:
        if not self.preview_from_txt2img:
            return PreviewOptions()
        return PreviewOptions(
            prompt=self.preview_prompt,
            negative_prompt=self.preview_negative_prompt,
            steps=self.preview_steps,
            sampler=self.preview_sampler_name,
            cfg_scale=self.preview_cfg_scale,
            seed=min(max(self.preview_seed, -1), 2**64 - 1),
            width=self.preview_width,
            height=self.preview_height,
        )


class TrainEmbeddingRequest(TrainRequest):
    """A training of an embedding."""

    embedding_name: ShortText = Field("", description="An embedding that is there, by its name.")
    save_embedding_every: Count = Field(500, description="Steps between copies; 0: none.")
    save_image_with_stored_embedding: bool = Field(True, description="true: sample pictures carry the embedding.")

    def options(self, app: Application) -> TrainingOptions:
        """What is asked for. Raises UnknownName for an embedding that is not there."""
        names = [each.name for each in app.embeddings.all()]
        if self.embedding_name not in names:
            raise UnknownName("embedding", self.embedding_name, names, "embedding_name")
        cards = self.save_image_with_stored_embedding
        return self.of_kind(app, "embedding", self.embedding_name, self.save_embedding_every, cards=cards)


class TrainHypernetworkRequest(TrainRequest):
    """A training of a hypernetwork."""

    hypernetwork_name: ShortText = Field("", description="A hypernetwork that is there, by its name.")
    learn_rate: Rate = Field("0.00001", description="A rate, or several over the steps.")
    save_hypernetwork_every: Count = Field(500, description="Steps between copies; 0: none.")

    def options(self, app: Application) -> TrainingOptions:
        """What is asked for. Raises UnknownName for a hypernetwork that is not there."""
        names = [info.name for info in app.networks.all("hypernet")]
        if self.hypernetwork_name not in names:
            raise UnknownName("hypernetwork", self.hypernetwork_name, names, "hypernetwork_name")
        return self.of_kind(app, "hypernetwork", self.hypernetwork_name, self.save_hypernetwork_every, cards=False)
