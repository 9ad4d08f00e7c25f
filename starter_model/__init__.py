"""The starter model: a small checkpoint in the form of Stable Diffusion 1, trained on pictures this package draws."""
