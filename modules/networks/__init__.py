"""Extra networks: small files that change a model's weights (LoRA and its kin) or its attention (hypernetworks)."""
