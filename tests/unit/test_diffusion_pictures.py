"""A visitor's own pictures: what is read, what is refused, and that nothing of a zip ever touches the disk."""

import io
import struct
import zipfile

import numpy as np
import pytest
from PIL import Image

from models.diffusion import pictures
from models.diffusion.pictures import read_pictures, shrink_square
from models.errors import InputError


def png(color="red", size=(20, 30), mode="RGB", kind="PNG"):
    buffer = io.BytesIO()
    Image.new(mode, size, color).save(buffer, kind)
    return buffer.getvalue()


@pytest.fixture
def packed(tmp_path):
    """`packed({name: bytes}, **options)`: the path of a zip of these."""

    def packed_(files, name="pictures.zip", compression=zipfile.ZIP_DEFLATED):
        path = tmp_path / name
        with zipfile.ZipFile(path, "w", compression) as archive:
            for file, data in files.items():
                archive.writestr(file, data)
        return path

    return packed_


def test_files_and_zips_are_read_together_and_shrunk(packed, tmp_path):
    single = tmp_path / "one.jpg"
    single.write_bytes(png("blue", kind="JPEG"))
    archive = packed(
        {
            "a.png": png("red"),
            "folder/b.GIF": png("green", mode="P", kind="GIF"),
            "__MACOSX/._a.png": b"resource fork",
            ".DS_Store": b"x",
            "notes.txt": b"nothing to see",
        }
    )
    rgba = read_pictures([single, archive], 16)
    assert rgba.shape == (3, 16, 16, 4)
    assert rgba.dtype == np.uint8
    assert rgba[1, 8, 8].tolist() == [255, 0, 0, 255]


def test_shrinking_leaves_no_fringe_of_hidden_colours():
    rgba = np.zeros((64, 64, 4), np.uint8)
    rgba[..., 0], rgba[:, ::2] = 255, (0, 0, 255, 255)  # blue stripes between invisible red ones
    small = shrink_square(rgba, 16)
    assert small[..., 0].max() == 0
    assert abs(int(small[0, 0, 3]) - 128) <= 1


def test_animated_and_transparent_pictures_are_read(tmp_path):
    path = tmp_path / "animated.gif"
    frames = [Image.new("RGB", (8, 8), color) for color in ("red", "blue")]
    frames[0].save(path, save_all=True, append_images=frames[1:])
    clear = tmp_path / "clear.png"
    clear.write_bytes(png((0, 0, 0, 0), mode="RGBA"))
    rgba = read_pictures([path, clear], 16)
    assert rgba[0, 0, 0].tolist() == [255, 0, 0, 255]
    assert (rgba[1, ..., 3] == 0).all()


@pytest.mark.parametrize(
    ("files", "sentence"),
    [
        ({"readme.txt": b"hello"}, "holds no picture"),
        ({}, "holds no picture"),
        ({"../../etc/a.png": png()}, "names a path outside itself"),
        ({"/a.png": png()}, "names a path outside itself"),
        ({"..\\a.png": png()}, "names a path outside itself"),
        ({"C:\\a.png": png()}, "names a path outside itself"),
        ({"inner.zip": png()}, "holds another zip"),
        ({"a.png": b"not a picture"}, "a.png: This file is not a picture"),
        ({"a.png": png()[:60]}, "a.png: The picture is damaged"),
        ({"a.png": b""}, "a.png: The picture file is empty"),
        ({"a.png": png(size=(900, 10))}, "a.png: The picture is 900 x 10"),
        ({"bomb.png": bytes(pictures.MAX_FILE_BYTES + 1)}, "unpacks to more than is allowed"),
        ({f"{n}.png": b"" for n in range(1001)}, "holds more than 1,000 files"),
        ({f"{n}.png": png(size=(2, 2)) for n in range(201)}, "more than 200 pictures"),
    ],
)
def test_zips_that_are_refused(packed, files, sentence):
    with pytest.raises(InputError, match=sentence):
        read_pictures([packed(files)], 16)


def test_many_large_pictures_together_are_refused(packed, monkeypatch):
    monkeypatch.setattr(pictures, "MAX_TOTAL_BYTES", 500)
    with pytest.raises(InputError, match="unpacks to more than is allowed"):
        read_pictures([packed({f"{n}.png": png() for n in range(20)})], 16)


def test_an_entry_that_lies_about_its_size_is_refused(packed):
    path = packed({"a.png": bytes(11 * 2**20)})
    data = bytearray(path.read_bytes())
    for mark, place in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        start = data.index(mark) + place
        data[start : start + 4] = struct.pack("<I", 100)
    path.write_bytes(data)
    with pytest.raises(InputError):
        read_pictures([path], 16)


def test_other_files_that_are_refused(packed, tmp_path):
    broken = tmp_path / "broken.zip"
    broken.write_bytes(b"PK\x03\x04 cut short")
    flipped = packed({"a.png": png()}, "flipped.zip")
    data = bytearray(flipped.read_bytes())
    data[45] ^= 255
    flipped.write_bytes(data)
    unusual = packed({"a.png": png()}, "unusual.zip", zipfile.ZIP_LZMA)
    encrypted = packed({"a.png": png()}, "encrypted.zip")
    data = bytearray(encrypted.read_bytes())
    data[data.index(b"PK\x01\x02") + 8] |= 1
    encrypted.write_bytes(data)
    for path, sentence in [
        (broken, "not a zip that can be read"),
        (flipped, "not a zip that can be read|damaged"),
        (unusual, "unusual way"),
        (encrypted, "encrypted"),
        (tmp_path / "gone.png", "did not arrive"),
    ]:
        with pytest.raises(InputError, match=sentence):
            read_pictures([path], 16)
    with pytest.raises(InputError, match="no pictures yet"):
        read_pictures([], 16)


def test_nothing_is_written(packed, tmp_path):
    path = packed({"a.png": png(), "deep/b.png": png()})
    before = sorted(tmp_path.rglob("*"))
    read_pictures([path], 32)
    assert sorted(tmp_path.rglob("*")) == before


def test_names_in_sentences_are_short_and_printable(packed):
    with pytest.raises(InputError) as refused:
        read_pictures([packed({"a\x1b[31m" + "x" * 300 + ".png": b""})], 16)
    assert len(str(refused.value)) < 120
    assert str(refused.value).isprintable()
