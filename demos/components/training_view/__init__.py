"""A training as it runs: samples from the same noise again and again, loss, gradient norm, and the pictures learned."""

from pathlib import Path
from typing import Any

import gradio as gr

from demos.components import from_folder


def training_view(value: dict[str, Any] | None = None, **options: Any) -> gr.HTML:
    """The component; its value is what `demos.views.diffusion_training.draw_training` returns, or None."""
    return from_folder(Path(__file__).parent, value, **options)
