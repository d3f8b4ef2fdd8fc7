"""Scenes whose boxes are exact, the rule of what is held out, average precision, the training cache, camera frames."""

import base64
import dataclasses
import io
from concurrent.futures import Future

import numpy as np
import pyarrow
import pyarrow.compute
import pyarrow.parquet
import pytest
import torch
from PIL import Image
from transformers import RfDetrConfig, RfDetrForObjectDetection

from demos.detection import frames
from demos.detection import live as tab
from models import runtime, weights
from models.detection import detect as seam
from models.detection.boxes import Boxes, Prediction, postprocess
from models.detection.classes import CLASSES
from models.detection.network import detect, load_detector
from models.detection.own import Learned, keep
from models.detection.own_boxes import with_new_classes
from models.detection.trace import trace_detection
from models.errors import InputError
from models.recipes.detection import evaluate, scenes, train
from tests.detectors import tiny_detector

RED = (255, 0, 0, 255)


def cutout(size=(24, 16), family="sprite", label="potion", key="potion red"):
    return scenes.Cutout(np.full((*size, 4), RED, np.uint8), label, family, key)


def png(array):
    buffer = io.BytesIO()
    Image.fromarray(array).save(buffer, "PNG")
    return buffer.getvalue()


def jpeg(array, quality=95, **how):
    buffer = io.BytesIO()
    Image.fromarray(array).save(buffer, "JPEG", quality=quality, **how)
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


def test_from_afar_objects_are_smaller_and_stay_in_their_boxes():
    image = np.zeros((120, 160, 3), np.uint8)
    image[30:70, 40:100] = (250, 90, 90)
    scene = scenes.Scene(image, np.array([[40, 30, 100, 70]], np.float32), ("ace",))
    places = set()
    for seed in range(5):
        far = scenes.from_afar(scene, 2, np.full_like(image, 40), np.random.default_rng(seed))
        assert far.image.shape == image.shape
        left, top, right, bottom = far.boxes_xyxy[0].astype(int)
        assert (right - left, bottom - top) == (30, 20)
        assert (far.image[top:bottom, left:right] == (250, 90, 90)).all()
        assert (far.image[top - 4 : top, left:right] == 0).all()
        assert (far.image == 40).mean() == 0.75
        places.add((left, top))
    assert len(places) == 5


def test_common_kinds_are_drawn_more_often_by_the_exponent_and_families_by_their_shares():
    one = cutout()
    many = [scenes.Cutout(one.rgba, "monster", "sprite", f"monster {i}") for i in range(16)]
    cutouts = scenes.by_class([one, *many, scenes.Cutout(one.rgba, "ace", "card", "ace")])
    rng = np.random.default_rng(0)
    maker = scenes.SceneMaker(cutouts, class_exponent=0.5, family_shares={"sprite": 0.75, "card": 0.25})
    labels = [maker.draw(rng).label for _ in range(2000)]
    shares = [labels.count(label) / 2000 for label in (one.label, "monster", "ace")]
    np.testing.assert_allclose(shares, [0.75 / 5, 0.75 * 4 / 5, 0.25], atol=0.03)


def test_other_colours_leave_grey_shape_and_held_out_scenes_as_they_are():
    rng = np.random.default_rng(0)
    rgba = rng.integers(0, 256, (20, 24, 4), np.uint8)
    rgba[:, :8, :3] = rgba[:, :8, :1]
    coloured = scenes.Cutout(rgba, "food", "sprite", "food fruit")
    other = scenes.recolour(coloured, rng)
    np.testing.assert_array_equal(other.rgba[:, :8], rgba[:, :8])
    np.testing.assert_array_equal(other.rgba[..., 3], rgba[..., 3])
    np.testing.assert_allclose(other.rgba[..., :3].max(-1), rgba[..., :3].max(-1), atol=1)
    assert np.abs(other.rgba[:, 8:, :3].astype(int) - rgba[:, 8:, :3]).mean() > 10
    maker = scenes.SceneMaker(scenes.by_class([coloured]), recolour_share=0.5)
    same = [maker.draw(rng) is coloured for _ in range(400)]
    assert 0.4 < np.mean(same) < 0.6


