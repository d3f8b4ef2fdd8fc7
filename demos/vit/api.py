"""Public endpoints of the ViT tab that look at one picture, whole or damaged."""

import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from gradio.utils import get_upload_folder
from PIL import Image

from demos.base import ready_model, save_arrays
from demos.tab import chosen_from, models_of
from demos.views.vit import MAX_TRAVELLING_TOKENS, TOP, answers, logit_lens
from demos.vit.damage_handlers import ROLLOUT, TOGETHER, categories, check_wish
from demos.vit.shared import EMBEDDED
from models.errors import InputError
from models.images import read_image
from models.inputs import check_choice, check_integer, check_number
from models.vit.calibration import calibration_of
from models.vit.damage import DAMAGES

if TYPE_CHECKING:
    from models.compute import Run
    from models.vit.trace import VitTrace

ARRAYS = ("image", "attention", "tokens", "embeddings", "positions", "probabilities", "lens")


@chosen_from(model=models_of("vit"))
def vit_classify(image: str | None, model: str = EMBEDDED) -> dict[str, Any]:
    """Categories of a picture by a Vision Transformer, most probable first.

    Args:
        image: an uploaded picture of at most 20 MB and 8 megapixels (JPEG photos 50, HEIC 16).

        model: a name of the ViT tab.

    Returns:
        {"model", "seconds", "top": five of {"label", "probability": the network's softmax, "calibrated": how often such
        an answer is right, as fitted on held-out photos}, "probably_none": whether the first is so unsure that the
        picture probably shows none of the categories}. For models that were not calibrated both numbers are the same.
    """
    picture = read_image(image)
    from models.vit.trace import classify_picture

    name = ready_model(model, "vit")
    found = classify_picture(name, picture, TOP)
    best = [
        {"label": label, "probability": probability, "calibrated": sure}
        for (label, probability), sure in zip(found.top, found.sure, strict=True)
    ]
    none = found.sure[0] < calibration_of(name).doubtful
    return {"model": name, "seconds": round(found.run.seconds, 4), "top": best, "probably_none": none}


@chosen_from(model=models_of("vit"))
def vit_trace(image: str | None, model: str, size: float) -> tuple[dict[str, Any], str]:
    """Everything a Vision Transformer computes for a picture.

    Args:
        image: an uploaded picture of at most 20 MB and 8 megapixels (JPEG photos 50, HEIC 16).
        model: a name of the ViT tab.
        size: side in pixels of the square that the network sees, a multiple of its patch size; 0 for the size it was
            trained for. At most 324 patches.

    Returns:
        {"model", "seconds", "size", "grid", "tokens", "layers", "heads", "top", "lens"} and a compressed .npz file of
        `image [size, size, 3]` uint8 and, in float32, `attention [layers, heads, T, T]` (rows sum to 1),
        `tokens [layers + 1, T, D]` (before the first and after every layer), `embeddings [T - 1, D]`,
        `positions [T, D]`, `probabilities [C]`, `lens [layers + 1, C]`; and `labels [C]`, text.
    """
    picture = read_image(image)
    name = ready_model(model, "vit")
    from models.vit.trace import trace_picture

    result = trace_picture(name, picture, size=_check_size(name, size))
    trace = result.trace
    layers, heads, tokens, _ = trace.attention.shape
    facts = {
        "model": name,
        "seconds": round(result.run.seconds, 4),
        "size": len(trace.image),
        "grid": list(trace.grid),
        "tokens": tokens,
        "layers": layers,
        "heads": heads,
        "top": [asdict(answer) for answer in answers(trace.top(TOP))],
        "lens": [asdict(answer) for answer in logit_lens(trace)],
    }
    return facts, str(_save(trace))


def _check_size(model: str, size: Any) -> int:
    """The size asked for in whole patches that give a file of a size that can be handed over, or `InputError`."""
    from models.vit.trace import sizes_of

    patch, trained = sizes_of(model)
    most = int((MAX_TRAVELLING_TOKENS - 1) ** 0.5) * patch
    size = check_integer(size, name="The size", low=0, high=most) or trained
    if size % patch:
        raise InputError(f"The size must be a multiple of {patch} pixels, at most {most}.")
    return size


def _save(trace: "VitTrace") -> Path:
    arrays = {name: getattr(trace, name) for name in ARRAYS}
    return save_arrays("vit.npz", **arrays, labels=np.array(trace.labels, dtype=np.str_))


def vit_compare(image: str | None, damage: str = "shuffle", strength: float = 0.5) -> tuple[dict[str, Any], str]:
    """A picture, damaged, as a Vision Transformer and a CNN answer it; both are given the same pixels.

    Args:
        image: an uploaded picture; its middle square, shrunk to 224 x 224, is damaged.
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
    from models.vit.curve import measure_point

    found = measure_point(wish, strength)
    (point,), category = found.points, found.category
    said = {
        "vit": _compared(found.vit, point.vit.probabilities, category),
        "cnn": _compared(found.cnn, point.cnn.probabilities, category),
    }
    facts = {"damage": kind, "strength": strength, "meaning": DAMAGES[kind].unit(strength)}
    return {**facts, "category": categories()[category], **said}, str(_saved(point.pixels))


def _compared(run: "Run", probabilities: np.ndarray, category: int) -> dict[str, Any]:
    order = np.argsort(-probabilities, kind="stable")[:TOP]
    return {
        "model": run.model,
        "seconds": round(run.seconds, 4),
        "confidence": float(probabilities[category]),
        "top": [{"label": categories()[i], "probability": float(probabilities[i])} for i in order],
    }


def _saved(pixels: np.ndarray) -> Path:
    folder = Path(get_upload_folder())
    folder.mkdir(parents=True, exist_ok=True)
    path = Path(tempfile.mkdtemp(dir=folder)) / "damaged.png"
    Image.fromarray(pixels).save(path)
    return path
