"""Easel's own dialect: /api/v1, with job ids, events, history and model files."""
