"""Classes of one's own: what is refused, heads that do not see what they judge, blocks on copies, strict files."""

import base64
import io
import json

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file
from torch.nn import functional

from demos.inputs import classes as collector
from demos.views.own_classes import MAX_VERDICTS, ClassTrialView, view_of_training
from demos.vit import own_classes_handlers as page
from demos.wire import to_wire
from models import runtime, stops, weights
from models.errors import InputError
from models.vision import library
from models.vision.network import VisionTransformer
from models.vit import own_classes, own_file, own_training
from models.vit.own_classes import check_examples
from models.vit.own_training import Settings, Training, classify, frozen_tokens, parts_of
from tests.hub.checkpoints import dinov2

BACKBONE = own_training.BACKBONES["after"]


def picture(color, seed, side=40):
    noise = np.random.default_rng(seed).integers(0, 60, (side, side + 8, 3))
    return (np.array(color) + noise).clip(0, 255).astype(np.uint8)


def colors(count=4):
    """Three classes that a random network can tell apart."""
    named = {"red": (180, 20, 20), "green": (20, 180, 20), "blue": (20, 20, 180)}
    return [
        (name, [picture(color, 10 * place + i) for i in range(count)])
        for place, (name, color) in enumerate(named.items())
    ]


@pytest.fixture(scope="module")
def network(tmp_path_factory):
    folder = tmp_path_factory.mktemp("dinov2")
    dinov2(folder)
    headless = library.load(folder)
    torch.manual_seed(0)
    network = VisionTransformer(headless.shape, ("cat", "dog"), headless.preprocessing)
    network.load_state_dict(headless.state_dict(), strict=False)
    return network.eval().requires_grad_(False)


@pytest.fixture
def embedded(network, monkeypatch):
    """The tiny network under the name of the embedded one."""
    loaded = runtime.Loaded(BACKBONE, network, weights.find(BACKBONE), 1, 1, "cpu")
    for module in (own_classes, own_file):
        monkeypatch.setattr(module.runtime, "load", lambda name, loader: loaded)
    monkeypatch.setattr(own_file, "_sha256", lambda backbone: "f" * 64)
    return network


def trained(network, blocks=0, named=None, **settings):
    training = Training(network, check_examples(named or colors()), Settings(blocks=blocks, **settings))
    assert list(training.read())[-1] == len(training.examples.images)
    return training, list(training.fit())


# What is refused


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda c: [], "there is no class yet"),
        (lambda c: c[:1], "there is one class"),
        (lambda c: [(f"class {i}", [picture((0, 0, 0), 99 * i + j) for j in range(2)]) for i in range(11)], "are 11"),
        (lambda c: [("red", c[0][1][:1]), *c[1:]], "“red” has one picture"),
        (lambda c: [("red", []), *c[1:]], "“red” has no picture"),
        (lambda c: [("red", c[0][1] * 8), *c[1:]], "“red” has 32 pictures"),
        (lambda c: [("green", c[0][1]), *c[1:]], "Two classes are called “green”"),
        (lambda c: [(" green ", c[0][1]), *c[1:]], "Two classes are called “green”"),
        (lambda c: [("  ", c[0][1]), *c[1:]], "The name of a class is empty"),
        (lambda c: [("x" * 41, c[0][1]), *c[1:]], "41 characters"),
        (lambda c: [(7, c[0][1]), *c[1:]], "must be text"),
        (lambda c: [("red", [*c[0][1], c[1][1][2].copy()]), *c[1:]], "both in “red” and in “green”"),
    ],
)
def test_examples_that_are_refused(change, sentence):
    with pytest.raises(InputError, match=sentence):
        check_examples(change(colors()))


def test_pictures_of_one_shape_and_other_bytes_are_different():
    flat = np.random.default_rng(0).integers(0, 256, (40, 30, 3), np.uint8)
    examples = check_examples([("wide", [flat.reshape(30, 40, 3), flat[9:]]), ("high", [flat, flat[18:]])])
    assert examples.counts == [2, 2]


