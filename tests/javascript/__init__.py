"""What checks the scripts of the page: tsc, in the version that package-lock.json names."""
