"""Video files: what is read and how, what is refused and in which words, what a run leaves behind."""

import csv
import json
import threading

import av
import gradio as gr
import numpy as np
import pytest
from pycocotools.coco import COCO

from demos.detection import video as page
from models import video
from models.detection.boxes import Prediction
from models.detection.tracking import Watched
from models.detection.video import VIDEO, VideoRun, VideoStep, first_frame
from models.errors import InputError
from models.video import WHOLE, Segment, VideoFile, VideoWriter, check_segment
from tests.videos import encoded, picture, sound_only, turned

CLOSE = 40  # of 255: what H.264 does to flat colours
SIZE = (48, 64)


def read(path):
    file = VideoFile(path)
    try:
        return file, list(file.frames())
    finally:
        file.close()


def corner(image, down, right):
    return image[-4 if down else 3, -4 if right else 3].astype(int)


@pytest.mark.parametrize(
    ("name", "codec"), [("a.mp4", "libx264"), ("a.webm", "libvpx"), ("a.avi", "mpeg4"), ("a.mkv", "libx264")]
)
def test_every_container_is_read(tmp_path, name, codec):
    file, frames = read(encoded(tmp_path / name, codec=codec))
    assert len(frames) == 10
    assert [frame.seconds for frame in frames] == pytest.approx([i / 10 for i in range(10)], abs=0.02)
    np.testing.assert_allclose(corner(frames[5].image, False, False), (255, 0, 0), atol=CLOSE)
    np.testing.assert_allclose(corner(frames[5].image, True, True), (0, 0, 255), atol=CLOSE)
    assert frames[5].size == (48, 64)
    assert not file.note


def test_a_phones_video_is_turned_upright(tmp_path):
    _, frames = read(turned(encoded(tmp_path / "a.mp4"), tmp_path / "turned.mp4"))
    assert frames[0].image.shape == (64, 48, 3)
    np.testing.assert_allclose(corner(frames[0].image, False, True), (255, 0, 0), atol=CLOSE)
    np.testing.assert_allclose(corner(frames[0].image, True, False), (0, 0, 255), atol=CLOSE)


@pytest.mark.parametrize(("rate", "taken"), [(60, 15), (30, 15), (24, 12), (15, 15), (5, 5)])
def test_at_most_fifteen_frames_a_second_are_taken(tmp_path, rate, taken):
    _, frames = read(encoded(tmp_path / "a.mp4", [i / rate for i in range(rate)]))
    assert abs(len(frames) - taken) <= 1
    assert [frame.index for frame in frames] == [round(frame.seconds * rate) for frame in frames]


def test_a_large_video_is_looked_at_smaller(tmp_path):
    _, frames = read(encoded(tmp_path / "a.mp4", [0], np.zeros((722, 1286, 3), np.uint8)))
    assert frames[0].image.shape == (539, 960, 3)
    assert frames[0].size == (722, 1286)


