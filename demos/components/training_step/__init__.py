"""One training step in four parts: a clean picture, time and noise, the prediction, the loss; any pixel's numbers.

Event: `opened`, when the component is first on screen and still empty.
"""

from pathlib import Path
from typing import Any

import gradio as gr

from demos.components import from_folder


def training_step(value: dict[str, Any] | None = None, **options: Any) -> gr.HTML:
    """The component; its value is what `demos.views.diffusion_training.draw_example` returns, or None."""
    return from_folder(Path(__file__).parent, value, **options)
