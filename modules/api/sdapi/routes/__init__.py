"""A1111's routes, one file for each thing they are about; each has `routes(app)`, which gives a router."""