@pytest.mark.parametrize(
    ("folder", "name", "kept"),
    [
        ("statue", "statue angel", True),
        ("statue", "overlay axe", False),
        ("statue", "pile of flesh", False),
        ("statue", "crumbled_column_1", False),
        ("food", "pear", True),
        ("food", "bone_humanoid_2", False),
        ("monster", "tentacled monstrosity", True),
        ("monster", "kraken tentacle", False),
        ("monster", "kraken tentacle segment e n", False),
        ("monster", "spectral axe", False),
        ("monster", "spectral ant", True),
        ("monster", "air elementalist statue", False),
        ("scroll_book", "scroll", False),
        ("scroll_book", "bronze", True),
        ("potion", "i-label", False),
        ("wall", "brick", False),
    ],
)
def test_drawings_that_are_not_what_their_folder_says_are_left_out(tmp_path, folder, name, kept):
    np.savez(tmp_path / "sprites.npz", rgba=np.full((1, 32, 32, 4), 255, np.uint8), cls=[folder], name=[name])
    assert len(scenes.load_sprites(tmp_path / "sprites.npz")) == kept


def test_a_share_of_the_scenes_is_seen_from_afar():
    near, far = (scenes.SceneMaker(scenes.by_class([cutout()]), max_objects=1, afar_share=share) for share in (0, 1))
    for seed in range(5):
        ratio = np.diff(near.scene(seed).boxes_xyxy[0][::2]) / np.diff(far.scene(seed).boxes_xyxy[0][::2])
        assert 1.1 < ratio < 2.7


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
        evaluate.average_precision(found, lambda _: found([], [], []), ("nine",))


def test_scenes_with_each_hand_depend_on_the_seed_alone(hands_file):
    first, again = (list(evaluate.scenes_of(hands_file, split="all", seed=5, trained_on=set())) for _ in range(2))
    assert all((a.image == b.image).all() for a, b in zip(first, again, strict=True))
    assert {label for scene in first for label in scene.labels} == {f"digit {i}" for i in range(6)}


def test_a_file_of_another_kind_is_refused_with_its_columns(tmp_path):
    path = tmp_path / "other.parquet"
    pyarrow.parquet.write_table(pyarrow.table({"text": ["a"]}), path)
    with pytest.raises(InputError, match="must have the columns"):
        evaluate.scenes_of(path, split="all", seed=0, trained_on=set())


def found(boxes, classes, scores, side=100):
    """Boxes given in pixels of a square picture."""
    corners = np.array(boxes, np.float32).reshape(-1, 4) / side
    return Boxes(corners, np.array(scores), np.array(classes), np.arange(len(corners)), ())


def test_average_precision_of_perfect_shifted_and_missing_boxes():
    scene = scenes.Scene(np.zeros((100, 100, 3), np.uint8), np.array([[10, 10, 50, 50]], np.float32), ("ace",))
    labels = ("nine", "ace")
    perfect = evaluate.average_precision([scene], lambda _: found([10, 10, 50, 50], np.array([1]), [0.9]), labels)
    ace = {"ace": {"ap50": pytest.approx(1), "objects": 1}}
    total = {"ap": pytest.approx(1), "ap50": pytest.approx(1)}
    assert perfect == {**total, "images": 1, "sizes": sizes(medium=1), "classes": ace}
    shifted = evaluate.average_precision([scene], lambda _: found([18, 10, 58, 50], np.array([1]), [0.9]), labels)
    assert shifted["ap50"] == pytest.approx(1)
    assert shifted["ap"] == pytest.approx(0.4)  # IoU 0.667: right at 0.50, 0.55, 0.60 and 0.65
    wrong = evaluate.average_precision([scene], lambda _: found([10, 10, 50, 50], np.array([0]), [0.9]), labels)
    assert wrong["ap50"] == 0
    nothing = evaluate.average_precision([scene], lambda _: found([], [], []), labels)
    missed = {"ace": {"ap50": 0.0, "objects": 1}}
    assert nothing == {"ap": 0.0, "ap50": 0.0, "images": 1, "sizes": sizes(medium=0), "classes": missed}


