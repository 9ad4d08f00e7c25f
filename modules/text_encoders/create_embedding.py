"""New textual inversions: vectors that begin as those of some words, ready to be trained."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from safetensors.torch import save as save_safetensors
from torch import Tensor

from modules.foundation.atomic import atomic_write
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
    with atomic_write(path) as file:
        if len(made) > 1:
            file.write(save_safetensors(made))
        else:
            (only,) = made.values()
            content = {
                "string_to_token": {"*": _STAR},
                "string_to_param": {"*": only},
                "name": name,
                "step": 0,
                "sd_checkpoint": None,
                "sd_checkpoint_name": None,
            }
            torch.save(content, file)
    return path
