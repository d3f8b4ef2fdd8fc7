"""What the pages of the ViT tab share: example pictures, the embedded model, the picture input."""

from functools import partial
from pathlib import Path

import gradio as gr

from demos.base import EXAMPLES
from demos.given import Given
from demos.inputs.uploaded_image import UploadedImage
from demos.tab import private
from models import weights

EMBEDDED = "vit-s14-caltech101"
MEDIA = weights.EMBEDDED.parent / "media"
FIRST = MEDIA / "vit-elephant.jpg"
"""What the pages open on."""
ANOTHER = MEDIA / "vit-elephants.jpg"
"""Another picture of the same kind of thing."""


def example_pictures() -> dict[str, Path]:
    """Photos of the model's own categories, and two of what it has none for, which are in Gradio's package."""
    return {
        "An elephant": FIRST,
        "A stop sign": MEDIA / "vit-stop-sign.jpg",
        "An umbrella": MEDIA / "vit-umbrella.jpg",
        FAILURE: EXAMPLES / "cheetah1.jpg",
        NONE: EXAMPLES / "bus.png",
    }


FAILURE = "A cheetah: not one of its categories"
"""Near to one of them, and taken for it."""
NONE = "A bus: like none of its categories"
"""Far from all of them: the model is not sure of any."""


def example_row() -> dict[str, gr.Button]:
    """A button for each example picture, in one line; `picture_input` says what they fill."""
    with gr.Row(elem_classes="gb-examples"):
        return {name: gr.Button(name, size="sm", min_width=90) for name in example_pictures()}


def picture_input(
    prefix: str,
    given: Given,
    examples: dict[str, gr.Button],
    *,
    label: str = "Your picture",
    example: Path | None = FIRST,
) -> UploadedImage:
    """The visitor's picture by upload, webcam, clipboard or one of the examples. Its id is `<prefix>-image`.

    given: what was given on other pages is offered here. example: what the page opens on.
    """
    image = UploadedImage(
        value=str(example) if example else None,
        label=label,
        sources=["upload", "webcam", "clipboard"],
        height=240,
        elem_id=f"{prefix}-image",
    )
    paths = example_pictures()
    for name, button in examples.items():
        button.click(partial(str, paths[name]), None, image, **private())
    given.offer(image, f"{prefix}-given")
    return image
