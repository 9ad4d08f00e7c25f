"""`shared.sd_model`: the loaded checkpoint, as scripts ask it what it is."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from modules.a1111.current import current
from modules.a1111.ldm.views import NAME
from modules.checkpoints.info import CheckpointInfo
from modules.foundation.plain import JsonObject

if TYPE_CHECKING:
    from torch import Tensor

    from modules.a1111.processing.parameters import StableDiffusionProcessing
    from modules.checkpoints.architectures.family import Family
    from modules.pipeline.model import LoadedModel


class CheckpointView:
    """`sd_checkpoint_info`: a checkpoint's names and hashes."""

    def __init__(self, info: CheckpointInfo) -> None:
        self.info = info
        self.filename, self.path = str(info.path), str(info.path)
        self.name, self.title, self.model_name = info.name, info.title, info.model_name
        self.name_for_extra = Path(info.name).stem
        self.hash, self.sha256, self.shorthash = info.old_hash, info.sha256, info.short_hash
        self.short_title = f"{self.name_for_extra} [{info.short_hash}]" if info.short_hash else self.name_for_extra
        self.is_safetensors = info.path.suffix == ".safetensors"
        self.metadata: JsonObject = {}
        self.ids = [self.hash, self.model_name, self.title, self.name, self.name_for_extra]

    def calculate_shorthash(self) -> str | None:
        """The short hash; the program works it out in the background."""
        return self.shorthash


class NotLoaded(RuntimeError):  # noqa: N818 - says what is the matter
    """Something of a model was asked for that is not loaded any more."""


class ModelFacts:
    """What scripts ask of a model that its file tells. Families answer by what they are made of."""

    is_flux = False
    is_sd3 = False
    is_ssd = False
    lowvram = False

    def _is_of(self, info: CheckpointInfo) -> None:
        """It is the model of this file."""
        self.sd_checkpoint_info = CheckpointView(info)
        self.sd_model_checkpoint = self.filename = str(info.path)
        self.sd_model_hash = info.short_hash

    def _is_made_of(self, encoders: set[str], *, inpaints: bool) -> None:
        """It has the text encoders of these names."""
        self.is_sdxl = "clip_g" in encoders
        self.is_sd2 = "clip_h" in encoders
        self.is_sd1 = encoders == {"clip_l"}
        self.is_sdxl_inpaint = self.is_sdxl and inpaints


