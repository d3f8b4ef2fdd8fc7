"""Scenes whose boxes are exact, the rule of what is held out, average precision, the training cache, camera frames."""

import base64
import io

import numpy as np
import pyarrow
import pyarrow.compute
import pyarrow.parquet
import pytest
import supervision as sv
import torch
from PIL import Image
from transformers import RfDetrConfig, RfDetrForObjectDetection

from demos import detection as tab
from demos.figures.detection import draw_boxes, draw_candidates
from models.detection import evaluate, scenes, train
from models.detection.boxes import Prediction, corners, postprocess
from models.detection.network import detect, load_detector
from models.detection.trace import DetectionTrace, trace_detection
from models.errors import InputError
from tests.detectors import tiny_detector

RED = (255, 0, 0, 255)


def cutout(size=(24, 16), family="sprite", label="potion", key="potion red"):
    return scenes.Cutout(np.full((*size, 4), RED, np.uint8), label, family, key)


def png(array):
    buffer = io.BytesIO()
    Image.fromarray(array).save(buffer, "PNG")
    return buffer.getvalue()


def jpeg(array, quality=95):
    buffer = io.BytesIO()
    Image.fromarray(array).save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()


@pytest.fixture(scope="module")
def detector():
    return tiny_detector()


@pytest.fixture(scope="module")
def picture():
    return np.random.default_rng(0).integers(0, 256, (40, 60, 3), np.uint8)


# Scenes


def test_homography_takes_the_four_points_to_their_targets():
    source = np.array([[0, 0], [10, 1], [11, 9], [1, 12]], float)
    target = np.array([[3, 4], [20, 2], [18, 30], [0, 25]], float)
    a, b, c, d, e, f, g, h = scenes.homography(source, target)
    x, y = source.T
    found = np.stack([a * x + b * y + c, d * x + e * y + f]) / (g * x + h * y + 1)
    np.testing.assert_allclose(found.T, target, atol=1e-9)


@pytest.mark.parametrize("family", ["hand", "card", "sprite"])
def test_boxes_of_a_composed_scene_enclose_exactly_the_pasted_pixels(family):
    for seed in range(10):
        rng = np.random.default_rng(seed)
        background = np.zeros((200, 260, 3), np.uint8)
        scene = scenes.compose(background, [cutout(family=family)], rng)
        ys, xs = np.nonzero(scene.image[..., 0] > 60)
        left, top, right, bottom = scene.boxes_xyxy[0]
        assert abs(xs.min() - left) <= 1 and abs(xs.max() + 1 - right) <= 1
        assert abs(ys.min() - top) <= 1 and abs(ys.max() + 1 - bottom) <= 1
        assert not background.any()


def test_objects_hide_little_of_each_other():
    for seed in range(20):
        rng = np.random.default_rng(seed)
        boxes = scenes.compose(np.zeros((240, 320, 3), np.uint8), [cutout()] * 6, rng).boxes_xyxy
        pairs = [(i, j) for i in range(len(boxes)) for j in range(i)]
        assert all(scenes.covered(boxes[j], boxes[i]) <= scenes.MAX_COVERED + 0.05 for i, j in pairs)


def test_the_same_seed_gives_the_same_scene_and_another_seed_another():
    maker = scenes.SceneMaker(scenes.by_class([cutout()]))
    first, again, other = maker.scene(3), maker.scene(3), maker.scene(4)
    np.testing.assert_array_equal(first.image, again.image)
    np.testing.assert_array_equal(first.boxes_xyxy, again.boxes_xyxy)
    assert first.image.shape != other.image.shape or (first.image != other.image).any()


def test_a_varied_photograph_keeps_its_boxes_on_its_objects():
    image = np.full((120, 160, 3), 90, np.uint8)
    image[30:70, 40:100] = (250, 90, 90)
    scene = scenes.Scene(image, np.array([[40, 30, 100, 70]], np.float32), ("ace",))
    kept = 0
    for seed in range(30):
        varied = scenes.vary_photo(scene, np.random.default_rng(seed))
        if not varied.labels:
            continue
        kept += 1
        red = varied.image[..., 0] > varied.image[..., 2].astype(int) * 1.5
        ys, xs = np.nonzero(red)
        np.testing.assert_allclose(varied.boxes_xyxy[0], [xs.min(), ys.min(), xs.max() + 1, ys.max() + 1], atol=1)
    assert kept > 10


