"""The page "Why this box?": what its figures carry, kept runs, requests that are wrong, the public explanation."""

import base64
import dataclasses
import json

import numpy as np
import pytest

from demos import wire
from demos.detection import api
from demos.detection import picture as page
from demos.detection import questions as runs
from demos.views import detection_trace as views
from demos.views.detection_explained import arrays_of, history_of_boxes
from demos.views.detection_measured import KIND_NAMES, table_of_sizes, table_of_stages, table_of_windows
from demos.views.explorer import pack_rows
from demos.wire import to_wire
from models.compute import Run
from models.detection.boxes import Prediction, corners
from models.detection.detect import Explained, explain_boxes
from models.detection.matching import LossSettings, loss_terms, match
from models.detection.network import detect
from models.detection.suppression import suppress
from models.detection.trace import trace_detection
from models.detection.unseen import Unseen
from models.errors import InputError
from models.images import read_image
from models.recipes.detection import by_layer, by_size, by_window
from models.recipes.detection.scenes import Scene
from tests.detectors import stirred, tiny_detector


@pytest.fixture(scope="module")
def detector():
    return stirred(tiny_detector())


@pytest.fixture(scope="module")
def picture():
    return np.random.default_rng(0).integers(0, 256, (40, 60, 3), np.uint8)


@pytest.fixture(scope="module")
def trace(detector, picture):
    return trace_detection(detector, picture)


@pytest.fixture
def run(trace, detector):
    runs.TRACES.put(explained(trace, detector), "a run")
    yield "a run"
    runs.TRACES.discard("a run")


def explained(trace, detector):
    run = Run("tiny", "Tiny", 1, "here", "cpu", 0.1)
    return Explained(trace, LossSettings.of(detector.network.config), run, "tiny", np.zeros((40, 60, 3), np.uint8))


# Views


def test_the_view_carries_the_whole_way_and_leaves_the_picture_alone(trace, picture):
    before = picture.copy()
    view = views.view_of_trace(trace, picture, "name")
    np.testing.assert_array_equal(picture, before)
    json.dumps(to_wire(view))
    assert (view.width, view.height) == (60, 40)
    assert view.stages == ["proposal", "reference", "layer 1", "layer 2"]
    np.testing.assert_array_equal(view.boxes[0], trace.proposals.boxes_cxcywh[trace.proposals.chosen])
    np.testing.assert_array_equal(view.boxes[1], trace.references_cxcywh)
    np.testing.assert_array_equal(view.boxes[2:], trace.boxes_cxcywh)
    np.testing.assert_array_equal(view.logits[0], trace.proposals.logits[trace.proposals.chosen])
    np.testing.assert_array_equal(view.logits[1:], trace.logits)
    np.testing.assert_array_equal(view.moves[0], trace.shifts)
    np.testing.assert_array_equal(view.moves[1:], trace.deltas)
    np.testing.assert_array_equal(view.points[..., :2], trace.points_xy)
    np.testing.assert_array_equal(view.points[..., 2], trace.weights)
    assert view.proposals.scores.shape == (16,)
    assert view.proposals.scores.max() <= 1


def fetched(handle):
    """The bytes behind a handle or the address of a picture."""
    if isinstance(handle, dict) and "data" in handle:
        return b""
    name = handle["array"] if isinstance(handle, dict) else handle.removeprefix("arrays/")
    return wire.ARRAYS.find(name).content


def test_the_first_view_of_a_picture_is_small():
    picture = read_image(str(page.EXAMPLES["Ten things"]))
    explained = explain_boxes("rf-detr-s14-objects", picture)
    sent = to_wire(views.view_of_trace(explained.trace, picture, "a" * 22))
    at_first = [sent["image"], sent["logits"], sent["boxes"], sent["moves"]]
    at_first += [sent["proposals"]["scores"], sent["proposals"]["chosen"]]
    event = len(json.dumps(sent))
    assert 2 * event + sum(len(fetched(handle)) for handle in at_first) < 300_000, "every event comes twice"
    assert len(fetched(sent["points"])) > 0, "the points wait until they are looked at"