def test_average_precision_of_each_class_that_is_shown():
    boxes = np.array([[0, 0, 40, 40], [50, 50, 90, 90], [100, 100, 190, 190]], np.float32)
    scene = scenes.Scene(np.zeros((200, 200, 3), np.uint8), boxes, ("ace", "ace", "king"))
    answer = evaluate.average_precision(
        [scene], lambda _: found(boxes[[0, 2]], np.array([2, 1]), [0.9, 0.8], 200), ("nine", "king", "ace")
    )
    half = pytest.approx(51 / 101)  # precision 1 up to recall 0.50, at 101 recalls
    assert answer["classes"] == {"king": {"ap50": pytest.approx(1), "objects": 1}, "ace": {"ap50": half, "objects": 2}}
    assert answer["ap50"] == pytest.approx((1 + 51 / 101) / 2)


def sizes(**found):
    """One object in each size that is named, with that average precision."""
    names = ("small", "medium", "large")
    return {n: {"ap": pytest.approx(found[n]) if n in found else None, "objects": int(n in found)} for n in names}


def test_average_precision_by_size_counts_each_object_in_its_size():
    boxes = np.array([[0, 0, 31, 31], [40, 40, 80, 80], [100, 100, 199, 199]], np.float32)
    scene = scenes.Scene(np.zeros((200, 200, 3), np.uint8), boxes, ("ace", "ace", "ace"))
    seen = [0, 2]  # the medium one is missed
    answer = evaluate.average_precision(
        [scene], lambda _: found(boxes[seen], np.array([1, 1]), [0.9, 0.8], 200), ("nine", "ace")
    )
    assert answer["sizes"] == sizes(small=1, medium=0, large=1)


def test_what_is_found_at_a_threshold_is_counted():
    boxes = np.array([[0, 0, 31, 31], [40, 40, 80, 80], [100, 100, 199, 199]], np.float32)
    scene = scenes.Scene(np.zeros((200, 200, 3), np.uint8), boxes, ("ace", "ace", "ace"))
    moved = boxes[2] + 60  # overlaps too little
    given = np.stack([boxes[0], boxes[0], boxes[1], boxes[2], moved])
    scores = [0.9, 0.8, 0.7, 0.5, 0.95]  # the second box of the small one is too many, that of the large one too unsure

    def counted(threshold, classes=(1, 1, 1, 1, 1)):
        answer = evaluate.average_precision(
            [scene], lambda _: found(given, np.array(classes), scores, 200), ("nine", "ace"), threshold
        )
        assert answer["at_threshold"]["threshold"] == threshold
        return answer["at_threshold"]["classes"]

    each = {"small": 1, "medium": 1, "large": 1}
    assert counted(0.5) == {
        "ace": {"objects": each, "found": {"small": 1, "medium": 1, "large": 0}, "boxes": 4, "right": 2}
    }
    assert counted(0.4)["ace"] == {"objects": each, "found": each, "boxes": 5, "right": 3}
    none = dict.fromkeys(each, 0)
    assert counted(0.96)["ace"] == {"objects": each, "found": none, "boxes": 0, "right": 0}
    assert counted(0.1, (0, 0, 0, 0, 0))["ace"] == {"objects": each, "found": none, "boxes": 0, "right": 0}
    nothing = evaluate.average_precision([scene], lambda _: found([], [], []), ("nine", "ace"), 0.5)
    assert nothing["at_threshold"]["classes"]["ace"]["found"] == none


def test_nothing_to_measure_is_said():
    with pytest.raises(InputError, match="nothing to measure"):
        evaluate.average_precision([], lambda _: found([], [], []), ("ace",))


# Network and trace


