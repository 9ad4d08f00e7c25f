"""What clients send besides txt2img and img2img: A1111's names, defaults and types, shown at /docs."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, ConfigDict, Field

from modules.api.body import LARGEST, Base64, Body, FiniteNumber, LongText, ShortText, Whole


class InterrogateRequest(Body):
    """A picture that words are wanted for."""

    image: Base64 = Field("", description="The picture in base64.")
    model: ShortText = Field("clip", description="Who looks at it: clip, blip, deepdanbooru, wd14-vit-v3, ...")


def _numbers(value: object) -> Any:
    """A1111's page writes structures as text: "1, 2, 1"."""
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


class CreateEmbeddingRequest(Body):
    """An embedding to make."""

    name: ShortText = Field(description="How prompts will mention it.")
    num_vectors_per_token: Whole = Field(1, ge=1, le=1024, description="How many tokens it takes up.")
    overwrite_old: bool = Field(False, description="true: replace a file of this name.")
    init_text: LongText = Field("*", description="Words that the vectors begin as; empty: zeros.")


class CreateHypernetworkRequest(Body):
    """A hypernetwork to make."""

    name: ShortText = Field(description="How prompts will mention it.")
    enable_sizes: Annotated[list[Whole], BeforeValidator(_numbers)] = Field(
        [768, 320, 640, 1280], description="Widths of attention for which it holds networks."
    )
    overwrite_old: bool = Field(False, description="true: replace a file of this name.")
    layer_structure: Annotated[list[FiniteNumber], BeforeValidator(_numbers)] = Field(
        [1, 2, 1], description="Widths of the layers, as multiples of the size."
    )
    activation_func: ShortText | None = Field("linear", description="What is between the layers.")
    weight_init: ShortText = Field("Normal", description="How the weights begin.")
    add_layer_norm: bool = False
    use_dropout: bool = False
    dropout_structure: Annotated[list[FiniteNumber] | None, BeforeValidator(_numbers)] = Field(
        None, description="A share for each layer, the first included."
    )


class PNGInfoRequest(Body):
    """A picture whose text is wanted."""

    image: Base64 = Field(description="The picture in base64.")


class InternalProgressRequest(Body):
    """Which job is asked about."""

    model_config = ConfigDict(title="ProgressRequest")

    id_task: ShortText | None = Field(None, title="Task ID")
    id_live_preview: Whole = Field(-1, description="FiniteNumber of the preview that the client has already.")
    live_preview: bool = Field(True, description="Whether the client wants to see the unfinished picture.")


Share = Annotated[float, Field(ge=0.0, le=1.0, allow_inf_nan=False)]


class ExtrasBody(Body):
    """What is to be done to pictures that are there already."""

    resize_mode: Literal[0, 1] = Field(0, description="0: by the factor; 1: to the size.")
    show_extras_results: bool = Field(True, description="Without effect: the answer always holds the pictures.")
    gfpgan_visibility: Share = Field(0, description="How much of faces restored by GFPGAN is mixed in.")
    codeformer_visibility: Share = Field(0, description="How much of faces restored by CodeFormer is mixed in.")
    codeformer_weight: Share = Field(0, description="0 changes faces most, 1 least.")
    upscaling_resize: Annotated[float, Field(gt=0, le=LARGEST, allow_inf_nan=False)] = Field(2, description="Factor.")
    upscaling_resize_w: Annotated[Whole, Field(ge=1)] = Field(512, description="Width to reach, in pixels.")
    upscaling_resize_h: Annotated[Whole, Field(ge=1)] = Field(512, description="Height to reach, in pixels.")
    upscaling_crop: bool = Field(True, description="Cut off what hangs over the size.")
    upscaler_1: ShortText = Field("None", description="Upscaler, by name; None: the size stays as it is.")
    upscaler_2: ShortText = Field("None", description="A second one, mixed in.")
    extras_upscaler_2_visibility: Share = Field(0, description="How much of the second one is mixed in.")
    upscale_first: bool = Field(False, description="Enlarge before faces are restored.")


class ExtrasSingleImageRequest(ExtrasBody):
    """One picture to work on."""

    image: Base64 = Field("", description="The picture, in base64.")


class FileData(Body):
    """A file by its name."""

    data: Base64 = Field(description="The file, in base64.")
    name: ShortText = ""


class ExtrasBatchImagesRequest(ExtrasBody):
    """Pictures to work on."""

    imageList: list[FileData] = Field(description="The pictures.")  # noqa: N815 - A1111's name
