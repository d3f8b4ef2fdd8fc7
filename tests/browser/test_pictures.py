"""What a browser shows of a file is what the models read: compared pixel by pixel with Chromium, for every source."""

import base64
import io
import re
from functools import partial

import numpy as np
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from PIL import Image

from models.errors import InputError
from models.images import JPEG_START, read_frame, read_image
from models.video import VideoFile
from tests.conftest import ROOT, choose_page
from tests.drawn_pictures import ANY
from tests.pictures import every_kind
from tests.unit.test_video_shown import MATRICES
from tests.videos import encoded, turned

pytestmark = pytest.mark.browser

ROUNDING = 1
"""Of 255: a browser multiplies by alpha before it composes."""
COLORS_MEANT = 2
"""Of 255: two colour engines round curves and matrices each in their way."""
COLOR_WORDS = (b"gAMA", b"cHRM", b"cICP", b"iCCP", b"ICCP", b"ICC_PROFILE", b"colr")
TABLE_OF_INKS = b"mft1"
"""Between the points of a table of four inks, colour engines go different ways."""
PAINT = """async ([address, moving]) => {
  const it = document.createElement(moving ? "video" : "img");
  it.muted = true;
  it.src = address;
  await (moving ? new Promise((done) => { it.requestVideoFrameCallback(done); it.play(); }) : it.decode());
  const canvas = document.createElement("canvas");
  canvas.width = it.videoWidth ?? it.naturalWidth;
  canvas.height = it.videoHeight ?? it.naturalHeight;
  const context = canvas.getContext("2d");
  context.fillStyle = "white";
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.drawImage(it, 0, 0, canvas.width, canvas.height);
  return canvas.toDataURL("image/png");
}"""


@pytest.fixture(scope="module")
def painted(browser):
    """`painted(bytes, kind)`: (H, W, 3) as Chromium paints the file over white."""
    page = browser.new_page()

    def paint(data, kind):
        address = f"data:{kind};base64,{base64.b64encode(data).decode()}"
        shown = page.evaluate(PAINT, [address, kind.startswith("video")])
        return np.asarray(Image.open(io.BytesIO(base64.b64decode(shown.partition(",")[2]))).convert("RGB")).astype(int)

    yield paint
    page.close()


@pytest.mark.core
@pytest.mark.parametrize("name", every_kind())
def test_a_picture_is_read_as_the_browser_shows_it(painted, name):
    check(painted, every_kind()[name], name.rpartition(".")[2])


def check(painted, data, kind, read=read_image):
    """That a file is read as the browser shows it."""
    shown, read = painted(data, f"image/{kind}"), read(data)
    assert read.shape == shown.shape
    difference = np.abs(read - shown)
    if TABLE_OF_INKS in data:
        assert difference.mean() < 1
    else:
        assert difference.max() <= tolerance_of(data)


def tolerance_of(data):
    """Of 255: none for a PNG without colours of its own and without alpha."""
    if any(word in data for word in COLOR_WORDS):
        return COLORS_MEANT
    return ROUNDING if not data.startswith(b"\x89PNG") or data[25] >= 4 or b"tRNS" in data else 0


