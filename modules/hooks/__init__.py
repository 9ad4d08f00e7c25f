"""Where the program lets others in: the hook points, and the registry that calls what is attached to them."""
