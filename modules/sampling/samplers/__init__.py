"""The samplers, one plain function each, and how they are found by name."""

from modules.sampling.samplers.registry import (
    DEFAULT_SAMPLER,
    SAMPLERS,
    Sampler,
    find,
    names,
    resolve,
    resolve_pair,
)

__all__ = ["DEFAULT_SAMPLER", "SAMPLERS", "Sampler", "find", "names", "resolve", "resolve_pair"]
