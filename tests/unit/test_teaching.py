"""docs/teaching.md: its example is a lesson, and the answers to its exercises are those of the models."""

import re
from pathlib import Path

import numpy as np
import pytest

from demos.attention import predictions as of_attention
from demos.course.lessons import read_lesson
from demos.detection import predictions as of_detection
from demos.detection.picture import EXAMPLES
from demos.diffusion import predictions as of_diffusion
from demos.diffusion import predictions_beyond
from demos.sequences import predictions as of_sequences
from demos.vit import predictions as of_vit
from tests.unit.test_predict import GIVEN

TEXT = (Path(__file__).parents[2] / "docs" / "teaching.md").read_text(encoding="utf-8")


def test_the_example_is_a_lesson():
    example = re.search(r"```json\n(.*?)```", TEXT, re.DOTALL)[1]
    assert read_lesson(example).steps[0].ask == "surprise"


def right(answered):
    return answered.options[answered.right]


def test_sequences():
    given = {**GIVEN["sequences"], "text": "The queen of the q"}
    asked = of_sequences.ask_next(given)
    assert right(asked) == "“u”"
    assert float(re.search(r"([\d.]+) %", asked.explanation)[1]) > 90
    edited = {**given, "edit_text": given["text"], "edit_kind": "erase", "edit_position": 18}
    assert right(of_sequences.ask_edit(edited)) == "Yes"
    assert "0.00 bits" in of_sequences.ask_edit({**GIVEN["sequences"], "edit_strength": 0}).explanation
    asked = of_sequences.ask_cells(GIVEN["sequences"])
    assert right(asked) == "LSTM"
    bits = dict(re.findall(r"(RNN|GRU|LSTM) ([\d.]+)", asked.explanation))
    assert sorted(bits, key=bits.get) == ["LSTM", "GRU", "RNN"]


def test_attention():
    from models.attention.runs import trace_text

    given = GIVEN["attention"]
    sums = trace_text(given["explorer_model"], given["explorer_text"]).attention.traces[0].attention.sum(-1)
    assert np.allclose(sums, 1, atol=1e-4)
    asked = of_attention.ask_temperature(given)
    before, after = (int(re.search(r"(\d+) %", text)[1]) for text in (asked.question, right(asked)))
    assert after < before
    assert right(of_attention.ask_translates(given)) == "“rouge”"
    assert right(of_attention.ask_layer_off(given)) == "layer 1"


def test_vit():
    given = GIVEN["vit"]
    assert right(of_vit.ask_cost(given)) == "about 16 times"
    assert right(of_vit.ask_positions(given)) == "No"
    assert "cougar" in of_vit.ask_positions(given).question


@pytest.mark.slow
def test_detection():
    given = {**GIVEN["detection"], "image": str(EXAMPLES["Ten things"])}
    assert "all 100 queries have answered" in of_detection.ask_threshold(given).explanation
    assert right(of_detection.ask_suppression(given)) == "none"
    assert right(of_detection.ask_proposals(given)) == "proposals"


@pytest.mark.slow
def test_diffusion():
    given = {**GIVEN["diffusion"], "steps": 25}
    assert "t = 496" in of_diffusion.ask_balance(given).explanation
    first, second = (of_diffusion._run(of_diffusion._plan(given))[-1].x_0 for _ in range(2))
    assert np.array_equal(first, second)
    assert right(of_diffusion.ask_samplers(given)) == "less than 1 % of the range"
    assert right(of_diffusion.ask_fork(given)) == of_diffusion.ALIKE[1]
    asked = predictions_beyond.ask_loss(given)
    assert right(asked) == "the one with 1" and "on 1 (16 of 16 copied)" in asked.explanation
    assert right(predictions_beyond.ask_enlarged(given)) == "Yes"
    assert right(predictions_beyond.ask_at_once(given)) == predictions_beyond.AS_MANY[0]
    assert right(predictions_beyond.ask_mean(given)) == predictions_beyond.AS_FAR[1]
