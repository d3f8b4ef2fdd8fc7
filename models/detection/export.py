"""The fast path of live frames: on a CPU an OpenVINO graph, on CUDA a compiled network; compared before it answers.

The OpenVINO graph is exported once and kept on disk. It holds the same operations as the PyTorch network, fused and
laid out for the CPU, and runs in whichever of float32, bfloat16 and 8 bits this machine answers soonest
(`models.detection.fastest`). Until a fast path is ready, and wherever it cannot be had, PyTorch answers as it is.

    python -m models.detection.export NAME      export a detector of the catalogue now and print its folder

A child process exports (this command): tracing a network keeps Python busy for seconds, in which no frame would be
answered. Exports lie under `GLASSBOX_EXPORT_CACHE` (else `exports` beside the hub models).
"""

import copy
import functools
import hashlib
import importlib.metadata
import json
import logging
import os
import queue
import shutil
import subprocess
import sys
import tempfile
import threading
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
import torch

from models import hub_cache, memory, runtime, weights
from models.detection import eight_bits, fastest
from models.detection.boxes import Prediction
from models.detection.network import Detector, load_detector, predict, preprocess
from models.errors import WeightsError

log = logging.getLogger("glassbox")

PARALLEL = 2
EXPORT_SECONDS = 600
SURE_SCORE = 0.6
DOUBTFUL_SCORE = 0.4
ROOM_BYTES = 512 * 2**20
"""With less for networks than that, PyTorch answers alone: beside an export there would be no room for others."""
FORMAT = 1


class Exported:
    """A detector as a compiled OpenVINO graph in one of `fastest.precisions`; `PARALLEL` at a time, any thread.

    Two pictures on one core each are done sooner than one after the other on both: cores do not share one picture well
    (on two cores 20 a second at 100 ms, against 15 at 67 ms).
    """

    def __init__(self, folder: Path, detector: Detector, precision: str = "float32") -> None:
        core = _openvino().Core()
        model = core.read_model(folder / "model.xml")
        if precision == "8 bits":
            eight_bits.insert_rounding(model, folder / eight_bits.FILE)
        options = {
            "NUM_STREAMS": min(PARALLEL, runtime.threads()),
            "INFERENCE_PRECISION_HINT": "bf16" if precision == "bfloat16" else "f32",
            "INFERENCE_NUM_THREADS": runtime.threads(),
            "ENABLE_CPU_PINNING": False,  # the browser or another visitor may have the core that a thread is tied to
        }
        self.title = f"OpenVINO, {precision}"
        self.resolution, self.labels, self.overlap = detector.resolution, detector.labels, detector.overlap
        compiled = core.compile_model(model, "CPU", options)
        self._free: queue.SimpleQueue[Any] = queue.SimpleQueue()
        for _ in range(PARALLEL):
            self._free.put(compiled.create_infer_request())

    def predict(self, image: np.ndarray) -> Prediction:
        """As `models.detection.network.predict`, on one picture, (H, W, 3) uint8 RGB."""
        pixels = preprocess(image, self.resolution).numpy()
        request = self._free.get()
        try:
            outputs = request.infer({0: pixels}, share_inputs=True)
            logits, boxes = (np.array(outputs[index][0]) for index in (0, 1))
        finally:
            self._free.put(request)
        height, width = image.shape[:2]
        return Prediction(logits, boxes, (height, width), self.labels, self.overlap)


class Compiled:
    """A detector compiled by PyTorch (`torch.compile`), in bfloat16. The first picture takes as long as compiling."""

    def __init__(self, detector: Detector, backend: str = "inductor") -> None:
        self.title = "PyTorch compiled, bfloat16"
        own = copy.deepcopy(detector)  # hooks that look into the detector would have it compiled again
        self._detector: Any = torch.compile(own, dynamic=False, backend=backend)
        self._one_at_a_time = threading.Lock()

    def predict(self, image: np.ndarray) -> Prediction:
        """As `models.detection.network.predict`, on one picture, (H, W, 3) uint8 RGB."""
        with self._one_at_a_time:  # two threads would both compile
            return predict(self._detector, image, reduced=True)


