"""Live video in a real browser: known things found, ids and counts, pausing, other ways and every way it can fail."""

import json
import re
from pathlib import Path

import pytest
from playwright.sync_api import expect

from models.video import VideoFile
from tests.conftest import settled
from tests.videos import encoded, sound_only

pytestmark = pytest.mark.browser
MEDIA = Path(__file__).resolve().parents[2] / "assets" / "media"
TRUTH = json.loads((MEDIA / "detection-video.json").read_text())
TOLERANCE = 0.035  # of the picture's side
KEEP_FRAMES = """(() => {
  window.frames_seen = [];
  const keep = ({ detail }) => window.frames_seen.push(detail);
  document.querySelector("#detection-live .live").addEventListener("frame", keep);
})()"""
ALL_HAVE_IDS = """(count) => window.frames_seen.find(({ boxes }) => {
  const sure = boxes.filter(({ score }) => score > 0.5);
  return sure.length >= count && sure.every(({ id }) => id !== null);
})"""
NO_SOCKETS = "(() => { window.WebSocket = class { constructor() { throw new DOMException('no'); } }; })()"

SLOW_SOCKETS = """(() => { window.WebSocket = class extends WebSocket {
  set onmessage(heard) { super.onmessage = (event) => setTimeout(() => heard(event), 300); }
}; })()"""


@pytest.fixture
def open_live(open_tab):
    def open_(**how):
        page = open_tab("detection", "The live camera", calm=True, **how)
        live(page).wait_for()
        page.evaluate(KEEP_FRAMES)
        return page

    return open_


def live(page):
    return page.locator("#detection-live .live")


def message(page):
    return live(page).locator(".message")


def start_camera(page):
    page.get_by_role("button", name="Start the camera").click()


def answered(page, at_least):
    page.wait_for_function("(n) => window.frames_seen.length >= n", arg=at_least)
    return page.evaluate("window.frames_seen")


def assert_truth(boxes, frame=0):
    """Every thing of the example video is found where it is."""
    for label, (left, top, right, bottom) in zip(TRUTH["labels"], TRUTH["boxes_xyxy"][frame], strict=True):
        found = [box["box"] for box in boxes if box["label"] == label and box["score"] > 0.5]
        assert found, f"{label} was not found"
        assert found[0] == pytest.approx([left / 640, top / 480, right / 640, bottom / 480], abs=TOLERANCE)


def test_the_page_opens_on_the_clip_live_until_the_visitor_wants_the_camera(open_tab):
    page = open_tab("detection", "The live camera")
    expect(message(page)).to_contain_text("Live on the example clip")
    expect(live(page)).to_have_attribute("data-answered", re.compile(r"^[1-9]\d+$"))
    expect(live(page).locator(".classes")).to_contain_text("potion")
    assert page.evaluate("document.querySelector('#detection-live video').srcObject") is None
    start_camera(page)
    expect(message(page)).to_contain_text("each frame is answered")
    page.get_by_role("tab", name="Why this box?").click()
    expect(message(page)).to_have_text("The camera was stopped because the tab was left.")


@pytest.mark.slow
def test_who_wants_less_motion_gets_a_frame_and_no_video(open_live):
    page = open_live()
    expect(live(page).locator(".still")).to_be_visible()
    expect(message(page)).to_contain_text("A frame of the example clip")
    expect(live(page)).to_have_attribute("data-state", "off")


@pytest.mark.core
def test_known_things_are_found_and_the_strip_says_how_fast(open_live, screenshots):
    page = open_live()
    start_camera(page)
    frames = answered(page, 8)
    assert_truth(frames[-1]["boxes"])
    assert all(0 < frame["latency"] < 90_000 for frame in frames)
    expect(live(page)).to_have_attribute("data-transport", "WebSocket")
    expect(live(page)).to_have_attribute("data-latency", re.compile(r"^[1-9]\d*$"))
    expect(live(page)).to_have_attribute("data-rate", re.compile(r"^\d*[1-9.]"))
    facts = live(page).locator(".facts")
    for name in ("RF-DETR", "runtime", "504 x 378", "capture", "transfer", "model time", "drawing", "camera to box"):
        expect(facts).to_contain_text(name)
    expect(facts).to_contain_text(re.compile(r"frames [\d.]+ /s"))
    page.screenshot(path=screenshots / "detection-live.png", full_page=True)
    page.locator("#detection-live .stop").click()
    expect(message(page)).to_have_text("The camera is off.")
    expect(facts).to_be_empty()
    expect(live(page).locator(".classes")).to_be_empty()
    assert page.evaluate("document.querySelector('#detection-live video').srcObject") is None


