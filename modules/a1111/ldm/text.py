"""The text encoders as extensions see and change them: `sd_model.cond_stage_model`, `.conditioner`.

They are modules of torch: hooks may be registered on them, and their `forward` may be replaced. The prompts of a run
are then encoded through them.
"""

from __future__ import annotations

import contextlib
import weakref
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from torch import nn

from modules.a1111.conditioning import DictWithShape, SdConditioning, conditioning_of
from modules.a1111.current import current
from modules.foundation.plain import JsonObject

if TYPE_CHECKING:
    from modules.pipeline.model import LoadedModel
    from modules.text_encoders.chunks import EmbeddingLookup
    from modules.text_encoders.clip import ClipEncoder
    from modules.text_encoders.prompt_conditioning import EncodedTexts, EncodingOptions, TextEncoder


@dataclass
class PromptChunk:
    """One run of the text encoder: 77 ids, start and end among them, and the weight of each."""

    tokens: list[int]
    multipliers: list[float]
    fixes: list[object] = field(default_factory=list[object])


class Encoding(nn.Module):
    """What the text encoders of a model have in common: how a run's prompts go through them."""

    encode: Callable[[Sequence[str]], Any] | None = None
    """While a run encodes its prompts: what the program makes of texts."""

    @property
    def is_changed(self) -> bool:
        """Whether an extension has replaced `forward`, or has registered a hook."""
        return "forward" in self.__dict__ or bool(self._forward_hooks or self._forward_pre_hooks)

    @contextlib.contextmanager
    def encoding_by(self, encode: Callable[[Sequence[str]], Any]) -> Generator[None]:
        """Within it the view's own `forward` gives what `encode` does."""
        before, self.__dict__["encode"] = self.encode, encode
        try:
            yield
        finally:
            self.__dict__["encode"] = before

    def restore(self) -> None:
        """Take away what extensions have put here."""
        self.__dict__.pop("forward", None)
        self._forward_hooks.clear()
        self._forward_pre_hooks.clear()


class TextEncoderView(Encoding):
    """One text encoder. `tokenize` gives ids; a call gives what the network is guided by [texts, n, width]."""

    id_start, id_end, chunk_length = 49406, 49407, 75
    stands_for = ("FrozenCLIPEmbedderWithCustomWords", "FrozenCLIPEmbedderWithCustomWordsBase")

    def __init__(self, model: LoadedModel, encoder: ClipEncoder) -> None:
        super().__init__()
        self._model, self.encoder = weakref.ref(model), encoder
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

        settings, model = current().settings, self._model()
        assert model is not None, "the model whose text encoder this was is not loaded any more"
        found = chunk_prompt(
            line,
            self.encoder.tokenizer,
            dialect=settings.prompt_dialect,
            comma_backtrack=settings.comma_padding_backtrack,
            embeddings=current().app.engine.embeddings.table(self.encoder.tokenizer, model.text_encoder.widths),
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

    @property
    def hijack(self) -> Any:
        """`model_hijack`, by which the original's encoder finds textual inversions."""
        from modules.a1111.text_view import model_hijack

        return model_hijack

    def forward(self, texts: Sequence[str]) -> Any:
        """The texts encoded, in a run as the run says, else as the settings say."""
        if self.encode is not None:
            return self.encode(texts)
        encoded = encoded_texts(self._model(), texts)
        return encoded["crossattn"] if isinstance(encoded, dict) else encoded

    def __getattr__(self, name: str) -> Any:
        try:
            return super().__getattr__(name)
        except AttributeError:
            raise AttributeError(
                f"Easel's text encoder has no {name!r} to be read or replaced. What it has stands in "
                "docs/extensions.md."
            ) from None


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

    def convert_ids_to_tokens(self, ids: int | Sequence[int]) -> str | list[str]:
        """The words and parts of words of ids."""
        return self._tokenizer.decode([ids])[0] if isinstance(ids, int) else self._tokenizer.decode(list(ids))

    def convert_tokens_to_ids(self, tokens: str | Sequence[str]) -> int | list[int]:
        """The ids of words and parts of words; that of the end for one that there is not."""
        words = self.get_vocab()
        if isinstance(tokens, str):
            return words.get(tokens, self.eos_token_id)
        return [words.get(token, self.eos_token_id) for token in tokens]

    _convert_token_to_id = convert_tokens_to_ids
    """Under transformers' own name, which extensions use."""

    def __call__(self, texts: Any, add_special_tokens: bool = True, **_: object) -> JsonObject:
        """`input_ids` of one text or of several."""
        if isinstance(texts, str):
            return {"input_ids": self.encode(texts, add_special_tokens)}
        return {"input_ids": [self.encode(text, add_special_tokens) for text in texts]}


class Conditioner(Encoding):
    """SDXL's encoders side by side, in `embedders`. A call takes texts, or them as "txt" of a dict."""

    stands_for = ("GeneralConditioner",)
    first: TextEncoderView

    def __init__(self, model: LoadedModel) -> None:
        super().__init__()
        self._model = weakref.ref(model)
        views = [TextEncoderView(model, encoder) for encoder in model.text_encoder.encoders]
        self.embedders = nn.ModuleList(views)
        self.__dict__["first"] = views[0]

    @property
    def wrapped(self) -> Conditioner:
        """What the original wraps, which is here the same."""
        return self

    def forward(self, texts: Sequence[str] | Mapping[str, Any], *_: object, **__: object) -> Any:
        """The texts encoded: a dict with "crossattn" and "vector"."""
        prompts: Sequence[str] = texts["txt"] if isinstance(texts, Mapping) else texts
        return encoded_texts(self._model(), prompts) if self.encode is None else self.encode(prompts)

    def tokenize(self, texts: Sequence[str]) -> list[list[int]]:
        """The first one's token ids."""
        return self.first.tokenize(texts)

    def tokenize_line(self, line: str) -> tuple[list[PromptChunk], int]:
        """The first one's chunks of a prompt, and how many tokens it has."""
        return self.first.tokenize_line(line)

    def get_target_prompt_token_count(self, token_count: int) -> int:
        """The room of the chunks that so many tokens need."""
        return self.first.get_target_prompt_token_count(token_count)


class ThroughView:
    """A model's text encoder, whose texts go through what extensions have made of its view."""

    def __init__(self, view: Encoding, encoder: TextEncoder) -> None:
        self.view, self.encoder = view, encoder
        self.encoders, self.widths = encoder.encoders, encoder.widths

    def __call__(
        self,
        texts: Sequence[str],
        options: EncodingOptions,
        embeddings: Mapping[str, EmbeddingLookup],
        *,
        negative: bool = False,
    ) -> EncodedTexts:
        """Encode a batch."""
        from modules.text_encoders.prompt_conditioning import EncodedTexts

        made: list[EncodedTexts] = []

        def encode(some: Sequence[str]) -> Any:
            made.append(self.encoder(list(some), options, embeddings, negative=negative))
            found = made[-1]
            if not isinstance(self.view, Conditioner):
                return found.cross_attention
            return DictWithShape({"crossattn": found.cross_attention, "vector": found.pooled})

        prompts = SdConditioning(list(texts), is_negative_prompt=negative)
        with self.view.encoding_by(encode):
            seen = self.view({"txt": prompts}) if isinstance(self.view, Conditioner) else self.view(prompts)
        tokens, vector, _ = conditioning_of(seen)
        first = made[0] if made else EncodedTexts(cross_attention=tokens)
        return replace(first, cross_attention=tokens, pooled=first.pooled if vector is None else vector)


def encoded_texts(model: Any, texts: Sequence[str]) -> Any:
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
