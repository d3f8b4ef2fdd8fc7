"""Break it: the same damage to the same pixels, read by a Vision Transformer and by a CNN."""

import hashlib
import html
import json
import tempfile
import threading
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gradio as gr
import numpy as np
from gradio.utils import get_upload_folder
from PIL import Image

from demos.base import empty_strip, milliseconds, model_facts
from demos.components.damage_view import damage_view, read_mask
from demos.inputs.uploaded_image import UploadedImage
from demos.ui import component
from demos.views import damage as figures
from demos.views.vit import readable
from demos.vit.shared import EMBEDDED, LATEX, NETWORK, picture_input, private, sent
from models import runtime, weights
from models.errors import InputError
from models.images import read_image
from models.inputs import check_choice, check_integer, check_number, check_text
from models.vit.damage import DAMAGES, GRIDS, Choice

if TYPE_CHECKING:
    from models.vit.curve import Pair, Point

TITLE = "Break it: CNN and ViT"
CNN = "efficientnet-lite0-caltech101"
OWNERS = {"the ViT's map": "vit", "the CNN's Grad-CAM": "cnn"}
ROLLOUT = "attention rollout"
MAPS = {ROLLOUT: False, "attention by gradient": True}
TOGETHER = "the undamaged answer of both"
MAX_SEED = 2**31 - 1
KEPT_CURVES = 24
TABLE = weights.EMBEDDED.parent / "figures" / "vit_robustness.json"

LEAD = """Take away what one of the two needs, and see which falls first. Both networks were fine-tuned on the same
photos of 101 categories, and both are given exactly the same pixels."""

MEANING = r"""The lines show the probability of one category while the damage grows. The maps show different things.
**Attention rollout** (Abnar & Zuidema 2020) is how much of each patch has reached CLS through all layers, whatever the
answer; the head of this ViT also reads the mean of all patches, which the rollout leaves out. **Attention by gradient**
(Chefer, Gur & Wolf 2021) counts only attention that raises the category tracked. **Grad-CAM** (Selvaraju et al. 2017)
is where the CNN's last maps speak for the category tracked:

$$\alpha_k = \frac{1}{hw} \sum_{i,j} \frac{\partial y}{\partial A^k_{ij}} \qquad
L = \mathrm{ReLU}\Big(\sum_k \alpha_k A^k\Big)$$

**What this compares** are two trained networks, not two architectures alone: the ViT has 22.1 million parameters and
learned first from 142 million photos without labels, the CNN has 3.5 million and learned first from the 1.3 million
labelled photos of ImageNet. One picture is an anecdote: the charts below count many."""

TRY = """- Shuffle the patches with a grid of 16, then of 2: which network still answers, and what is left to see?
- Drop the most important patches by the ViT's map, then by the CNN's. A map that tells the truth about its own network
  should hurt that network more.
- Cover the animal's head with the brush; then clear it and cover everything else.
- Remove the position embeddings: the ViT then reads a bag of patches. How much did it use where they are?
- Track another category than the one that wins, and see Grad-CAM move while the rollout stays. Then choose attention by
  gradient, which depends on the category too."""

FIELDS = """Bright pixels move the unit in the middle of that layer most: the size of its gradient by the pixels (Luo
et al. 2016), on this picture; colour grows with the square root. A CNN's field grows stage by stage and stays smaller
than what its kernels allow. In the ViT every patch may look at every other from the first layer on. The chart has the
mean distance between the middle and what moves it: over all pixels of the square at random it would be about 86. Its
third line is the mean distance between the patch in the middle and what it looks at within one layer, weighted by
attention, mean of the heads: how far information may come in one step, not how far it has come. Every head by itself is
on the page "What patches know"."""

COUNTED = """Measured beforehand on {images} photos that neither network was trained on (seed {seed}):
`{command}`. Each chart: share of right answers in percent, over the strength. Where a chart says "by", that map chose
the patches, and both networks got the same pixels.

Where patches are shuffled or missing, the ViT holds out much longer; blur, noise and contrast cost both about the same;
pictures that are turned, or as small as thumbnails, cost the ViT more. Differences of less than about 7 points may be
chance with so few photos. Both maps find patches that matter: without them accuracy falls faster than without random
ones, until little is left. What may go is found better by the CNN's Grad-CAM, for both networks, than by the ViT's
rollout."""