@pytest.mark.parametrize(
    ("classes", "parts"),
    [
        ([0, 0, 1, 1], [0, 1, 0, 1]),
        ([0] * 5 + [1] * 2, [0, 1, 2, 3, 4, 0, 2]),
        ([0] * 10 + [1] * 3, [0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 0, 1, 3]),
    ],
)
def test_parts_are_consecutive_stretches_of_every_class(classes, parts):
    assert parts_of(np.array(classes), np.arange(len(classes))).tolist() == parts


# Heads


def pooled(training):
    tokens = torch.cat([frozen_tokens(training.network, [image], 0) for image in training.examples.images])
    return training.network.pool(training.network.norm(tokens)).float()


def test_the_heads_learn_and_every_picture_is_judged_once(network):
    training, reports = trained(network)
    assert reports[0].loss == pytest.approx(np.log(3), abs=1e-5)
    assert reports[-1].loss < 0.7 * reports[0].loss
    assert {report.confusion.sum() for report in reports} == {12}
    verdicts = training.verdicts()
    assert verdicts.pictures.tolist() == list(range(12))
    assert np.allclose(verdicts.head.sum(1), 1, atol=1e-5)
    judged = np.zeros((3, 3), int)
    np.add.at(judged, (training.examples.classes, verdicts.head.argmax(1)), 1)
    assert np.array_equal(judged, reports[-1].confusion)
    assert reports[-1].held_out_accuracy == np.trace(judged) / 12


def test_the_head_that_is_used_is_the_one_trained_alone_on_everything(network):
    training, _ = trained(network)
    features, own = pooled(training), training.classifier()
    scale = features.square().mean().sqrt()
    weight, bias = torch.zeros(3, features.shape[1], requires_grad=True), torch.zeros(3, requires_grad=True)
    optimizer = torch.optim.AdamW([weight, bias], lr=own_training.HEAD_RATE, weight_decay=own_training.HEAD_DECAY)
    for _ in range(own_training.HEAD_STEPS):
        optimizer.zero_grad()
        functional.cross_entropy(features.clone() / scale @ weight.T + bias, training.truth).backward()
        optimizer.step()
    torch.testing.assert_close(own.head.weight, (weight / scale).detach(), atol=2e-4, rtol=2e-3)
    torch.testing.assert_close(own.head.bias, bias.detach(), atol=2e-4, rtol=2e-3)


def test_a_picture_does_not_change_the_head_that_judges_it(network):
    named = colors()
    _, before = trained(network, named=named)
    training, _ = trained(network, named=named)
    judged = training.verdicts().head
    other = [(name, list(images)) for name, images in named]
    other[0][1][1] = picture((90, 200, 90), 77)  # part 1 of class red
    changed, _ = trained(network, named=other)
    same = [
        i for i, part in enumerate(parts_of(changed.examples.classes, changed.examples.kinds)) if part == 1 and i != 1
    ]
    scale = (pooled(training).square().mean() / pooled(changed).square().mean()).sqrt().item()
    assert scale == pytest.approx(1, abs=0.02)  # all that those heads share with it
    np.testing.assert_allclose(changed.verdicts().head[same], judged[same], atol=0.01)
    assert np.abs(changed.verdicts().head - judged).max() > 0.02
    assert len(before) == own_training.HEAD_STEPS // own_training.STEPS_BETWEEN_REPORTS + 1


def test_a_classifier_answers_what_its_head_says(network, embedded):
    training, _ = trained(network)
    own, features = training.classifier(), pooled(training)
    by_hand = own.head(features).softmax(-1).numpy()
    for image, expected in zip(training.examples.images, by_hand, strict=True):
        np.testing.assert_allclose(classify(own, image)[0], expected, atol=0.02)  # bfloat16, one by one or together


def test_stopping_ends_after_the_present_step(network):
    stopped = []
    training = Training(network, check_examples(colors()), Settings(), lambda: bool(stopped))
    list(training.read())
    reports = training.fit()
    next(reports)
    stopped.append(True)
    assert len(list(reports)) <= 1
    assert training.classifier().labels == ("red", "green", "blue")


