"""Training of the models that Easel ships."""
