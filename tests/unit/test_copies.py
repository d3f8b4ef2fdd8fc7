"""Copies of one picture count once; names that look alike are one; mirrored copies only where sides do not matter."""

import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from PIL import Image

from demos.views.own_classes import said_of_shared
from demos.vit.own_classes_handlers import _sorted_into_classes
from models.detection.own_boxes import Frame, changed, check_frames, sides_matter
from models.errors import InputError
from models.vision.alike import kinds
from models.vit.own_classes import check_examples
from models.vit.own_training import Examples, parts_of


def noise(seed, side=160):
    return np.random.default_rng(seed).integers(0, 256, (side, side, 3), np.uint8)


def landscape(seed, size=(120, 160)):
    """Smooth shapes, as photos have them."""
    small = np.random.default_rng(seed).integers(0, 256, (6, 8, 3), np.uint8)
    return np.asarray(Image.fromarray(small).resize(size[::-1], Image.Resampling.BICUBIC))


def saved(image, quality, kind="JPEG"):
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, kind, **({"quality": quality} if quality else {}))
    return np.asarray(Image.open(buffer).convert("RGB"))


def scaled(image, factor):
    size = [round(side * factor) for side in image.shape[1::-1]]
    return np.asarray(Image.fromarray(image).resize(size, Image.Resampling.BILINEAR))


COPIES = {
    "the same": lambda image: image.copy(),
    "saved as JPEG": lambda image: saved(image, 50),
    "twice as large": lambda image: scaled(image, 2),
    "half as large": lambda image: scaled(image, 0.5),
    "darker": lambda image: (image * 0.8).astype(np.uint8),
    "mirrored": lambda image: np.ascontiguousarray(image[:, ::-1]),
    "saved as WebP": lambda image: saved(image, 60, "WEBP"),
    "saved as GIF": lambda image: saved(image, None, "GIF"),
    "brighter": lambda image: (image * 0.8 + 50).astype(np.uint8),
    "less contrast": lambda image: (image * 0.5 + 64).astype(np.uint8),
    "cut at its edges": lambda image: image[1:-1, 1:-1],
    "a third as large, saved as JPEG": lambda image: saved(scaled(image, 1 / 3), 70),
    "larger, saved as JPEG, darker": lambda image: (saved(scaled(image, 1.5), 40) * 0.9).astype(np.uint8),
}


@pytest.mark.parametrize("make", [noise, landscape])
@pytest.mark.parametrize("copy", COPIES.values(), ids=COPIES)
def test_a_copy_is_seen_and_another_picture_is_not(make, copy):
    images = [make(0), make(1), copy(make(0)), make(2), copy(make(2))]
    assert kinds(images).tolist() == [0, 1, 0, 3, 3]


def test_pictures_of_one_colour_are_copies_only_of_their_colour():
    red, blue = (np.full((20, 30, 3), color, np.uint8) for color in ((200, 10, 10), (10, 10, 200)))
    assert kinds([red, blue, red[:10], blue]).tolist() == [0, 1, 0, 1]


def test_one_shape_in_two_colours_is_two_pictures():
    red, blue = landscape(3).copy(), landscape(3).copy()
    red[20:100, 30:120], blue[20:100, 30:120] = (200, 40, 40), (40, 60, 200)
    assert kinds([red, blue]).tolist() == [0, 1]


def test_a_thing_that_has_moved_makes_another_picture():
    frames = []
    for place in range(5):
        frame = landscape(7).copy()
        frame[30:90, 10 + 20 * place : 50 + 20 * place] = (250, 240, 20)
        frames.append(frame)
    assert kinds(frames).tolist() == [0, 1, 2, 3, 4]


@given(st.permutations([0, 1, 2, 0, 1, 2]), st.permutations([3, 4, 5, 3, 4, 5]))
@hypothesis_settings(deadline=None, max_examples=20)
def test_no_picture_is_held_out_while_its_twin_is_learned_from(first, second):
    examples = check_examples([("a", [noise(seed) for seed in first]), ("b", [noise(seed) for seed in second])])
    assert (examples.counts, examples.copies) == ([6, 6], 6)
    part = parts_of(examples.classes, examples.kinds)
    parts: dict[bytes, set[int]] = {}
    for image, place in zip(examples.images, part.tolist(), strict=True):
        parts.setdefault(image.tobytes(), set()).add(place)
    assert all(len(places) == 1 for places in parts.values())
    assert len({*part.tolist()}) >= 3