def queries_that_point_into(prediction):
    """Queries whose box has a part inside of the picture."""
    inside = corners(prediction.boxes_cxcywh).clip(0, 1)
    return np.flatnonzero((inside[:, 2:] > inside[:, :2]).all(1)).tolist()


def test_candidates_are_the_answer_of_the_model_without_a_threshold(trace, picture):
    candidates = views.view_of_trace(trace, picture, "name").candidates
    assert {c.query for c in candidates} == set(queries_that_point_into(trace.prediction))
    assert [c.score for c in candidates] == sorted((c.score for c in candidates), reverse=True)
    for candidate in candidates:
        expected = corners(trace.prediction.boxes_cxcywh[candidate.query])
        np.testing.assert_allclose(candidate.box, expected.clip(0, 1), atol=1e-4)


def test_rows_of_a_patch_are_packed_to_within_a_hundredth_of_their_largest(trace):
    expected = trace.backbone.rows_of(7)
    packed = pack_rows(expected)
    largest = packed.largest[..., None]
    assert (np.abs((packed.steps / 255.0) ** 2 * largest - expected) <= 0.01 * largest).all()


def test_the_patches_view_begins_at_the_best_box_and_speaks_of_windows(trace, picture):
    drawn = views.view_of_patches(trace, picture, "name")
    best = trace.prediction.boxes_cxcywh[trace.prediction.logits.max(-1).argmax()]
    (view,) = drawn.views
    assert view.token == trace.backbone.patch_at(*best[:2])
    assert np.array_equal(view.chosen.steps, pack_rows(trace.backbone.rows_of(view.token)).steps)
    assert drawn.note == ""
    windowed = trace_detection(stirred(tiny_detector(windows=2)), picture)
    assert "2 x 2 windows" in views.view_of_patches(windowed, picture, "name").note


def test_the_cost_table_begins_with_the_matched_query_and_names_other_owners(trace, detector):
    boxes, classes = np.array([[0.5, 0.5, 0.2, 0.2]] * 2, np.float32), [0, 0]
    settings = LossSettings.of(detector.network.config)
    matching = match(trace.prediction, boxes, classes, settings)
    view = views.view_of_matching(trace, matching, loss_terms(trace.prediction, boxes, classes, settings))
    for truth, rows in enumerate(view.truths):
        assert rows[0].query == matching.matched[truth]
        assert len(rows) == 1 + views.NEXT_BEST
        assert [row.total for row in rows[1:]] == sorted(row.total for row in rows[1:])
        for row in rows:
            assert row.total == pytest.approx(row.class_cost + row.l1 + row.giou, abs=0.002)
    owners = {row.query: row.matched for rows in view.truths for row in rows}
    assert [owners[query] for query in matching.matched] == [0, 1]


def test_suppression_is_drawn_in_shares_of_the_picture(trace):
    stages = suppress(trace, 0.3, 0.5)
    view = views.view_of_suppression(stages, stages)
    last = stages[-1].found
    np.testing.assert_allclose(view.stages[-1].boxes[0].box, last.corners[0], atol=1e-4)
    assert [len(stage.boxes) for stage in view.stages] == [len(stage.found) for stage in stages]
    assert view.said == ""
    removed = int((~stages[-1].kept).sum())
    said = views.view_of_suppression(stages, stages, overlap=0.5).said
    assert f"removes {removed} of {len(last)} here" in said and "after NMS at 50 %" in said


def test_sizes_say_what_was_measured_and_what_was_published():
    stored = json.loads(by_size.FIGURES.read_text())
    drawn = table_of_sizes(stored)
    assert set(stored["kinds"]) < set(KIND_NAMES)
    assert "Measured for rf-detr-s14-objects" in drawn
    assert "Published, on COCO val" in drawn
    assert f"{100 * stored['kinds']['hands']['ap']:.1f}" in drawn
    assert "by_size" in stored["command"]