Fast = Exported | Compiled
_ready: "WeakKeyDictionary[Detector, Fast | None]" = WeakKeyDictionary()  # None: it was tried and cannot be had
_under_way: set[str] = set()
_lock = threading.Lock()


def predict_fast(loaded: runtime.Loaded, image: np.ndarray) -> tuple[Prediction, str]:
    """Answer one picture by the fastest means at hand, and say which.

    The first picture of a detector begins to prepare its fast path in the background.
    """
    with _lock:
        known = loaded.network in _ready
        fast = _ready.get(loaded.network)
        begin = not known and loaded.name not in _under_way and _has_fast_path(loaded)
        if begin:
            _under_way.add(loaded.name)
    if begin:
        threading.Thread(target=prepare, args=(loaded, image), daemon=True).start()
    if fast:
        return fast.predict(image), fast.title
    title = f"PyTorch, {'bfloat16' if runtime.has_bfloat16() else 'float32'}"
    if not known and _has_fast_path(loaded):
        title += f"; {'OpenVINO' if loaded.device == 'cpu' else 'a compiled network'} is being prepared"
    return predict(loaded.network, image, reduced=True), title


def _has_fast_path(loaded: runtime.Loaded) -> bool:
    if loaded.weights.kind == "session" or os.environ.get("SPACES_ZERO_GPU"):  # a borrowed GPU is gone after each call
        return False
    if loaded.device == "cpu" and memory.STAYING_BYTES < ROOM_BYTES:
        return False
    return loaded.device == "cpu" or (loaded.device == "cuda" and runtime.has_bfloat16("cuda"))


def prepare(loaded: runtime.Loaded, image: np.ndarray) -> Fast | None:
    """Export or compile, and compare on `image`; from then on `predict_fast` uses the result.

    None, with a sentence in the log, where that fails or the result answers otherwise than PyTorch.
    """
    fast = None
    try:
        expected = predict(loaded.network, image)
        if loaded.device == "cpu":
            folder = exported_folder(loaded.name)
            fast = _fastest_that_agrees(folder, loaded.network, image, expected)
            runtime.note_export(loaded.name, (folder / "model.bin").stat().st_size)
        else:
            fast = Compiled(loaded.network)
            check_agreement(expected, fast.predict(image))
        log.info("%s: live frames are answered by %s", loaded.name, fast.title)
    except Exception as error:
        fast = None
        log.warning("%s: live frames stay with PyTorch: %s", loaded.name, error)
    with _lock:
        _ready[loaded.network] = fast
        _under_way.discard(loaded.name)
    return fast


def _fastest_that_agrees(folder: Path, detector: Detector, image: np.ndarray, expected: Prediction) -> Exported:
    def answer_in(precision: str) -> Callable[[], Prediction]:
        return functools.partial(Exported(folder, detector, precision).predict, image)

    for precision in fastest.by_speed(folder, answer_in):
        exported = Exported(folder, detector, precision)
        try:
            check_agreement(expected, exported.predict(image))
        except WeightsError as error:
            log.warning("%s in %s: %s", folder.parent.name, precision, error)
        else:
            return exported
    raise WeightsError("no precision of the export answers a picture as the network does.")


def check_agreement(expected: Prediction, found: Prediction) -> None:
    """Compare two answers to one picture: a class that one is sure of must not be in doubt with the other.

    More cannot be asked of reduced precision: the encoder's best proposals become the queries, and those at the edge of
    the best change. Raises `WeightsError` where the answers do not agree or are no numbers.
    """
    one, other = (_best_scores(prediction) for prediction in (expected, found))
    sure = np.maximum(one, other) > SURE_SCORE
    if not np.isfinite(other).all() or np.any(np.minimum(one, other)[sure] < DOUBTFUL_SCORE):
        raise WeightsError("the fast path does not answer a picture as the network does.")


def _best_scores(prediction: Prediction) -> np.ndarray:
    return 1 / (1 + np.exp(-prediction.logits.max(0).astype(np.float64)))


