"""The opening page: what the app is, one living picture of each idea, and two ways in.

Its pictures are computed by the models, once for the process (`models.kept`), when the first visitor looks.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from PIL import Image

from demos.tab import answering
from demos.views import entrance as views
from demos.views.entrance import LivingPicture
from models.compute import using
from models.images import read_image
from models.inputs import check_choice
from models.kept import KEEPING

TEXT = "The old house stood at the end of the lane, and the"
SENTENCE = "The animal didn't cross the street because it was too tired."
SPRITE, STEPS, SEED = "potion", 12, 0


def _memory() -> LivingPicture:
    from models.sequences.reading import read_text
    from models.text.symbols import ALPHABET

    trace = read_text("char-lstm", TEXT).trace
    best = int(trace.probabilities[-1].argmax())
    return views.view_of_memory(
        trace, {" ": "a blank"}.get(ALPHABET[best], ALPHABET[best]), float(trace.probabilities[-1, best])
    )


def _looks() -> LivingPicture:
    from models.attention.runs import trace_text

    return views.view_of_looks(trace_text("all-minilm-l6-v2", SENTENCE).attention.traces[0])


def _patches() -> LivingPicture:
    from demos.views.vit import readable
    from demos.vit.shared import FIRST
    from models.vit.trace import trace_picture

    trace = trace_picture("vit-s14-caltech101", read_image(str(FIRST))).trace
    return views.view_of_patches_seen(trace, readable(trace.top(1)[0][0]))


def _queries() -> LivingPicture:
    from demos.detection.api import THRESHOLD
    from demos.detection.picture import EXAMPLES as PICTURES
    from models.detection.boxes import postprocess
    from models.detection.detect import explain_boxes

    image = read_image(str(PICTURES["Six things"]))
    explained = explain_boxes("rf-detr-s14-objects", image)
    found = postprocess(explained.trace.prediction, THRESHOLD)
    small = np.asarray(
        Image.fromarray(image).resize((2 * views.SIDE, 2 * views.SIDE * image.shape[0] // image.shape[1]))
    )
    return views.view_of_queries(explained, small, found.queries, found.names)


def _denoising() -> LivingPicture:
    from models.diffusion.edits import begin
    from models.diffusion.sprites import denoise_entry
    from models.diffusion.trace import Plan, finished_sprites

    steps = [made.step for made in denoise_entry(begin(Plan(SPRITE, 1, STEPS, SEED)))]
    return views.view_of_denoising(np.concatenate([finished_sprites(step.x_0) for step in steps]), SPRITE)


PICTURES: dict[str, Callable[[], LivingPicture]] = {
    "sequences": _memory,
    "attention": _looks,
    "vit": _patches,
    "detection": _queries,
    "diffusion": _denoising,
}


@answering
def living_picture(request: dict[str, Any]) -> LivingPicture:
    """The living picture of a tab: `{"tab": slug}`."""
    tab = check_choice(request.get("tab"), list(PICTURES), name="The tab")
    with using(KEEPING):
        return PICTURES[tab]()
