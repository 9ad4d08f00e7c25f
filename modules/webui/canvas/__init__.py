"""The canvas: a picture that can be looked at, painted on, masked and enlarged beyond its frame, in its own pixels."""
