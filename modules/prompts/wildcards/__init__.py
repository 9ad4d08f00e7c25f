"""Templates of prompts: wildcards `__name__`, variants `{a|b}` and variables `${x=a}`, and what is chosen from them."""
