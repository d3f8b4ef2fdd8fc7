"""Step by step: a picture cut into patches, where every patch looks, and the answer that comes of it."""

import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gradio as gr

from demos.base import empty_strip, run_strip, save_arrays, usable_model, visitor_errors
from demos.components.attention_explorer import attention_explorer
from demos.components.patch_steps import patch_steps
from demos.inputs.uploaded_image import UploadedImage
from demos.ui import component
from demos.views.vit import (
    MAX_TRAVELLING_TOKENS,
    TOP,
    answers,
    draw_attention,
    draw_costs,
    draw_patches,
    logit_lens,
    pack_attention,
    view_of_answers,
)
from demos.vit.runs import attention_rows, keep, name_of
from demos.vit.shared import EMBEDDED, LATEX, NETWORK, load_vit, picture_input, private
from models import hub, runtime, weights
from models.errors import InputError, WeightsError
from models.images import read_image
from models.inputs import check_choice, check_integer

if TYPE_CHECKING:
    import numpy as np

    from models.vit.trace import VitTrace

TITLE = "Step by step"
SIDES = {"8": 8, "12": 12, "as trained": 0, "20": 20, "24": 24, "28": 28}
POSITIONS = ("kept", "removed", "shuffled")

LAST_STEPS = """**6. Pretraining.** What these numbers are worth was learned before anyone named a category: DINOv2
learned from photos without labels. **7. Fine-tuning.** A last layer that names 101 categories was added and, with the
later blocks, trained on about 30 photos of each. Both steps have pages of their own: “Nearest photos” and “Your own
classes”."""

MEANING = r"""Attention, step 5: blue is little, yellow is much, from the chosen patch (or from CLS) to every patch.
Early layers often look nearby or at everything alike; late ones gather what belongs together. Some heads put much
weight on a few empty patches, which large models use as scratch space (Darcet et al. 2024): attention shows where
information was taken from, it does not explain the answer. What each patch knows after every layer, and how far each
head looks, is on the page "What patches know".

$$\begin{aligned} z_0 &= [x_{\mathrm{cls}};\; x_1 E;\; \dots;\; x_N E] + E_{\mathrm{pos}} \\
z'_l &= z_{l-1} + \mathrm{MSA}(\mathrm{LN}(z_{l-1})) \\ z_l &= z'_l + \mathrm{MLP}(\mathrm{LN}(z'_l)) \end{aligned}$$"""

TRY = """- Click the same patch again to go back to CLS, which gives the answer. Arrow keys move the patch.
- Choose a filter that looks like a stripe, then a patch with an edge along it: the product shows what fits.
- In the map of positions, each small picture is one place: which places are like it? Rows and columns stand out.
- Remove the positions: the patches become a bag. Is the answer still right? Shuffling them lies to the network.
- Choose more patches a side: what happens to the time? Scores and weighted sums, the
  multiply-adds between tokens, grow with the square of their number.
- Compare the answers after each layer: when is the final one there? The head was trained on the last layer only, so
  what it says of earlier ones shows how far their language differs, not what they "think".
- Upload something that is in none of its 101 categories. It must choose one of them all the same: it cannot say
  "none of these"."""


@runtime.gpu()
def _trace(name: str, image: "np.ndarray", size: int, positions: Any = "kept") -> "tuple[VitTrace, float]":
    """A trace and the seconds it took."""
    from models.vit.trace import Edits, trace_image

    network, start = load_vit(name).network, time.perf_counter()
    trace = trace_image(network, image, size=size, edits=Edits(positions))
    return trace, time.perf_counter() - start


