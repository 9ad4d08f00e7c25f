from __future__ import annotations

import pytest
import torch
from transformers import CLIPTextConfig, CLIPTextModel

from modules.text_encoders.clip import ClipEncoder
from modules.text_encoders.tokenizer import ClipTokenizer


@pytest.fixture(scope="session")
def tokenizer() -> ClipTokenizer:
    return ClipTokenizer()


@pytest.fixture(scope="session")
def model() -> CLIPTextModel:
    """A text model with random weights, 16 wide, 3 layers deep."""
    torch.manual_seed(0)
    config = CLIPTextConfig(
        hidden_size=16,
        intermediate_size=32,
        num_hidden_layers=3,
        num_attention_heads=2,
        hidden_act="quick_gelu",
        vocab_size=49408,
        max_position_embeddings=77,
        eos_token_id=49407,
    )
    made = CLIPTextModel(config).eval().requires_grad_(False)
    # A trained model's output has a mean away from zero, which the "Original" emphasis divides by.
    made.final_layer_norm.bias.add_(0.3)
    return made


@pytest.fixture(scope="session")
def encoder(model: CLIPTextModel, tokenizer: ClipTokenizer) -> ClipEncoder:
    return ClipEncoder(model, tokenizer)
