"""The dimensions of Alt-Diffusion's text encoder, read off the names and shapes of its tensors."""

from __future__ import annotations

from modules.checkpoints.layout import count_layers
from modules.checkpoints.tensors import Shapes
from modules.foundation.errors import CheckpointError
from modules.foundation.plain import JsonMapping, JsonObject

START, PAD, END = 0, 1, 2
HEAD_WIDTH = 64
NARROWEST = 256
NARROW_HEADS = 4
NORM_EPS = 1e-5
PROJECTION = "projection"
FROM_LAST_BUT_ONE = "from_last_but_one"
"""Arguments of ours: the width that is projected to, and whether the last layer but one is what is projected."""


def xlmr_config(shapes: Shapes, prefix: str) -> JsonObject:
    """Arguments of `ProjectedXlmRoberta` for the tensors under `prefix`. Raises CheckpointError for incomplete ones."""
    try:
        vocabulary, width = shapes[f"{prefix}roberta.embeddings.word_embeddings.weight"]
        layer = f"{prefix}roberta.encoder.layer."
        from_last_but_one = f"{prefix}transformation_pre.weight" in shapes
        projection = "transformation_pre" if from_last_but_one else "transformation"
        return {
            "vocab_size": vocabulary,
            "hidden_size": width,
            "num_hidden_layers": count_layers(shapes, layer, ".intermediate.dense.weight"),
            "num_attention_heads": width // HEAD_WIDTH if width >= NARROWEST else NARROW_HEADS,
            "intermediate_size": shapes[f"{layer}0.intermediate.dense.weight"][0],
            "max_position_embeddings": shapes[f"{prefix}roberta.embeddings.position_embeddings.weight"][0],
            "type_vocab_size": shapes[f"{prefix}roberta.embeddings.token_type_embeddings.weight"][0],
            "layer_norm_eps": NORM_EPS,
            "bos_token_id": START,
            "pad_token_id": PAD,
            "eos_token_id": END,
            PROJECTION: shapes[f"{prefix}{projection}.weight"][0],
            FROM_LAST_BUT_ONE: from_last_but_one,
        }
    except (KeyError, ValueError) as error:
        raise CheckpointError(f"it holds no whole XLM-R text encoder (there is no {error})") from error


_SHARED = (
    *("vocab_size", "hidden_size", "num_hidden_layers", "num_attention_heads", "intermediate_size", "hidden_act"),
    *("max_position_embeddings", "type_vocab_size", "layer_norm_eps", "bos_token_id", "pad_token_id", "eos_token_id"),
)


def xlmr_folder_config(config: JsonMapping) -> JsonObject:
    """The same from the configuration in a folder of diffusers' form. Raises KeyError where it tells no projection."""
    return {
        **{key: config[key] for key in _SHARED if key in config},
        PROJECTION: config["project_dim"],
        FROM_LAST_BUT_ONE: bool(config.get("has_pre_transformation")),
    }
