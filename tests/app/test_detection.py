"""The tab's endpoints and server functions over HTTP: good answers, and one sentence for every mistake."""

import base64
import io
import json
from pathlib import Path

import httpx
import numpy as np
import pytest
from gradio_client import handle_file
from gradio_client.exceptions import AppError
from PIL import Image

from models.detection.classes import CLASSES

ENDPOINT = "/detection_detect"
SCENE = Path(__file__).resolve().parents[2] / "assets" / "media" / "detection-1.png"


def ask(client, path, *values):
    return client.predict(handle_file(path) if path else None, *values, api_name=ENDPOINT)


def raw(app_url, body):
    call = f"{app_url}/gradio_api/call{ENDPOINT}"
    answer = httpx.post(call, content=body, headers={"content-type": "application/json"}, timeout=60)
    if answer.status_code != 200:
        return answer.text
    return httpx.get(f"{call}/{answer.json()['event_id']}", timeout=60).text


def test_answer_has_the_agreed_form(client):
    answer = ask(client, SCENE)
    assert set(answer) == {"model", "seconds", "boxes_xyxy", "labels", "scores"}
    assert answer["model"] == "rf-detr-s14-objects"
    assert len(answer["boxes_xyxy"]) == len(answer["labels"]) == len(answer["scores"]) > 0
    assert set(answer["labels"]) <= set(CLASSES)
    assert answer["scores"] == sorted(answer["scores"], reverse=True)
    boxes = np.array(answer["boxes_xyxy"])
    assert (boxes[:, 2:] > boxes[:, :2]).all()
    assert boxes.min() > -20
    assert (boxes[:, 2:] < (660, 500)).all()


def test_the_threshold_is_kept_and_has_a_default(client):
    default, low, high = ask(client, SCENE), ask(client, SCENE, 0.1), ask(client, SCENE, 1.0)
    assert min(default["scores"]) > 0.5
    assert len(low["labels"]) > len(default["labels"])
    assert high["labels"] == []


def test_parts_of_the_picture_show_what_the_whole_misses(client):
    whole, closer = ask(client, SCENE), ask(client, SCENE, 0.5, [], "rf-detr-s14-objects", True)
    assert (len(whole["labels"]), len(closer["labels"])) == (5, 10)
    assert closer["scores"] == sorted(closer["scores"], reverse=True)
    assert ask(client, SCENE, 0.5, ["tree"], "rf-detr-s14-objects", True)["labels"] == ["tree"]


@pytest.mark.parametrize("closer", ["yes", 1, None, [True]])
def test_looking_closer_is_true_or_false(client, closer):
    with pytest.raises(AppError, match="must be true or false"):
        ask(client, SCENE, 0.5, [], "rf-detr-s14-objects", closer)


@pytest.mark.parametrize("threshold", [2, -0.1, "much", None, True, [0.5], {"a": 1}])
def test_a_bad_threshold_is_answered_with_a_sentence(client, threshold):
    with pytest.raises(AppError) as problem:
        ask(client, SCENE, threshold)
    assert 20 < len(str(problem.value)) < 200
    assert "Traceback" not in str(problem.value)


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e400"])
def test_numbers_that_are_none_are_refused(client, app_url, number):
    uploaded = httpx.post(f"{app_url}/gradio_api/upload", files={"files": SCENE.read_bytes()}).json()[0]
    file = json.dumps({"path": uploaded, "meta": {"_type": "gradio.FileData"}})
    text = raw(app_url, f'{{"data": [{file}, {number}]}}')
    assert "boxes_xyxy" not in text
    assert "Traceback" not in text
    assert len(text) > 20


def test_only_the_classes_asked_for_are_returned(client):
    everything = ask(client, SCENE)
    wanted = sorted(set(everything["labels"]))[:2]
    some = ask(client, SCENE, 0.5, wanted)
    kept = [i for i, label in enumerate(everything["labels"]) if label in wanted]
    assert some["labels"] == [everything["labels"][i] for i in kept]
    assert some["boxes_xyxy"] == [everything["boxes_xyxy"][i] for i in kept]
    assert ask(client, SCENE, 0.5, [])["labels"] == everything["labels"]


@pytest.mark.parametrize("classes", [["whale"], ["ace", 3], [["ace"]], "whale", {"a": 1}, 3, ["ace"] * 200])
def test_classes_that_are_none_are_answered_with_a_sentence(client, classes):
    with pytest.raises(AppError) as problem:
        ask(client, SCENE, 0.5, classes)
    assert 20 < len(str(problem.value)) < 400
    assert "Traceback" not in str(problem.value)


def test_every_box_is_explained_and_the_file_agrees(client):
    answer, path = client.predict(handle_file(SCENE), 0.5, api_name="/detection_explain")
    plain = ask(client, SCENE)
    assert set(answer) == {"model", "seconds", "size", "boxes"}
    assert answer["size"] == [480, 640]
    assert [box["label"] for box in answer["boxes"]] == plain["labels"]
    np.testing.assert_allclose([box["box_xyxy"] for box in answer["boxes"]], plain["boxes_xyxy"], atol=0.05)
    with np.load(path) as file:
        assert file["backbone_attention"].shape == (12, 6, 325, 325)
        for box in answer["boxes"]:
            query = box["query"]
            assert len(box["layers"]) == 3
            of_query = [other for other in answer["boxes"] if other["query"] == query]
            likeliest = max(of_query, key=lambda other: other["score"])
            assert box["layers"][-1]["label"] == likeliest["label"]
            assert box["layers"][-1]["score"] == pytest.approx(likeliest["score"], abs=1e-3)
            row, column = divmod(int(file["chosen"][query]), int(file["grid"][1]))
            assert (box["proposal"]["row"], box["proposal"]["column"]) == (row, column)
            x, y, w, h = file["references_cxcywh"][query] * [640, 480, 640, 480]
            np.testing.assert_allclose(box["reference_xyxy"], [x - w / 2, y - h / 2, x + w / 2, y + h / 2], atol=0.02)
            np.testing.assert_allclose(np.array(box["points"])[..., 2], file["weights"][:, query], atol=1e-3)


