"""The visitor's own classifier at work: on the webcam, frame after frame, or on one picture.

Value: `{"name", "labels"}` of the classifier, or None before there is one. `answer(request)` on the server gets
`{"name", "jpeg"}` and returns `{"probabilities": [0..1 a class], "seconds"}`, `{"busy": True}` or
`{"error": sentence}`.
The newest frame is sent when the one before is answered, so that nothing waits in line.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import gradio as gr

from demos.components import from_folder


def class_trial(answer: Callable[[Any], dict[str, Any]], **options: Any) -> gr.HTML:
    """The component; `answer` must be called `classify_square`."""
    return from_folder(Path(__file__).parent, None, pieces=("webcam",), server_functions=[answer], **options)