@dataclass(frozen=True)
class Wish:
    """What the visitor asked for, checked: `pixels` of the square, `kind` of damage, `category` to track or None."""

    pixels: np.ndarray
    kind: str
    category: int | None
    grid: int
    owner: str
    seed: int
    mask: np.ndarray | None
    vit_map: str

    @property
    def key(self) -> str:
        """The same for the same curve, and nobody can guess it."""
        mask = b"" if self.mask is None else self.mask.tobytes()
        facts = repr((self.kind, self.category, self.grid, self.owner, self.seed, self.vit_map))
        return hashlib.sha256(self.pixels.tobytes() + mask + facts.encode()).hexdigest()


@dataclass(frozen=True)
class Curve:
    """The points measured so far, the category they are about, and what they took."""

    category: int
    points: "tuple[Point, ...]"


_kept: "OrderedDict[str, Curve]" = OrderedDict()
_lock = threading.Lock()


@cache
def categories() -> tuple[str, ...]:
    """The names of the categories in the order of both networks, as stored."""
    names = json.loads((weights.EMBEDDED / EMBEDDED / "config.json").read_text())["id2label"]
    return tuple(names[str(index)] for index in range(len(names)))


def check_wish(image: Any, kind: Any, tracked: Any, grid: Any, owner: Any, seed: Any, mask: Any, vit_map: Any) -> Wish:
    """All inputs of a curve, or `InputError`."""
    kind = check_choice(kind, DAMAGES, name="The damage")
    if tracked not in (*categories(), TOGETHER):
        raise InputError("The category to track must be one of the list.")
    grid = check_integer(grid, name="The grid", low=min(GRIDS), high=max(GRIDS))
    if grid not in GRIDS:
        raise InputError(f"The grid must be one of: {', '.join(map(str, GRIDS))}.")
    owner = check_choice(owner, list(OWNERS.values()), name="The map")
    seed = check_integer(seed, name="The seed", low=0, high=MAX_SEED)
    vit_map = check_choice(vit_map, MAPS, name="The ViT's map")
    from models.vit.contenders import SIDE, square

    painted = read_mask(mask, SIDE) if kind == "occlude" else None
    category = None if tracked == TOGETHER else categories().index(tracked)
    return Wish(square(read_image(image)), kind, category, grid, owner, seed, painted, vit_map)


def load_pair() -> "tuple[Pair, tuple[runtime.Loaded, runtime.Loaded]]":
    """Both networks, loaded once."""
    from models.vit import contenders
    from models.vit.curve import Pair

    vit, cnn = contenders.load(EMBEDDED), contenders.load(CNN)
    return Pair(vit.network, cnn.network), (vit, cnn)


@runtime.gpu()
def _measure(pair: "Pair", wish: Wish) -> Iterator[Curve]:
    from models.vit import curve

    category, choice = prepared(pair, wish)
    points: tuple[Point, ...] = ()
    for point in curve.curve(pair, wish.pixels, wish.kind, choice, category, by_gradient=MAPS[wish.vit_map]):
        points = (*points, point)
        yield Curve(category, points)


def prepared(pair: "Pair", wish: Wish) -> tuple[int, Choice]:
    """The category to track, and what the damage needs to know."""
    from models.vit import curve

    category = curve.answer_together(pair, wish.pixels) if wish.category is None else wish.category
    importance = None
    if "importance" in DAMAGES[wish.kind].uses:
        network = getattr(pair, wish.owner)
        importance = curve.read(network, wish.pixels, category, by_gradient=MAPS[wish.vit_map]).map
    return category, Choice(wish.seed, wish.grid, importance, wish.mask)


def curves(pair: "Pair", wish: Wish) -> Iterator[Curve]:
    """The curve point by point; at once if it was measured before."""
    with _lock:
        found = _kept.get(wish.key)
        if found is not None:
            _kept.move_to_end(wish.key)
    if found is not None:
        yield found
        return
    measured = None
    for measured in _measure(pair, wish):
        yield measured
    assert measured is not None
    with _lock:
        _kept[wish.key] = measured
        while len(_kept) > KEPT_CURVES:
            _kept.popitem(last=False)


