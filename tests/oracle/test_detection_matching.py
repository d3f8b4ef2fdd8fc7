"""Matching, its costs and the loss against the library, torch and scipy; suppression against its definition."""

import itertools

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linear_sum_assignment
from transformers.loss.loss_for_object_detection import generalized_box_iou
from transformers.loss.loss_lw_detr import LwDetrForObjectDetectionLoss, LwDetrHungarianMatcher

from models.detection.boxes import Prediction, corners
from models.detection.matching import LossSettings, generalised_iou, loss_terms, match
from models.detection.network import preprocess
from models.detection.suppression import suppress
from models.detection.trace import trace_detection
from models.errors import InputError
from tests.detectors import stirred, tiny_detector

CONFIG = tiny_detector().network.config
SETTINGS = LossSettings.of(CONFIG)
LABELS = ("cat", "dog", "cup")


def random_prediction(seed, queries=10):
    rng = np.random.default_rng(seed)
    boxes = np.concatenate([rng.uniform(0.1, 0.9, (queries, 2)), rng.uniform(0.02, 0.5, (queries, 2))], 1)
    return Prediction(rng.normal(0, 2, (queries, 3)).astype(np.float32), boxes.astype(np.float32), (40, 60), LABELS)


def random_truth(seed, count):
    rng = np.random.default_rng([seed, 1])
    boxes = np.concatenate([rng.uniform(0.1, 0.9, (count, 2)), rng.uniform(0.02, 0.5, (count, 2))], 1)
    return boxes.astype(np.float32), rng.integers(0, 3, count).tolist()


def as_library(prediction, boxes, classes):
    outputs = {
        "logits": torch.from_numpy(prediction.logits)[None],
        "pred_boxes": torch.from_numpy(prediction.boxes_cxcywh)[None],
    }
    return outputs, [{"class_labels": torch.tensor(classes), "boxes": torch.from_numpy(boxes)}]


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10_000), count=st.integers(1, 10))
def test_the_matching_is_the_librarys_and_scipys(seed, count):
    prediction, (boxes, classes) = random_prediction(seed), random_truth(seed, count)
    ours = match(prediction, boxes, classes, SETTINGS)
    matcher = LwDetrHungarianMatcher(CONFIG.class_cost, CONFIG.bbox_cost, CONFIG.giou_cost)
    queries, truths = matcher(*as_library(prediction, boxes, classes), group_detr=1)[0]
    assert dict(zip(truths.tolist(), queries.tolist(), strict=True)) == dict(enumerate(ours.matched.tolist()))
    rows, columns = linear_sum_assignment(ours.totals)
    assert ours.totals[ours.matched, np.arange(count)].sum() == pytest.approx(ours.totals[rows, columns].sum())


def test_no_other_assignment_is_cheaper():
    prediction, (boxes, classes) = random_prediction(3, queries=6), random_truth(3, 3)
    totals = match(prediction, boxes, classes, SETTINGS).totals
    best = min(totals[list(queries), range(3)].sum() for queries in itertools.permutations(range(6), 3))
    matched = match(prediction, boxes, classes, SETTINGS).matched
    assert totals[matched, range(3)].sum() == pytest.approx(best)


def test_every_term_is_as_published():
    prediction, (boxes, classes) = random_prediction(5), random_truth(5, 4)
    ours = match(prediction, boxes, classes, SETTINGS)
    (class_weight, l1_weight, giou_weight) = ours.weights
    assert ours.weights == (CONFIG.class_cost, CONFIG.bbox_cost, CONFIG.giou_cost) == (2, 5, 2)
    found, truth = torch.from_numpy(prediction.boxes_cxcywh).double(), torch.from_numpy(boxes).double()
    np.testing.assert_allclose(ours.l1_costs, l1_weight * torch.cdist(found, truth, p=1), atol=1e-6)
    giou = generalized_box_iou(torch.from_numpy(corners(found.numpy())), torch.from_numpy(corners(truth.numpy())))
    np.testing.assert_allclose(ours.giou_costs, -giou_weight * giou, atol=1e-6)
    p = torch.from_numpy(prediction.logits).double().sigmoid()[:, classes]
    focal = -0.25 * (1 - p) ** 2 * p.log() + 0.75 * p**2 * (1 - p).log()
    np.testing.assert_allclose(ours.class_costs, class_weight * focal, atol=1e-5)


