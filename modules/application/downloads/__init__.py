"""Model files downloaded from a hub, only at the user's request."""
