"""Checkpoints made of checkpoints: weighted sums and differences, tensor by tensor from file to file."""