def test_a_training_asked_to_stop_by_its_name_keeps_what_it_learned(embedded):
    name = "a training of classes that is asked to stop"
    page.stop_training(name)
    *_, last = own_classes.train_own(check_examples(colors()), Settings(), "other")
    assert isinstance(last, own_classes.Learned)
    early = list(own_classes.train_own(check_examples(colors()), Settings(), name))
    assert not any(isinstance(state, own_classes.Learned) for state in early), "no picture was read whole"
    assert stops.asked(name)
    stops.forget(name)


def test_what_was_learned_is_kept_and_answers_as_it_did(network, embedded):
    *_, learned = own_classes.train_own(check_examples(colors()), Settings(blocks=1, seconds=0), "")
    own = own_classes.OWN.find(own_classes.keep(learned))
    assert len(own.tail) == 1
    for name, tensor in own.state_dict().items():
        np.testing.assert_array_equal(tensor.numpy(), learned.state[name])


# Last blocks


def test_blocks_learn_on_copies_and_part_0_stays_held_out(network):
    state = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    training, reports = trained(network, blocks=1, seconds=0)
    phases = [report.phase for report in reports]
    assert phases[-1] == "blocks"
    assert phases == sorted(phases, reverse=True)
    assert reports[-1].step > own_training.HEAD_STEPS
    assert reports[-1].confusion.sum() == 3
    verdicts = training.verdicts()
    assert verdicts.pictures.tolist() == [0, 4, 8]
    assert verdicts.blocks is not None
    assert verdicts.blocks.shape == verdicts.head.shape == (3, 3)
    assert all(torch.equal(state[name], tensor) for name, tensor in network.state_dict().items())
    own = training.classifier()
    assert len(own.tail) == 1
    assert any(
        not torch.equal(a, b) for a, b in zip(own.tail[0].parameters(), network.blocks[-1].parameters(), strict=True)
    )


def test_untouched_blocks_continue_what_the_frozen_ones_say(network, embedded):
    training = Training(network, check_examples(colors()), Settings(blocks=1))
    list(training.read())
    own = own_training.OwnClassifier(BACKBONE, ("a", "b"), torch.nn.Linear(network.pool_width, 2))
    plain = classify(own, training.examples.images[0])[0]
    own.tail, own.norm = torch.nn.ModuleList(own_training.last_blocks(network, 1)), network.norm
    np.testing.assert_allclose(classify(own, training.examples.images[0])[0], plain, atol=1e-3)


# Files


@pytest.fixture
def saved(network, embedded, tmp_path):
    training, _ = trained(network, blocks=1, seconds=0)
    return training.classifier(), own_file.save(training.classifier(), tmp_path)


def test_what_is_saved_is_read_back(saved):
    own, paths = saved
    read = own_file.load(list(reversed(paths)))
    assert read.labels == own.labels
    image = picture((180, 30, 30), 5)
    np.testing.assert_allclose(
        classify(read, image)[0], classify(own, image)[0], atol=5e-3
    )  # blocks are kept in float16


def edit_json(change):
    def apply(paths):
        described = json.loads(paths[0].read_text())
        change(described)
        paths[0].write_text(json.dumps(described))
        return paths

    return apply


def edit_tensors(change):
    def apply(paths):
        stored = load_file(paths[1])
        change(stored)
        save_file(stored, paths[1])
        return paths

    return apply


