"""From the parameters of a picture back to the controls that make it again."""
