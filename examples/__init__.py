"""Small programs to begin with: a client of the API, a hook, a standing job. Each is run by a test."""
