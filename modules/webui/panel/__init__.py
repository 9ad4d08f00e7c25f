"""The generation panel: prompts, controls and results, built once for each tab that makes pictures."""