@given(ANY)
@hypothesis_settings(max_examples=60, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
def test_whatever_a_file_says_it_is_read_as_the_browser_shows_it(painted, file):
    check(painted, *file)


@pytest.mark.slow
@given(ANY)
@hypothesis_settings(max_examples=2000, suppress_health_check=[HealthCheck.too_slow])
def test_thousands_of_files_are_read_as_the_browser_shows_them(painted, file):
    check(painted, *file)


ONE_SCAN = [name for name in every_kind() if name.endswith("jpeg") and name != "in several scans.jpeg"]


@pytest.mark.parametrize("name", ONE_SCAN)
def test_a_live_frame_is_read_as_the_browser_shows_it(painted, name):
    check(painted, every_kind()[name], "jpeg", partial(read_frame, max_side=100))


def test_a_live_frame_in_several_scans_is_refused():
    with pytest.raises(InputError, match="all colours in one scan"):
        read_frame(every_kind()["in several scans.jpeg"], max_side=100)


@pytest.mark.parametrize("matrix", MATRICES.values(), ids=MATRICES)
@pytest.mark.parametrize("pixel_shape", [None, 2])
def test_a_video_is_read_as_the_browser_plays_it(painted, tmp_path, matrix, pixel_shape):
    path = turned(encoded(tmp_path / "a.mp4", pixel_shape=pixel_shape), tmp_path / "turned.mp4", matrix)
    shown = painted(path.read_bytes(), "video/mp4")
    file = VideoFile(path)
    frame = next(file.frames())
    file.close()
    assert frame.image.shape == shown.shape
    assert np.abs(frame.image - shown).mean() < 4


@pytest.fixture(scope="module")
def scene():
    """(480, 640, 3): what the fake camera sees."""
    return next(VideoFile(ROOT / "assets" / "media" / "detection-video.mp4").frames()).image


def shows(image, scene):
    """Whether two pictures (uint8, of any size) are one, and not the mirror image of the other."""
    small = [np.asarray(Image.fromarray(one).resize((80, 60))).astype(int) for one in (image, scene)]
    same, mirrored = np.abs(small[0] - small[1]).mean(), np.abs(small[0] - small[1][:, ::-1]).mean()
    return same < 30 and mirrored > 2.5 * same  # labels, buttons and boxes lie over what a page shows


def seen(locator):
    """What the page shows there, whatever styles do to it; without the bars beside a picture of another shape."""
    shown = Image.open(io.BytesIO(locator.screenshot())).convert("RGB")
    width, height, fit = locator.evaluate(
        "it => [it.videoWidth || it.naturalWidth, it.videoHeight || it.naturalHeight, getComputedStyle(it).objectFit]"
    )
    if fit == "cover":
        return np.asarray(shown)
    scale = min(shown.width / width, shown.height / height)
    across, down = (shown.width - scale * width) / 2, (shown.height - scale * height) / 2
    return np.asarray(shown.crop((across, down, shown.width - across, shown.height - down)))


def behind(image):
    """The picture of an <img> whose address holds it."""
    return read_image(base64.b64decode(image.get_attribute("src").partition(",")[2]))


def running(page, video):
    page.locator(video).wait_for()
    page.wait_for_function("video => document.querySelector(video)?.currentTime > 0", arg=video)


def test_a_webcam_photo_is_what_the_camera_sees_and_the_page_shows(open_tab, scene):
    page = open_tab("vit")
    image = page.locator("#vit-image")
    image.get_by_role("button", name=re.compile("webcam|camera", re.I)).first.click()
    image.get_by_text(re.compile("Click to Access Webcam", re.I)).click()
    running(page, "#vit-image video")
    assert shows(seen(image.locator("video")), scene)
    with page.expect_response(lambda it: "/upload" in it.url and it.request.method == "POST") as answer:
        image.get_by_role("button", name="capture photo").click()
    assert shows(read_image(answer.value.json()[0]), scene)
    image.locator("img").first.wait_for()
    assert shows(seen(image.locator("img").first), scene)


def test_an_upload_is_shown_as_it_is_read(open_tab, tmp_path):
    page = open_tab("vit")
    path = tmp_path / "turned.jpeg"
    path.write_bytes(every_kind()["orientation 6.jpeg"])
    with page.expect_response(lambda it: "/upload" in it.url and it.request.method == "POST") as answer:
        page.locator("#vit-image input[type=file]").set_input_files(path)
    read = read_image(answer.value.json()[0])
    image = page.locator("#vit-image img").first
    image.wait_for()
    page.wait_for_function("document.querySelector('#vit-image img').naturalWidth > 0")
    size = image.evaluate("image => [image.naturalHeight, image.naturalWidth, getComputedStyle(image).transform]")
    assert [*read.shape[:2], "none"] == size
    np.testing.assert_array_equal(read, read_image(path))


@pytest.mark.parametrize("kind", ["tiff", "avif", "bmp", "heic"])
def test_what_few_browsers_paint_is_shown_too(open_tab, tmp_path, kind):
    if kind == "heic":
        pytest.importorskip("pillow_heif").register_heif_opener()
    page = open_tab("vit")
    path = tmp_path / f"halves.{kind}"
    image = np.zeros((120, 160, 3), np.uint8)
    image[:, :80, 0], image[:, 80:, 2] = 220, 220
    Image.fromarray(image).save(path, "HEIF" if kind == "heic" else kind)
    page.locator("#vit-image input[type=file]").set_input_files(path)
    shown = page.locator("#vit-image img")
    page.wait_for_function(
        "document.querySelector('#vit-image img')?.naturalWidth === 160 && !document.querySelector('.toast-body')"
    )
    pixels = seen(shown)
    middle = len(pixels) // 2
    for across, color in ((0.25, (220, 0, 0)), (0.75, (0, 0, 220))):
        assert np.abs(pixels[middle, round(across * pixels.shape[1])].astype(int) - color).max() < 12


def test_own_classes_and_own_objects_read_what_they_show(open_tab, scene):
    page = open_tab("vit", "Your own classes")
    square = scene[:, 80:560]
    page.locator(".cc-record").first.click()
    running(page, "#vit-collector video")
    assert shows(seen(page.locator("#vit-collector video")), square)
    page.locator(".cc-pictures img").first.wait_for()
    assert shows(behind(page.locator(".cc-pictures img").first), square)

    page.get_by_role("tab", name="Detection", exact=True).click()
    choose_page(page.locator("#tab-detection"), "Your own objects")
    page.locator(".fb-camera").click()
    running(page, ".fb-live video")
    page.locator(".fb-snap:enabled").wait_for()
    assert shows(seen(page.locator(".fb-live video")), scene)
    page.locator(".fb-snap").click()
    page.locator(".fb-picture img").wait_for()
    assert shows(behind(page.locator(".fb-picture img")), scene)


KEEP_SENT = """() => {
  const send = WebSocket.prototype.send;
  WebSocket.prototype.send = function (data) {
    if (data instanceof Blob) data.arrayBuffer().then((buffer) => { window.sent = [...new Uint8Array(buffer)]; });
    send.call(this, data);
  };
}"""
"""Remembers the newest message of the live page: what a browser sends from a Blob, its protocol does not tell."""


def test_live_frames_are_what_the_page_shows(open_tab, scene, tmp_path):
    page = open_tab("detection", "The live camera")
    page.evaluate(KEEP_SENT)
    page.locator(".live .start").click()
    running(page, ".live video")
    assert shows(newest_frame(page), scene)
    assert shows(seen(page.locator(".live video")), scene)
    page.locator(".live .stop").click()
    page.evaluate("window.sent = null")
    lying = encoded(tmp_path / "lying.mp4", image=np.ascontiguousarray(scene[::4, ::4]))
    page.locator(".live .file").set_input_files(turned(lying, tmp_path / "turned.mp4"))
    running(page, ".live video")
    upright = np.rot90(scene, -1)
    assert shows(newest_frame(page), upright)
    assert shows(seen(page.locator(".live video")), upright)


def newest_frame(page):
    """The picture of the newest message of the live page, once there is one."""
    data = bytes(page.wait_for_function("window.sent").json_value())
    return read_frame(data[data.index(JPEG_START) :], max_side=1000)
