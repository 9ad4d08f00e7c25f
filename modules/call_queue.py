"""Doorway: `modules.call_queue`."""

from __future__ import annotations

from modules.a1111.queueing import (
    queue_lock,
    wrap_gradio_call,
    wrap_gradio_call_no_job,
    wrap_gradio_gpu_call,
    wrap_queued_call,
)

__all__ = [
    "queue_lock",
    "wrap_gradio_call",
    "wrap_gradio_call_no_job",
    "wrap_gradio_gpu_call",
    "wrap_queued_call",
]
