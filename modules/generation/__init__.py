"""The nouns of making a picture: what was asked, what was decided, what came of it. Frozen values, no behaviour."""
