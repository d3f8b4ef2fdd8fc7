"""The detector that a visitor has taught, taken to the page that looks into one."""

import tempfile
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.utils import get_upload_folder
from PIL import Image

from demos.inputs.frame_boxes import read_frames
from models.detection.own import OWN, is_own
from models.errors import InputError

OPEN = "() => document.querySelector('#detection-picture-tab-button')?.click()"
"""What the browser does to open the page "Why this box?"."""


class Taught:
    """What the page "Why this box?" is given of a detector of the visitor's own; made in the tab, before its pages.

    name: of the detector, "" for none. picture: path of a frame it was taught on, in the upload cache, "" for none.
    """

    def __init__(self) -> None:
        self.name = gr.State("")
        self.picture = gr.State("")


def show_taught(own: object, drawn: object) -> tuple[str, Any]:
    """(name, path of the first frame that has a box, if there is one) of what is to be looked into."""
    if not isinstance(own, str) or not is_own(own):
        raise InputError("There is no detector of your own yet: train one, or open one that you kept.")
    OWN.find(own)
    taught = [image for image, boxes in read_frames(drawn) if boxes]
    if not taught:
        return own, gr.skip()
    cache = Path(get_upload_folder())
    cache.mkdir(parents=True, exist_ok=True)
    path = Path(tempfile.mkdtemp(dir=cache)) / "frame.png"
    Image.fromarray(taught[0]).save(path)
    return own, str(path)


def nobodys() -> tuple[str, Any, Any]:
    """No detector of the visitor's own: (no name, the sentence and the button back are not shown)."""
    return "", gr.update(visible=False), gr.update(visible=False)


def given_picture(path: str) -> Any:
    """The path, if its file is still there."""
    return path if path and Path(path).is_file() else gr.skip()


def sentence_of_taught(own: object) -> str:
    """Whose detector is asked; "" for none of the visitor's own."""
    return f"Asked of the detector that you taught: {', '.join(OWN.find(own).labels)}." if is_own(own) else ""
