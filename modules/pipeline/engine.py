"""What a run needs of the world: the machine, the loaded checkpoint, caches, the saver."""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import torch

from modules.checkpoints.catalogue import Catalogue
from modules.checkpoints.info import CheckpointInfo
from modules.checkpoints.load import load_checkpoint
from modules.checkpoints.vae_files import VaeCatalogue, VaeInfo
from modules.faces.catalogue import RestorerCatalogue
from modules.faces.restore import FaceRestorers
from modules.foundation.errors import CheckpointError
from modules.hardware.attention import forbid_memory_efficient_kernel, use_fast_attention
from modules.hardware.device import Hardware, HardwareOptions, choose_hardware
from modules.hardware.fp8 import AS_READ, WeightStorage, has_fp8, store_in_fp8
from modules.hardware.memory import release
from modules.hardware.packing import use_packed_weights
from modules.hooks.events import ModelEvent
from modules.hooks.points import Hooks
from modules.imaging.saver import Saver
from modules.interrogate.catalogue import CaptionerCatalogue
from modules.interrogate.interrogators import Interrogators
from modules.networks.catalogue import NetworkCatalogue
from modules.pipeline.extra_networks import ExtraNetworks
from modules.pipeline.faces import FaceRestoration
from modules.pipeline.model import LoadedModel
from modules.pipeline.model_cache import CacheLimits, ModelCache
from modules.pipeline.picture_models import PictureModelFolders
from modules.pipeline.small_vaes import SmallVaes
from modules.pipeline.vae_cache import VaeCache
from modules.prompts.style_book import StyleBook
from modules.settings.flags import Flags
from modules.settings.paths import Paths
from modules.settings.store import SettingsStore
from modules.text_encoders.embeddings import EmbeddingCatalogue
from modules.text_encoders.prompt_conditioning import new_cache
from modules.text_encoders.tokenizer import ClipTokenizer, Manner
from modules.upscalers.cache import Upscalers
from modules.upscalers.catalogue import UpscalerCatalogue

log = logging.getLogger(__name__)

CONDITIONING_CACHE_BYTES = 256 * 1024 * 1024


