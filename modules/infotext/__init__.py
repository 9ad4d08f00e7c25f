"""The "parameters" text of a picture: written and read as A1111 does, and carried inside picture files."""
