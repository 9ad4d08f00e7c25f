"""The routes of /api/v1, one file for each thing they are about; each has `routes(app)`, which gives a router."""
