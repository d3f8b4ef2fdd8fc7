"""The export of a detector: kept whole or not at all, compared before it answers, PyTorch wherever it cannot be had."""

import dataclasses
import errno
import json
import sys
import time

import numpy as np
import pytest
import torch

from models import runtime, weights
from models.detection import eight_bits, export, fastest
from models.detection.boxes import Prediction
from models.detection.network import load_detector
from models.errors import WeightsError
from tests.detectors import tiny_detector

pytestmark = pytest.mark.thorough

PICTURE = np.random.default_rng(0).integers(0, 256, (40, 60, 3), np.uint8)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    """A tiny detector in the catalogue, and a cache of exports of its own."""
    folder, cache = (tmp_path_factory.mktemp(name) for name in ("tiny", "exports"))
    tiny_detector().network.save_pretrained(folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(weights.CATALOGUE, "tiny", weights.Weights("tiny", "detection", "Tiny", "local", str(folder), ""))
        patch.setenv("GLASSBOX_EXPORT_CACHE", str(cache))
        export.export("tiny")
        yield runtime.load("tiny", load_detector)


@pytest.fixture
def fresh(tiny, monkeypatch):
    """The same detector before anything was prepared."""
    monkeypatch.setattr(export, "_ready", type(export._ready)())
    monkeypatch.setattr(export, "_under_way", set())
    return tiny


def no_child(*_, **__):
    raise AssertionError("an export that is there must not be made again")


def test_an_export_that_is_there_is_used_and_a_damaged_one_is_not(tiny, monkeypatch):
    monkeypatch.setattr(export.subprocess, "run", no_child)
    folder = export.exported_folder("tiny")
    assert set(json.loads((folder / "complete.json").read_text())) == {"model.xml", "model.bin"}
    data = (folder / "model.bin").read_bytes()
    try:
        (folder / "model.bin").write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
        with pytest.raises(AssertionError, match="must not be made again"):
            export.exported_folder("tiny")
    finally:
        (folder / "model.bin").write_bytes(data)


def test_a_new_export_takes_the_place_of_the_earlier_one(tiny):
    before = export.exported_folder("tiny")
    stale = before.parent / "0123456789abcdef"
    stale.mkdir()
    assert export.export("tiny") == before
    assert [path.name for path in before.parent.iterdir()] == [before.name]


def test_an_export_that_fails_leaves_nothing_and_says_why(tiny, monkeypatch):
    def fail(_):
        raise RuntimeError("out of everything")

    monkeypatch.setenv("GLASSBOX_EXPORT_CACHE", str(export.cache_folder() / "other"))
    monkeypatch.setattr(export, "convert", fail)
    with pytest.raises(RuntimeError, match="out of everything"):
        export.export("tiny")
    assert not list((export.cache_folder() / "tiny").iterdir())
    answer = type("Answer", (), {"returncode": 1, "stderr": "Traceback\nRuntimeError: out of everything\n"})
    monkeypatch.setattr(export.subprocess, "run", lambda *_, **__: answer)
    with pytest.raises(WeightsError, match="out of everything"):
        export.exported_folder("tiny")


def test_the_key_follows_weights_and_versions(tiny, monkeypatch):
    before = export._key("tiny")
    assert before == export._key("tiny")
    version = export.importlib.metadata.version
    monkeypatch.setattr(export.importlib.metadata, "version", lambda name: version(name) + ".1")
    assert export._key("tiny") != before


def test_pytorch_answers_until_the_export_is_ready(fresh, monkeypatch):
    begun = []
    monkeypatch.setattr(export.threading, "Thread", _thread(begun))
    for _ in range(2):
        prediction, title = export.predict_fast(fresh, PICTURE)
        assert title.startswith("PyTorch")
        assert "being prepared" in title
    assert len(begun) == 1
    assert export.prepare(fresh, PICTURE) is not None
    fast, title = export.predict_fast(fresh, PICTURE)
    assert title.startswith("OpenVINO")
    assert fast.size == prediction.size == (40, 60)
    assert fast.labels == prediction.labels


def test_on_cuda_the_network_is_compiled_and_compared(fresh, monkeypatch):
    """As on CUDA, but with a compiler that runs anywhere: PyTorch's tracer without code generation."""
    monkeypatch.setattr(export.Compiled.__init__, "__defaults__", ("aot_eager",))
    monkeypatch.setattr(export.threading, "Thread", _thread([]))
    monkeypatch.setattr(export.runtime, "has_bfloat16", lambda kind=None: True)
    on_cuda = dataclasses.replace(fresh, device="cuda")
    expected, title = export.predict_fast(on_cuda, PICTURE)
    assert "a compiled network is being prepared" in title
    fast = export.prepare(on_cuda, PICTURE)
    assert isinstance(fast, export.Compiled)
    found, title = export.predict_fast(on_cuda, PICTURE)
    assert title == "PyTorch compiled, bfloat16"
    assert found.size == (40, 60)
    assert found.labels == expected.labels
    np.testing.assert_allclose(found.logits.max(0), expected.logits.max(0), atol=0.1)


def test_a_network_that_cannot_be_compiled_stays_as_it_is(fresh, monkeypatch, caplog):
    monkeypatch.setattr(export.Compiled.__init__, "__defaults__", ("no such compiler",))
    on_cuda = dataclasses.replace(fresh, device="cuda")
    assert export.prepare(on_cuda, PICTURE) is None
    assert "stay with PyTorch" in caplog.text
    assert "prepared" not in export.predict_fast(on_cuda, PICTURE)[1]


def _thread(begun):
    class Thread:
        def __init__(self, **how):
            begun.append(how)

        def start(self):
            pass

    return Thread


@pytest.mark.parametrize("fault", ["missing", "wrong answers", "disk"])
def test_pytorch_stays_where_the_export_cannot_be_had(fresh, monkeypatch, caplog, fault):
    if fault == "missing":
        monkeypatch.setitem(sys.modules, "openvino", None)
    elif fault == "disk":
        monkeypatch.setattr(export, "exported_folder", lambda name: (_ for _ in ()).throw(OSError("disk full")))
    else:
        monkeypatch.setattr(export.Exported, "predict", lambda self, image: prediction(np.full((10, 3), np.nan)))
    assert export.prepare(fresh, PICTURE) is None
    assert "stay with PyTorch" in caplog.text
    _, title = export.predict_fast(fresh, PICTURE)
    assert title in ("PyTorch, bfloat16", "PyTorch, float32")


def prediction(logits):
    return Prediction(np.asarray(logits, np.float32), np.zeros((len(logits), 4)), (10, 10), ("a", "b", "c"))


def test_answers_are_compared_by_the_best_score_of_each_class():
    one = prediction([[2.0, -9, -9], [-9, 1, -9]])
    export.check_agreement(one, prediction([[-9, 0.5, -1], [2.1, -9, -9]]))  # other order, nearly the same scores
    for other in ([[2.0, -9, -9], [-9, -1, -9]], [[2.0, -9, 1], [-9, 1, -9]], [[np.nan] * 3] * 2):
        with pytest.raises(WeightsError, match="does not answer"):
            export.check_agreement(one, prediction(other))


@pytest.fixture
def folder(tmp_path, monkeypatch):
    (tmp_path / eight_bits.FILE).touch()
    monkeypatch.setattr(fastest, "_cpuinfo", lambda: "model name : one\nflags : fpu avx_vnni")
    monkeypatch.setattr(fastest.runtime, "has_bfloat16", lambda: True)
    return tmp_path


def answers_in(seconds, asked):
    def answer_in(precision):
        asked.append(precision)
        return lambda: time.sleep(seconds[precision])

    return answer_in


def test_the_fastest_precision_is_measured_once_and_remembered(folder):
    asked = []
    answer_in = answers_in({"float32": 0.02, "bfloat16": 0.01, "8 bits": 0.002}, asked)
    for _ in range(2):
        assert fastest.by_speed(folder, answer_in) == ["8 bits", "bfloat16", "float32"]
        assert asked == ["float32", "bfloat16", "8 bits"]


@pytest.mark.parametrize(
    "kept",
    [
        "no JSON",
        "[]",
        "{}",
        '{"machine": ["another one"], "milliseconds": {"float32": 1, "bfloat16": 9, "8 bits": 9}}',
        '{"machine": MACHINE, "milliseconds": {"float32": "soon"}}',
        '{"machine": MACHINE, "milliseconds": {"float32": 1}}',
    ],
)
def test_what_is_remembered_of_another_machine_or_damaged_is_measured_again(folder, kept):
    (folder / fastest.FILE).write_text(kept.replace("MACHINE", json.dumps(fastest._machine())))
    answer_in = answers_in({"float32": 0.02, "bfloat16": 0.002, "8 bits": 0.01}, [])
    assert fastest.by_speed(folder, answer_in) == ["bfloat16", "8 bits", "float32"]


def test_another_number_of_threads_is_another_machine(folder, monkeypatch):
    asked = []
    for threads in (2, 4):
        monkeypatch.setattr(fastest.runtime, "threads", lambda threads=threads: threads)
        fastest.by_speed(folder, answers_in(dict.fromkeys(fastest.precisions(folder), 0), asked))
    assert len(asked) == 6


@pytest.mark.parametrize("code", [errno.EROFS, errno.ENOSPC])
def test_a_cache_that_cannot_be_written_is_no_failure(folder, monkeypatch, code):
    def fail(*_):
        raise OSError(code, "no")

    monkeypatch.setattr(fastest.Path, "write_text", fail)
    answer_in = answers_in({"float32": 0.01, "bfloat16": 0.02, "8 bits": 0.002}, [])
    assert fastest.by_speed(folder, answer_in)[0] == "8 bits"


@pytest.mark.parametrize(
    ("flags", "found"), [("avx2 vnni", []), ("avx512_vnni avx2", ["8 bits"]), ("i8mm", ["8 bits"])]
)
def test_eight_bits_are_for_processors_that_add_up_bytes(folder, monkeypatch, flags, found):
    monkeypatch.setattr(fastest, "_cpuinfo", lambda: f"flags : {flags}")
    monkeypatch.setattr(fastest.runtime, "has_bfloat16", lambda: False)
    assert fastest.precisions(folder) == ["float32", *found]


@pytest.mark.parametrize(("held_to", "found"), [("AVX512_CORE_VNNI", False), ("avx2", False), ("DEFAULT", True)])
def test_a_processor_held_to_fewer_instructions_has_no_bfloat16(monkeypatch, held_to, found):
    runtime.device()
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: True)
    monkeypatch.setenv("ONEDNN_MAX_CPU_ISA", held_to)
    assert runtime.has_bfloat16.__wrapped__() == found