@pytest.mark.parametrize("copy", [copy for name, copy in COPIES.items() if name != "the same"], ids=lambda it: "")
def test_a_picture_and_its_copy_in_another_class_are_held_out_together(copy):
    examples = check_examples(
        [
            ("a", [landscape(seed) for seed in range(5)]),
            ("b", [*(landscape(seed) for seed in (7, 8, 9)), copy(landscape(3))]),
        ]
    )
    part = parts_of(examples.classes, examples.kinds)
    assert part[3] == part[8]
    assert len({*part[:5].tolist()}) >= 4, "the others stay apart"


@pytest.mark.parametrize("copy", COPIES.values(), ids=COPIES)
def test_two_classes_that_share_a_picture_are_named(copy):
    own = [("cup", [landscape(seed) for seed in range(4)]), ("pen", [landscape(7), landscape(8)])]
    assert check_examples(own).shared == []
    twin = copy(landscape(3))
    if np.array_equal(twin, landscape(3)):
        twin = scaled(twin, 2)  # the very same picture is refused
    assert check_examples([*own, ("mug", [landscape(9), twin])]).shared == [("cup", "mug", 1)]


@given(st.lists(st.lists(st.integers(0, 6), min_size=1, max_size=6), min_size=2, max_size=5))
def test_what_classes_share_is_counted(kinds_of_classes):
    every = [kind for some in kinds_of_classes for kind in some]
    classes = np.repeat(np.arange(len(kinds_of_classes)), [len(some) for some in kinds_of_classes])
    labels = tuple("abcde"[: len(kinds_of_classes)])
    found = Examples(labels, (), classes, np.array([every.index(kind) for kind in every])).shared
    wanted = {
        (labels[i], labels[j]): len({*kinds_of_classes[i]} & {*kinds_of_classes[j]})
        for j in range(len(labels))
        for i in range(j)
    }
    assert {pair[:2]: pair[2] for pair in found} == {names: count for names, count in wanted.items() if count}


def test_it_is_said_in_one_sentence_which_pairs():
    assert said_of_shared([]) == ""
    said = said_of_shared([("cup", "mug", 2)])
    assert said.startswith("Pictures that look the same, or nearly, are in two classes: 2 in “cup” and “mug”.")
    many = said_of_shared([("a", name, 1) for name in "bcdef"])
    assert "1 in “a” and “d”, and 2 more pairs." in many and "“e”" not in many


def test_a_copy_of_a_copy_is_a_copy():
    small = scaled(landscape(0), 0.5)
    assert kinds([landscape(0), landscape(1), small, saved(small, 30)]).tolist() == [0, 1, 0, 0]


@given(st.lists(st.lists(st.integers(0, 7), min_size=2, max_size=12), min_size=2, max_size=5))
def test_every_class_can_be_learned_without_any_part(kinds_of_classes):
    classes = np.repeat(np.arange(len(kinds_of_classes)), [len(some) for some in kinds_of_classes])
    every = [kind for some in kinds_of_classes for kind in some]
    first = np.array([every.index(kind) for kind in every])
    part = parts_of(classes, first)
    assert part.min() == 0
    for label in np.unique(classes):
        assert len({*part[classes == label].tolist()}) > 1, "what is learned without one part knows the class"


@given(st.data())
def test_no_twin_is_learned_from_where_every_class_has_pictures_of_its_own(data):
    count = data.draw(st.integers(2, 5))
    own = [[100 * label + place for place in range(data.draw(st.integers(5, 8)))] for label in range(count)]
    shared = [data.draw(st.lists(st.integers(0, 3), max_size=4)) for _ in range(count)]
    every = [kind for some, twins in zip(own, shared, strict=True) for kind in [*some, *twins]]
    classes = np.repeat(np.arange(count), [len(some) + len(twins) for some, twins in zip(own, shared, strict=True)])
    first = np.array([every.index(kind) for kind in every])
    part = parts_of(classes, first)
    for kind in np.unique(first):
        assert len({*part[first == kind].tolist()}) == 1


def test_a_burst_of_one_still_thing_is_held_out_in_stretches():
    still = [noise(0)] * 8
    examples = check_examples([("still", still), ("b", [noise(seed) for seed in (1, 2, 3)])])
    part = parts_of(examples.classes, examples.kinds)
    assert examples.copies == 7
    assert part[:8].tolist() == sorted(part[:8].tolist())
    assert {*part[:8].tolist()} == {0, 1, 2, 3, 4}


