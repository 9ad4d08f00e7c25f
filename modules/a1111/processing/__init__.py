"""`p`, `Processed` and `process_images`: one generation as scripts written for A1111 see and change it."""