class ModelView(ModelFacts):
    """What scripts find at `p.sd_model` and `shared.sd_model`."""

    def __init__(self, model: LoadedModel) -> None:
        # The engine keeps models and lets them go: a view that an extension keeps must not hold one.
        self._loaded = weakref.ref(model)
        self.describe()
        encoders = {encoder.name for encoder in model.checkpoint.text_encoders}
        self._is_made_of(encoders, inpaints=model.checkpoint.image_input == "inpainting")
        self.cond_stage_key = "edit" if model.checkpoint.image_input == "edit" else "txt"
        self.parameterization = "v" if model.schedule.prediction == "v_prediction" else "eps"

    def describe(self) -> None:
        """Take over what is known of the checkpoint's file now."""
        self._is_of(_as_listed(self.loaded.checkpoint.info))

    @property
    def loaded(self) -> LoadedModel:
        """The program's own model. Raises NotLoaded where it was let go."""
        model = self._loaded()
        if model is None:
            raise NotLoaded("This model is not loaded any more; shared.sd_model is the one that is.")
        return model

    @property
    def device(self) -> Any:
        """The device of the UNet."""
        return self.loaded.hardware.device

    @property
    def dtype(self) -> Any:
        """The number type of the UNet."""
        return self.loaded.hardware.unet_dtype

    @property
    def first_stage_model(self) -> Any:
        """The VAE as LDM lays it out."""
        from modules.a1111.ldm.vae import first_stage

        return first_stage(self.loaded.checkpoint.vae)

    @property
    def model(self) -> Any:
        """What holds the UNet as `diffusion_model`, as LDM lays it out."""
        from modules.a1111.ldm.unet import unet_view

        return _Wrapper(
            diffusion_model=unet_view(self.loaded.checkpoint.unet), conditioning_key="crossattn", parent=self
        )

    def named_modules(self, *_: object, **__: object) -> Any:
        """Blocks and layers of the UNet, the text encoder and the VAE, with LDM's names."""
        parts = (("model.diffusion_model", self.model.diffusion_model), ("cond_stage_model", self.cond_stage_model))
        for place, part in (*parts, ("first_stage_model", self.first_stage_model)):
            for name, module in part.named_modules():
                yield f"{place}.{name}" if name else place, module

    def modules(self) -> Any:
        """The same without names."""
        return (module for _, module in self.named_modules())

    @property
    def network_layer_mapping(self) -> JsonObject:
        """The layers of the UNet by LDM's names with underscores, as which networks know them."""
        layers: JsonObject = {}
        for name, layer in self.model.diffusion_model.named_modules():
            if name:
                layer.network_layer_name = f"diffusion_model_{name.replace('.', '_')}"
                layers[layer.network_layer_name] = layer
        return layers

    def apply_model(self, x_noisy: Tensor, t: Tensor, cond: object) -> Tensor:
        """What the UNet predicts for scaled latents [B, C, h, w] at time steps [B]. May be replaced on the object.

        `cond` holds "c_crossattn", "c_concat" and "vector" as the original has them.
        """
        from modules.a1111.conditioning import rows_of_network

        return self.loaded.predict(x_noisy, t.float(), rows_of_network(cond))

    @property
    def cond_stage_model(self) -> Any:
        """The text encoder; of several, all side by side."""
        from modules.a1111.ldm.text import Conditioner, TextEncoderView
        from modules.a1111.ldm.views import view_on

        model = self.loaded
        if self.is_sdxl:
            return view_on(model.text_encoder, lambda _: Conditioner(model))
        encoder = model.text_encoder.encoders[0]
        return view_on(model.text_encoder, lambda _: TextEncoderView(model, encoder))

    @property
    def is_encoder_changed(self) -> bool:
        """Whether an extension has put something into the text encoder."""
        view = vars(self.loaded.text_encoder).get(NAME)
        return view is not None and view.is_changed

    @property
    def conditioner(self) -> Any:
        """SDXL's name for it. Raises AttributeError for other models, by which extensions tell them apart."""
        if not self.is_sdxl:
            raise AttributeError("Only SDXL models have a conditioner.")
        return self.cond_stage_model

    def get_learned_conditioning(self, texts: Any) -> Any:
        """Texts encoded: [texts, n, width], or for SDXL a dict with "crossattn" and "vector"."""
        from modules.a1111.ldm.text import encoded_texts

        return encoded_texts(self.loaded, texts)

    @property
    def latent_channels(self) -> int:
        """Channels of a latent."""
        return self.loaded.checkpoint.latents.channels

    def parameters(self) -> Any:
        """The UNet's weights."""
        return self.loaded.checkpoint.unet.parameters()

    @property
    def alphas_cumprod(self) -> Any:
        """The products of the training's noise schedule [1000]."""
        import torch

        return torch.tensor(self.loaded.schedule.host_alphas_cumprod)

    def decode_first_stage(self, latents: Any) -> Any:
        """Latents [B, C, h, w], scaled, to pictures [B, 3, H, W] of -1 to 1."""
        return self.loaded.decode(latents)

    def encode_first_stage(self, pictures: Any) -> Any:
        """Pictures [B, 3, H, W] of -1 to 1 to latents, not yet scaled."""
        return self.loaded.encode_moments(pictures)[0]

    def get_first_stage_encoding(self, encoding: Any) -> Any:
        """Encoded pictures as the UNet takes them."""
        return self.loaded.checkpoint.latents.scaled(encoding)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        raise AttributeError(
            f"The model has no {name!r} here: Easel's networks are not those of the original program. What it has "
            "stands in docs/extensions.md."
        )


class ModelToCome(ModelFacts):
    """What scripts find there before a model is loaded: what is known of the file. Anything else loads it.

    While the page is drawn nothing is loaded: then there is no more than what the file says.
    """

    def __init__(self, info: CheckpointInfo, family: Family, load: Callable[[], ModelView | None] | None) -> None:
        self._load = load
        self._is_of(info)
        encoders = set(family.folder.encoders.values() if family.folder is not None else ())
        self._is_made_of(encoders, inpaints=info.variant == "inpainting")

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        model = self._load() if self._load is not None else None
        if model is None:
            raise AttributeError(f"No model is loaded yet, and so shared.sd_model has no {name!r} now.")
        return getattr(model, name)


def model_of(p: StableDiffusionProcessing) -> ModelView:
    """The model that the run of `p` is going to be made with, loaded if it is not. Raises as `load_model` of jobs."""
    return view_of(current().job.load_model(p.override_settings.get("sd_model_checkpoint")))


def view_of(model: LoadedModel) -> ModelView:
    """The view of a loaded model: the same one for as long as it is loaded, with what extensions have put on it."""
    views: weakref.WeakKeyDictionary[LoadedModel, ModelView]
    views = current().extras.setdefault("models", weakref.WeakKeyDictionary())
    found = views.get(model)
    if found is None:
        found = views[model] = ModelView(model)
    elif not found.sd_model_hash:
        found.describe()
    return found


def _as_listed(info: CheckpointInfo) -> CheckpointInfo:
    """A checkpoint as the list has it now: its hash may have become known since it was loaded."""
    return next((each for each in current().app.catalogue.all() if each.path == info.path), info)


class _Wrapper:
    def __init__(self, **parts: object) -> None:
        self.__dict__.update(parts)
