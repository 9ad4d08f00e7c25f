"""`model_hijack`: the textual inversions, the counter of tokens, and layers that extensions look for there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from modules.a1111.current import current
from modules.foundation.plain import JsonObject

if TYPE_CHECKING:
    from modules.text_encoders.textual_inversion import TextualInversion


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

    def find_embedding_at_position(self, tokens: Sequence[int], offset: int) -> tuple[Embedding | None, int | None]:
        """The textual inversion whose name stands at a place among token ids, and of how many tokens that name is."""
        model = _loaded()
        if model is None or not model.text_encoder.encoders:
            return None, None
        tokenizer = model.text_encoder.encoders[0].tokenizer
        found = current().app.engine.embeddings.table(tokenizer, model.text_encoder.widths).find(tokens, offset)
        return (None, None) if found is None else (Embedding(found[0]), found[1])

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
        self.optimization_method: str | None = None
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
        """The text encoder; None while no model is loaded and none may be."""
        return getattr(current().shared.sd_model, "cond_stage_model", None)

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