def test_ids_the_line_and_the_zone(open_live, screenshots):
    page = open_live()
    page.get_by_label("Counting line").check()
    page.get_by_label("Zone").check()
    expect(page.get_by_label("Ids and traces")).to_be_checked()
    handle = page.get_by_label("Zone, point 1")
    before = handle.bounding_box()["x"]
    handle.press("ArrowLeft")
    assert handle.bounding_box()["x"] < before
    start_camera(page)
    frame = page.wait_for_function(ALL_HAVE_IDS, arg=len(TRUTH["labels"])).json_value()
    ids = [box["id"] for box in frame["boxes"] if box["score"] > 0.5]
    assert len(set(ids)) == len(ids)
    table = page.locator("#detection-live .counts")
    expect(table).to_contain_text("in the zone")
    expect(table.get_by_role("row", name="weapon")).to_contain_text("1")
    assert frame["answer"]["counts"]["zone"] == {"weapon": 1}
    page.screenshot(path=screenshots / "detection-tracking.png", full_page=True)
    page.get_by_label("Ids and traces").uncheck()
    expect(page.get_by_label("Zone", exact=True)).not_to_be_checked()
    expect(table).to_be_hidden()


@pytest.mark.slow
def test_pausing_stepping_and_hiding_a_class(open_live):
    page = open_live()
    start_camera(page)
    answered(page, 2)
    page.get_by_role("button", name="Pause").click()
    expect(live(page)).to_have_attribute("data-waiting", "0")
    count = len(answered(page, 2))
    page.wait_for_timeout(500)
    assert len(answered(page, 2)) == count
    page.get_by_role("button", name="Next frame").click()
    frames = answered(page, count + 1)
    assert len(frames) == count + 1
    assert_truth(frames[-1]["boxes"])
    boxes = int(live(page).get_attribute("data-boxes"))
    page.locator("#detection-live .classes button", has_text="book").click()
    expect(live(page)).to_have_attribute("data-boxes", str(boxes - 1))
    page.get_by_role("button", name="Pause").click()
    answered(page, count + 3)


@pytest.mark.slow
def test_a_video_file_is_played_and_answered(open_live, tmp_path):
    page = open_live()
    files = page.locator("#detection-live .file")
    files.set_input_files(MEDIA / "detection-video.mp4")
    frames = answered(page, 4)
    assert {box["label"] for box in frames[-1]["boxes"] if box["score"] > 0.5} >= {"book", "tree", "potion"}
    (tmp_path / "text.mp4").write_text("no video")
    files.set_input_files(tmp_path / "text.mp4")
    expect(message(page)).to_contain_text("cannot play this file")
    files.set_input_files(sound_only(tmp_path / "sound.mp4"))
    expect(message(page)).to_contain_text(re.compile("no pictures|cannot play"))
    expect(page.get_by_role("button", name="Start the camera")).to_be_enabled()


def test_without_a_websocket_frames_go_by_single_requests(open_live):
    page = open_live()
    page.evaluate(NO_SOCKETS)
    page.get_by_label("Ids and traces").check()
    start_camera(page)
    frames = answered(page, 2)
    assert_truth(frames[-1]["boxes"])
    expect(live(page)).to_have_attribute("data-transport", "HTTP")
    expect(live(page).locator(".facts")).to_contain_text("HTTP")


@pytest.mark.slow
def test_on_a_slow_network_frames_get_smaller(open_live):
    page = open_live()
    page.evaluate(SLOW_SOCKETS)
    start_camera(page)
    answered(page, 1)
    expect(message(page)).to_have_text("The network is slow: frames are sent smaller.")
    expect(live(page).locator(".facts")).to_contain_text("378 x 284")
    assert_truth(page.evaluate("window.frames_seen")[-1]["boxes"])