def compute_damage(
    image: Any, kind: Any, tracked: Any, grid: Any, owner: Any, seed: Any, mask: Any, vit_map: Any
) -> Iterator[tuple[Any, Any]]:
    """Both networks while the damage grows. Yields (view, strip), point by point."""
    if image is None:
        yield None, empty_strip("No picture yet.")
        return
    wish = check_wish(image, kind, tracked, grid, owner, seed, mask, vit_map)
    if {EMBEDDED, CNN} - set(runtime.names_in_memory()):
        yield gr.skip(), empty_strip("Loading the ViT (44 MB) and the CNN (7 MB) …")
    pair, loaded = load_pair()
    for measured in curves(pair, wish):
        yield draw(wish, measured), pair_strip(loaded, measured)


def draw(wish: Wish, measured: Curve) -> dict[str, Any]:
    """The value of the view."""
    from models.vit.curve import STRENGTHS

    kind = DAMAGES[wish.kind]
    return figures.draw_curve(
        measured.points,
        categories(),
        run=wish.key,
        category=measured.category,
        total=len(STRENGTHS),
        units=[kind.unit(point.strength) for point in measured.points],
        note=kind.note,
        map_title=wish.vit_map,
        paint=wish.kind == "occlude",
    )


def pair_strip(loaded: "tuple[runtime.Loaded, runtime.Loaded]", measured: Curve) -> str:
    """HTML of one strip for both networks; times are medians of a picture with its map."""
    facts = []
    for one, name in zip(loaded, figures.NAMES, strict=True):
        seconds = float(np.median([getattr(point, name).seconds for point in measured.points]))
        facts += [*model_facts(one), ("a picture", milliseconds(seconds))]
    cells = "".join(f"<span><b>{html.escape(name)}</b> {html.escape(value)}</span>" for name, value in facts)
    return f'<div class="gb-strip" role="status">{cells}</div>'


def view_choices(kind: Any) -> tuple[Any, Any, Any]:
    """Shows the controls that a damage uses: grid, whose map, seed."""
    uses = DAMAGES[check_choice(kind, DAMAGES, name="The damage")].uses
    return tuple(gr.update(visible=name in uses) for name in ("grid", "importance", "seed"))  # pyright: ignore[reportReturnType]


def keep_mask(event: gr.EventData) -> str:
    """The painted mask, checked."""
    text = check_text(sent(event, "mask"), name="The painting", max_chars=8000, allow_empty=True)
    read_mask(text, 224)
    return text


def keep_strength(event: gr.EventData) -> float:
    """Where the slider rests."""
    return check_number(sent(event, "strength"), name="The strength", low=0, high=1)


def compute_maps(
    image: Any, kind: Any, tracked: Any, grid: Any, owner: Any, seed: Any, mask: Any, vit_map: Any, strength: Any
) -> Iterator[str]:
    """Feature maps and Grad-CAM of every stage for the picture at one strength, as HTML."""
    strength = check_number(strength, name="The strength", low=0, high=1)
    wish = check_wish(image, kind, tracked, grid, owner, seed, mask, vit_map)
    yield empty_strip("Computing …")
    pair, _ = load_pair()
    yield _maps(pair, wish, strength)


@runtime.gpu()
def _maps(pair: "Pair", wish: Wish, strength: float) -> str:
    from models.vit import contenders, gradcam
    from models.vit.damage import damaged

    category, choice = prepared(pair, wish)
    pixels = damaged(wish.kind, wish.pixels, strength, choice)
    images = contenders.prepare(pair.cnn, pixels[None])
    stages = gradcam.feature_maps(pair.cnn, images)
    cams = [gradcam.grad_cam(pair.cnn, images, category, found.stage)[1] for found in stages]
    said = f"At strength {strength:.1f}, Grad-CAM of {readable(categories()[category])}."
    return f'<p class="gb-note">{html.escape(said)}</p>{figures.draw_feature_maps(stages, cams, pixels)}'


def compute_fields(image: Any) -> Iterator[tuple[str, Any]]:
    """Effective receptive fields of both networks on a picture: (HTML, chart)."""
    from models.vit.contenders import square

    pixels = square(read_image(image))
    yield empty_strip("Computing some ninety gradients: a few seconds …"), gr.skip()
    pair, _ = load_pair()
    yield _fields(pair, pixels)


