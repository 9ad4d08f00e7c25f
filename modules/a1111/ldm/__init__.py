"""The networks as LDM lays them out: blocks under its names, over the modules of diffusers that compute."""
