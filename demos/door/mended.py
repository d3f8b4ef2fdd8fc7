"""Two searches of Gradio's browser side become look-ups, as the file that holds them is served.

To find a component, Gradio (6.31) walks through the whole page, and to list a component's events through all events:
with 1,300 components and 550 events that is most of what scripts do until a page is there. Where the functions do not
read as they do here, as in another version, the file is served as it is. Nothing may be rendered anew (`gr.render`).
"""

import re

SCRIPT = re.compile(r"/assets/core-[A-Za-z0-9_-]{8}\.js")

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


def mended(path: str, body: bytes) -> bytes:
    """What is served under `path`: with look-ups, if it is Gradio's core and holds both searches once."""
    if not SCRIPT.fullmatch(path):
        return body
    text = body.decode("utf-8")
    for search, instead in ((FIND, LOOK_UP), (EVENTS, LISTED)):
        text, count = search.subn(instead, text)
        if count != 1:
            return body
    return text.encode()