BAD = {
    "empty.mp4": (lambda path: path.write_bytes(b""), "is empty"),
    "text.mp4": (lambda path: path.write_bytes(b"not a video at all, only words"), "not a video that can be read"),
    "list.m3u8": (lambda path: path.write_bytes(b"#EXTM3U\n#EXTINF:1,\n/etc/passwd\n"), "not a video that can be read"),
    "concat.mp4": (
        lambda path: path.write_bytes(b"ffconcat version 1.0\nfile /etc/passwd\n"),
        "not a video that can be read",
    ),
    "noise.mp4": (lambda path: path.write_bytes(b"\0\0\0\x20ftypisom" + bytes(range(256)) * 40), "damaged"),
    "noise.webm": (lambda path: path.write_bytes(b"\x1aE\xdf\xa3" + bytes(range(256)) * 40), "damaged|no pictures"),
    "sound.mp4": (sound_only, "sound but no pictures"),
    "ffv1.mkv": (
        lambda path: encoded(path, codec="ffv1"),
        "encoded as ffv1",
    ),
    "long.mp4": (lambda path: encoded(path, times=[0, 1, 7200]), "lasts 120:00 minutes; at most 3"),
    "large.mp4": (
        lambda path: path.write_bytes(b"\0\0\0\x20ftypisom" + bytes(video.MAX_FILE_BYTES)),
        "the limit is 20 MB",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_a_file_that_is_no_video_to_take_is_refused_with_a_sentence(tmp_path, name):
    make, sentence = BAD[name]
    make(tmp_path / name)
    with pytest.raises(InputError, match=sentence) as problem:
        read(tmp_path / name)
    assert len(str(problem.value)) < 200


def test_an_index_at_the_end_that_is_missing_is_damage(tmp_path):
    data = encoded(tmp_path / "a.mov").read_bytes()
    (tmp_path / "cut.mov").write_bytes(data[: data.index(b"moov") - 4])
    with pytest.raises(InputError, match="damaged or cut short"):
        read(tmp_path / "cut.mov")


def test_of_a_damaged_video_the_good_part_is_taken(tmp_path):
    noise = np.random.default_rng(0).integers(0, 256, (48, 64, 3), np.uint8)
    path = encoded(tmp_path / "a.mkv", [i / 10 for i in range(40)], noise, moving=True)
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    file, frames = read(path)
    assert 5 < len(frames) < 40
    assert "cut short" in file.note


def test_a_video_that_does_not_say_how_long_it_is_ends_at_the_limit(tmp_path, monkeypatch):
    path = encoded(tmp_path / "a.mp4", [i / 10 for i in range(30)])
    monkeypatch.setattr(video, "_length", lambda *_: 0.0)
    monkeypatch.setattr(video, "MAX_SECONDS", 1)
    file, frames = read(path)
    assert frames[-1].seconds <= 1
    assert file.note == "Only the first 1 seconds were taken."


def test_a_video_of_very_many_frames_ends_at_the_limit(tmp_path, monkeypatch):
    monkeypatch.setattr(video, "MAX_DECODED", 7)
    file, frames = read(encoded(tmp_path / "a.mp4"))
    assert len(frames) == 7
    assert "Only the first" in file.note


def test_more_pixels_than_4k_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(video, "MAX_PIXELS", 64 * 48 - 1)
    with pytest.raises(InputError, match="larger than 4K"):
        read(encoded(tmp_path / "a.mp4"))


@pytest.mark.parametrize("size", [(48, 64), (47, 63), (1, 200), (3, 3)])
def test_frames_of_any_size_are_written_and_read_again(tmp_path, size):
    writer = VideoWriter(tmp_path / "a.mp4", size)
    for index in range(3):
        writer.write(np.full((*size, 3), 200, np.uint8), index / 10)
    writer.close()
    _, frames = read(tmp_path / "a.mp4")
    assert len(frames) == 3
    assert frames[0].image.shape == (*(max(2, side // 2 * 2) for side in size), 3)
    np.testing.assert_allclose(frames[1].image, 200, atol=10)


# A run


LABELS = ("cat", "dog", "cup")


def answer(image):
    """A cat on the right, and a cup that is too weak to show."""
    logits = np.full((3, 3), -9.0, np.float32)
    logits[0, 0], logits[1, 2] = 3, -1
    boxes = np.array([[0.88, 0.5, 0.2, 0.4], [0.2, 0.2, 0.1, 0.1], [0.5] * 4], np.float32)
    return Prediction(logits, boxes, image.shape[:2], LABELS), "test"


@pytest.fixture
def run(tmp_path):
    image = np.random.default_rng(0).integers(0, 256, (540, 1200, 3), np.uint8)
    made = VideoRun(encoded(tmp_path / "a.mp4", image=image), tmp_path, Watched(0.4))
    made.drawn = list(made.steps(answer))
    return made


def test_coco_json_is_what_pycocotools_reads(run, tmp_path, capsys):
    coco = COCO(tmp_path / "detections.coco.json")
    assert len(coco.getImgIds()) == 10
    assert [category["name"] for category in coco.loadCats(coco.getCatIds())] == list(LABELS)
    annotations = coco.loadAnns(coco.getAnnIds())
    assert len(annotations) == sum(len(record.scores) for record in run.records) > 0
    assert (coco.imgs[1]["height"], coco.imgs[1]["width"]) == (540, 1200)
    results = coco.loadRes(annotations)
    assert len(results.getAnnIds()) == len(annotations)
    first = run.records[0]
    left, top, right, bottom = first.boxes_xyxy[0]
    shown = coco.loadAnns(coco.getAnnIds(imgIds=[1]))[0]
    assert shown["bbox"] == pytest.approx([left, top, right - left, bottom - top], abs=0.02)
    assert shown["score"] == pytest.approx(first.scores[0], abs=1e-4)
    assert right > 960  # in pixels of the video, not of what was looked at
    capsys.readouterr()


def test_csv_has_one_row_a_box(run, tmp_path):
    with (tmp_path / "detections.csv").open() as file:
        rows = list(csv.DictReader(file))
    annotations = json.loads((tmp_path / "detections.coco.json").read_text())["annotations"]
    assert len(rows) == len(annotations)
    for row, annotation in zip(rows, annotations, strict=True):
        assert int(row["frame"]) == annotation["image_id"]
        assert float(row["right"]) - float(row["left"]) == pytest.approx(annotation["bbox"][2], abs=0.02)
        assert row["id"] == ("" if annotation["track_id"] is None else str(annotation["track_id"]))
    assert any(row["id"] for row in rows)


def test_the_annotated_video_is_the_video_with_boxes_on_it(run, tmp_path):
    file, frames = read(tmp_path / VIDEO)
    assert len(frames) == len(run.drawn) == 10
    assert file._stream.codec_context.name == "h264"
    assert np.abs(frames[5].image.astype(int) - run.drawn[5].image[: frames[5].image.shape[0]]).mean() < 30
    assert [frame.seconds for frame in frames] == pytest.approx([step.seconds for step in run.drawn], abs=0.002)


def test_a_run_that_is_given_up_lets_go_of_its_files(tmp_path):
    made = VideoRun(encoded(tmp_path / "a.mp4"), tmp_path, Watched(0.4))
    steps = made.steps(answer)
    next(steps)
    steps.close()
    assert not (tmp_path / "detections.csv").exists()
    with pytest.raises(AssertionError):
        made.video._container.decode(made.video._stream).__next__()


# The page


def test_the_page_checks_what_it_is_given(tmp_path):
    for files, threshold, sentence in (
        (None, 0.5, "no video yet"),
        ([], 0.5, "no video yet"),
        (["x"], "high", "threshold"),
    ):
        with pytest.raises(InputError, match=sentence):
            list(page.compute_video(files, "rf-detr-s14-objects", threshold, None))


@pytest.mark.parametrize("frames", [1, 2, 5])
def test_a_video_that_is_stopped_has_nothing_left_to_do(tmp_path, monkeypatch, frames):
    """Each frame is shown, the wish to stop comes with one of them."""
    monkeypatch.setattr(page, "SHOWN_EVERY_SECONDS", 0)
    wish, seen = threading.Event(), []

    def answered(*_):
        seen.append(1)
        if len(seen) == frames:
            wish.set()
        return answer(*_[-1:])

    monkeypatch.setattr(page, "_answer", answered)
    monkeypatch.setattr(page, "_strip", lambda *_: "strip")
    run = VideoRun(encoded(tmp_path / "a.mp4", [number / 10 for number in range(40)]), tmp_path, Watched(0.4))
    *before, (last, _) = page._watch(run, None, wish)
    assert len(seen) == frames
    assert all("left" in shown for shown, _ in before[1:])
    assert "left" not in last
    assert f">{(frames - 1) / 10:.1f} of " in last


def of_length(seconds, segment=WHOLE):
    """A video file that lasts so long."""
    file = VideoFile.__new__(VideoFile)
    file.seconds, file.segment = seconds, segment
    file.length = (segment.end or seconds) - segment.start
    return file


def test_the_preview_escapes_and_says_how_far_it_is():
    step = VideoStep(picture(), 2.0, {"seen": {"<b>": 2}, "in": {"<i>": 1}, "out": {}, "zone": {}})
    drawn = page._preview(step, of_length(8.0), 10.0)
    assert "<b>" not in drawn
    assert "2.0 of 8.0 s of the video after 10.0 s, about 30 s left. Ids so far: 2 &lt;b&gt;." in drawn
    drawn = page._preview(step, of_length(8.0, Segment(1.5, 3.5)), 10.0)
    assert "0.5 of 2.0 s of the video from second 1.5 on after 10.0 s, about 30 s left." in drawn


# Line and zone


def moving(seconds):
    """A thing that goes down through the picture within two seconds."""
    logits = np.full((1, 2), -9.0, np.float32)
    logits[0, 0] = 4
    boxes = np.array([[0.5, 0.1 + 0.4 * seconds, 0.2, 0.15]], np.float32)
    return Prediction(logits, boxes, SIZE, ("cat", "dog"))


def test_what_crosses_the_line_and_stands_in_the_zone_of_a_file_is_counted(tmp_path):
    times = [number / 10 for number in range(20)]
    watched = Watched(0.4, line=((0.1, 0.5), (0.9, 0.5)), zone=((0.2, 0.6), (0.8, 0.6), (0.8, 1.0), (0.2, 1.0)))
    run = VideoRun(encoded(tmp_path / "a.mp4", times), tmp_path, watched)
    clock = iter(times)
    steps = list(run.steps(lambda image: (moving(next(clock)), "none")))
    assert steps[0].counts == {"seen": {}, "in": {}, "out": {}, "zone": {}}, "an id comes with the second frame"
    assert steps[3].counts == {"seen": {"cat": 1}, "in": {}, "out": {}, "zone": {}}
    assert steps[-1].counts == {"seen": {"cat": 1}, "in": {}, "out": {"cat": 1}, "zone": {"cat": 1}}
    drawn = page._preview(steps[-1], run.video, 1.0)
    assert "Over the line went in: nothing; out: 1 cat. In the zone now: 1 cat." in drawn
    plain = VideoRun(encoded(tmp_path / "b.mp4", times), tmp_path, Watched(0.4))
    clock = iter(times)
    without = next(plain.steps(lambda image: (moving(next(clock)), "none")))
    row = steps[0].image.shape[0] // 2
    assert (steps[0].image[row] != without.image[row]).any(), "the line is drawn"


@pytest.mark.parametrize(
    ("marks", "said"),
    [
        ({"line": [[0.1, 0.5]]}, "two points"),
        ({"line": [[0, 0], [2, 2]]}, "coordinate"),
        ({"zone": [[0, 0], [1, 1]]}, "3 to 20 corners"),
        ({"zone": "all"}, "short list"),
    ],
)
def test_marks_that_are_none_are_told(marks, said):
    with pytest.raises(InputError, match=said):
        page.check_watched(0.5, marks)
    assert page.check_watched(0.5, None) == page.check_watched(0.5, "x") == Watched(0.5)


def test_the_first_frame_is_shown_to_be_marked(tmp_path):
    path = encoded(tmp_path / "a.mp4")
    view, *segment = page.view_chosen([str(path)], 0, 0)
    frame, length = first_frame(path)
    assert (view.height, view.width) == frame.image.shape[:2] and view.line is None
    assert (view.seconds, view.length) == (0, pytest.approx(length, abs=0.01))
    assert segment == [gr.skip(), gr.skip()]
    bad = tmp_path / "bad.mp4"
    bad.write_bytes(b"no video")
    with pytest.raises(InputError):
        page.view_chosen([str(bad)], 0, 0)


# A part of it


def numbered(path, count=30):
    """A video of ten frames a second, each of another grey: that of frame `n` is 8 n."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=10, options={"crf": "4"})
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for number in range(count):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(np.full((48, 64, 3), 8 * number, np.uint8))))
        container.mux(stream.encode(None))
    return path


def number_of(image):
    return round(float(image.mean()) / 8)


@pytest.mark.parametrize(
    ("start", "end", "first", "last"),
    [(0, 0, 0, 29), (0.0, 3.0, 0, 29), (1.2, 0, 12, 29), (0.5, 1.5, 5, 14), (0.55, 1.5, 6, 14), (2.9, 3, 29, 29)],
)
@pytest.mark.parametrize("name", ["a.mp4", "a.mkv"])
def test_of_a_part_just_its_frames_are_read(tmp_path, name, start, end, first, last):
    file = VideoFile(numbered(tmp_path / name), check_segment(start, end))
    frames = list(file.frames())
    file.close()
    assert [frame.index for frame in frames] == list(range(first, last + 1))
    assert [number_of(frame.image) for frame in frames] == [frame.index for frame in frames]
    assert frames[0].seconds == pytest.approx(first / 10, abs=0.002), "seconds are those of the whole video"
    assert file.length == pytest.approx((end or 3) - start, abs=0.06) and not file.note


@pytest.mark.parametrize(
    ("start", "end", "said"),
    [
        (2, 1, "there is nothing: the end must come later"),
        (1, 1, "there is nothing"),
        (float("nan"), 1, "to begin at must be a number from 0 to 180"),
        (0, float("inf"), "to end at must be a number"),
        (None, 1, "to begin at must be a number"),
        (1, None, "to end at must be a number"),
        (-1, 0, "to begin at must be from 0 to 180; -1 is outside"),
        ("1", 0, "must be a number"),
        (True, 0, "must be a number"),
        (0, 10_000, "to end at must be from 0 to 180"),
        (3.5, 0, "lasts 3.0 seconds: choose a part within them"),
        (0, 3.2, "lasts 3.0 seconds"),
        (0.51, 0.55, "No frame of the video begins in this part"),
    ],
)
def test_a_part_that_is_none_is_told_in_one_sentence(tmp_path, start, end, said):
    path = numbered(tmp_path / "a.mp4")
    with pytest.raises(InputError, match=said) as problem:
        first_frame(path, check_segment(start, end))
    assert str(problem.value).count(". ") == 0
    assert page.view_start([str(path)], start, end) == gr.skip(), "half typed numbers are not told of"
    assert page.view_chosen([str(path)], start, end)[1:] == (0, 0), "of a new video all is looked at then"


def test_a_file_that_does_not_say_its_length_is_read_to_a_parts_end(tmp_path, monkeypatch):
    monkeypatch.setattr(video, "_length", lambda *_: 0.0)
    file = VideoFile(numbered(tmp_path / "a.mp4"), Segment(1, 2))
    assert [frame.index for frame in file.frames()] == list(range(10, 20))
    with pytest.raises(InputError, match="No frame of the video begins in this part"):
        list(VideoFile(tmp_path / "a.mp4", Segment(7, None)).frames())


def test_the_frame_where_a_part_begins_is_shown(tmp_path):
    view = page.view_start([str(numbered(tmp_path / "a.mp4"))], 1.2, 0)
    assert (number_of(np.asarray(view.image)), view.seconds, view.length) == (12, 1.2, 3.0)
    assert page.view_start([], 1.2, 0) == gr.skip()


def test_ids_and_what_crosses_are_counted_in_a_part_alone(tmp_path):
    path, line = numbered(tmp_path / "a.mp4"), ((0.1, 0.5), (0.9, 0.5))

    def counted(start, end):
        """What a thing does that is 4 % lower in every frame, and crosses the line at the tenth."""
        run = VideoRun(path, tmp_path, Watched(0.4, line=line), check_segment(start, end))
        *_, last = run.steps(lambda image: (moving(number_of(image) / 10), "none"))
        return last.counts

    for start, end, out in ((0, 0.8, {}), (0, 2, {"cat": 1}), (1.5, 2, {})):
        assert counted(start, end) == {"seen": {"cat": 1}, "in": {}, "out": out}
    rows = list(csv.DictReader((tmp_path / "detections.csv").open()))
    assert [int(row["frame"]) for row in rows] == [16, 17, 18, 19, 20]
    assert float(rows[0]["seconds"]) == pytest.approx(1.5, abs=0.002)
    written, frames = read(tmp_path / VIDEO)
    assert [frame.seconds for frame in frames] == pytest.approx([0, 0.1, 0.2, 0.3, 0.4], abs=0.002)
    assert written.seconds < 1, "the annotated video begins with the part"
