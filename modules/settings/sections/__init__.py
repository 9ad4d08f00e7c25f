"""One file a group of settings. Every key is declared exactly once, in the section where the settings page shows it."""