def write(place, data):
    def apply(paths):
        paths[place].write_bytes(data(paths[place].read_bytes()))
        return paths

    return apply


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        (lambda paths: paths[:1], "Give the two files"),
        (lambda paths: [paths[0], paths[0]], "Give the two files"),
        (lambda paths: [*paths, paths[0]], "Give the two files"),
        (write(0, lambda data: b"{"), "is not one that this page has saved"),
        (write(0, lambda data: b"[" * 15_000), "is not one that this page has saved"),
        (write(0, lambda data: b"\xff\xfe"), "is not one that this page has saved"),
        (write(0, lambda data: b"[1]"), "is not one that this page has saved"),
        (write(0, lambda data: b" " * 20_000), "has more than"),
        (edit_json(lambda d: d.update(format="other")), "is not one that this page has saved"),
        (edit_json(lambda d: d.update(more=1)), "is not one that this page has saved"),
        (edit_json(lambda d: d.update(labels=["only"])), "is not one that this page has saved"),
        (edit_json(lambda d: d.update(labels="red")), "is not one that this page has saved"),
        (edit_json(lambda d: d.update(labels=["a", "a", "b"])), "Two classes are called"),
        (edit_json(lambda d: d.update(labels=["a", 7, "b"])), "must be text"),
        (edit_json(lambda d: d.update(blocks=3)), "is not one that this page has saved"),
        (edit_json(lambda d: d.update(blocks=True)), "is not one that this page has saved"),
        (edit_json(lambda d: d.update(backbone="gpt2")), "backbone that is not offered"),
        (edit_json(lambda d: d.update(backbone=["x"])), "backbone that is not offered"),
        (edit_json(lambda d: d.update(backbone_sha256="0" * 64)), "other weights of the backbone"),
        (edit_json(lambda d: d.update(blocks=0)), "are not those"),
        (edit_json(lambda d: d.update(labels=["a", "b"])), "another shape or type"),
        (write(1, lambda data: data[:-9]), "is damaged"),
        (write(1, lambda data: b"\x00" * 64), "is damaged"),
        (write(1, lambda data: b""), "is damaged"),
        (edit_tensors(lambda t: t.pop("head.bias")), "are not those"),
        (edit_tensors(lambda t: t.update(extra=torch.zeros(1))), "are not those"),
        (edit_tensors(lambda t: t.update({"head.bias": t["head.bias"].double()})), "another shape or type"),
        (edit_tensors(lambda t: t["head.bias"].fill_(float("nan"))), "not finite"),
        (edit_tensors(lambda t: t["norm.weight"].fill_(float("inf"))), "not finite"),
    ],
)
def test_files_that_are_refused(saved, damage, sentence):
    with pytest.raises(InputError, match=sentence):
        own_file.load(damage(saved[1]))


# The page


def jpeg(image):
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "JPEG", quality=95)
    return base64.b64encode(buffer.getvalue()).decode()


def collected(named):
    return {"classes": [{"name": name, "pictures": [jpeg(image) for image in images]} for name, images in named]}


def test_a_training_on_the_page_ends_with_a_classifier_to_try(embedded):
    *_, (board, trial, strip, run, name) = page.compute_own(collected(colors()), BACKBONE, 0, 20, 0)
    assert trial == ClassTrialView(name, ["red", "green", "blue"])
    assert "12" in strip
    assert board.run == run
    assert len(board.verdicts) == 12
    assert board.unfrozen is None
    assert len(json.dumps(to_wire(board))) < 40_000
    answer = page.classify_square({"name": name, "jpeg": jpeg(colors()[2][1][0])})
    assert np.argmax(answer["probabilities"]) == 2
    assert sum(answer["probabilities"]) == pytest.approx(1, abs=1e-3)
    adds = np.array(answer["adds"])
    assert adds.ndim == 2
    assert adds.min() >= 0
    assert adds.max() <= 1


def test_what_patches_add_and_what_cls_adds_make_the_lead_of_the_first_answer(network, embedded):
    training, _ = trained(network)
    own, image = training.classifier(), training.examples.images[0]
    _, adds = classify(own, image)
    encoded = own.encoded(network, frozen_tokens(network, [image], len(own.tail)))
    logits = own.logits(network, frozen_tokens(network, [image], len(own.tail)))[0]
    width = network.shape.width
    toward = own.head.weight[logits.argmax()] - own.head.weight.mean(0)
    rest = toward[:width] @ encoded[0, 0] + own.head.bias[logits.argmax()] - own.head.bias.mean()
    assert adds.size == encoded.shape[1] - 1
    assert adds.sum() + float(rest) == pytest.approx(float(logits.max() - logits.mean()), abs=0.05)