@pytest.mark.parametrize(
    ("element", "function"),
    [
        ("detection-figure", "query_rows"),
        ("detection-patches", "attention_rows"),
        ("detection-closer", "look_closer"),
        ("detection-suppression", "suppress_boxes"),
        ("detection-matching", "match_boxes"),
    ],
)
@pytest.mark.parametrize("data", [None, 7, [], {}, {"run": "nobody's"}, {"run": ["x"]}])
def test_a_bad_question_about_a_run_is_answered_with_a_sentence(app_url, element, function, data):
    config = httpx.get(f"{app_url}/config", timeout=60).json()
    asked = next(c for c in config["components"] if c["props"].get("elem_id") == element)
    body = {"data": data, "component_id": asked["id"], "fn_name": function, "session_hash": "why"}
    answer = httpx.post(f"{app_url}/gradio_api/component_server", json=body, timeout=60)
    assert answer.status_code == 200
    assert list(answer.json()) == ["error"]
    assert 15 < len(answer.json()["error"]) < 250


def test_no_picture_is_said(client):
    with pytest.raises(AppError, match="no picture yet"):
        ask(client, None)


def pictures():
    def saved(image, kind="PNG", **how):
        buffer = io.BytesIO()
        image.save(buffer, kind, **how)
        return buffer.getvalue()

    grey = Image.fromarray(np.full((40, 60), 128, np.uint8))
    good = saved(grey.convert("RGB"))
    return {
        "empty.png": (b"", "empty"),
        "text.png": (b"not a picture at all", "not a picture"),
        "cut.png": (good[: len(good) // 2], "damaged|not a picture"),
        "picture.svg": (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "not a picture|must be|Invalid|invalid"),
        "old.pcx": (saved(grey, "PCX"), "not a picture|must be|Invalid|invalid"),
        "thin.png": (saved(Image.new("L", (3000, 1))), "too long and thin"),
        "huge.png": (saved(Image.new("1", (9000, 9000))), "limit|megapixels"),
    }


@pytest.mark.parametrize("name", sorted(pictures()))
def test_a_bad_picture_is_answered_with_a_sentence(client, tmp_path, name):
    data, sentence = pictures()[name]
    path = tmp_path / name
    path.write_bytes(data)
    with pytest.raises(AppError, match=sentence):
        ask(client, path)


@pytest.mark.parametrize("mode", ["L", "P", "LA", "CMYK", "RGBA", "I;16", "1"])
def test_every_ordinary_kind_of_picture_is_answered(client, tmp_path, mode):
    path = tmp_path / ("picture.jpg" if mode == "CMYK" else "picture.png")
    Image.new(mode, (50, 40)).save(path)
    assert ask(client, path)["labels"] is not None


@pytest.mark.parametrize("kind", ["tiff", "avif", "bmp"])
def test_a_picture_of_another_format_gives_the_same_boxes(client, tmp_path, kind):
    path = tmp_path / f"picture.{kind}"
    Image.open(SCENE).convert("RGB").save(path, **({"quality": 100, "subsampling": "4:4:4"} if kind == "avif" else {}))
    assert ask(client, path)["labels"] == ask(client, SCENE)["labels"]


# The camera


@pytest.fixture(scope="module")
def send_frame(app_url):
    config = httpx.get(f"{app_url}/config", timeout=60).json()
    live = next(c for c in config["components"] if c["props"].get("elem_id") == "detection-live")

    def send(data):
        body = {"data": data, "component_id": live["id"], "fn_name": "detect_frame", "session_hash": "camera"}
        return httpx.post(f"{app_url}/gradio_api/component_server", json=body, timeout=60)

    return send


def frame(**more):
    buffer = io.BytesIO()
    Image.open(SCENE).convert("RGB").save(buffer, "JPEG", quality=80)
    good = {"jpeg": base64.b64encode(buffer.getvalue()).decode(), "model": "rf-detr-s14-objects", "facts": True}
    return good | more


def test_a_frame_is_answered_with_boxes_times_and_facts(send_frame):
    answer = send_frame(frame()).json()
    assert answer["boxes"][0]["label"] in CLASSES
    assert all(len(box["box"]) == 4 and 0 < box["score"] <= 1 for box in answer["boxes"])
    assert answer["seconds"].keys() == {"wait", "decode", "model", "track"}
    assert 0 < answer["seconds"]["model"] <= sum(answer["seconds"].values()) <= answer["server_seconds"] + 0.01
    assert "PyTorch" in answer["runtime"] or "OpenVINO" in answer["runtime"]
    assert dict(answer["facts"])["weights"] == "embedded"
    assert "facts" not in send_frame(frame(facts=False)).json()


@pytest.mark.parametrize(
    "data", [None, 3, "x", [], {}, {"jpeg": None}, frame(jpeg="@@"), frame(jpeg="A" * 600_000), frame(model="nobody")]
)
def test_a_bad_frame_is_answered_with_a_sentence(send_frame, data):
    answer = send_frame(data)
    assert answer.status_code == 200
    assert list(answer.json()) == ["error"]
    assert 15 < len(answer.json()["error"]) < 250
