"""X/Y/Z plots: axes and their values, the cells, the grids of them. The script itself is scripts/xyz_grid.py."""
