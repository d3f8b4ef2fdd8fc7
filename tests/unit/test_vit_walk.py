"""A patch's way as the page shows it, and what bad questions are told."""

import numpy as np
import pytest

from demos.views.vit_walk import MEANINGS, view_of_patch_walk
from demos.vit import runs, steps
from demos.vit.shared import EMBEDDED, FIRST
from tests.handles import array_of


@pytest.fixture(scope="module")
def walked():
    *_, (_, _, _, walked, *_) = steps.compute_vit(str(FIRST), EMBEDDED, 0, "kept")
    return walked


def test_it_opens_on_the_patch_that_the_head_of_the_finding_takes_most_from(walked):
    assert walked.at.token == 0
    assert walked.title.startswith("The patch in row ")
    assert {station.name for station in walked.stations} == set(MEANINGS)
    assert "elephant scores" in walked.said
    assert sum(station.numbers for station in walked.stations) == len(walked.values)
    assert len(walked.heads[0].best) == 6


def test_another_patch_and_number_are_asked_for_by_name(walked):
    request = {"run": walked.at.run, "layer": 0, "head": 5, "token": 17, "channel": 383}
    answer = runs.patch_walk(request)
    assert answer["title"] == "The patch in row 2, column 1 in layer 1, head 6 written out"
    assert answer["at"] == request
    stream = runs.STREAMS.find(walked.at.run).tokens
    np.testing.assert_array_equal(array_of(answer["values"])[:384], stream[0, 17])


@pytest.mark.parametrize(
    "wrong",
    [
        {"run": "nobody's"},
        {"layer": 12},
        {"head": 6},
        {"token": 257},
        {"channel": 384},
        {"channel": -2},
        {"layer": 1.5},
        {"token": "1"},
        {"head": None},
    ],
)
def test_what_is_not_there_is_answered_by_a_sentence(walked, wrong):
    request = {"run": walked.at.run, "layer": 0, "head": 0, "token": 1, "channel": -1, **wrong}
    error = runs.patch_walk(request)["error"]
    assert error.endswith(".") and len(error) < 120


def test_a_network_whose_head_reads_cls_only_says_so(walked):
    stream = runs.STREAMS.find(walked.at.run)
    from models.vit.walk import walk_patch

    found = walk_patch("dinov2-s14-saliency", stream.tokens[3], stream.tokens[-1], layer=3, head=0, token=9)
    said = view_of_patch_walk(found, "run", stream.columns, asked=9).said
    assert "has no head" in said
