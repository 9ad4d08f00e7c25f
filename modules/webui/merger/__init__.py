"""The Checkpoint Merger tab."""