def test_the_table_of_parts_shows_what_is_stored():
    stored = json.loads(by_window.FIGURES.read_text())
    drawn = table_of_windows(stored)
    assert set(stored["kinds"]) < set(KIND_NAMES)
    for found in stored["kinds"].values():
        assert found["model"] in drawn
        assert f"{100 * found['whole']['ap']:.1f}" in drawn
        assert f"{100 * found['closer']['ap']:.1f}" in drawn
    assert stored["command"] in drawn


def test_the_card_of_everyday_things_has_what_is_stored_of_parts():
    from models.weights import EMBEDDED

    photos = json.loads(by_window.FIGURES.read_text())["kinds"]["photos"]
    card = " ".join((EMBEDDED / photos["model"] / "README.md").read_text().split())
    for found in (photos["whole"], photos["closer"]):
        assert f"AP {found['ap']:.3f}" in card
        assert f"AP50 {found['ap50']:.3f}" in card
    assert all(f"{label} {one['ap50']:.3f}" in card for label, one in photos["closer"]["classes"].items())


def test_parts_are_measured_beside_the_whole_on_the_same_pictures(detector, picture):
    found = detect(detector, picture, 0.0)
    truth = found.pixels(picture.shape[:2])[:1]
    scene = Scene(picture, truth, (found.names[0],))
    measured = by_window.compare(detector, [scene, scene])
    assert [measured[way]["images"] for way in ("whole", "closer")] == [2, 2]
    assert measured["whole"] == by_size.rounded(
        by_size.average_precision([scene, scene], lambda image: detect(detector, image, 0.0), detector.labels)
    )


def test_the_table_of_layers_shows_what_is_stored():
    stored = json.loads(by_layer.FIGURES.read_text())
    drawn = table_of_stages(stored)
    assert [stage["stage"] for stage in stored["stages"]] == ["proposals", "layer 1", "layer 2", "layer 3"]
    assert all(f"{100 * stage['ap_nms']:.1f}" in drawn for stage in stored["stages"])
    assert f"{stored['scenes']} held-out" in drawn


def test_every_stage_is_measured_with_and_without_suppression(detector, picture):
    scene = Scene(picture, np.array([[5, 5, 30, 30]], np.float32), ("cat",))
    measured = by_layer.measure(detector, [scene, scene])
    trace = trace_detection(detector, picture)
    stages = suppress(trace, by_layer.SCORE, by_layer.OVERLAP)
    assert [one["stage"] for one in measured] == [stage.name for stage in stages]
    assert [one["boxes"] for one in measured] == [2 * len(stage.found) for stage in stages]
    assert [one["removed"] for one in measured] == [2 * int((~stage.kept).sum()) for stage in stages]


def test_the_weights_in_the_text_are_those_of_the_model():
    from models.weights import EMBEDDED

    config = json.loads((EMBEDDED / "rf-detr-s14-objects" / "config.json").read_text())
    assert (config["class_cost"], config["bbox_cost"], config["giou_cost"]) == (2, 5, 2)
    assert r"2\, c_{\text{class}}" in page.MATCHING
    assert config["decoder_layers"] == 3
    assert config["decoder_n_points"] == 2


# Kept runs


def test_a_kept_run_answers_all_four_questions(run, trace):
    rows = runs.query_rows({"run": run, "query": 3})
    weights = np.frombuffer(base64.b64decode(rows["weights"]["data"]), np.float16).reshape(2, 2, 10)
    np.testing.assert_allclose(weights, trace.self_attention[:, :, 3], rtol=1e-3, atol=1e-7)
    assert set(runs.attention_rows({"run": run, "token": 0})) == {"steps", "largest"}
    stages = runs.suppress_boxes({"run": run, "threshold": 0.5, "iou": 0.5})["stages"]
    assert [stage["name"] for stage in stages] == ["proposals", "layer 1", "layer 2"]
    answer = runs.match_boxes({"run": run, "boxes": [[0.1, 0.1, 0.4, 0.5]], "labels": ["cup"]})
    assert set(answer) == {"truths", "weights", "loss"}
    json.dumps(answer)


BOX = [0.1, 0.1, 0.4, 0.5]


