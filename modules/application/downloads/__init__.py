"""Model files fetched from a hub because somebody asked for them: never of the program's own accord."""
