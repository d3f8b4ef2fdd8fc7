"""Small video files for tests, good and bad."""

import struct
from fractions import Fraction

import av
import numpy as np

RED, BLUE = (255, 0, 0), (0, 0, 255)


def picture(width=64, height=48):
    """Black, red in the top left corner, blue in the bottom right one."""
    image = np.zeros((height, width, 3), np.uint8)
    image[: height // 3, : width // 3], image[-height // 3 :, -width // 3 :] = RED, BLUE
    return image


def encoded(
    path,
    times=tuple(i / 10 for i in range(10)),
    image=None,
    codec="libx264",
    moving=False,
    pixel_shape=None,
    curve=None,
):
    """A video that shows `image` at the given times (seconds); the container follows from the name of the file.

    With `moving` the image goes 9 pixels to the right every frame. `pixel_shape`: width of a pixel by its height.
    `curve`: by number (ITU-T H.273, table 3).
    """
    image = picture() if image is None else image
    with av.open(str(path), "w", options={"movflags": "+faststart"} if path.suffix == ".mp4" else {}) as container:
        stream = container.add_stream(codec, rate=10)
        stream.width, stream.height, stream.pix_fmt = image.shape[1], image.shape[0], "yuv420p"
        stream.codec_context.time_base = Fraction(1, 1000)
        if curve:
            stream.codec_context.color_trc = curve
        if pixel_shape:
            stream.codec_context.sample_aspect_ratio = pixel_shape
        for index, seconds in enumerate(times):
            shown = np.roll(image, 9 * index * moving, axis=1)
            frame = av.VideoFrame.from_ndarray(shown, format="rgb24")
            frame.pts, frame.time_base = round(seconds * 1000), Fraction(1, 1000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


QUARTER_CLOCKWISE = (0, 1, -1, 0)


def turned(path, target, matrix=QUARTER_CLOCKWISE):
    """The MP4 with a display matrix (a, b, c, d), as phones write it: x' = a x + c y, y' = b x + d y."""
    data = bytearray(path.read_bytes())
    place = data.index(b"tkhd") + 4 + 40
    a, b, c, d = (value << 16 for value in matrix)
    data[place : place + 36] = struct.pack(">9i", a, b, 0, c, d, 0, 0, 0, 1 << 30)
    target.write_bytes(data)
    return target


def sound_only(path):
    """A second of silence."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=8000)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 8000), np.float32), format="fltp", layout="mono")
        frame.sample_rate = 8000
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path
