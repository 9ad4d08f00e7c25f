"""Easel's engine. Folders are the program; see docs/architecture.md for which floor each one is on."""
