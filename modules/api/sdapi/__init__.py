"""A1111's dialect: /sdapi/v1, /internal and the routes beside them, with its names, defaults and shapes."""