class Engine:
    """Lives as long as the application, on the engine's thread. Building it imports torch but loads no model.

    `loading` may be read from any thread: the name of the checkpoint that is being read and its share so far.
    """

    def __init__(
        self,
        *,
        flags: Flags,
        paths: Paths,
        settings: SettingsStore,
        hooks: Hooks,
        catalogue: Catalogue,
        vaes: VaeCatalogue,
        styles: StyleBook,
        networks: NetworkCatalogue,
        upscalers: UpscalerCatalogue,
        restorers: RestorerCatalogue,
        captioners: CaptionerCatalogue,
        embeddings: EmbeddingCatalogue,
    ) -> None:
        self.flags, self.paths, self.settings = flags, paths, settings
        self.hooks, self.catalogue, self.vaes, self.styles = hooks, catalogue, vaes, styles
        self.hardware: Hardware = choose_hardware(hardware_options(flags))
        if flags.opt_sdp_no_mem_attention:
            forbid_memory_efficient_kernel()
        self.small_vaes = SmallVaes(paths.models, self.hardware)
        self.picture_models = PictureModelFolders(depth=paths.folders("midas"), statistics=paths.folders("karlo"))
        self.upscalers = Upscalers(upscalers, self.hardware)
        self.faces = FaceRestorers(restorers, self.hardware)
        self.interrogators = Interrogators(captioners, self.hardware)
        FaceRestoration(self.faces).attach(hooks)
        self.saver = Saver()
        self.tokenizer = ClipTokenizer()
        self.tokenizers: dict[Manner, ClipTokenizer] = {"clip": self.tokenizer, "openclip": ClipTokenizer("openclip")}
        self.embeddings = embeddings
        self.conditioning_cache = new_cache(CONDITIONING_CACHE_BYTES)
        self.loading: tuple[str, float] | None = None
        self.extra_networks = ExtraNetworks(networks)
        self.models = ModelCache(self.hardware, self._read, self.extra_networks.rest)
        self.vae_cache = VaeCache(self.hardware)
        self.extra_networks.attach(hooks)
        self._hashes: dict[Path, Future[str]] = {}
        log.info(
            "Computing on %s, UNet in %s", self.hardware.name, str(self.hardware.unet_dtype).removeprefix("torch.")
        )

    @property
    def model(self) -> LoadedModel | None:
        """The loaded model that was used last."""
        return self.models.current

    @torch.inference_mode(False)  # a refiner is loaded in the middle of a run; weights outlive it and take networks
    def load(
        self,
        info: CheckpointInfo,
        on_progress: Callable[[float], None] | None = None,
        *,
        vae: VaeInfo | None = None,
        beside: bool = False,
    ) -> LoadedModel:
        """The model of `info`, loaded if another one is, with `vae` or else its own.

        `beside` is for a further model of the same run: those loaded for it before stay ready to compute. Raises
        CheckpointError; the loaded one then stays.
        """
        if not beside:
            self.models.discard(lambda model: model.storage != self._storage_of(model))
        limits, report = CacheLimits.of(self.settings.current), self._reporting(info, on_progress)
        model, changed = self.models.get(info, limits, report, beside=beside)
        if changed:
            self.conditioning_cache.clear()
            self._hash(info.path)
        kept = self.settings.current.sd_vae_checkpoint_cache
        model.use_vae(vae, lambda path: self.vae_cache.get(path, kept))
        if vae is not None:
            self._hash(vae.path)
        model.small_vaes, model.picture_models = self.small_vaes, self.picture_models
        return model

    def _reporting(self, info: CheckpointInfo, on_progress: Callable[[float], None] | None) -> Callable[[float], None]:
        """Reports the progress of a load to the run that asked for it and to `loading`."""

        def report(share: float) -> None:
            self.loading = (info.name, share) if share < 1 else None
            if on_progress is not None:
                on_progress(share)

        return report

    def _read(
        self, info: CheckpointInfo, on_progress: Callable[[float], None] | None, make_room: Callable[[int], None]
    ) -> LoadedModel:
        try:
            loaded = LoadedModel(
                load_checkpoint(info, self.hardware, on_progress, make_room, self.catalogue.families),
                self.hardware,
                self.tokenizers,
            )
        except CheckpointError as error:
            # What the disk or the network did may pass; what is in the file stays.
            if not isinstance(error.__cause__, OSError):
                self.catalogue.note_problem(info, str(error))
            raise
        finally:
            self.loading = None
        self.catalogue.note_problem(info, None)
        self._store_weights(loaded)
        use_fast_attention(loaded.checkpoint.unet, self.hardware, xformers=self.flags.xformers)
        self.hooks.model_loaded(ModelEvent(model=loaded, path=info.path))
        log.info("Loaded %s (%s, %.1f GB)", info.name, loaded.checkpoint.family, loaded.checkpoint.size / 1e9)
        return loaded

    def _store_weights(self, loaded: LoadedModel) -> None:
        """Keep the weights as the settings say."""
        loaded.storage = self._storage_of(loaded)
        if loaded.storage.fp8:
            store_in_fp8(loaded.checkpoint.unet, keep_source=loaded.storage.keeps_source)
        else:
            use_packed_weights(loaded.checkpoint.unet, self.hardware)

    def _storage_of(self, loaded: LoadedModel) -> WeightStorage:
        """How the settings want the weights of a model kept: as they are on devices that do not know 8 bits."""
        settings = self.settings.current
        config: Any = getattr(loaded.checkpoint.unet, "config", None)
        # The numbers beside the text, sizes and crops, are those of Stable Diffusion XL.
        is_xl = getattr(config, "addition_embed_type", None) == "text_time"
        wanted = settings.fp8_storage == "Enable" or (settings.fp8_storage == "Enable for SDXL" and is_xl)
        if not wanted or not self._has_fp8:
            return AS_READ
        return WeightStorage(fp8=True, keeps_source=settings.cache_fp16_weight)

    @functools.cached_property
    def _has_fp8(self) -> bool:
        if not (known := has_fp8(self.hardware.device)):
            log.warning("%s knows no 8-bit numbers, so weights are kept as they are.", self.hardware.name)
        return known

    def unload(self) -> None:
        """Let go of all loaded models."""
        self.vae_cache.clear()
        self.models.clear()
        self.upscalers.unload()
        self.faces.unload()
        self.interrogators.unload()
        self.conditioning_cache.clear()
        release(self.hardware.device)

    def _hash(self, path: Path) -> None:
        """Begin to compute a file's hash; one that is known is there at once."""
        if self.flags.no_hashing:
            return
        self._hashes[path] = self.catalogue.hashes.begin(path)

    def short_hash(self, info: CheckpointInfo | VaeInfo | None) -> str | None:
        """The short hash of a file that was loaded. It is computed beside the sampling; this waits for it."""
        if info is None:
            return None
        if (future := self._hashes.get(info.path)) is None:
            return (self.catalogue.hashes.known(info.path) or "")[:10] or None
        try:
            return future.result()[:10]
        except OSError as error:
            log.warning("%s could not be hashed: %s", info.path, error)
            return None

    def close(self) -> None:
        """Finish what is being saved and let go of everything."""
        self.saver.close()
        self.extra_networks.close(self.hooks)
        self.unload()


def hardware_options(flags: Flags) -> HardwareOptions:
    """What the flags say about computing."""
    return HardwareOptions(
        use_cpu=frozenset(flags.use_cpu),
        device_id=flags.device_id,
        full_precision=flags.no_half or flags.precision == "full",
        full_precision_vae=flags.no_half_vae,
        offload=flags.medvram or flags.lowvram,
    )
