"""The tabs of the page, one file each; `registry.py` lists them."""