def test_what_breaks_off_is_said(open_live):
    page = open_live()
    page.evaluate(
        "(() => { const Real = WebSocket; window.WebSocket = class extends Real {"
        " constructor(...how) { super(...how); window.socket = this; } }; })()"
    )
    start_camera(page)
    answered(page, 1)
    page.evaluate("window.socket.close()")
    expect(message(page)).to_contain_text("The connection to the server was lost")
    start_camera(page)
    answered(page, 2)
    page.evaluate(
        "document.querySelector('#detection-live video').srcObject.getTracks()[0].dispatchEvent(new Event('ended'))"
    )
    expect(message(page)).to_contain_text("The camera was lost")
    expect(live(page)).to_have_attribute("data-state", "error")


def test_leaving_the_tab_stops_the_camera(open_live):
    page = open_live()
    start_camera(page)
    answered(page, 1)
    page.get_by_role("tab", name="Why this box?").click()
    expect(live(page)).to_have_attribute("data-state", "off")
    assert page.evaluate("document.querySelector('#detection-live video').srcObject") is None


@pytest.mark.parametrize(
    ("fault", "sentence"),
    [("NotAllowedError", "The camera was refused"), ("NotFoundError", "No camera was found"), ("Other", "start again")],
)
def test_a_camera_that_cannot_be_had_is_said(open_live, fault, sentence):
    page = open_live()
    page.evaluate(
        "(name) => { navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException('no', name)); }", fault
    )
    start_camera(page)
    expect(message(page)).to_contain_text(sentence)
    expect(page.get_by_role("button", name="Start the camera")).to_be_enabled()


def test_where_nothing_is_known_another_model_and_teaching_are_offered(open_live):
    page = open_live()
    page.locator("#detection-threshold input[type=number]").fill("1")
    page.locator("#detection-threshold input[type=number]").press("Enter")
    start_camera(page)
    nothing = live(page).locator(".nothing")
    expect(nothing).to_contain_text("Another model knows people")
    expect(live(page).locator(".known")).to_be_visible()
    nothing.get_by_role("button", name="Look for people").click()
    expect(page.locator("#detection-model input")).to_have_value("RF-DETR, people and a few things")
    expect(live(page).locator(".known")).to_be_hidden()
    expect(live(page).locator(".facts")).to_contain_text("RF-DETR, people and a few things")
    expect(nothing).to_contain_text("Nothing here that I know; teach me yours in a minute.")
    nothing.get_by_role("button", name="Teach it this one").click()
    expect(page.locator("#detection-own-frames .fb-frames button")).to_have_count(1)


@pytest.mark.slow
def test_a_phone_in_the_dark_scrolls_nothing_sideways(open_live, screenshots):
    page = open_live(phone=True, dark=True)
    page.get_by_label("Counting line").check()
    start_camera(page)
    answered(page, 3)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.screenshot(path=screenshots / "detection-live-phone.png", full_page=True)


@pytest.mark.slow
def test_line_and_zone_stand_in_the_address(open_live):
    page = open_live()
    page.get_by_label("Counting line").check()
    page.get_by_label("Zone", exact=True).check()
    page.get_by_label("Zone, point 1").press("ArrowLeft")
    expect(page).to_have_url(re.compile(r"line=.*zone=0\.530_0\.150"))
    page.reload()
    expect(page.get_by_label("Zone", exact=True)).to_be_checked()
    expect(page.get_by_label("Counting line")).to_be_checked()
    expect(page.get_by_label("Zone, point 1")).to_have_attribute("style", re.compile("left: 53%"))


# A video file, processed on the server


