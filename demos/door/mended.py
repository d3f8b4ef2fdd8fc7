"""What is mended in Gradio's browser side, as its files are served.

**Two searches become look-ups.** To find a component, Gradio (6.31) walks through the whole page, and to list a
component's events through all events: with 1,300 components and 550 events that is most of what scripts do until a page
is there. Nothing may be rendered anew (`gr.render`).

**The last one is the last one.** An event of `trigger_mode="always_last"` that comes while one before it runs is sent
later with the data of the one before: who moves a slider quickly was left a step behind.

**A clock that stops.** A status that was taken off the page while its event ran went on counting seconds for ever, with
every frame of the screen.

Where a file does not read as it does here, as in another version, it is served as it is.
"""

import re

FIND = re.compile(
    r"function (?P<find>[\w$]+)\((?P<tree>\w+),(?P<id>\w+)\)\{"
    r"if\((?P=tree)\.id===(?P=id)\)return (?P=tree);"
    r"if\((?P=tree)\.children\)for\(let (?P<child>\w+) of (?P=tree)\.children\)\{"
    r"let (?P<found>\w+)=(?P=find)\((?P=child),(?P=id)\);if\((?P=found)\)return (?P=found)\}return null\}"
)
LOOK_UP = r"""function \g<find>(tree, id) {
  if (id === null) return null;
  const known = (\g<find>.known ??= new WeakMap());
  let nodes = known.get(tree);
  if (!nodes?.has(id)) {
    known.set(tree, (nodes = new Map()));
    const enter = (node) => {
      if (!nodes.has(node.id)) nodes.set(node.id, node);
      if (node.children) for (const child of node.children) enter(child);
    };
    enter(tree);
  }
  return nodes.get(id) ?? null;
}"""

EVENTS = re.compile(
    r"find_attached_events\((?P<node>\w+),(?P<events>\w+)\)\{"
    r"let (?P<names>\w+)=(?P=events)\.filter\(.{1,200}?\)\.filter\(Boolean\);"
    r"return (?P=node)\.props\.shared_props\.attached_events=(?P=names),(?P=node)\}"
)
LISTED = """find_attached_events(node, events) {
  this.attached ??= new WeakMap();
  let names = this.attached.get(events);
  if (!names) {
    this.attached.set(events, (names = new Map()));
    for (const { targets } of events)
      for (const [id, name] of new Map([...targets].reverse()))
        if (name) names.set(id, [...(names.get(id) ?? []), name]);
  }
  node.props.shared_props.attached_events = [...(names.get(node.id) ?? [])];
  return node;
}"""

DEFERRED = re.compile(
    r"(?P<begin>async dispatch\((?P<given>\w+)\)\{[\s\S]{1,900}?)this\.queue\.add\((?P<event>\w+\.id)\);continue"
)
SENT_LATER = re.compile(
    r"this\.queue\.has\((?P<event>\w+\.id)\)&&\(this\.queue\.delete\((?P=event)\),this\.dispatch\(\w+\)\)"
)
LATEST = (
    r"this.queue.has(\g<event>)&&"
    r"((last)=>{this.queue.delete(\g<event>);this.dispatch(last)})(this.queue.get(\g<event>))"
)

CLOCK = re.compile(
    r"(?P<begin>,(?P<node>\w+),(?P<on>\w+)=!1,[\s\S]{1,1500}?function (?P<tick>\w+)\(\)\{"
    r"\w+\(\(\)=>\{[^{}]{1,80},)(?P=on)&&(?P=tick)\(\)\}\)\}"
)
WHILE_SHOWN = r"\g<begin>\g<on>&&\g<node>&&\g<tick>()})}"

MENDS = {
    re.compile(r"/assets/statustracker-[\w-]{8}\.js"): [(CLOCK, WHILE_SHOWN, 1)],
    re.compile(r"/assets/core-[\w-]{8}\.js"): [(FIND, LOOK_UP, 1), (EVENTS, LISTED, 1)],
    re.compile(r"/assets/Blocks-[\w-]{8}\.js"): [
        (re.compile(r"\bqueue=new Set;"), "queue=new Map;", 1),
        (DEFERRED, r"\g<begin>this.queue.set(\g<event>,\g<given>);continue", 1),
        (SENT_LATER, LATEST, 2),
    ],
}
"""By file: what is sought, what takes its place, how often it must be there."""


def is_mended(path: str) -> bool:
    """Whether what stands under `path` may change with this file: then its name says nothing of its content."""
    return any(file.fullmatch(path) for file in MENDS)


def mended(path: str, body: bytes) -> bytes:
    """What is served under `path`: mended where all that is sought is there as often as known."""
    for file, mends in MENDS.items():
        if not file.fullmatch(path):
            continue
        text = body.decode("utf-8")
        for search, instead, times in mends:
            text, count = search.subn(instead, text)
            if count != times:
                return body
        return text.encode()
    return body
