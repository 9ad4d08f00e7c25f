"""What every dialect shares of txt2img and img2img: the bodies, and how they become the requests of the engine."""
