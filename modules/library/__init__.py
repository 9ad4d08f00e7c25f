"""Which model files there are: folders, what their headers say, hashes, pictures and notes beside them."""
