"""The HTTP API: A1111's /sdapi/v1 and /internal routes over the application's queue. Importing it costs no torch."""
