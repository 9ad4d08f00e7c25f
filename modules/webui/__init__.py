"""The page: one panel a file, put together with Gradio; its own style sheet and scripts lie in static/."""
