"""Jobs: what waits, runs and has run; kept over restarts."""
