"""The verbs of making a picture, one file each. `run` is the table of contents."""
