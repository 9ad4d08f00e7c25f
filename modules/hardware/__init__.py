"""The machine: device, number types, memory, attention kernels. Knows nothing of models."""