def test_a_video_is_processed_while_one_watches_and_leaves_three_files(open_tab, screenshots, tmp_path):
    page = open_tab("detection", "A video file")
    scene = next(VideoFile(MEDIA / "detection-video.mp4").frames()).image
    page.locator("#detection-video-file input[type=file]").set_input_files(encoded(tmp_path / "scene.mp4", image=scene))
    expect(page.locator("#detection-video-file")).to_contain_text("scene")
    marks = page.locator("#detection-video-marks")
    expect(page.locator("#detection-video-finding")).to_be_empty()
    marks.get_by_label("zone").check()
    marks.get_by_label("Zone, point 1").press("ArrowLeft")
    expect(page).to_have_url(re.compile(r"zone=0\.530_0\.150"))
    page.get_by_role("button", name="Process").click()
    preview = page.locator("#detection-video-preview")
    expect(preview.locator("img")).to_be_visible()
    result = page.locator("#detection-video-result video")
    expect(result).to_be_visible()
    files = page.locator("#detection-video-files")
    for name in ("annotated", "detections.coco", "detections"):
        expect(files).to_contain_text(name)
    expect(page.locator("#detection-video-strip")).to_contain_text("frames 10")
    expect(preview).to_contain_text("1 book")
    expect(preview).to_contain_text("Over the line went in: nothing; out: nothing. In the zone now: ")
    page.wait_for_function("document.querySelector('#detection-video-result video').videoWidth === 640")
    page.screenshot(path=screenshots / "detection-video.png", full_page=True)


@pytest.mark.slow
def test_a_video_can_be_stopped(open_tab):
    page = open_tab("detection", "A video file")
    page.get_by_role("button", name="Four things wandering").click()
    expect(page.locator("#detection-video-file")).to_contain_text(".mp4")
    page.get_by_role("button", name="Process").click()
    expect(page.locator("#detection-video-preview [role=progressbar]")).to_be_visible()
    page.locator("#detection-video-tab").get_by_role("button", name="Stop").click()
    expect(page.locator("#detection-video-strip")).to_contain_text("Stopped")
    expect(page.locator("#detection-video-preview")).not_to_contain_text("left")
    expect(page.locator("#detection-video-result video")).to_have_count(0)
    page.get_by_role("button", name="Process").click()
    expect(page.locator("#detection-video-strip")).to_contain_text("frames")
    page.locator("#detection-video-tab").get_by_role("button", name="Stop").click()
    expect(page.locator("#detection-video-strip")).to_contain_text("Stopped")


@pytest.mark.slow
def test_a_file_that_is_no_video_is_said(open_tab, tmp_path):
    page = open_tab("detection", "A video file")
    page.locator("#detection-video-file input[type=file]").set_input_files(sound_only(tmp_path / "sound.mp4"))
    expect(page.locator("#detection-video-file")).to_contain_text("sound")
    expect(page.locator(".toast-body")).to_contain_text("sound but no pictures")
    expect(page.locator(".toast-title")).to_contain_text("Please check")
    expect(page.locator("#detection-video-file")).not_to_contain_text("sound")
    page.get_by_role("button", name="Process").click()
    expect(page.locator(".toast-body").last).to_contain_text("There is no video yet")
    settled(page)
    expect(page.locator(".toast-body", has_text="sound but no pictures")).to_have_count(1)
    expect(page.locator("#detection-video-strip")).not_to_contain_text("Opening the video")


@pytest.mark.slow
def test_a_part_of_a_video_is_chosen_and_stands_in_the_address(open_tab, tmp_path):
    page = open_tab("detection", "A video file")
    start, end = (page.locator(f"#detection-video-{name} input") for name in ("start", "end"))
    scene = next(VideoFile(MEDIA / "detection-video.mp4").frames()).image
    video = encoded(tmp_path / "scene.mp4", image=scene)
    page.locator("#detection-video-file input[type=file]").set_input_files(video)
    marks, strip = page.locator("#detection-video-marks"), page.locator("#detection-video-strip")
    expect(marks).to_contain_text("The frame at 0.0 of 1.0 s.")
    start.fill("0.4")
    expect(marks).to_contain_text("The frame at 0.4 of 1.0 s.")
    end.fill("0.2")
    page.get_by_role("button", name="Process").click()
    expect(page.locator(".toast-body")).to_contain_text("From second 0.4 to second 0.2 there is nothing")
    end.fill("0.7")
    page.get_by_role("button", name="Process").click()
    expect(strip).to_contain_text("frames 3")
    expect(page.locator("#detection-video-preview")).to_contain_text("s of the video from second 0.4 on")
    expect(page).to_have_url(re.compile("start=0.4&end=0.7"))
    page.reload()
    expect(strip).to_contain_text("frames 5")  # the example clip, 15 frames a second
    expect(marks).to_contain_text("The frame at 0.4 of")
    expect(start).to_have_value("0.4")
    expect(end).to_have_value("0.7")
