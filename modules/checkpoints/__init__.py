"""Model files: which there are, what they are, and how they become models."""
