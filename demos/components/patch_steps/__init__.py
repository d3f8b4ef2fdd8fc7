"""From pixels to a token: a patch flattened, every filter of the linear layer, one channel's arithmetic, positions."""

from pathlib import Path
from typing import Any

import gradio as gr

from demos.components import from_folder


def patch_steps(value: dict[str, Any] | None = None, **options: Any) -> gr.HTML:
    """The component; its value is what `demos.views.vit.draw_patches` returns, or None."""
    return from_folder(Path(__file__).parent, value, pieces=("picture_tokens",), **options)
