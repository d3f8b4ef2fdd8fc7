"""A video's frames are those that a player shows, and what is exported finds its frame in the visitor's own file."""

import csv
import itertools
import json
from fractions import Fraction

import av
import numpy as np
import pytest
import supervision as sv
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from PIL import Image
from pycocotools.coco import COCO

from models.detection.boxes import Prediction, postprocess
from models.detection.records import record_of, write_coco, write_csv
from models.detection.tracking import Watched
from models.detection.video import COCO as COCO_FILE
from models.detection.video import CSV, VideoRun
from models.video import Frame, VideoFile, VideoWriter, _turned
from tests.videos import encoded, picture, turned

CLOSE = 25  # of 255: what H.264 does to flat colours
LABELS = ("thing",)


def read(path):
    file = VideoFile(path)
    try:
        return list(file.frames())
    finally:
        file.close()


# One way in

MATRICES = {
    "as stored": (1, 0, 0, 1),
    "left and right swapped": (-1, 0, 0, 1),
    "upside down, mirrored": (1, 0, 0, -1),
    "half a turn": (-1, 0, 0, -1),
    "a quarter clockwise": (0, 1, -1, 0),
    "a quarter counterclockwise": (0, -1, 1, 0),
    "a quarter and mirrored": (0, 1, 1, 0),
    "a quarter back and mirrored": (0, -1, -1, 0),
}


def by_definition(image, matrix):
    """Every pixel carried to where ISO/IEC 14496-12 says: x' = a x + c y, y' = b x + d y, moved into the picture."""
    a, b, c, d = matrix
    y, x = np.mgrid[: image.shape[0], : image.shape[1]]
    to_x, to_y = a * x + c * y, b * x + d * y
    to_x, to_y = to_x - to_x.min(), to_y - to_y.min()
    moved = np.zeros((to_y.max() + 1, to_x.max() + 1, 3), image.dtype)
    moved[to_y, to_x] = image
    return moved


@pytest.mark.parametrize("matrix", MATRICES.values(), ids=MATRICES)
def test_a_video_is_turned_and_mirrored_as_its_display_matrix_says(tmp_path, matrix):
    frames = read(turned(encoded(tmp_path / "a.mp4"), tmp_path / "turned.mp4", matrix))
    expected = by_definition(picture(), matrix)
    assert frames[0].image.shape == expected.shape
    assert frames[0].size == expected.shape[:2]
    assert np.abs(frames[0].image.astype(int) - expected).mean() < 8


@given(
    arrays.arrays(np.uint8, st.tuples(st.integers(1, 6), st.integers(1, 6), st.just(3))),
    st.sampled_from(list(MATRICES.values())),
)
def test_turning_moves_every_pixel_where_the_matrix_says(image, matrix):
    a, b, c, d = matrix
    np.testing.assert_array_equal(_turned(image, np.array([[a, b], [c, d]])), by_definition(image, matrix))


@pytest.mark.parametrize(
    ("stored", "pixel_shape", "shown"),
    [
        ((48, 64), None, (48, 64)),
        ((96, 80), Fraction(2, 1), (96, 160)),
        ((48, 160), Fraction(1, 2), (96, 160)),
        ((96, 120), Fraction(4, 3), (96, 160)),
        ((576, 720), Fraction(16, 15), (576, 768)),
    ],
)
def test_pixels_become_square_by_the_side_that_is_too_short(tmp_path, stored, pixel_shape, shown):
    image = np.asarray(Image.fromarray(picture(160, 96)).resize(stored[::-1], Image.Resampling.BOX))
    frame = read(encoded(tmp_path / "a.mp4", [0], image, pixel_shape=pixel_shape))[0]
    assert frame.size == frame.image.shape[:2] == shown
    np.testing.assert_allclose(frame.image[2, 2], (255, 0, 0), atol=CLOSE)
    np.testing.assert_allclose(frame.image[-3, -3], (0, 0, 255), atol=CLOSE)


def test_pixel_shape_and_a_quarter_turn_together(tmp_path):
    narrow = np.asarray(Image.fromarray(picture(160, 96)).resize((80, 96), Image.Resampling.BOX))
    path = turned(encoded(tmp_path / "a.mp4", [0], narrow, pixel_shape=Fraction(2, 1)), tmp_path / "turned.mp4")
    frame = read(path)[0]
    assert frame.size == frame.image.shape[:2] == (160, 96)
    np.testing.assert_allclose(frame.image[2, -3], (255, 0, 0), atol=CLOSE)


def test_a_frame_of_another_size_is_fitted_into_the_written_video(tmp_path):
    writer = VideoWriter(tmp_path / "a.mp4", (48, 64))
    writer.write(np.full((48, 64, 3), 200, np.uint8), 0)
    writer.write(np.full((64, 48, 3), 200, np.uint8), 0.5)  # a phone turned while it records
    writer.close()
    first, second = read(tmp_path / "a.mp4")
    assert first.image.shape == second.image.shape == (48, 64, 3)
    np.testing.assert_allclose(second.image[24, 32], 200, atol=CLOSE)
    assert second.image[24, 2].max() < CLOSE, "beside the upright picture the frame stays black"


