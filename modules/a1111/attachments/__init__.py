"""What the dialect attaches to the hooks of a run: its moments, told to scripts and callbacks."""
