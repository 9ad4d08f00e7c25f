"""The Train tab: its controls, and what they ask for."""