def cache_folder() -> Path:
    """Where exports are kept."""
    return Path(os.environ.get("GLASSBOX_EXPORT_CACHE", hub_cache.home() / "glassbox" / "exports"))


def exported_folder(name: str) -> Path:
    """The folder with `model.xml` and `model.bin` of a detector, whole; made by a child process if it is not there.

    Raises `WeightsError` where that fails.
    """
    folder = cache_folder() / name / _key(name)
    if not _is_whole(folder):
        _openvino()
        command = [sys.executable, "-m", "models.detection.export", name]
        root = Path(__file__).resolve().parents[2]
        child = subprocess.run(command, cwd=root, capture_output=True, text=True, timeout=EXPORT_SECONDS, check=False)
        if not _is_whole(folder):
            reason = (child.stderr.strip().splitlines() or ["no reason given"])[-1]
            raise WeightsError(f"the export failed ({reason[:200]}).")
    return folder


def export(name: str) -> Path:
    """Write the OpenVINO graph of a detector into the cache; earlier exports of the same name go. Returns its folder.

    The files are written beside their place, with their SHA-256 last, and moved there at once.
    """
    detector = runtime.load(name, load_detector).network.cpu()
    folder = cache_folder() / name / _key(name)
    folder.parent.mkdir(parents=True, exist_ok=True)
    partial = Path(tempfile.mkdtemp(prefix="partial-", dir=folder.parent))
    try:
        _openvino().save_model(convert(detector), partial / "model.xml", compress_to_fp16=False)
        if (ranges := weights.folder(name) / eight_bits.FILE).is_file():
            shutil.copyfile(ranges, partial / eight_bits.FILE)
        digests = {path.name: weights.sha256_of(path) for path in sorted(partial.iterdir())}
        (partial / "complete.json").write_text(json.dumps(digests, indent=2))
        for other in folder.parent.iterdir():
            if other != partial and not other.name.startswith("partial-"):
                shutil.rmtree(other, ignore_errors=True)
        partial.rename(folder)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return folder


def convert(detector: Detector) -> Any:
    """The `openvino.Model` of a detector: (1, 3, resolution, resolution) pixels to logits and boxes."""
    size = (1, 3, detector.resolution, detector.resolution)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", torch.jit.TracerWarning)  # sizes become constants: here there is one size
        return _openvino().convert_model(_Answers(detector), example_input=torch.zeros(size), input=[list(size)])


class _Answers(torch.nn.Module):
    """A detector that returns what becomes boxes and nothing else."""

    def __init__(self, detector: Detector) -> None:
        super().__init__()
        self.detector = detector

    def forward(self, pixels: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        outputs = self.detector(pixels)
        return outputs.logits, outputs.pred_boxes


def _key(name: str) -> str:
    """What an export depends on, as 16 hexadecimal digits: the weights and the versions of what makes it."""
    folder = weights.folder(name)
    files = [folder / "config.json", folder / "preprocessor_config.json", *sorted(folder.glob("*.safetensors"))]
    if lender := json.loads((folder / "config.json").read_text()).get("backbone_from"):
        files.append(weights.folder(lender) / "model.safetensors")
    parts = [weights.sha256_of(file) for file in files if file.exists()]
    parts += [importlib.metadata.version(package) for package in ("openvino", "torch", "transformers")]
    return hashlib.sha256("\n".join([str(FORMAT), *parts]).encode()).hexdigest()[:16]


def _is_whole(folder: Path) -> bool:
    try:
        digests = json.loads((folder / "complete.json").read_text())
        return all(weights.sha256_of(folder / file) == digest for file, digest in digests.items())
    except (OSError, ValueError):
        return False


def _openvino() -> Any:
    """The library, with its usage statistics switched off: it would report conversions to its makers by default."""
    sys.modules["openvino_telemetry"] = None  # pyright: ignore[reportArgumentType]
    try:
        import openvino
    except ImportError:
        raise WeightsError("the package openvino is not installed.") from None
    return openvino


def main(arguments: list[str]) -> int:
    """The command line described at the top of this module."""
    os.nice(10)
    print(export(weights.find(arguments[0], "detection").name))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