def compute_vit(image: str | None, model: Any, side: Any, positions: Any) -> Iterator[tuple[Any, ...]]:
    """Trace a picture. Yields (answers, patches, attention, costs, strip): what is loaded first, then the figures.

    `side`: patches a side, 0 as trained. An edited run is compared with the unedited one, another resolution with that
    of the training; both are run now, so that both times are measured.
    """
    if image is None:
        yield None, None, None, "", empty_strip("No picture yet.")
        return
    watch = runtime.Stopwatch()
    with watch("capture"):
        picture = read_image(image)
    side, positions = _check_side(side), check_choice(positions, POSITIONS, name="The positions")
    name, note = usable_model(model, "vit")
    if name not in runtime.names_in_memory():
        yield *(gr.skip() for _ in range(4)), empty_strip(f"Loading {weights.find(name).title} …")
    loaded = load_vit(name)
    from models.vit.trace import default_size

    network, trained = loaded.network, default_size(loaded.network)
    size = side * network.shape.patch_size or trained
    if size != trained or positions != "kept":
        yield (
            *(gr.skip() for _ in range(4)),
            empty_strip(f"Running {size} x {size} pixels, and what it is compared with …"),
        )
    trace, seconds = _trace(name, picture, size, positions)
    title, before, costs = "", None, [("this run", size, seconds)]
    if size != trained:
        compared, duration = _trace(name, picture, trained)
        title, before = f"as trained, {trained} x {trained} pixels", compared.top(TOP)
        costs.append(("as trained", trained, duration))
    if positions != "kept":
        compared, _ = _trace(name, picture, size)
        title, before = "with its positions", compared.top(TOP)
    with watch("drawing"):
        run = name_of(name, picture, size, positions)
        packed = pack_attention(trace.attention)
        if len(trace.positions) > MAX_TRAVELLING_TOKENS:
            keep(run, packed)
        drawn = (
            view_of_answers(trace, run, title=title, before=before),
            draw_patches(trace, network, run, edited=positions),
            draw_attention(trace, packed, run),
        )
    strip = run_strip(
        loaded, capture=watch.seconds["capture"], model=seconds, drawing=watch.seconds["drawing"], note=note
    )
    yield *drawn, _costs(network, costs), strip


def _check_side(side: Any) -> int:
    side = check_integer(side, name="Patches a side", low=0, high=max(SIDES.values()))
    if side not in SIDES.values():
        raise InputError(
            f"Patches a side must be one of {', '.join(map(str, sorted(SIDES.values())))}; 0 is as trained."
        )
    return side