def test_what_is_drawn_is_what_was_said(network):
    named = [(name, [*images, *(image[::-1].copy() for image in images)]) for name, images in colors()]
    training, reports = trained(network, named=named)
    drawn = view_of_training("run", training.examples, reports, 5, training.verdicts())
    assert drawn.protocol.startswith("Five heads")
    assert len(drawn.verdicts) == MAX_VERDICTS
    assert "6 more are not shown" in drawn.more
    said, truth = training.verdicts().head, training.examples.classes
    sure = sorted(said[np.arange(len(truth)), truth])
    first = drawn.verdicts[0]
    assert said[np.argmin(said[np.arange(len(truth)), truth])].max() == pytest.approx(first.head[1], abs=1e-4)
    assert sure[0] <= first.head[1] + 1e-4
    assert first.picture.startswith(("data:image/jpeg;base64,", "arrays/"))
    assert first.before[0] in network.labels


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        (3, "did not arrive"),
        ({}, "did not arrive"),
        ({"classes": 3}, "did not arrive"),
        ({"classes": [1]}, "did not arrive"),
        ({"classes": [{}] * 11}, "did not arrive"),
        ({"classes": [{"name": "a"}]}, "did not arrive"),
        ({"classes": [{"name": 1, "pictures": []}]}, "did not arrive"),
        ({"classes": [{"name": "a", "pictures": [1]}]}, "did not arrive"),
        ({"classes": [{"name": "a", "pictures": ["é"]}]}, "did not arrive"),
        ({"classes": [{"name": "a", "pictures": [""]}]}, "must be a JPEG"),
        ({"classes": [{"name": "a", "pictures": ["AAAA"]}]}, "must be a JPEG"),
        ({"classes": [{"name": "a", "pictures": ["A" * 120_004]}]}, "did not arrive"),
        ({"classes": [{"name": "a", "pictures": [jpeg(np.zeros((600, 600, 3), np.uint8))]}]}, "at most 512 pixels"),
        ({"classes": [{"name": "a", "pictures": ["AAAA"] * 31}]}, "at most 30 pictures"),
    ],
)
def test_collections_that_are_refused(value, sentence):
    with pytest.raises(InputError, match=sentence):
        collector.read_classes(value)


@pytest.mark.parametrize(
    "settings", [("gpt2", 0, 20, 0), (BACKBONE, 3, 20, 0), (BACKBONE, "1", 20, 0), (BACKBONE, 0, 1e9, 0)]
)
def test_settings_that_are_refused(settings):
    with pytest.raises(InputError):
        next(page.compute_own(collected(colors()), *settings))


@pytest.mark.parametrize(
    ("request_", "sentence"),
    [
        (None, "JSON object"),
        ({}, "no classifier of yours"),
        ({"name": ["x"]}, "no classifier of yours"),
        ({"name": "unknown", "jpeg": ""}, "no classifier of yours"),
    ],
)
def test_a_bad_request_to_classify_is_answered_with_a_sentence(request_, sentence):
    assert sentence in page.classify_square(request_)["error"]


def test_a_picture_that_finds_the_model_at_work_is_not_queued():
    with page._one_square:
        assert page.classify_square({}) == {"busy": True}


def test_what_can_be_counted_is_counted_before_a_file_is_opened(monkeypatch):
    monkeypatch.setattr(page, "read_image", lambda path: pytest.fail("opened"))
    for labels in (["a"] * 31 + ["b"] * 2, ["a"], [str(n) for n in range(11)] * 2, ["a", "b", "b"]):
        with pytest.raises(InputError):
            next(page.vit_finetune(["x.png"] * len(labels), labels))


def test_many_large_pictures_are_small_once_they_are_open(tmp_path):
    path = tmp_path / "large.png"
    Image.fromarray(np.zeros((3200, 2400, 3), np.uint8)).save(path)
    assert page._opened(str(path)).shape == (640, 480, 3)
    small = tmp_path / "small.png"
    Image.fromarray(np.zeros((500, 895, 3), np.uint8)).save(small)
    assert page._opened(str(small)).shape == (500, 895, 3)


def test_the_component_and_the_model_have_the_same_limits():
    assert (collector.MAX_CLASSES, collector.MAX_PICTURES) == (own_classes.MAX_CLASSES, own_classes.MAX_PICTURES)
    assert set(page.BLOCKS.values()) == set(own_training.BLOCKS)
    assert set(page.BACKBONES.values()) == set(own_training.BACKBONES.values())
    assert page.MAX_FILES == own_classes.MAX_CLASSES * own_classes.MAX_PICTURES
