"""A cluster brought into trouble for real: a sentence for the visitor, a line in the log, and the app goes on."""

import json
import subprocess

import pytest

from models.serving import sentences
from models.serving.messages import TOO_LARGE
from tests.conftest import ROOT
from tests.serving.trouble import HOURS_AHEAD

pytestmark = pytest.mark.slow


GROUPS = (("nobody", "silent", "older"), ("idle", "placed", "sizes"), ("memory",), ("clocks",))


@pytest.fixture(scope="module")
def found(ray_python):
    """What `tests.serving.trouble` says of a trouble; those that need the same are brought about together."""
    known = {}

    def look(name):
        if name not in known:
            (group,) = (group for group in GROUPS if name in group)
            command = [ray_python, "-m", "tests.serving.trouble", *group]
            done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
            assert done.returncode == 0, done.stderr[-4000:]
            known.update(json.loads(done.stdout.splitlines()[-1]))
        return known[name]

    return look


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("nobody", "does not answer"),
        ("silent", "has not answered for 60 s"),
        ("older", "another version of Ray or Python"),
    ],
)
def test_a_cluster_that_cannot_be_joined_is_a_line_in_the_log_and_pages_compute(found, name, words):
    told = found(name)
    assert told["here"]
    assert told["seconds"] < 90, "a first click waits for a minute at most, and for its computing"
    assert any(words in line and "Computing here meanwhile." in line for line in told["log"])


def test_a_model_goes_to_the_node_that_can_hold_it_and_back_when_that_leaves(found):
    told = found("placed")
    assert told["waits"], "the operator is told that no node can hold it"
    assert told["without a node"], "its concept's replica computes it meanwhile"
    assert told["comes"] is not None
    assert told["own process"]
    assert told["others stay"]
    assert told["leaves"]["sentence"] == sentences.LOST
    assert told["leaves"]["seconds"] < 30
    assert told["goes on"] < 120
    assert told["by the concept"]
    assert any("replicas of its concept meanwhile" in line for line in told["said"])


def test_a_model_without_replicas_gets_one_when_it_is_asked_for(found):
    assert found("idle")["own process"]


def test_a_result_near_the_size_of_the_object_store_comes_or_is_a_sentence(found):
    told = found("sizes")
    assert told["60"]["sentence"] == ""
    assert told["90"]["sentence"] == "", "Ray puts on disk what its store of 80 MB does not hold"
    assert told["120"]["sentence"] == TOO_LARGE
    assert told["after"]["sentence"] == ""


def test_a_replica_out_of_memory_is_a_sentence_and_is_replaced(found):
    told = found("memory")
    assert told["sentence"] == sentences.NO_MEMORY
    assert any("memory" in line for line in told["log"])
    assert told["again"] is not None
    assert told["another"]


def test_clocks_of_machines_may_differ(found, ray_python):
    if subprocess.run([ray_python, "-c", "import libfaketime"], capture_output=True).returncode:
        pytest.skip("what fakes a clock is not installed: run `make cluster`")
    told = found("clocks")
    assert told["ahead"] == pytest.approx(3600 * HOURS_AHEAD, abs=60)
    assert told["steps"] == [0, 1, 2, 3, 4]
    assert told["after"]["sentence"] == ""
    assert told["log"] == []
