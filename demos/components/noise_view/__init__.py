"""The forward process at one time: picture and noise in their shares, their sum, curves and histogram."""

from pathlib import Path
from typing import Any

import gradio as gr

from demos.components import from_folder


def noise_view(value: dict[str, Any] | None = None, **options: Any) -> gr.HTML:
    """The component; its value is what `demos.views.diffusion_forward.draw_noisy` returns, or None."""
    return from_folder(Path(__file__).parent, value, **options)