@runtime.gpu()
def _fields(pair: "Pair", pixels: np.ndarray) -> tuple[str, dict[str, Any]]:
    from models.vit import contenders, gradcam

    cnn = gradcam.receptive_fields(pair.cnn, contenders.prepare(pair.cnn, pixels[None]))
    vit = gradcam.receptive_fields(pair.vit, contenders.prepare(pair.vit, pixels[None]))
    series = [
        ("CNN, gradient", "key", "7 4", [field.distance for field in cnn]),
        ("ViT, gradient", "query", "", [field.distance for field in vit]),
        ("ViT, attention of one layer", "value", "2 3", [None, *_attention_of_the_middle(pair, pixels)]),
    ]
    shown = [field for index, field in enumerate(vit) if index in (0, 1, 2, 3, 6, 9, 11, 12)]
    return figures.draw_fields({"CNN": cnn, "ViT": shown}), figures.draw_distances(series)


def _attention_of_the_middle(pair: "Pair", pixels: np.ndarray) -> list[float]:
    """How far the patch in the middle looks, in pixels, layer by layer: mean of the heads."""
    from models.vit.features import attention_distances
    from models.vit.trace import trace_image

    trace = trace_image(pair.vit, pixels)
    rows, columns = trace.grid
    middle = rows // 2 * columns + columns // 2
    distances = attention_distances(trace.attention, trace.grid, trace.patches.shape[2], patch=middle)
    return distances.mean(axis=1).tolist()


def vit_compare(image: str | None, damage: str = "shuffle", strength: float = 0.5) -> tuple[dict[str, Any], str]:
    """A picture, damaged, as a Vision Transformer and a CNN answer it; both are given the same pixels.

    Args:
        image: an uploaded picture (PNG, JPEG, WebP or GIF); its middle square, shrunk to 224 x 224, is damaged.
        damage: "shuffle", "drop", "drop_most", "drop_least" (by the ViT's attention rollout), "blur", "rotate",
            "rescale", "smooth", "swap", "noise", "contrast" or "positions" (the ViT's position embeddings).
        strength: 0 (undamaged) to 1.

    Returns:
        {"damage", "strength", "meaning", "category": the answer of both to the undamaged picture, "vit": answer,
        "cnn": answer} with answer = {"model", "seconds", "confidence": probability of the category, "top": five of
        {"label", "probability"}}; and the damaged pixels as a PNG file.
    """
    kind = check_choice(damage, [name for name in DAMAGES if name != "occlude"], name="The damage")
    strength = check_number(strength, name="The strength", low=0, high=1)
    wish = check_wish(image, kind, TOGETHER, 8, "vit", 0, None, ROLLOUT)
    pair, loaded = load_pair()
    category, point = _one(pair, wish, strength)
    answers = {}
    for one, name in zip(loaded, figures.NAMES, strict=True):
        reading = getattr(point, name)
        order = np.argsort(-reading.probabilities, kind="stable")[: figures.TOP]
        answers[name] = {
            "model": one.name,
            "seconds": round(reading.seconds, 4),
            "confidence": float(reading.probabilities[category]),
            "top": [{"label": categories()[i], "probability": float(reading.probabilities[i])} for i in order],
        }
    facts = {"damage": kind, "strength": strength, "meaning": DAMAGES[kind].unit(strength)}
    return {**facts, "category": categories()[category], **answers}, str(_saved(point.pixels))


@runtime.gpu()
def _one(pair: "Pair", wish: Wish, strength: float) -> "tuple[int, Point]":
    from models.vit import curve

    category, choice = prepared(pair, wish)
    return category, curve.point(pair, wish.pixels, wish.kind, strength, choice, category)


def _saved(pixels: np.ndarray) -> Path:
    folder = Path(get_upload_folder())
    folder.mkdir(parents=True, exist_ok=True)
    path = Path(tempfile.mkdtemp(dir=folder)) / "damaged.png"
    Image.fromarray(pixels).save(path)
    return path


