"""One picture for all pages of a tab: what a visitor gave on one of them is offered on the others."""

from pathlib import Path

import gradio as gr

from demos.inputs.uploaded_image import UploadedImage, shown_everywhere
from demos.tab import LIGHT, private
from models.errors import InputError

GONE = "That picture is no longer kept: give it again."


class Given:
    """The picture a visitor gave last in a tab, a path in the upload cache; made inside the tab, before its pages."""

    def __init__(self) -> None:
        self.path = gr.State("")

    def offer(self, image: UploadedImage, elem_id: str) -> None:
        """Take note of what is given to `image`, and offer there what was given elsewhere, by a button below it."""
        take = gr.Button("Your picture from the other page", size="sm", visible=False, elem_id=elem_id)
        own = gr.State("")
        image.input(note, image, [self.path, own], queue=False, **private())
        self.path.change(view_offer, [self.path, own], take, **private(), **LIGHT)
        take.click(take_picture, self.path, image, queue=False, **private())


def note(image: str | None) -> tuple[object, object]:
    """The path of what was given, for the tab and for the page itself; taking it away changes nothing."""
    shown = shown_everywhere(image)
    return (shown, shown) if shown else (gr.skip(), gr.skip())


def view_offer(path: str, own: str) -> gr.Button:
    """The button, shown where the picture came from another page."""
    return gr.Button(visible=bool(path) and path != own)


def take_picture(path: str) -> str:
    """The path, if its file is still there."""
    if not path or not Path(path).is_file():
        raise InputError(GONE)
    return path
