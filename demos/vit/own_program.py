"""The program that uses one's own classes outside of this page."""

from collections.abc import Sequence

PROGRAM_NAME = "classify.py"
PROGRAM = '''"""Names a picture by your own classes: give it the picture's file.

classes.onnx lies beside this file. Needs numpy, Pillow, and ONNX Runtime or OpenVINO (pip install onnxruntime).
"""

import sys
from pathlib import Path

import numpy as np
from PIL import Image

LABELS = {labels}
FILE = str(Path(__file__).with_name("classes.onnx"))

image = Image.open(sys.argv[1]).convert("RGB")
side = min(image.size)
left, top = (image.width - side) / 2, (image.height - side) / 2
square = image.resize((224, 224), Image.Resampling.BICUBIC, box=(left, top, left + side, top + side))
pixels = np.asarray(square)[None]  # (1, 224, 224, 3), bytes: the file scales them itself

try:
    import onnxruntime

    probabilities = onnxruntime.InferenceSession(FILE).run(None, {{"pixels": pixels}})[0][0]
except ImportError:
    import openvino

    probabilities = openvino.compile_model(FILE, "CPU")(pixels)[0][0]

for probability, label in sorted(zip(probabilities, LABELS), reverse=True):
    print(f"{{probability:.4f}} {{label}}")
'''


def program_of(labels: Sequence[str]) -> str:
    """The program for a classifier of these names."""
    return PROGRAM.format(labels=list(labels))
