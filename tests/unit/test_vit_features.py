"""What patches know: what the browser gets, the page's own checks, and figures said in words."""

import json
import re

import numpy as np
import pytest

from demos.door.launch import launch_settings
from demos.views.damage import chart_of_distances
from demos.views.vit_features import pack_features, view_of_distances, view_of_features
from demos.vit import features as page
from demos.vit.shared import EMBEDDED, MEDIA, example_pictures
from demos.wire import to_wire
from models import weights
from models.compute import Run
from models.errors import InputError
from models.vision import library
from models.vision.preprocessing import Preprocessing, load_preprocessing
from models.vit.contenders import square
from models.vit.curve import attention_of_the_middle
from models.vit.features import FeaturesResult, attention_distances, cosines, patch_features, principal_components
from models.vit.trace import trace_image
from tests.handles import array_of
from tests.hub.checkpoints import vit

RUN = Run("tiny", "Tiny", 1, "embedded", "cpu", 0.1)
PICTURES = [np.random.default_rng(seed).integers(0, 256, (60, 90, 3), dtype=np.uint8) for seed in (0, 1)]


@pytest.fixture(scope="module")
def network(tmp_path_factory):
    folder = tmp_path_factory.mktemp("vit")
    vit(folder)
    return library.load(folder)


@pytest.fixture(scope="module")
def read(network):
    """Traces and features of both pictures."""
    traces = [trace_image(network, picture, size=48) for picture in PICTURES]
    return traces, [patch_features(trace, network) for trace in traces]


def test_the_browser_gets_the_features_of_both_pictures_layer_by_layer(read):
    traces, features = read
    components = [principal_components(np.concatenate(layer)) for layer in zip(*features, strict=True)]
    drawn = to_wire(view_of_features(FeaturesResult(traces, features, components, [], 0.0, RUN), "run"))
    json.dumps(drawn)
    layers, patches, width = features[0].shape
    assert [(one["rows"], one["columns"]) for one in drawn["pictures"]] == [(3, 3), (3, 3)]
    assert (drawn["layers"], drawn["width"]) == (layers - 1, width)
    steps = np.stack([array_of(one) for one in drawn["steps"]]).reshape(layers, 2, patches, width)
    values = array_of(drawn["values"]).reshape(layers, 2, patches, 3)
    for layer in range(layers):
        for other in (0, 1):
            seen = cosines(steps[layer, 0].astype(np.float32), 4, steps[layer, other].astype(np.float32))
            np.testing.assert_allclose(seen, cosines(features[0][layer], 4, features[other][layer]), atol=0.01)
        np.testing.assert_array_equal(values[layer].reshape(-1, 3), components[layer].values)
        np.testing.assert_allclose(drawn["shares"][layer], components[layer].shares)
        for direction, (low, high) in enumerate(drawn["ends"][layer]):
            assert values[layer, ..., direction].min() <= low < high <= values[layer, ..., direction].max()


def test_features_of_zeros_are_packed_as_zeros():
    assert not pack_features(np.zeros((2, 3), np.float32)).any()
    assert pack_features(np.array([[-4.0, 2.0, 0.01]])).tolist() == [[-127, 64, 0]]


def test_one_dot_a_head_and_the_mean_of_every_layer():
    distances = [np.array([[10.0, 30.0], [50.0, 90.0]]), np.array([[20.0, 40.0], [50.0, 90.0]])]
    drawn = view_of_distances(distances, 77.0)
    assert drawn["cloud"] == [
        [1, 15.0, "layer 1, head 1"],
        [1, 35.0, "layer 1, head 2"],
        [2, 50.0, "layer 2, head 1"],
        [2, 90.0, "layer 2, head 2"],
    ]
    assert [one["points"] for one in drawn["series"]] == [[[1, 25.0], [2, 70.0]], [[1, 77.0], [2, 77.0]]]


def test_attention_of_the_middle_patch_stands_beside_the_receptive_fields(network):
    trace = trace_image(network, PICTURES[0])
    rows, columns = trace.grid
    middle = rows // 2 * columns + columns // 2
    expected = attention_distances(trace.attention, trace.grid, 16, patch=middle).mean(1)
    found = attention_of_the_middle(network, PICTURES[0])
    np.testing.assert_allclose(found, expected)
    (line,) = chart_of_distances([("attention", "value", "", [None, *found])])["series"]
    assert [point[0] for point in line["points"]] == [(n + 1) / len(found) for n in range(len(found))]


def test_the_traced_pixels_are_those_that_both_networks_get():
    pixels = square(PICTURES[0])
    assert np.array_equal(load_preprocessing(weights.folder(EMBEDDED), Preprocessing()).square(pixels), pixels)


def test_no_picture_one_and_two():
    elephant, sign = (str(example_pictures()[name]) for name in ("An elephant", "A stop sign"))
    assert "No picture yet" in list(page.compute_features(None, None, EMBEDDED))[-1][3]
    runs = {}
    for given in ((elephant, None), (None, elephant), (elephant, sign), (sign, elephant)):
        view, chart, said, strip = list(page.compute_features(*given, EMBEDDED))[-1]
        runs[given] = view.run
        assert len(view.pictures) == 2 - given.count(None)
        assert len(chart["cloud"]) == 12 * 6
        assert "ViT-S/14" in strip
        assert ("has its like in" in said) == (None not in given)
    assert len(set(runs.values())) == 3, "only the same pictures are the same run"


def test_bad_pictures_and_models_get_a_sentence(tmp_path):
    (tmp_path / "bad.png").write_bytes(b"x")
    elephant = str(example_pictures()["An elephant"])
    for given in ((str(tmp_path / "bad.png"), None), (elephant, str(tmp_path / "bad.png"))):
        with pytest.raises(InputError, match="not a picture"):
            list(page.compute_features(*given, EMBEDDED))
    for model in ("../vit", None, ["vit"], "char-lstm"):
        with pytest.raises(InputError):
            list(page.compute_features(elephant, None, model))


def test_figures_before_and_after_are_those_of_the_card():
    card = (weights.EMBEDDED / EMBEDDED / "README.md").read_text()
    rows = re.findall(r"^\| (.+) \| ([\d.]+) % \| ([\d.]+) % \|$", card, re.M)
    assert [(name, float(before), float(after)) for name, before, after in rows] == list(page.READINGS)
    (command,) = re.findall(r"python -m models\.recipes\.vit\.probe .+", card)
    assert f"`{command}`" in page.MEASURED_BY
    assert "2,540 photos" in card
    assert "2,540 photos" in page.BEFORE_AND_AFTER
    assert "168 pixels" in page.BEFORE_AND_AFTER


def test_gradio_may_hand_out_the_example_photos_wherever_it_is_installed():
    allowed = launch_settings()["allowed_paths"]
    own = {str(MEDIA)}  # below the working folder, or copied to the cache by the page that opens on it
    assert {str(path.parent) for path in example_pictures().values()} - own == set(allowed)
