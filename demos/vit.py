"""ViT: a picture cut into patches, where every patch looks, and the answer that comes of it."""

import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import gradio as gr

from demos.base import Demo, empty_strip, run_strip, usable_model
from demos.components.patch_view import patch_view
from demos.components.uploaded_image import UploadedImage
from demos.figures.vit import draw_vit
from models import runtime, weights
from models.images import read_image

DEFAULT = "vit-s14-caltech101"
TOP = 5

LEAD = """A Vision Transformer cuts a picture into patches and reads them as if they were words: each patch becomes a
list of numbers, gets a position, and looks at all others. Click a patch and follow it from its pixels to the answer."""

MEANING = r"""Blue is little attention, yellow is much, from the chosen patch (or from CLS) to every patch. Early layers
often look nearby or at everything alike; late ones gather what belongs together. Some heads put much weight on a few
empty patches, which large models use as scratch space (Darcet et al. 2024): attention shows where information was taken
from, it does not explain the answer.

$$\begin{aligned} z_0 &= [x_{\mathrm{cls}};\; x_1 E;\; \dots;\; x_N E] + E_{\mathrm{pos}} \\
z'_l &= z_{l-1} + \mathrm{MSA}(\mathrm{LN}(z_{l-1})) \\ z_l &= z'_l + \mathrm{MLP}(\mathrm{LN}(z'_l)) \end{aligned}$$"""

TRY = """- Click the same patch again to go back to CLS, which gives the answer. Arrow keys move the patch.
- Move the layer from 1 to 12 with the head at *mean*: when does the animal stand out from what is behind it?
- Switch *rollout* on: attention multiplied through all layers (Abnar & Zuidema 2020).
- Compare the two lists of answers: after how many layers is the final one there? The head was trained on the last
  layer only, so what it says of earlier ones shows how far their language differs, not what they "think".
- Upload something that is in none of its 101 categories. It must choose one of them all the same: it cannot say
  "none of these"."""


def example_pictures() -> dict[str, Path]:
    """Photos that come with the installed Gradio package."""
    folder = Path(gr.__file__).parent / "media_assets" / "images"
    files = {"A cheetah": "cheetah1.jpg", "A lion": "lion.jpg", "A tower": "tower.jpg", "A bus": "bus.png"}
    return {name: folder / file for name, file in files.items() if (folder / file).exists()}


def _loaded(name: str) -> runtime.Loaded:
    from models.vit import library

    return runtime.load(name, library.load)


@runtime.gpu()
def _trace(name: str, image: Any) -> Any:
    from models.vit.trace import trace_image

    return trace_image(_loaded(name).network, image)


def compute_vit(image: str | None, model: Any) -> Iterator[tuple[Any, str]]:
    """Trace a picture. Yields (view, strip): first what is being loaded, if anything is, then the figures."""
    if image is None:
        yield None, empty_strip("No picture yet.")
        return
    watch = runtime.Stopwatch()
    with watch("capture"):
        picture = read_image(image)
    name, note = usable_model(model, "vit")
    if name not in runtime.names_in_memory():
        yield gr.skip(), empty_strip(f"Loading {weights.find(name).title} …")
    loaded = _loaded(name)
    with watch("model"):
        trace = _trace(name, picture)
    with watch("drawing"):
        prepare = loaded.network.preprocessing
        drawn = draw_vit(trace, prepare.mean, prepare.std)
    yield drawn, run_strip(loaded, **watch.seconds, note=note)


def vit_classify(image: str | None) -> dict[str, Any]:
    """Categories of a picture by the embedded Vision Transformer, most probable first.

    Args:
        image: an uploaded picture (PNG, JPEG, WebP or GIF; at most 10 MB and 16 megapixels).

    Returns:
        {"model": name, "seconds": duration, "top": [{"label": category, "probability": 0..1}, ...]}, five of them.
    """
    picture = read_image(image)
    from models.vit.trace import classify_image, top

    network, start = _loaded(DEFAULT).network, time.perf_counter()
    probabilities = classify_image(network, picture)
    seconds = round(time.perf_counter() - start, 4)
    answers = [{"label": label, "probability": p} for label, p in top(network.labels, probabilities, TOP)]
    return {"model": DEFAULT, "seconds": seconds, "top": answers}


def build() -> None:
    """The tab: picture and model on the left, the linked views on the right, explanations below."""
    gr.Markdown(LEAD, elem_classes="gb-lead")
    examples = example_pictures()
    with gr.Row():
        with gr.Column(scale=2, min_width=260):
            image = UploadedImage(
                label="Your picture", sources=["upload", "webcam", "clipboard"], height=240, elem_id="vit-image"
            )
            with gr.Row():
                buttons = {name: gr.Button(name, size="sm", min_width=90) for name in examples}
            model = gr.Dropdown(
                [(weights.find(name).title, name) for name in weights.offered("vit")],
                value=weights.first_choice("vit", DEFAULT),
                label="Model",
                elem_id="vit-model",
            )
        with gr.Column(scale=5, min_width=300):
            view = patch_view()
            strip = gr.HTML(empty_strip("The model (22 M parameters, 44 MB) is loaded with the first picture."))
    gr.Markdown(MEANING, elem_classes="gb-note", latex_delimiters=[{"left": "$$", "right": "$$", "display": True}])
    with gr.Accordion("What to try", open=False):
        gr.Markdown(TRY)
    private = partial(dict, api_visibility="private", show_progress="hidden")
    network = {"concurrency_id": "vit", "concurrency_limit": 2}
    for event in (image.change, model.change):
        event(compute_vit, [image, model], [view, strip], **private(), **network)
    for name, button in buttons.items():
        button.click(partial(str, examples[name]), None, image, **private())
    hidden_image, answer = UploadedImage(visible=False), gr.JSON(visible=False)
    gr.Button(visible=False).click(
        vit_classify, hidden_image, answer, api_name="vit_classify", api_visibility="public", **network
    )


DEMO = Demo("vit", "ViT", build)