@pytest.mark.parametrize(
    ("question", "request_", "sentence"),
    [
        (runs.query_rows, None, "A run must be named"),
        (runs.query_rows, {"run": 3}, "A run must be named"),
        (runs.query_rows, {"run": "another", "query": 0}, "no longer kept"),
        (runs.query_rows, {"run": "a run"}, "The query"),
        (runs.query_rows, {"run": "a run", "query": 10}, "The query"),
        (runs.query_rows, {"run": "a run", "query": -1}, "The query"),
        (runs.query_rows, {"run": "a run", "query": True}, "The query"),
        (runs.query_rows, {"run": "a run", "query": 1.5}, "The query"),
        (runs.attention_rows, {"run": "a run", "token": 17}, "The token"),
        (runs.attention_rows, {"run": "a run", "token": None}, "The token"),
        (runs.suppress_boxes, {"run": "a run", "threshold": 2, "iou": 0.5}, "The threshold"),
        (runs.suppress_boxes, {"run": "a run", "threshold": 0.5, "iou": float("nan")}, "The overlap"),
        (runs.suppress_boxes, {"run": "a run", "threshold": "0.5", "iou": 0.5}, "The threshold"),
        (runs.match_boxes, {"run": "a run"}, "The boxes must be a list"),
        (runs.match_boxes, {"run": "a run", "boxes": [], "labels": []}, "The boxes must be a list"),
        (runs.match_boxes, {"run": "a run", "boxes": [BOX] * 21, "labels": ["cat"] * 21}, "1 to 20"),
        (runs.match_boxes, {"run": "a run", "boxes": [BOX] * 11, "labels": ["cat"] * 11}, "between 1 and 10"),
        (runs.match_boxes, {"run": "a run", "boxes": [BOX], "labels": ["cat", "cup"]}, "one label"),
        (runs.match_boxes, {"run": "a run", "boxes": [BOX], "labels": ["whale"]}, "The label must be one of"),
        (runs.match_boxes, {"run": "a run", "boxes": [BOX], "labels": [["cat"]]}, "The label must be one of"),
        (runs.match_boxes, {"run": "a run", "boxes": [[0.1, 0.1, 0.4]], "labels": ["cat"]}, "four numbers"),
        (runs.match_boxes, {"run": "a run", "boxes": ["box"], "labels": ["cat"]}, "four numbers"),
        (runs.match_boxes, {"run": "a run", "boxes": [[0.4, 0.1, 0.1, 0.5]], "labels": ["cat"]}, "wider and higher"),
        (runs.match_boxes, {"run": "a run", "boxes": [[0, 0, 2, 1]], "labels": ["cat"]}, "A side of a box"),
        (runs.match_boxes, {"run": "a run", "boxes": [[0, 0, None, 1]], "labels": ["cat"]}, "A side of a box"),
    ],
)
def test_a_bad_question_is_answered_with_one_sentence(run, question, request_, sentence):
    answer = question(request_)
    assert set(answer) == {"error"}
    assert sentence in answer["error"]


def test_old_runs_go_when_all_take_too_much(trace, detector, monkeypatch):
    each = explained(trace, detector)
    monkeypatch.setattr(runs.TRACES, "budget_bytes", 2.5 * (trace.nbytes() + each.image.nbytes))
    for name in ("b", "c", "d"):
        runs.TRACES.put(explained(trace, detector), name)
        runs.query_rows({"run": "b", "query": 0})  # looked at, so it stays
    assert [name for name in "bcd" if name in runs.TRACES] == ["b", "d"]
    for name in "bd":
        runs.TRACES.discard(name)


# The public explanation


