"""Measurements of Easel: `python -m benchmarks`. What they mean and what they gave is in docs/benchmarks.md."""
