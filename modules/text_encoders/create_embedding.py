"""New textual inversions: vectors that begin as those of some words, ready to be trained."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from safetensors.torch import save as save_safetensors
from torch import Tensor

from modules.foundation.atomic import atomic_write
from modules.foundation.plain import JsonObject
from modules.text_encoders.clip import ClipEncoder

_STAR = 265
"""The token of "*", which stands for the new word in files of the paper's training script."""


@torch.no_grad()
def initial_vectors(encoder: ClipEncoder, init_text: str, count: int) -> Tensor:
    """`count` vectors [count, width], float32, on the CPU: the words of `init_text`, spread evenly; zeros without any.

    Of a text with more tokens than vectors, only the first `count` tokens are used.
    """
    vectors = torch.zeros(count, encoder.width)
    tokens = encoder.tokenizer.encode(init_text)[:count]
    if tokens:
        ids = torch.tensor(tokens, device=encoder.model.device)
        words = encoder.model.embeddings.token_embedding(ids).float().cpu()
        for index in range(count):
            vectors[index] = words[index * len(tokens) // count]
    return vectors


def create_embedding(
    folder: Path, name: str, encoders: Sequence[ClipEncoder], *, vectors: int = 1, init_text: str = "*"
) -> Path:
    """Write an embedding for a model with these text encoders; an existing file is replaced.

    With one encoder it is a torch file of tensors and names as A1111 makes them, with several (SDXL) a safetensors
    file with one entry for each. Raises OSError as the file system does.
    """
    made = {encoder.name: initial_vectors(encoder, init_text, vectors) for encoder in encoders}
    path = folder / f"{name}{'.pt' if len(made) == 1 else '.safetensors'}"
    write_embedding(path, made, name=name)
    return path


def write_embedding(
    path: Path,
    tensors: Mapping[str, Tensor],
    *,
    name: str,
    step: int = 0,
    checkpoint_hash: str | None = None,
    checkpoint_name: str | None = None,
) -> None:
    """Write the vectors [n, width] of each encoder, on the CPU, as `create_embedding` says. Raises OSError.

    A single encoder's vectors may be written as safetensors too, under the name that other programs look for.
    """
    with atomic_write(path) as file:
        if path.suffix.lower() == ".safetensors":
            named = tensors if len(tensors) > 1 else {"emb_params": next(iter(tensors.values()))}
            file.write(save_safetensors({key: tensor.contiguous() for key, tensor in named.items()}))
        else:
            torch.save(embedding_content(tensors, name, step, checkpoint_hash, checkpoint_name), file)


def embedding_content(
    tensors: Mapping[str, Tensor], name: str, step: int, checkpoint_hash: str | None, checkpoint_name: str | None
) -> JsonObject:
    """A1111's table of an embedding for one encoder; for several, their vectors by name."""
    facts: JsonObject = {"name": name, "step": step, "sd_checkpoint": checkpoint_hash}
    facts["sd_checkpoint_name"] = checkpoint_name
    if len(tensors) > 1:
        return {**tensors, **facts}
    (only,) = tensors.values()
    return {"string_to_token": {"*": _STAR}, "string_to_param": {"*": only}, **facts}
