"""docs/scaling.md says what docs/scaling.json and the simulation say."""

import json
import re
from pathlib import Path

import pytest

from docs import simulate
from models.serving.plan import read_plan

DOCS = Path(simulate.__file__).parent


def test_cores_wait_and_serve_in_their_order():
    clicks = [(0.0, "a"), (0.0, "a"), (0.5, "b"), (10.0, "a")]
    found = simulate.waits(clicks, {"a": 1.0, "b": 2.0}.get, 1)
    assert found == {"a": [1.0, 2.0, 1.0], "b": [3.5]}
    assert simulate.waits(clicks, {"a": 1.0, "b": 2.0}.get, 2) == {"a": [1.0, 1.0, 1.0], "b": [2.5]}


def test_as_few_cores_as_answer_within_the_bound():
    clicks = [(one / 10, "a") for one in range(600)]  # ten a second for a minute
    assert simulate.cores_needed(clicks, lambda _: 0.05, "a") == (1, pytest.approx(0.05))
    cores, late = simulate.cores_needed(clicks, lambda _: 0.5, "a")
    assert cores == 5
    assert late <= simulate.BOUND_SECONDS


def test_the_tables_of_the_page_are_those_of_the_file():
    told = json.loads((DOCS / "scaling.json").read_text())
    page = (DOCS / "scaling.md").read_text()
    for name, table in simulate.tables(told).items():
        (shown,) = re.findall(rf"<!-- {name} -->\n\n((?:\|.*\n)*)", page)
        assert shown == table + "\n", "run: python docs/simulate.py --write"


def test_the_plan_of_the_page_is_one(tmp_path):
    (text,) = re.findall(r"```json\n(.*?)```", (DOCS / "scaling.md").read_text(), re.DOTALL)
    path = tmp_path / "plan.json"
    path.write_text(text)
    assert {"diffusion/sd-turbo", "diffusion/sdxl-turbo"} <= set(read_plan(path))


def test_what_is_said_of_the_rows_is_so():
    rows = json.loads(simulate.FILE.read_text(encoding="utf-8"))["measured"]
    for endpoint in {row["endpoint"] for row in rows}:
        speeds = [row["requests_a_second"] for row in rows if row["endpoint"] == endpoint]
        assert max(speeds) / min(speeds) < 1 + 1 / 7, f"{endpoint}: not within a seventh of each other"
    pictures = [row["replica_cpu_seconds"] for row in rows if row["endpoint"] == "/vit_classify"]
    assert {round(used, 2) for used in pictures if used} == {0.17, 0.18}