def test_an_explanation_has_every_box_with_its_history_in_pixels(trace):
    prediction = trace.prediction
    sure = Prediction(prediction.logits + 20, prediction.boxes_cxcywh, prediction.size, prediction.labels)
    boxes = history_of_boxes(dataclasses.replace(trace, prediction=sure), 0.5, 3)
    assert len(boxes) == len(queries_that_point_into(prediction)) > 5
    first = boxes[0]
    query = first["query"]
    np.testing.assert_allclose(first["layers"][-1]["box_xyxy"], first["box_xyxy"], atol=0.02)
    inside = corners(prediction.boxes_cxcywh[query]).clip(0, 1)
    np.testing.assert_allclose(first["box_xyxy"], inside * [60, 40, 60, 40], atol=0.02)
    np.testing.assert_allclose(np.array(first["points"])[..., 2].sum(-1), 1, atol=0.01)
    assert len(first["attended"]) == 3
    assert first["attended"][0]["weight"] >= first["attended"][1]["weight"]
    assert first["proposal"]["row"] * 4 + first["proposal"]["column"] == trace.proposals.chosen[query]
    json.dumps(boxes)


def test_the_file_has_all_that_is_documented(trace):
    arrays = arrays_of(trace)
    assert arrays["backbone_attention"].shape == (4, 2, 17, 17)
    np.testing.assert_allclose(arrays["backbone_attention"].sum(-1), 1, atol=0.01)
    for name in arrays:
        assert f"`{name}" in api.detection_explain.__doc__, name


@pytest.mark.parametrize("classes", ["ace", 3, {"a": 1}, ["whale"], [3], [None], [["ace"]], ["ace"] * 101])
def test_classes_that_are_none_are_refused(classes):
    with pytest.raises(InputError, match="class"):
        api._check_classes(classes, ("ace", "king"))


@pytest.mark.parametrize(
    ("classes", "expected"), [(None, ["ace", "king"]), ([], ["ace", "king"]), (["king"], ["king"])]
)
def test_no_classes_are_all_classes(classes, expected):
    assert api._check_classes(classes, ("ace", "king")) == expected


# Queries hidden from each other


def test_a_hidden_query_is_seen_by_none_and_alone_each_sees_itself_only(detector, picture, trace):
    without = trace_detection(detector, picture, Unseen(query=3))
    alone = trace_detection(detector, picture, Unseen(alone=True))
    others = np.arange(len(trace.references_cxcywh)) != 3
    assert (without.self_attention[:, :, others, 3] == 0).all()
    assert (trace.self_attention[:, :, others, 3] > 0).all()
    np.testing.assert_allclose(without.self_attention.sum(-1), 1, atol=1e-5)
    np.testing.assert_allclose(alone.self_attention, np.broadcast_to(np.eye(10), alone.self_attention.shape), atol=0)
    assert np.abs(without.logits - trace.logits).max() > 1e-4
    np.testing.assert_array_equal(without.proposals.logits, trace.proposals.logits)
    again = trace_detection(detector, picture)
    np.testing.assert_array_equal(again.logits, trace.logits)


def test_hiding_nobody_by_the_mask_is_the_network_itself(detector, picture, trace):
    """Query 99 does not exist: the masked path with nothing hidden gives what the library's own attention gives."""
    found = trace_detection(detector, picture, Unseen(query=99))
    np.testing.assert_allclose(found.logits, trace.logits, atol=1e-5)
    np.testing.assert_allclose(found.boxes_cxcywh, trace.boxes_cxcywh, atol=1e-5)


def test_the_page_takes_a_query_out_and_says_who_answers_then():
    image = read_image(str(page.MEDIA / "detection-1.png"))
    found = explain_boxes("rf-detr-s14-objects", image)
    name = runs.TRACES.put(found)
    asked = {"run": name, "threshold": 0.5, "iou": 0.5}
    plain = runs.suppress_boxes(asked)
    first = plain["queries"][0]
    assert plain["said"] == "" and first["score"] > 0.5
    without = runs.suppress_boxes({**asked, "hidden": first["query"]})
    assert without["said"].startswith(f"Without query {first['query']} ({first['label']} ")
    alone = runs.suppress_boxes({**asked, "hidden": "alone"})
    assert alone["said"].startswith("No query sees another: ")
    assert len(alone["stages"][-1]["boxes"]) > len(plain["stages"][-1]["boxes"]), "the duplicates are back"
    for wrong in ("all", -1, 1000, 1.5, None):
        assert runs.suppress_boxes({**asked, "hidden": wrong})["error"].startswith("The query")