def _costs(network: Any, runs: list[tuple[str, int, float]]) -> str:
    from models.vit.cost import cost_of

    counted = [
        (name, size, cost_of(network.shape, size // network.shape.patch_size, len(network.labels)), seconds)
        for name, size, seconds in runs
    ]
    return draw_costs(counted)


def vit_classify(image: str | None) -> dict[str, Any]:
    """Categories of a picture by the embedded Vision Transformer, most probable first.

    Args:
        image: an uploaded picture (PNG, JPEG, WebP or GIF; at most 20 MB and 16 megapixels, JPEG photos 50).

    Returns:
        {"model": name, "seconds": duration, "top": [{"label": category, "probability": 0..1}, ...]}, five of them.
    """
    picture = read_image(image)
    from models.vit.trace import classify_image, top

    network, start = load_vit(EMBEDDED).network, time.perf_counter()
    probabilities = classify_image(network, picture)
    seconds = round(time.perf_counter() - start, 4)
    best = [{"label": label, "probability": p} for label, p in top(network.labels, probabilities, TOP)]
    return {"model": EMBEDDED, "seconds": seconds, "top": best}


def vit_trace(image: str | None, model: str, size: float) -> tuple[dict[str, Any], str]:
    """Everything a Vision Transformer computes for a picture.

    Args:
        image: an uploaded picture (PNG, JPEG, WebP or GIF; at most 20 MB and 16 megapixels, JPEG photos 50).
        model: a name of the ViT tab.
        size: side in pixels of the square that the network sees, a multiple of its patch size; 0 for the size it was
            trained for. At most 324 patches.

    Returns:
        {"model", "seconds", "size", "grid", "tokens", "layers", "heads", "top", "lens"} and a compressed .npz file of
        `image [size, size, 3]` uint8 and, in float32, `attention [layers, heads, T, T]` (rows sum to 1),
        `tokens [layers + 1, T, D]` (before the first and after every layer), `embeddings [T - 1, D]`,
        `positions [T, D]`, `probabilities [C]`, `lens [layers + 1, C]`; and `labels [C]`, text.
    """
    with visitor_errors():
        picture = read_image(image)
        entry = weights.find(model, "vit")
        if entry.kind == "hub" and hub.start(entry.name).status != "ready":
            raise WeightsError(hub.describe(entry.name))
        network = load_vit(entry.name).network
        trace, seconds = _trace(entry.name, picture, _check_size(network, size))
        layers, heads, tokens, _ = trace.attention.shape
        facts = {
            "model": entry.name,
            "seconds": round(seconds, 4),
            "size": len(trace.image),
            "grid": list(trace.grid),
            "tokens": tokens,
            "layers": layers,
            "heads": heads,
            "top": [asdict(answer) for answer in answers(trace.top(TOP))],
            "lens": [asdict(answer) for answer in logit_lens(trace)],
        }
        return facts, str(_save(trace))


def _check_size(network: Any, size: Any) -> int:
    """The size asked for in whole patches that give a file of a size that can be handed over, or `InputError`."""
    from models.vit.trace import default_size

    patch = network.shape.patch_size
    most = int((MAX_TRAVELLING_TOKENS - 1) ** 0.5) * patch
    size = check_integer(size, name="The size", low=0, high=most) or default_size(network)
    if size % patch:
        raise InputError(f"The size must be a multiple of {patch} pixels, at most {most}.")
    return size


def _save(trace: "VitTrace") -> Path:
    import numpy as np

    names = ("image", "attention", "tokens", "embeddings", "positions", "probabilities", "lens")
    arrays = {name: getattr(trace, name) for name in names}
    return save_arrays("vit.npz", **arrays, labels=np.array(trace.labels, dtype=np.str_))


def build() -> None:
    """The page: picture and choices on the left, picture and answer on the right, then step after step."""
    with gr.Row():
        with gr.Column(scale=2, min_width=260):
            image = picture_input("vit")
            model = gr.Dropdown(
                [(weights.find(name).title, name) for name in weights.offered("vit")],
                value=weights.first_choice("vit", EMBEDDED),
                label="Model",
                elem_id="vit-model",
            )
            side = gr.Radio(list(SIDES.items()), value=0, label="Patches a side", elem_id="vit-side")
            positions = gr.Radio(list(POSITIONS), value="kept", label="Position embeddings", elem_id="vit-positions")
            costs = gr.HTML("")
        with gr.Column(scale=5, min_width=300):
            view = component("patch_view", elem_id="vit-answer")
            strip = gr.HTML(empty_strip("The model (22 M parameters, 44 MB) is loaded with the first picture."))
    patches = patch_steps(elem_id="vit-patches")
    attention = attention_explorer(
        title="5. Encode", empty="", server_functions=[attention_rows], elem_id="vit-attention"
    )
    gr.Markdown(LAST_STEPS, elem_classes="gb-note")
    gr.Markdown(MEANING, elem_classes="gb-note", latex_delimiters=LATEX)
    with gr.Accordion("What to try", open=False):
        gr.Markdown(TRY)
    with gr.Accordion("The numbers, as a file", open=False):
        gr.Markdown("Everything computed for this picture as a numpy archive: attention, tokens, embeddings, answers.")
        make = gr.Button("Make the file", size="sm")
        size = gr.Number(0, label="Side in pixels, a multiple of the patch size; 0: as trained", precision=0)
        facts = gr.JSON(label="What it holds")
        file = gr.File(label="vit.npz", interactive=False)
    inputs, outputs = [image, model, side, positions], [view, patches, attention, costs, strip]
    events = [image.change, model.input, side.input, positions.input]
    gr.on(events, compute_vit, inputs, outputs, trigger_mode="always_last", **private(), **NETWORK)
    make.click(vit_trace, [image, model, size], [facts, file], api_name="vit_trace", **NETWORK)
    hidden_image, answer = UploadedImage(visible=False), gr.JSON(visible=False)
    gr.Button(visible=False).click(
        vit_classify, hidden_image, answer, api_name="vit_classify", api_visibility="public", **NETWORK
    )
