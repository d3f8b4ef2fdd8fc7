"""Several calls computed as one batch give what they give one by one, within 1e-4 of every number."""

import numpy as np
import pytest
from PIL import Image

from demos.base import EXAMPLES
from models.compute import BATCHES

pytestmark = pytest.mark.slow

TOLERANCE = 1e-4
PICTURES = [np.asarray(Image.open(EXAMPLES / name).convert("RGB")) for name in ("lion.jpg", "cheetah1.jpg", "bus.png")]


def test_pictures_are_classified_in_one_pass():
    from models.vit.trace import classify_picture, classify_pictures

    calls = [("vit-s14-caltech101", picture, count) for picture, count in zip(PICTURES, (3, 5, 101), strict=True)]
    for together, call in zip(classify_pictures(calls), calls, strict=True):
        alone = classify_picture(*call)
        assert [name for name, _ in together.top] == [name for name, _ in alone.top]
        assert [one for _, one in together.top] == pytest.approx([one for _, one in alone.top], abs=TOLERANCE)


def test_boxes_are_found_in_one_pass():
    from models.detection.detect import find_boxes, find_boxes_of_all

    calls = [("rf-detr-s14-objects", picture) for picture in PICTURES]
    for together, call in zip(find_boxes_of_all(calls), calls, strict=True):
        alone = find_boxes(*call)
        np.testing.assert_allclose(together.prediction.boxes_cxcywh, alone.prediction.boxes_cxcywh, atol=TOLERANCE)
        np.testing.assert_allclose(together.prediction.logits, alone.prediction.logits, atol=10 * TOLERANCE)
        assert together.prediction.size == alone.prediction.size


TEXTS = ("The cat sat on the mat.", "It was the best of times, it was the worst of times, it was", "Yes")


def test_texts_are_traced_in_one_pass():
    from models.attention.runs import run_text, trace_text, trace_texts

    calls = [("all-minilm-l6-v2", text) for text in TEXTS]
    forget(calls)
    together, kept = trace_texts(calls), [run_text(*call).run for call in calls]
    forget(calls)
    for traced, run, call in zip(together, kept, calls, strict=True):
        (one,), (other,) = traced.attention.traces, trace_text(*call).attention.traces
        assert one.tokens == other.tokens
        np.testing.assert_allclose(one.attention, other.attention, atol=TOLERANCE)
        assert_same_run(run, run_text(*call).run)
    assert len({traced.run.seconds for traced in together}) == 1


def forget(calls):
    from models.attention.runs import RUNS, name_of

    for call in calls:
        RUNS.discard(name_of(*call))


def assert_same_run(one, other):
    np.testing.assert_allclose(one.stream["encoder"], other.stream["encoder"], atol=TOLERANCE)
    np.testing.assert_allclose(one.embedded, other.embedded, atol=TOLERANCE)
    assert (one.logits is None) == (other.logits is None)
    for place, attended in other.attended.items():
        for name, tensor in vars(attended).items():
            found = getattr(one.attended[place], name)
            np.testing.assert_allclose(found, tensor, atol=10 * TOLERANCE, err_msg=f"{place} {name}")
            assert found.untyped_storage().nbytes() == found.nbytes, "one text must not keep the whole batch"


def test_only_encoders_run_texts_together():
    from models.attention.runs import trace_text

    takes = BATCHES[f"{trace_text.__module__}.{trace_text.__name__}"].takes
    assert [takes(model, "") for model in ("all-minilm-l6-v2", "gpt2", "translator-en-fr")] == [True, False, False]


def test_these_are_all_there_are():
    known = ("models.vit.trace.classify_picture", "models.detection.detect.find_boxes")
    assert set(BATCHES) >= {*known, "models.attention.runs.trace_text"}
