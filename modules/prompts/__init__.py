"""The language of prompts: emphasis, schedules, AND, BREAK, styles, comments, extra-network tags. Text in, data out."""