def build() -> None:
    """The page: picture and damage on the left, the comparison on the right, deeper views below."""
    gr.Markdown(LEAD, elem_classes="gb-note")
    mask, strength = gr.State(""), gr.State(0.5)
    with gr.Row():
        with gr.Column(scale=2, min_width=260):
            image = picture_input("damage")
            kind = gr.Dropdown(
                [(one.title, name) for name, one in DAMAGES.items()],
                value="shuffle",
                label="Damage",
                filterable=False,
                elem_id="damage-kind",
            )
            grid = gr.Radio(list(GRIDS), value=8, label="Patches a side", elem_id="damage-grid")
            owner = gr.Radio(
                list(OWNERS.items()), value="vit", label="Important by", visible=False, elem_id="damage-owner"
            )
            seed = gr.Number(0, precision=0, minimum=0, maximum=MAX_SEED, label="Seed", elem_id="damage-seed")
            tracked = gr.Dropdown(
                [(TOGETHER, TOGETHER), *sorted((readable(name), name) for name in categories())],
                value=TOGETHER,
                label="Category to track",
                elem_id="damage-tracked",
            )
            vit_map = gr.Radio(list(MAPS), value=ROLLOUT, label="The ViT's map", elem_id="damage-map")
        with gr.Column(scale=5, min_width=300):
            view = damage_view(elem_id="damage-view")
            strip = gr.HTML(empty_strip("Both networks are loaded with the first picture."), elem_id="damage-strip")
    gr.Markdown(MEANING, elem_classes="gb-note", latex_delimiters=LATEX)
    wish = [image, kind, tracked, grid, owner, seed, mask, vit_map]
    _deeper([*wish, strength], image)
    with gr.Accordion("What to try", open=False):
        gr.Markdown(TRY)
    changes = [image.change, *(one.input for one in (kind, tracked, grid, owner, seed, vit_map)), mask.change]
    gr.on(changes, compute_damage, wish, [view, strip], trigger_mode="always_last", **private(), **NETWORK)
    kind.input(view_choices, kind, [grid, owner, seed], queue=False, **private())
    view.painted(keep_mask, None, mask, trigger_mode="always_last", **private())
    view.strength(keep_strength, None, strength, trigger_mode="always_last", **private())
    _publish()


def _deeper(inputs: list[Any], image: Any) -> None:
    with gr.Accordion("Inside the CNN: feature maps and Grad-CAM, stage by stage", open=False):
        gr.Markdown(
            "The channels of each stage that differ most from place to place, each with its own range of values. Early "
            "maps are fine and follow edges and colours; late ones are coarse and say *what*, hardly *where*.",
            elem_classes="gb-note",
        )
        run_maps = gr.Button("Show them for the strength chosen above", size="sm", elem_id="damage-maps-run")
        maps = gr.HTML(elem_id="damage-maps")
    with gr.Accordion("How far each layer sees: receptive fields", open=False):
        gr.Markdown(FIELDS, elem_classes="gb-note")
        run_fields = gr.Button("Measure on this picture", size="sm", elem_id="damage-fields-run")
        distances = component("chart", empty="The mean distances appear here.", elem_id="damage-distances")
        fields = gr.HTML(elem_id="damage-fields")
    run_maps.click(compute_maps, inputs, maps, **private(), **NETWORK)
    run_fields.click(compute_fields, image, [fields, distances], **private(), **NETWORK)
    if TABLE.exists():
        table = json.loads(TABLE.read_text())
        with gr.Accordion("Not one picture but many: accuracy under every damage", open=False):
            gr.Markdown(COUNTED.format(**table), elem_classes="gb-note")
            gr.HTML(figures.draw_robustness(table, table["titles"]), elem_id="damage-robustness")


def _publish() -> None:
    """The endpoint `/vit_compare`, with components of its own that nobody sees."""
    image, facts, file = UploadedImage(visible=False), gr.JSON(visible=False), gr.File(visible=False)
    kind = gr.Textbox("shuffle", label="damage", visible=False)
    strength = gr.Number(0.5, label="strength", visible=False)
    gr.Button(visible=False).click(
        vit_compare,
        [image, kind, strength],
        [facts, file],
        api_name="vit_compare",
        api_visibility="public",
        **NETWORK,
    )