def test_a_precision_that_answers_otherwise_gives_way_to_the_next(fresh, monkeypatch, caplog):
    monkeypatch.setattr(export.fastest, "by_speed", lambda *_: ["bfloat16", "float32"])
    predict = export.Exported.predict

    def wrong_in_bfloat16(self, image):
        answer = predict(self, image)
        return prediction(np.full((10, 3), np.nan)) if "bfloat16" in self.title else answer

    monkeypatch.setattr(export.Exported, "predict", wrong_in_bfloat16)
    assert export.prepare(fresh, PICTURE).title == "OpenVINO, float32"
    assert "in bfloat16" in caplog.text


def test_where_there_is_no_room_pytorch_answers_alone(fresh, monkeypatch):
    begun = []
    monkeypatch.setattr(export.threading, "Thread", _thread(begun))
    monkeypatch.setattr(export.memory, "STAYING_BYTES", 300 * 2**20)
    _, title = export.predict_fast(fresh, PICTURE)
    assert "prepared" not in title
    assert not begun


def test_a_job_beside_it_makes_it_no_smaller_machine():
    """What is fastest is remembered for the machine, not for the share of its cores that a job has now."""
    machine, usual = fastest._machine(), torch.get_num_threads()
    torch.set_num_threads(usual + 1)
    try:
        assert fastest._machine() == machine
    finally:
        torch.set_num_threads(usual)