def test_about_one_key_in_eight_is_held_out_and_always_the_same():
    held = [scenes.is_held_out(f"key {i}") for i in range(4000)]
    assert 0.1 < np.mean(held) < 0.15
    assert held == [scenes.is_held_out(f"key {i}") for i in range(4000)]


@pytest.mark.parametrize("name", ["potion red", "potion red2", "potion_red_new", "Potion red 3", "potion red_old"])
def test_variants_of_a_sprite_share_their_key(name):
    assert scenes.sprite_key(name) in ("potion red", "potion_red")


def test_labels_and_boxes_must_agree():
    with pytest.raises(ValueError, match="2 labels"):
        scenes.Scene(np.zeros((4, 4, 3), np.uint8), np.zeros((1, 4), np.float32), ("a", "b"))


# Measuring


@pytest.fixture
def hands_file(tmp_path):
    image, mask = np.full((100, 100, 3), 180, np.uint8), np.zeros((100, 100), np.uint8)
    mask[20:90, 30:80] = 255
    rows = [
        {"key": f"{i}/x", "digit": i, "box_xyxy": [30, 20, 80, 90], "jpeg": jpeg(image), "mask_png": png(mask)}
        for i in range(6)
    ]
    path = tmp_path / "hands.parquet"
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows), path)
    return path


@pytest.fixture
def boxes_file(tmp_path):
    row = {"jpeg": jpeg(np.zeros((50, 60, 3), np.uint8)), "labels": ["ace"], "boxes_xyxy": [[1.0, 2.0, 30.0, 40.0]]}
    rows = [row | {"split": split} for split in ("train", "train", "test")]
    path = tmp_path / "cards.parquet"
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows), path)
    return path


def count(path, split, known=()):
    found = list(evaluate.scenes_of(path, split=split, seed=1, trained_on=set(known)))
    return sum(len(scene.labels) for scene in found)


@pytest.mark.parametrize(("split", "expected"), [("test", 4), ("train", 2), ("all", 6)])
def test_hands_count_unless_they_were_trained_on(hands_file, split, expected):
    assert count(hands_file, split, known=["0/x", "1/x", "not here"]) == expected


@pytest.mark.parametrize(("split", "expected"), [("test", 1), ("train", 2), ("all", 3)])
def test_photographs_count_by_their_split(boxes_file, split, expected):
    assert count(boxes_file, split) == expected


def test_a_file_of_photographs_without_a_test_part_counts_in_full(boxes_file):
    table = pyarrow.parquet.read_table(boxes_file)
    pyarrow.parquet.write_table(table.filter(pyarrow.compute.equal(table["split"], "train")), boxes_file)
    assert count(boxes_file, "test") == 2
    pyarrow.parquet.write_table(table.drop_columns(["split"]), boxes_file)
    assert count(boxes_file, "test") == 3


def test_a_label_the_model_does_not_know_is_said(boxes_file):
    found = evaluate.scenes_of(boxes_file, split="all", seed=0, trained_on=set())
    with pytest.raises(InputError, match="does not know ace"):
        evaluate.average_precision(found, lambda _: sv.Detections.empty(), ("nine",))


def test_hand_scenes_depend_on_the_seed_alone(hands_file):
    first, again = (list(evaluate.scenes_of(hands_file, split="all", seed=5, trained_on=set())) for _ in range(2))
    assert all((a.image == b.image).all() for a, b in zip(first, again, strict=True))
    assert {label for scene in first for label in scene.labels} == {f"digit {i}" for i in range(6)}


def test_a_file_of_another_kind_is_refused_with_its_columns(tmp_path):
    path = tmp_path / "other.parquet"
    pyarrow.parquet.write_table(pyarrow.table({"text": ["a"]}), path)
    with pytest.raises(InputError, match="must have the columns"):
        evaluate.scenes_of(path, split="all", seed=0, trained_on=set())


def found(boxes, classes, scores):
    return sv.Detections(np.array(boxes, np.float32).reshape(-1, 4), confidence=np.array(scores), class_id=classes)


