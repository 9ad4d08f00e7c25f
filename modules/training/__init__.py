"""Training embeddings, hypernetworks and LoRAs on the networks of a loaded checkpoint."""
