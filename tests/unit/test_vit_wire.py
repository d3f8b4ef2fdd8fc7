"""What the first views of the ViT tab take over the wire, by the embedded network."""

from dataclasses import replace

from demos.vit import features, steps
from demos.vit.shared import EMBEDDED, example_pictures
from tests.travelled import travelled

ELEPHANT = str(example_pictures()["An elephant"])
ROW_BYTES = 12 * 7 * (257 + 4)
"""The attention of one looking token, which the first view asks for: its steps and largest weights."""


def test_a_trace_at_224_pixels_takes_no_more_than_900_kilobytes():
    *_, (answers, patches, attention, walked, *_) = steps.compute_vit(ELEPHANT, EMBEDDED, 0, "kept")
    assert travelled(answers, patches, attention, walked) + ROW_BYTES <= 900_000


def test_what_patches_know_takes_no_more_than_a_megabyte():
    *_, (view, *_) = features.compute_features(ELEPHANT, None, EMBEDDED)
    first = replace(view, steps=view.steps[-1:])  # a layer's features are fetched when its patches are compared
    assert travelled(first) <= 1_000_000