def test_average_precision_of_perfect_shifted_and_missing_boxes():
    scene = scenes.Scene(np.zeros((100, 100, 3), np.uint8), np.array([[10, 10, 50, 50]], np.float32), ("ace",))
    labels = ("nine", "ace")
    perfect = evaluate.average_precision([scene], lambda _: found([10, 10, 50, 50], np.array([1]), [0.9]), labels)
    assert perfect == {"ap": pytest.approx(1), "ap50": pytest.approx(1), "images": 1}
    shifted = evaluate.average_precision([scene], lambda _: found([18, 10, 58, 50], np.array([1]), [0.9]), labels)
    assert shifted["ap50"] == pytest.approx(1)
    assert shifted["ap"] == pytest.approx(0.4)  # IoU 0.667: right at 0.50, 0.55, 0.60 and 0.65
    wrong = evaluate.average_precision([scene], lambda _: found([10, 10, 50, 50], np.array([0]), [0.9]), labels)
    assert wrong["ap50"] == 0
    nothing = evaluate.average_precision([scene], lambda _: sv.Detections.empty(), labels)
    assert nothing == {"ap": 0.0, "ap50": 0.0, "images": 1}


def test_nothing_to_measure_is_said():
    with pytest.raises(InputError, match="nothing to measure"):
        evaluate.average_precision([], lambda _: sv.Detections.empty(), ("ace",))


# Network and trace


def test_threshold_keeps_the_order_and_drops_the_weak():
    logits = np.array([[3.0, -9, -9], [-9, 1.0, 0.5], [-9, -9, -4.0]], np.float32)
    prediction = Prediction(logits, np.full((3, 4), 0.5, np.float32), (100, 200), ("a", "b", "c"))
    detections = postprocess(prediction, 0.5)
    assert detections.data["class_name"].tolist() == ["a", "b", "c"]
    assert detections.data["query"].tolist() == [0, 1, 1]
    np.testing.assert_allclose(detections.xyxy[0], [50, 25, 150, 75])
    assert len(postprocess(prediction, 1.0)) == 0


def test_a_trace_records_where_the_queries_looked_and_answers_as_a_plain_run_does(detector, picture):
    trace = trace_detection(detector, picture)
    assert trace.points_xy.shape == (2, 10, 4, 2, 2)
    np.testing.assert_allclose(trace.weights.sum(-1), 1, atol=1e-5)
    plain = detect(detector, picture, 0.0)
    np.testing.assert_allclose(postprocess(trace.prediction, 0.0).xyxy, plain.xyxy, atol=1e-3)
    assert not any(layer.cross_attn.attn._forward_pre_hooks for layer in detector.network.model.decoder.layers)


def test_a_trace_refuses_arrays_that_do_not_fit():
    prediction = Prediction(np.zeros((3, 2)), np.zeros((3, 4)), (4, 4), ("a", "b"))
    with pytest.raises(ValueError, match="references"):
        DetectionTrace(prediction, np.zeros((2, 4)), np.zeros((1, 3, 2, 2, 2)), np.zeros((1, 3, 2, 2)))
    with pytest.raises(ValueError, match="points"):
        DetectionTrace(prediction, np.zeros((3, 4)), np.zeros((1, 3, 2, 1, 2)), np.zeros((1, 3, 2, 2)))


def test_a_saved_detector_comes_back_with_its_size_and_labels(detector, picture, tmp_path):
    detector.network.save_pretrained(tmp_path)
    loaded = load_detector(tmp_path).eval()
    assert (loaded.resolution, loaded.labels) == (56, ("cat", "dog", "cup"))
    np.testing.assert_allclose(detect(loaded, picture, 0.0).xyxy, detect(detector, picture, 0.0).xyxy, atol=1e-4)
    (tmp_path / "preprocessor_config.json").write_text('{"size": {"height": 112, "width": 112}}')
    assert load_detector(tmp_path).resolution == 112


def test_the_figure_carries_shares_of_the_picture_and_leaves_the_picture_alone(detector, picture):
    before = picture.copy()
    trace = trace_detection(detector, picture)
    confident = DetectionTrace(
        Prediction(trace.prediction.logits + 6, trace.prediction.boxes_cxcywh, (40, 60), detector.labels),
        trace.references_cxcywh,
        trace.points_xy,
        trace.weights,
    )
    drawn = draw_boxes(confident, picture)
    np.testing.assert_array_equal(picture, before)
    assert (drawn["width"], drawn["height"]) == (60, 40)
    first = drawn["candidates"][0]
    np.testing.assert_allclose(first["box"], corners(trace.prediction.boxes_cxcywh[first["query"]]), atol=1e-3)
    assert [len(layer) for layer in first["points"]] == [4 * 2 * 3] * 2
    assert [c["label"] for c in drawn["candidates"]] == [c["label"] for c in draw_candidates(confident.prediction)]


# Training