# Names

SAME = [
    *[("my book", "my  book"), ("my book", "my\u00a0book"), ("café", "cafe\u0301"), ("book", "book\u200b")],
    ("cup", "Cup"),
]


@pytest.mark.parametrize(("one", "other"), SAME)
def test_the_page_says_that_two_names_look_alike(one, other):
    with pytest.raises(InputError, match=r"Two classes are called|look like one name"):
        check_examples([(one, [noise(0), noise(1)]), (other, [noise(2), noise(3)])])


@pytest.mark.parametrize(("one", "other"), [*SAME, ("book", "book ")])
def test_the_api_takes_them_for_one_class(tmp_path, one, other):
    paths = []
    for seed in range(5):
        paths.append(str(tmp_path / f"{seed}.png"))
        Image.fromarray(noise(seed)).save(paths[-1])
    named = _sorted_into_classes(paths, [one, other, one, "pen", "pen"])
    assert named == [(" ".join(one.split()), paths[:3]), ("pen", paths[3:])]


@pytest.mark.parametrize(("one", "other"), SAME)
def test_boxes_with_names_that_look_alike_are_one_class(one, other):
    labels, frames = check_frames(
        [(noise(0), [([0, 0, 0.5, 0.5], one), ([0, 0, 0.5, 1], other), ([0, 0, 1, 1], "pen")])]
    )
    assert labels == (" ".join(one.split()), "pen")
    assert frames[0].classes.tolist() == [0, 0, 1]


# Sides


def arrow(to_the_left, seed):
    """A frame with an arrow in its middle, on noise."""
    image = np.random.default_rng(seed).integers(100, 140, (96, 96, 3), np.uint8)
    for step in range(24):
        image[48 - step : 48 + step + 1, 24 + step] = (250, 40, 40)
    image[42:55, 48:72] = (250, 40, 40)
    return image if to_the_left else np.ascontiguousarray(image[:, ::-1])


def cross(seed):
    image = np.random.default_rng(seed).integers(100, 140, (96, 96, 3), np.uint8)
    image[44:52, 24:72] = image[24:72, 44:52] = (40, 40, 250)
    return image


BOX = np.array([[0.25, 0.25, 0.75, 0.75]], np.float32)


def framed(images_and_classes):
    return [Frame(image, BOX, np.array([kind])) for image, kind in images_and_classes]


def test_left_and_right_arrows_are_not_mirrored():
    frames = framed([(arrow(kind == 0, seed), kind) for seed in range(3) for kind in (0, 1)])
    assert sides_matter(("a", "b"), frames)


def test_things_that_do_not_differ_by_side_are_mirrored():
    assert not sides_matter(("arrow", "cross"), framed([(arrow(True, 0), 0), (arrow(True, 1), 0), (cross(2), 1)]))
    assert not sides_matter(("cross",), framed([(cross(seed), 0) for seed in range(3)]))


SIDED = ["left hand", "Right", "main gauche", "hand-left", "arrow_right", "Linkspfeil", "rechte Hand", "mano derecha"]


@pytest.mark.parametrize("label", [*SIDED, "왼손", "오른쪽 화살표", "→"])
def test_names_may_say_that_sides_matter(label):
    assert sides_matter((label, "x"), framed([(cross(0), 0), (arrow(True, 1), 1)]))


@pytest.mark.parametrize("label", ["cup", "bright star", "upright", "card", "화살표", "copyright"])
def test_other_names_say_nothing_of_sides(label):
    assert not sides_matter((label, "x"), framed([(cross(0), 0), (arrow(True, 1), 1)]))


@given(st.integers(0, 2**32 - 1))
@hypothesis_settings(deadline=None, max_examples=30)
def test_without_mirroring_an_arrow_points_where_it_did(seed):
    (frame,) = framed([(arrow(True, 0), 0)])
    copy = changed(frame, np.random.default_rng(seed), mirror=False)
    if not len(copy.boxes_xyxy):
        return
    left, top, right, bottom = (copy.boxes_xyxy[0] * 96).round().astype(int)
    if right - left < 20 or right >= 95 or left <= 1:
        return
    red = copy.image[top:bottom, left:right, 0].astype(int) - copy.image[top:bottom, left:right, 1] > 60
    middle = red.shape[1] // 2
    assert red[:, :middle].sum() > red[:, middle:].sum(), "the head, which is larger, is on the left"
