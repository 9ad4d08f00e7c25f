"""The routes, one file for each kind of thing they are about; each has `routes(app)`, which gives a router."""