@pytest.mark.parametrize("frozen", [2, 3, 4])
def test_kept_states_give_the_same_answer_as_pixels(detector, tmp_path, frozen):
    network = RfDetrForObjectDetection(detector.network.config).eval()
    network.load_state_dict(detector.network.state_dict())
    pixels = torch.randn(2, 3, 56, 56)
    with torch.no_grad():
        expected = network(pixels).logits
        states = train.frozen_states(network, pixels, frozen)
        train.start_from_states(network, frozen)
        torch.testing.assert_close(network(states).logits, expected)


def test_one_group_of_queries_is_all_that_inference_needs(detector):
    config = RfDetrConfig(**{**detector.network.config.to_dict(), "group_detr": 1})
    single = RfDetrForObjectDetection(config).eval()
    single.load_state_dict(train.inference_state(detector.network.state_dict(), 10))
    pixels = torch.randn(1, 3, 56, 56)
    with torch.no_grad():
        torch.testing.assert_close(single(pixels).logits, detector.network(pixels).logits)


def test_targets_are_centre_and_size_as_shares():
    scene = scenes.Scene(np.zeros((100, 200, 3), np.uint8), np.array([[20, 10, 60, 90]], np.float32), ("ace",))
    target = train.target_of(scene)
    torch.testing.assert_close(target["boxes"], torch.tensor([[0.2, 0.5, 0.2, 0.8]]))
    assert target["class_labels"].tolist() == [scenes.CLASSES.index("ace")]


def test_the_loss_accepts_scenes_without_objects_and_trains(detector):
    network = RfDetrForObjectDetection(detector.network.config).train()
    states = train.frozen_states(network, torch.randn(2, 3, 56, 56), 4)
    train.start_from_states(network, 4)
    box = {"class_labels": torch.tensor([1]), "boxes": torch.tensor([[0.5, 0.5, 0.3, 0.3]])}
    empty = {"class_labels": torch.zeros(0, dtype=torch.long), "boxes": torch.zeros(0, 4)}
    loss = train.set_loss(network, states, [box, empty])
    loss.backward()
    assert torch.isfinite(loss)
    assert network.class_embed.weight.grad.abs().sum() > 0


def test_the_cache_keeps_the_newest(tmp_path):
    cache = train.FeatureCache(tmp_path / "states.bin", 3, (1, 2, 2))
    for i in range(5):
        cache.add(torch.full((1, 1, 2, 2), float(i)), [{"number": torch.tensor(i)}])
    states, targets = cache.draw(50, torch.Generator().manual_seed(0))
    assert {int(target["number"]) for target in targets} == {2, 3, 4}
    assert all(int(state.max()) == int(target["number"]) for state, target in zip(states, targets, strict=True))


# Camera frames


def frame(data=None, **more):
    data = jpeg(np.zeros((48, 64, 3), np.uint8)) if data is None else data
    return {"jpeg": base64.b64encode(data).decode(), "model": "rf-detr-s14-objects", "facts": True} | more


NOISE = np.random.default_rng(0).integers(0, 256, (900, 900, 3), np.uint8)


@pytest.mark.parametrize(
    ("request_", "sentence"),
    [
        (None, "JSON object"),
        ([1], "JSON object"),
        ({}, "The frame must be text"),
        (frame(jpeg=3), "The frame must be text"),
        (frame(jpeg=""), "The frame is empty"),
        (frame(jpeg="!!"), "not valid base64"),
        (frame(jpeg="é"), "not valid base64"),
        (frame(png(np.zeros((4, 4, 3), np.uint8))), "must be a JPEG"),
        (frame(b"\xff\xd8\xff\xe0 cut"), "picture"),
        (frame(jpeg(NOISE)), "characters; the limit is"),
        (frame(jpeg(np.zeros((100, 1400, 3), np.uint8))), "at most 1280 pixels"),
        (frame(model=["x"]), "The model must be text"),
        (frame(model="nobody/knows"), "no such model"),
        (frame(facts="yes"), "facts must be true or false"),
    ],
)
def test_a_bad_frame_is_answered_with_one_sentence(request_, sentence):
    answer = tab.detect_frame(request_)
    assert set(answer) == {"error"}
    assert sentence in answer["error"]
    assert "Traceback" not in answer["error"]


def test_a_frame_that_finds_the_model_at_work_is_dropped():
    with tab._one_frame:
        assert tab.detect_frame(frame()) == {"busy": True}


def test_a_defect_is_an_apology_and_frees_the_model(monkeypatch):
    monkeypatch.setattr(tab, "_loaded", lambda name: 1 / 0)
    for _ in range(2):
        assert tab.detect_frame(frame()) == {"error": "Something went wrong on our side; the app goes on."}
