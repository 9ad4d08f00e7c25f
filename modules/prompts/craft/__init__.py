"""Tables, formulas and tools around prompts, as plain functions over editable data."""