@pytest.mark.parametrize(("curve", "bright"), [(None, False), (1, False), (13, False), (16, True), (18, True)])
def test_high_dynamic_range_is_said(tmp_path, curve, bright):
    file = VideoFile(encoded(tmp_path / "a.mp4", curve=curve))
    assert ("high dynamic range" in file.note) is bright
    list(file.frames())
    file.close()
    assert ("high dynamic range" in file.note) is bright


# What is exported


def tagged(number, size=(96, 160)):
    """A picture that tells its number: one of 96 places of a white square on black."""
    image = np.zeros((*size, 3), np.uint8)
    row, column = divmod(number, 16)
    image[row * 16 : row * 16 + 10, column * 10 : column * 10 + 10] = 255
    return image


def where_it_is(image):
    """A network that sees the white square exactly."""
    rows, columns = np.nonzero(image[..., 1] > 128)
    height, width = image.shape[:2]
    left, right, top, bottom = columns.min(), columns.max() + 1, rows.min(), rows.max() + 1
    box = [(left + right) / 2 / width, (top + bottom) / 2 / height, (right - left) / width, (bottom - top) / height]
    return Prediction(np.array([[5.0]], np.float32), np.array([box], np.float32), (height, width), LABELS), "exact"


def video_of(path, times, start=0.0):
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=30, options={"crf": "10"})
        stream.width, stream.height, stream.pix_fmt = 160, 96, "yuv420p"
        stream.codec_context.time_base = Fraction(1, 90000)
        for number, seconds in enumerate(times):
            frame = av.VideoFrame.from_ndarray(tagged(number), format="rgb24")
            frame.pts, frame.time_base = round((seconds + start) * 90000), Fraction(1, 90000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


RATES = {
    "30 frames a second": ([i / 30 for i in range(45)], 0.0),
    "24 frames a second": ([i / 24 for i in range(24)], 0.0),
    "10 frames a second": ([i / 10 for i in range(15)], 0.0),
    "60 frames a second": ([i / 60 for i in range(60)], 0.0),
    "a changing rate": ([*(i / 30 for i in range(15)), *(1.5 + i / 10 for i in range(15))], 0.0),
    "times that begin late": ([i / 30 for i in range(45)], 7.0),
    "29.97 frames a second": ([i * 1001 / 30_000 for i in range(45)], 0.0),
    "25 frames a second": ([i / 25 for i in range(40)], 0.0),
    "120 frames a second": ([i / 120 for i in range(96)], 0.0),
    "a frame every second": ([float(i) for i in range(12)], 0.0),
    "a pause in the middle": ([*(i / 15 for i in range(12)), *(9 + i / 15 for i in range(12))], 0.0),
    "one frame": ([0.0], 0.0),
}


@pytest.mark.parametrize("container", ["mp4", "mkv"])
@pytest.mark.parametrize(("times", "start"), RATES.values(), ids=RATES)
def test_every_exported_number_finds_its_frame_in_the_visitors_own_video(tmp_path, times, start, container, capsys):
    path = video_of(tmp_path / f"a.{container}", times, start)
    run = VideoRun(path, tmp_path, Watched(0.5))
    list(run.steps(where_it_is))
    with av.open(str(path)) as container:
        own = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
    coco = COCO(tmp_path / COCO_FILE)
    assert len(own) == len(times)
    assert len(coco.anns) == len(run.records) >= min(len(times), 12)
    for annotation in coco.anns.values():
        image = coco.imgs[annotation["image_id"]]
        number = image["id"] - 1
        assert image["file_name"] == f"frame-{number + 1:06}.jpg"
        assert image["seconds"] == pytest.approx(times[number], abs=0.002)
        left, top, width, height = annotation["bbox"]
        inside = own[number][round(top) : round(top + height), round(left) : round(left + width)]
        assert inside.mean() > 200, "the box surrounds the square of the frame with this number"
    with (tmp_path / CSV).open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [int(row["frame"]) for row in rows] == [a["image_id"] for a in coco.anns.values()]
    assert [float(row["seconds"]) for row in rows] == pytest.approx(
        [times[int(r["frame"]) - 1] for r in rows], abs=0.002
    )
    capsys.readouterr()


@given(st.lists(st.integers(1, 120), min_size=2, max_size=24), st.integers(0, 900), st.sampled_from(["mp4", "mkv"]))
@hypothesis_settings(max_examples=15, deadline=None)
def test_whenever_its_frames_are_shown_every_number_finds_its_frame(tmp_path_factory, steps, start, container):
    """steps: between two frames, in hundredths of a second."""
    folder = tmp_path_factory.mktemp("video")
    times = (np.cumsum([0, *steps]) / 100).tolist()
    path = video_of(folder / f"a.{container}", times, start / 100)
    run = VideoRun(path, folder, Watched(0.5))
    list(run.steps(where_it_is))
    with av.open(str(path)) as opened:
        own = [frame.to_ndarray(format="rgb24") for frame in opened.decode(video=0)]
    assert run.records
    content = json.loads((folder / COCO_FILE).read_text())
    for annotation in content["annotations"]:
        left, top, width, height = map(round, annotation["bbox"])
        assert own[annotation["image_id"] - 1][top : top + height, left : left + width].mean() > 200


def found_at(boxes_xyxy):
    """Boxes given in pixels of a frame of 321 x 181, as a network would say them."""
    pixels = np.array(boxes_xyxy, np.float32).reshape(-1, 4) / [321, 181, 321, 181]
    centres = np.concatenate([(pixels[:, :2] + pixels[:, 2:]) / 2, pixels[:, 2:] - pixels[:, :2]], 1)
    logits = np.full((len(pixels), 1), 3, np.float32)
    return postprocess(Prediction(logits, centres.astype(np.float32), (181, 321), LABELS), 0.5)


@pytest.fixture
def exported(tmp_path):
    """Files of three frames of a video of 641 x 361, looked at in half its size; one frame holds nothing."""
    frames = [Frame(np.zeros((181, 321, 3), np.uint8), number / 10, number, (361, 641)) for number in (0, 3, 6)]
    found = [
        found_at([[-8.93, 11.08, 95.05, 155.19], [300, 170, 330, 190]]),
        found_at([]),
        found_at([[1, 2, 3, 4]]),
    ]
    records = [record_of(some, frame, 0.5) for some, frame in zip(found, frames, strict=True)]
    write_coco(tmp_path / COCO_FILE, records, LABELS)
    write_csv(tmp_path / CSV, records, LABELS)
    return tmp_path


def test_boxes_and_areas_in_the_files_end_where_the_picture_ends(exported):
    content = json.loads((exported / COCO_FILE).read_text())
    for annotation in content["annotations"]:
        left, top, width, height = annotation["bbox"]
        assert left >= 0
        assert top >= 0
        assert left + width <= 641
        assert top + height <= 361
        assert annotation["area"] == pytest.approx(width * height, abs=0.01)
    assert content["annotations"][0]["bbox"] == pytest.approx([0, 22.10, 189.80, 287.42], abs=0.01)
    assert content["annotations"][1]["bbox"] == pytest.approx([599.07, 339.06, 41.93, 21.94], abs=0.01)


def test_pycocotools_evaluates_the_file_against_itself_as_perfect(exported, capsys):
    from pycocotools.cocoeval import COCOeval

    truth = COCO(exported / COCO_FILE)
    measured = COCOeval(truth, truth.loadRes(list(truth.anns.values())), "bbox")
    measured.evaluate()
    measured.accumulate()
    measured.summarize()
    assert measured.stats[0] == pytest.approx(1)
    capsys.readouterr()


def test_supervision_loads_the_file(exported):
    for number in (1, 4, 7):
        Image.new("RGB", (641, 361)).save(exported / f"frame-{number:06}.jpg")
    loaded = sv.DetectionDataset.from_coco(str(exported), str(exported / COCO_FILE))
    assert loaded.classes == list(LABELS)
    assert [len(annotations) for _, _, annotations in loaded] == [2, 0, 1]
    for (_, picture_of_it, annotations), _ in zip(loaded, itertools.count(), strict=False):
        for left, top, right, bottom in annotations.xyxy.astype(int):
            assert picture_of_it[top:bottom, left:right].size


SHARES = st.floats(-0.5, 1.5)
SIDES = st.floats(0.001, 1.5)


@given(
    st.lists(st.tuples(SHARES, SHARES, SIDES, SIDES), max_size=6),
    st.tuples(st.integers(8, 960), st.integers(8, 960)),
    st.tuples(st.integers(1, 4), st.integers(0, 7)),
)
def test_no_box_leaves_its_picture_wherever_the_network_puts_it(boxes, looked_at, enlarged):
    logits = np.full((len(boxes), 1), 3, np.float32)
    prediction = Prediction(logits, np.array(boxes, np.float32).reshape(-1, 4), looked_at, LABELS)
    found = postprocess(prediction, 0.5)
    assert (found.corners >= 0).all()
    assert (found.corners <= 1).all()
    assert (found.corners[:, 2:] > found.corners[:, :2]).all()
    height, width = looked_at
    assert (found.pixels(looked_at) <= [width, height, width, height]).all()
    size = tuple(side * enlarged[0] + enlarged[1] for side in looked_at)
    record = record_of(found, Frame(np.zeros((1, 1, 3), np.uint8), 0, 0, size), 0.5)
    assert (record.boxes_xyxy >= 0).all()
    assert (record.boxes_xyxy <= [size[1], size[0]] * 2).all()
