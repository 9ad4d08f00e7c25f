"""The machine: device, number types, memory, attention kernels. Independent of models."""
