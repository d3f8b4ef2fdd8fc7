"""One true sentence beside everything that takes a visitor's pictures: how long they are kept."""

import gradio as gr

from demos.door.sweep import KEPT_MINUTES

UPLOADED = f"What you give here is removed from the server {KEPT_MINUTES} minutes after its last use."
LEARNED = (
    "Pictures stay in this browser until you press Train; "
    f"they are removed from the server {KEPT_MINUTES} minutes after their last use."
)
FRAMES = "Frames are sent to the server, answered and forgotten: none is stored."


def say_how_long(sentence: str = UPLOADED) -> None:
    """Put the sentence here."""
    gr.HTML(f'<p class="gb-keeping">{sentence}</p>', padding=False)