def test_threshold_keeps_the_order_and_drops_the_weak():
    logits = np.array([[3.0, -9, -9], [-9, 1.0, 0.5], [-9, -9, -4.0]], np.float32)
    prediction = Prediction(logits, np.full((3, 4), 0.5, np.float32), (100, 200), ("a", "b", "c"))
    boxes = postprocess(prediction, 0.5)
    assert boxes.names == ["a", "b", "c"]
    assert boxes.queries.tolist() == [0, 1, 1]
    np.testing.assert_allclose(boxes.corners[0], [0.25, 0.25, 0.75, 0.75])
    np.testing.assert_allclose(boxes.pixels((100, 200))[0], [50, 25, 150, 75])
    assert len(postprocess(prediction, 1.0)) == 0


def test_a_trace_records_where_the_queries_looked_and_answers_as_a_plain_run_does(detector, picture):
    trace = trace_detection(detector, picture)
    assert trace.points_xy.shape == (2, 10, 4, 2, 2)
    np.testing.assert_allclose(trace.weights.sum(-1), 1, atol=1e-5)
    plain = detect(detector, picture, 0.0)
    np.testing.assert_allclose(postprocess(trace.prediction, 0.0).corners, plain.corners, atol=1e-4)
    assert not any(layer.cross_attn.attn._forward_pre_hooks for layer in detector.network.model.decoder.layers)


@pytest.mark.parametrize(
    "field",
    ["shifts", "references_cxcywh", "logits", "deltas", "boxes_cxcywh", "points_xy", "weights", "self_attention"],
)
def test_a_trace_refuses_arrays_that_do_not_fit(detector, picture, field):
    trace = trace_detection(detector, picture)
    with pytest.raises(ValueError, match="shape"):
        dataclasses.replace(trace, **{field: getattr(trace, field)[..., :1]})


def test_proposals_and_patches_refuse_arrays_that_do_not_fit(detector, picture):
    trace = trace_detection(detector, picture)
    with pytest.raises(ValueError, match="positions"):
        dataclasses.replace(trace.proposals, grid=(3, 4))
    with pytest.raises(ValueError, match="chosen"):
        dataclasses.replace(trace, proposals=dataclasses.replace(trace.proposals, chosen=np.arange(3)))
    with pytest.raises(ValueError, match="keys"):
        dataclasses.replace(trace.backbone, keys=trace.backbone.keys[:1])
    with pytest.raises(ValueError, match="do not make"):
        dataclasses.replace(trace.backbone, grid=(4, 5))


@pytest.mark.parametrize(("place", "patch"), [((0, 0), 1), ((0.99, 0), 4), ((0.3, 0.6), 10), ((1.4, -2), 4)])
def test_the_patch_at_a_place(detector, picture, place, patch):
    assert trace_detection(detector, picture).backbone.patch_at(*place) == patch


def test_a_saved_detector_comes_back_with_its_size_and_labels(detector, picture, tmp_path):
    detector.network.save_pretrained(tmp_path)
    loaded = load_detector(tmp_path).eval()
    assert (loaded.resolution, loaded.labels) == (56, ("cat", "dog", "cup"))
    np.testing.assert_allclose(detect(loaded, picture, 0.0).corners, detect(detector, picture, 0.0).corners, atol=1e-5)
    (tmp_path / "preprocessor_config.json").write_text('{"size": {"height": 112, "width": 112}}')
    assert load_detector(tmp_path).resolution == 112


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
    assert target["class_labels"].tolist() == [CLASSES.index("ace")]


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


