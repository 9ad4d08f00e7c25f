"""From prompts to conditioning: tokens, chunks, CLIP and OpenCLIP, textual inversion, the conditioning cache."""
