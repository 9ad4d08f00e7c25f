"""Pictures as files and as rectangles of pixels: names, saving, grids, resizing. Independent of models."""