def test_going_on_from_exported_weights_starts_with_the_same_answers_in_every_group():
    folder = weights.EMBEDDED / "rf-detr-s14-objects"
    network = train.from_exported(folder / "model.safetensors", 2).eval()
    pixels = torch.randn(1, 3, 252, 252, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        found, expected = network(pixels), load_detector(folder).eval()(pixels)
    torch.testing.assert_close(found.logits, expected.logits, atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(found.pred_boxes, expected.pred_boxes, atol=1e-4, rtol=1e-4)
    first, second = network.model.query_feat.weight.split(100)
    assert not torch.equal(first, second)
    assert torch.equal(first.sort(0).values, second.sort(0).values)
    proposals = network.model.enc_out_class_embed
    assert torch.equal(proposals[0].weight, proposals[1].weight)


def test_gradients_of_all_processes_are_averaged(monkeypatch):
    parameters = [torch.nn.Parameter(torch.zeros(shape)) for shape in ((2, 3), (4,), (5,))]
    for i, parameter in enumerate(parameters[:2]):
        parameter.grad = torch.full_like(parameter, float(i))
    monkeypatch.setattr(train.dist, "all_reduce", lambda flat: flat.add_(torch.arange(10.0)))
    monkeypatch.setattr(train.dist, "get_world_size", lambda: 2)
    train._average_gradients(parameters)
    torch.testing.assert_close(parameters[0].grad, torch.arange(6.0).view(2, 3) / 2)
    torch.testing.assert_close(parameters[1].grad, (torch.arange(6.0, 10.0) + 1) / 2)
    assert parameters[2].grad is None


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
        (frame(b"\xff\xd8\xff\xe0 cut"), "baseline JPEG"),
        (frame(jpeg(NOISE[:300], progressive=True)), "baseline JPEG"),
        (frame(jpeg(NOISE[:100])[:-20_000]), "damaged"),
        (frame(jpeg(NOISE)), "characters; the limit is"),
        (frame(jpeg(np.zeros((100, 1400, 3), np.uint8))), "at most 1,280 pixels"),
        (frame(jpeg(np.zeros((2, 1200, 3), np.uint8))), "too long and thin"),
        (frame(model=["x"]), "The model must be text"),
        (frame(model="nobody/knows"), "no such model"),
        (frame(facts="yes"), "facts must be true or false"),
    ],
)
def test_a_bad_frame_is_answered_with_one_sentence(monkeypatch, detector, request_, sentence):
    monkeypatch.setattr(seam, "load", lambda name: loaded(detector))
    answer = tab.detect_frame(request_)
    assert set(answer) == {"error"}
    assert sentence in answer["error"]
    assert "Traceback" not in answer["error"]


def loaded(detector):
    return runtime.Loaded("tiny", detector, weights.find("rf-detr-s14-objects"), 1, 1, "test")


def test_a_frame_that_a_newer_one_overtakes_is_dropped(monkeypatch, detector):
    monkeypatch.setattr(seam, "load", lambda name: loaded(detector))
    dropped = Future()
    dropped.set_result(None)
    monkeypatch.setattr(tab.TURNS, "submit", lambda *_: dropped)
    assert tab.detect_frame(frame()) == {"busy": True}


def test_a_detector_trained_by_a_visitor_answers_under_its_own_name_only(monkeypatch, detector):
    monkeypatch.setattr(runtime, "load", lambda name, _: loaded(detector))
    taught = with_new_classes(detector.network, ("mine",)).state_dict()
    weights = {name: value.numpy() for name, value in taught.items() if not name.startswith("model.backbone.backbone.")}
    name = keep(Learned("tiny", ("mine",), weights))
    stream = frames.open_stream(name)
    assert dict(stream.facts()["facts"])["model"] == "yours: mine"
    assert dict(stream.facts()["facts"])["weights"] == "trained by you"
    detected = frames.detect(stream, jpeg(np.zeros((48, 64, 3), np.uint8)), 0.0)
    assert detected.found.prediction.labels == ("mine",)
    answer = frames.answer(detected)
    assert answer["runtime"].startswith("PyTorch")
    assert "prepared" not in answer["runtime"]
    with pytest.raises(InputError, match="train it again"):
        frames.open_stream("own-other")


def test_a_defect_is_an_apology_and_frees_the_model(monkeypatch):
    monkeypatch.setattr(seam, "load", lambda name: 1 / 0)
    for _ in range(2):
        assert tab.detect_frame(frame()) == {"error": "Something went wrong on our side; the app goes on."}
