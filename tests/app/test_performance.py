"""No row of docs/performance.md that has something beside it gets 1.5 times worse: ratios of one run, never times."""

import importlib

import pytest

from tests.conftest import ROOT

WORSE = 1.5
RATIOS = {
    cells[1].strip(): float(cells[5])
    for cells in (line.split("|") for line in (ROOT / "docs" / "performance.md").read_text().splitlines())
    if len(cells) == 8 and cells[5].strip().replace(".", "").isdigit()
}


def test_the_table_has_rows_with_something_beside_them():
    assert len(RATIOS) > 8


@pytest.mark.slow
@pytest.mark.parametrize("part", ["attention", "diffusion", "keystroke_browser", "sequences_keystroke"])
def test_no_ratio_gets_much_worse(part):
    rows = [row for row in importlib.import_module(f"tests.benchmarks.{part}").rows() if row.theirs]
    assert rows
    if not any(row.what in RATIOS for row in rows):
        pytest.skip("`make bench` has not yet stored these rows")
    for row in rows:
        assert row.ratio > RATIOS[row.what] / WORSE, row.what