def test_two_boxes_at_one_place_get_two_queries():
    prediction, (boxes, classes) = random_prediction(7), random_truth(7, 1)
    matched = match(prediction, np.repeat(boxes, 2, 0), classes * 2, SETTINGS).matched
    assert len(set(matched.tolist())) == 2


@pytest.mark.parametrize("count", [0, 11])
def test_no_boxes_or_more_than_queries_are_refused(count):
    with pytest.raises(InputError, match="between 1 and 10"):
        match(random_prediction(0), *random_truth(0, count), SETTINGS)


def test_generalised_iou_of_known_boxes():
    one = np.array([0.0, 0, 2, 2])
    assert generalised_iou(one, one) == pytest.approx(1)
    assert generalised_iou(one, np.array([1.0, 0, 3, 2])) == pytest.approx(1 / 3)
    assert generalised_iou(one, np.array([4.0, 0, 6, 2])) == pytest.approx(-1 / 3)


def test_the_loss_is_that_of_the_training_for_the_last_layer():
    prediction, (boxes, classes) = random_prediction(9), random_truth(9, 3)
    outputs, targets = as_library(prediction, boxes, classes)
    config = type(CONFIG)(**{**CONFIG.to_dict(), "auxiliary_loss": False, "group_detr": 1})
    total, _, _ = LwDetrForObjectDetectionLoss(
        outputs["logits"],
        targets,
        "cpu",
        outputs["pred_boxes"],
        config,
        enc_outputs_class=outputs["logits"],
        enc_outputs_coord=outputs["pred_boxes"],
    )
    # the same answers stand in for the proposals, so that the whole loss is twice that of one stage
    assert sum(loss_terms(prediction, boxes, classes, SETTINGS).values()) == pytest.approx(float(total) / 2, rel=1e-5)


# Suppression


@pytest.fixture(scope="module")
def trace():
    image = np.random.default_rng(0).integers(0, 256, (56, 56, 3), np.uint8)
    return trace_detection(stirred(tiny_detector()), image)


def overlap(one, other):
    low, high = np.maximum(one[:2], other[:2]), np.minimum(one[2:], other[2:])
    both = np.prod(np.maximum(high - low, 0))
    return both / (np.prod(one[2:] - one[:2]) + np.prod(other[2:] - other[:2]) - both)


@pytest.mark.parametrize("iou", [0.1, 0.5, 0.9])
def test_suppression_keeps_what_overlaps_no_better_box_of_its_class(trace, iou):
    stages = suppress(trace, 0.2, iou)
    assert [stage.name for stage in stages] == ["proposals", "layer 1", "layer 2"]
    for stage in stages:
        kept = []
        for place, (box, label) in enumerate(zip(stage.found.corners, stage.found.classes, strict=True)):
            if all(overlap(box, stage.found.corners[k]) <= iou for k in kept if stage.found.classes[k] == label):
                kept.append(place)
        assert np.flatnonzero(stage.kept).tolist() == kept


def test_the_last_stage_is_the_answer_and_an_impossible_threshold_leaves_nothing(trace):
    detector = stirred(tiny_detector())
    image = np.random.default_rng(0).integers(0, 256, (56, 56, 3), np.uint8)
    with torch.no_grad():
        answer = detector(preprocess(image, 56))
    centre, half = answer.pred_boxes[0, :, :2], answer.pred_boxes[0, :, 2:] / 2
    seen = ((centre + half > 0) & (centre - half < 1)).all(1)  # the picture is from 0 to 1
    best = float(answer.logits[0][seen].sigmoid().max())
    assert suppress(trace, 0.5, 0.5)[-1].found.scores.max() == pytest.approx(best, abs=1e-4)
    assert all(len(stage.found) == 0 == len(stage.kept) for stage in suppress(trace, 1.0, 0.5))
