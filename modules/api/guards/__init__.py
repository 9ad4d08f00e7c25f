"""What stands between a request and its answer: login, origin, sizes, bounds."""
