"""The routes of OpenAI's Images API, for clients that speak only that."""
