"""The text encoders as extensions see them: `sd_model.cond_stage_model`, `.conditioner`, `model_hijack`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from modules.a1111.conditioning import DictWithShape
from modules.a1111.current import current
from modules.foundation.plain import JsonObject

if TYPE_CHECKING:
    from modules.pipeline.model import LoadedModel
    from modules.text_encoders.clip import ClipEncoder
    from modules.text_encoders.textual_inversion import TextualInversion


@dataclass
class PromptChunk:
    """One run of the text encoder: 77 ids, start and end among them, and the weight of each."""

    tokens: list[int]
    multipliers: list[float]
    fixes: list[object] = field(default_factory=list[object])


class TextEncoderView:
    """One text encoder. `tokenize` gives ids; a call gives what the network is guided by [texts, n, width]."""

    id_start, id_end, chunk_length = 49406, 49407, 75
    stands_for = ("FrozenCLIPEmbedderWithCustomWords", "FrozenCLIPEmbedderWithCustomWordsBase")

    def __init__(self, model: LoadedModel, encoder: ClipEncoder) -> None:
        self._model, self.encoder = model, encoder
        self.id_pad = encoder.tokenizer.pad
        self.comma_token = encoder.tokenizer.comma
        self.wrapped = (_WrappedOpenClip if encoder.tokenizer.manner == "openclip" else _WrappedClip)(encoder)
        self.is_trainable = False
        self.input_key = "txt"
        self.legacy_ucg_val = None

    @property
    def tokenizer(self) -> Any:
        """The tokenizer, callable as transformers' are."""
        return self.wrapped.tokenizer

    def tokenize(self, texts: Sequence[str]) -> list[list[int]]:
        """The token ids of texts, without start, end and padding."""
        return self.encoder.tokenizer.encode_batch(list(texts))

    def tokenize_line(self, line: str) -> tuple[list[PromptChunk], int]:
        """A prompt's chunks with the weight of each token, and how many tokens it has."""
        from modules.text_encoders.chunks import chunk_prompt

        settings = current().settings
        found = chunk_prompt(
            line,
            self.encoder.tokenizer,
            dialect=settings.prompt_dialect,
            comma_backtrack=settings.comma_padding_backtrack,
            embeddings=current().app.engine.embeddings.table(self.encoder.tokenizer, self._model.text_encoder.widths),
        )
        return [PromptChunk(list(each.tokens), list(each.multipliers)) for each in found.chunks], found.token_count

    def get_target_prompt_token_count(self, token_count: int) -> int:
        """The room of the chunks that so many tokens need."""
        return max(-(-token_count // self.chunk_length), 1) * self.chunk_length

    def encode_embedding_init_text(self, init_text: str, nvpt: int) -> Any:
        """The vectors of the first tokens of a text [n, width]."""
        ids = self.tokenize([init_text])[0][:nvpt]
        table: Any = self.encoder.model.get_input_embeddings()
        return table.weight[ids].detach()

    def __call__(self, texts: Sequence[str]) -> Any:
        """The texts encoded, as the settings say."""
        encoded = encoded_texts(self._model, texts)
        return encoded["crossattn"] if isinstance(encoded, dict) else encoded

    forward = __call__

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        raise AttributeError(
            f"Easel's text encoder has no {name!r} to be read or replaced. What it has stands in docs/extensions.md."
        )


class _Wrapped:
    """What the original's encoder wraps: the network of transformers and its tokenizer."""

    stands_for: tuple[str, ...] = ()
    """Classes of the original as which extensions know it."""

    def __init__(self, encoder: ClipEncoder) -> None:
        self.transformer = encoder.model
        self.tokenizer = TokenizerView(encoder)


class _WrappedClip(_Wrapped):
    stands_for = ("FrozenCLIPEmbedder",)


class _WrappedOpenClip(_Wrapped):
    stands_for = ("FrozenOpenCLIPEmbedder", "FrozenOpenCLIPEmbedder2")


class TokenizerView:
    """A tokenizer with the methods of transformers' that extensions use."""

    def __init__(self, encoder: ClipEncoder) -> None:
        self._tokenizer = encoder.tokenizer
        self.bos_token_id, self.eos_token_id = encoder.tokenizer.start, encoder.tokenizer.end
        self.pad_token_id, self.model_max_length = encoder.tokenizer.pad, 77

    def get_vocab(self) -> dict[str, int]:
        """Words and parts of words with their ids."""
        words = self._tokenizer.decode(range(self.eos_token_id + 1))
        return {word: number for number, word in enumerate(words)}

    vocab = property(get_vocab)

    @property
    def byte_decoder(self) -> dict[str, int]:
        """The byte that each letter of the words stands for."""
        from modules.text_encoders.tokenizer import byte_characters

        return byte_characters()

    def encode(self, text: str, add_special_tokens: bool = True) -> list[int]:
        """Token ids, by default with start and end."""
        ids = self._tokenizer.encode(text)
        return [self.bos_token_id, *ids, self.eos_token_id] if add_special_tokens else ids

    def tokenize(self, text: str) -> list[str]:
        """The words and parts of words of a text."""
        return self._tokenizer.decode(self._tokenizer.encode(text))

    def decode(self, token_ids: Any, **_: object) -> str:
        """The text that ids stand for."""
        ids = [int(each) for each in ([token_ids] if isinstance(token_ids, int) else token_ids)]
        return "".join(self._tokenizer.decode(ids)).replace("</w>", " ").strip()

    def convert_ids_to_tokens(self, ids: Sequence[int]) -> list[str]:
        """The words and parts of words of ids."""
        return self._tokenizer.decode(list(ids))

    def __call__(self, texts: Any, add_special_tokens: bool = True, **_: object) -> JsonObject:
        """`input_ids` of one text or of several."""
        if isinstance(texts, str):
            return {"input_ids": self.encode(texts, add_special_tokens)}
        return {"input_ids": [self.encode(text, add_special_tokens) for text in texts]}


class Conditioner:
    """SDXL's encoders side by side, in `embedders`."""

    stands_for = ("GeneralConditioner",)

    def __init__(self, model: LoadedModel) -> None:
        self._model = model
        self.embedders = [TextEncoderView(model, encoder) for encoder in model.text_encoder.encoders]
        self.wrapped = self

    def tokenize(self, texts: Sequence[str]) -> list[list[int]]:
        """The first one's token ids."""
        return self.embedders[0].tokenize(texts)

    def get_target_prompt_token_count(self, token_count: int) -> int:
        """The room of the chunks that so many tokens need."""
        return self.embedders[0].get_target_prompt_token_count(token_count)


def encoded_texts(model: LoadedModel, texts: Sequence[str]) -> Any:
    """Texts encoded: a tensor [texts, n, width], or for SDXL a dict with "crossattn" and "vector"."""
    import torch

    from modules.text_encoders.prompt_conditioning import EncodingOptions

    settings = current().settings
    options = EncodingOptions(
        clip_skip=settings.CLIP_stop_at_last_layers,
        sdxl_clip_l_skip=settings.sdxl_clip_l_skip,
        emphasis=settings.emphasis,
        dialect=settings.prompt_dialect,
        comma_backtrack=settings.comma_padding_backtrack,
        mean_per_prompt=settings.emphasis_mean_per_prompt,
    )
    engine = current().app.engine
    encoder = model.text_encoder
    tables = {each.name: engine.embeddings.table(each.tokenizer, encoder.widths) for each in encoder.encoders}
    with model.on_device(*model.checkpoint.text_models), torch.inference_mode():
        negative = bool(getattr(texts, "is_negative_prompt", False))
        found = encoder(list(texts), options, tables, negative=negative)
    if found.pooled is None or model.checkpoint.family.sizes is None:
        return found.cross_attention
    return DictWithShape({"crossattn": found.cross_attention, "vector": _with_sizes(model, texts, found.pooled)})


def _with_sizes(model: LoadedModel, texts: object, pooled: Any) -> Any:
    import torch

    from modules.checkpoints.architectures.family import PictureFacts
    from modules.text_encoders.conditioner import size_vector

    settings, sizes = current().settings, model.checkpoint.family.sizes
    assert sizes is not None
    positive, negative = sizes(
        PictureFacts(
            size=(getattr(texts, "height", None) or 1024, getattr(texts, "width", None) or 1024),
            crop=(settings.sdxl_crop_top, settings.sdxl_crop_left),
            low_score=settings.sdxl_refiner_low_aesthetic_score,
            high_score=settings.sdxl_refiner_high_aesthetic_score,
        )
    )
    vector = size_vector(negative if getattr(texts, "is_negative_prompt", False) else positive).to(pooled)
    return torch.cat([pooled, vector.expand(len(pooled), -1)], dim=1)


class Embedding:
    """A textual inversion as extensions list it."""

    def __init__(self, found: Any) -> None:
        self.name, self.filename = found.name, str(found.path or "")
        tensors: JsonObject = dict(found.tensors)
        self.vec: Any = tensors.get("", tensors)
        self.vectors, self.shape = found.vectors, found.width
        self.step, self.sd_checkpoint, self.sd_checkpoint_name = (
            found.step,
            found.checkpoint_hash,
            found.checkpoint_name,
        )
        self.hash = self.shorthash = found.short_hash
        self.optimizer_state_dict = None
        self.cached_checksum = None


class EmbeddingDatabase:
    """`model_hijack.embedding_db`: the textual inversions, those that fit the loaded model and the others."""

    expected_shape = -1
    embedding_dirs: JsonObject

    def __init__(self) -> None:
        self.embedding_dirs = {}

    def _split(self) -> tuple[list[TextualInversion], list[TextualInversion]]:
        app = current().app
        model = app.engine.model if app.engine_ready else None
        if model is None:
            return list(app.embeddings.all()), []
        return app.embeddings.fitting(model.text_encoder.widths)

    @property
    def word_embeddings(self) -> dict[str, Embedding]:
        """Those that fit, by name."""
        return {each.name: Embedding(each) for each in self._split()[0]}

    @property
    def skipped_embeddings(self) -> dict[str, Embedding]:
        """Those made for other models."""
        return {each.name: Embedding(each) for each in self._split()[1]}

    def load_textual_inversion_embeddings(self, force_reload: bool = False, sync_with_sd_model: bool = True) -> None:
        """Read the folders again."""
        current().app.embeddings.refresh()

    def add_embedding_dir(self, path: str) -> None:
        """Nothing: which folders there are is said by the flags and settings."""

    def get_expected_shape(self) -> int:
        """The width that embeddings must have."""
        app = current().app
        model = app.engine.model if app.engine_ready else None
        return -1 if model is None else sum(model.text_encoder.widths.values())


class ModelHijack:
    """`sd_hijack.model_hijack`."""

    def __init__(self) -> None:
        self.embedding_db = EmbeddingDatabase()
        self.fixes: object = None
        self.comments: list[str] = []
        self.extra_generation_params: JsonObject = {}

    @property
    def layers(self) -> list[object]:
        """The convolutions of the network and the VAE, whose padding some change."""
        import torch

        model = _loaded()
        if model is None:
            return []
        parts = (model.checkpoint.unet, model.checkpoint.vae)
        return [layer for part in parts for layer in part.modules() if isinstance(layer, torch.nn.Conv2d)]

    @property
    def clip(self) -> Any:
        """The text encoder."""
        view = current().shared.sd_model
        return None if view is None else view.cond_stage_model

    @property
    def tokenizer(self) -> Any:
        """Its tokenizer."""
        return None if self.clip is None else self.clip.tokenizer

    def get_prompt_lengths(self, text: str, cond_stage_model: object = None) -> tuple[int, int]:
        """How many tokens a prompt has, and how many there is room for."""
        from modules.text_encoders.token_counter import count_tokens
        from modules.text_encoders.tokenizer import ClipTokenizer

        model = _loaded()
        tokenizer = model.text_encoder.encoders[0].tokenizer if model is not None else ClipTokenizer()
        backtrack = current().settings.comma_padding_backtrack
        count = count_tokens(text, tokenizer, comments=False, comma_backtrack=backtrack)
        return count.tokens, count.room

    def redo_hijack(self, m: object) -> None:
        """Nothing: no module of the program is replaced for extensions."""

    hijack = undo_hijack = apply_circular = redo_hijack

    def clear_comments(self) -> None:
        """Forget what was to be said below the picture."""
        self.comments.clear()


def _loaded() -> Any:
    app = current().app
    return app.engine.model if app.engine_ready else None


model_hijack = ModelHijack()
