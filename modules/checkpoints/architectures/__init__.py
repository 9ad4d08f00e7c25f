"""The families of models. Each one looks at names and shapes and answers "mine", or refuses with a reason."""
