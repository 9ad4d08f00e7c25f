"""Pictures as files and as rectangles of pixels: names, saving, grids, resizing. Knows nothing of models."""
