"""Doorway: `modules.textual_inversion`."""
