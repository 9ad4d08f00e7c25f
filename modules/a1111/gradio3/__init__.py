"""Gradio 3 as A1111's extensions know it, on the Gradio that Easel runs on.

Extensions were written for Gradio 3.41. Their modules get a `gradio` whose classes are derived from the real ones and
take the old keywords (`namespace.py`); the real `gradio` is left as it is, and Easel's own panels use that.
"""
