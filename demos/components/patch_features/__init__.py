"""Features of patches, layer by layer: their main directions as colours, and which patches are alike.

Of one picture or of two. Nothing is asked of the server after the value has arrived.
"""

from pathlib import Path
from typing import Any

import gradio as gr

from demos.components import from_folder


def patch_features(value: dict[str, Any] | None = None, **options: Any) -> gr.HTML:
    """The component; its value is what `demos.views.vit_features.draw_features` returns, or None."""
    return from_folder(Path(__file__).parent, value, pieces=("picture_tokens",), **options)
