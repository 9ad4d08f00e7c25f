"""Faces in pictures: finding them, bringing them upright, restoring them, laying them back."""
