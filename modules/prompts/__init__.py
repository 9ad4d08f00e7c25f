"""The language of prompts: emphasis, schedules, AND, BREAK, styles, comments, extra-network tags. Pure: text in, data out."""
