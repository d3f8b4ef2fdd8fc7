"""What a browser shows of a file is what the models read: compared pixel by pixel with Chromium, for every source."""

import base64
import io
import re

import numpy as np
import pytest
from PIL import Image

from models.images import read_frame, read_image
from models.video import VideoFile
from tests.conftest import ROOT
from tests.pictures import every_kind
from tests.unit.test_video_shown import MATRICES
from tests.videos import encoded, turned

pytestmark = pytest.mark.browser

ROUNDING = 1
"""Of 255: a browser multiplies by alpha before it composes."""
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


@pytest.mark.parametrize("name", every_kind())
def test_a_picture_is_read_as_the_browser_shows_it(painted, name):
    data = every_kind()[name]
    shown, read = painted(data, f"image/{name.rpartition('.')[2]}"), read_image(data)
    assert read.shape == shown.shape
    assert np.abs(read - shown).max() <= ROUNDING


@pytest.mark.parametrize("name", [name for name in every_kind() if name.endswith("jpeg")])
def test_a_live_frame_is_read_as_the_browser_shows_it(painted, name):
    data = every_kind()[name]
    shown, read = painted(data, "image/jpeg"), read_frame(data, max_side=100)
    assert read.shape == shown.shape
    assert np.abs(read - shown).max() <= ROUNDING


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


def test_a_webcam_photo_is_what_the_camera_sees_not_its_mirror_image(open_tab):
    page = open_tab("vit")
    image = page.locator("#vit-image")
    image.get_by_role("button", name=re.compile("webcam|camera", re.I)).first.click()
    image.get_by_text(re.compile("Click to Access Webcam", re.I)).click()
    page.wait_for_function("document.querySelector('#vit-image video')?.currentTime > 0")
    with page.expect_response(lambda it: "/upload" in it.url and it.request.method == "POST") as answer:
        image.get_by_role("button", name="capture photo").click()
    photo = read_image(answer.value.json()[0]).astype(int)
    scene = next(VideoFile(ROOT / "assets" / "media" / "detection-video.mp4").frames()).image
    assert photo.shape == scene.shape
    assert np.abs(photo - scene).mean() < 8
    assert np.abs(photo - scene[:, ::-1]).mean() > 16
