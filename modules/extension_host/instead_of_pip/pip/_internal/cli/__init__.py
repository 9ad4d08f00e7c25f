"""As in pip: its console script imports `main` from here."""
