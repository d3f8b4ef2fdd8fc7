"""The address is the state: which controls of a page stand in a link, and how values of a link are checked.

    keeps(model=model, seed=seed, text=text)

A page says so in one line; the keys are what stands in the address. Values come back from an address through the same
checks as from anywhere: choices must be offered, numbers within their range. What is not understood is named in one
sentence, and the rest is used. Texts stand in an address only where the visitor copies a link, behind the `#` that
browsers do not send; pictures only where they are one of the examples.
"""

import json
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

import gradio as gr
from gradio.blocks import Block
from gradio.components import Component
from gradio.context import Context
from gradio.events import Dependency
from gradio.utils import get_upload_folder, is_in_or_equal

from demos.base import EXAMPLES
from demos.tab import payload, private
from demos.ui import View, component, module
from models import weights
from models.errors import InputError

MAX_KEYS, MAX_CHARS = 60, 20_000
ADDRESS = "core/address.js"
RESERVED = frozenset({"tab", "at", "page", "view", "deep_link", "logs", "footer", "vscode"})
"""Keys that mean something else: to this app, to Gradio and to where it is hosted."""

RESTORE = "restore_"
"""How the endpoints begin that put what an address says into a page's controls."""

MEDIA = weights.EMBEDDED.parent / "media"
PICTURES = (".jpg", ".png", ".webp")
MARKER = "gb-opening"


@dataclass
class Kept:
    """What of one page stands in its address. marker: invisible; it tells when the page is first looked at."""

    marker: View
    controls: dict[str, Component] = field(default_factory=dict)
    looks: list[str] = field(default_factory=list)


_PAGES: WeakKeyDictionary[gr.Blocks, dict[str, Kept]] = WeakKeyDictionary()


def kept_of_page() -> Kept:
    """What is known of the page being built."""
    root, page = Context.root_block, page_of_context()
    assert root is not None
    pages = _PAGES.setdefault(root, {})
    if page not in pages:
        events = ("open", "again", "restore")
        pages[page] = Kept(component("page_opening", taken=False, events=events, elem_classes=MARKER, page=page))
    return pages[page]


def page_of_context() -> str:
    """`tab/page` of what is being built: the ids of the `gr.Tab`s around it, or of the only one."""
    names = []
    block = Context.block
    while block is not None:
        if isinstance(block, gr.Tab):
            names.append(str(block.id))
        block = block.parent
    return "/".join(reversed(names))


def keeps(looks: tuple[str, ...] = (), **controls: Component) -> None:
    """Keep the values of `controls` in the address of the page being built, under these names.

    looks: names that components of the page keep there themselves (`look` in `core/mount.js`).
    """
    kept = kept_of_page()
    names = {*controls, *looks}
    assert not names & {*RESERVED, *kept.controls, *kept.looks}, names
    kept.controls |= controls
    kept.looks += looks


def _wire_page(page: str, kept: Kept) -> None:
    controls, marker = kept.controls, kept.marker
    keys = [_described(name, control) for name, control in controls.items()]
    marker.props |= {"keys": keys, "looks": kept.looks}
    if not controls:
        return
    shown, values = [*controls.values(), marker], list(controls.values())
    name = RESTORE + page.replace("/", "_").replace("-", "_")
    marker.restore(restoring(controls), None, shown, queue=False, api_name=name, **private())
    told = f"(...values) => {{ {module(ADDRESS)}.then((address) => address.changed({json.dumps(page)}, values)); }}"
    changes = [control.change for control in values]  # pyright: ignore[reportAttributeAccessIssue]  # each has one
    _first(gr.on(changes, None, values, None, js=told))


def _first(event: Dependency) -> None:
    """Put an event before all others: a page begins the next one of a control only when the one before is over."""
    assert Context.root_block is not None
    fns = Context.root_block.default_config.fns
    ordered = {event["id"]: fns[event["id"]], **fns}
    fns.clear()
    fns.update(ordered)


def is_marker(block: Block) -> bool:
    """Whether a block is a page's marker."""
    return isinstance(block, View) and MARKER in block.elem_classes


def _described(name: str, control: Component) -> dict[str, Any]:
    """What the browser must know of a control: its first value, and whether it is a text or a picture."""
    if isinstance(control, gr.Image):
        pictures = {path.name: key for key, path in _pictures().items()}
        first = pictures.get(Path(str(path_of(control.value))).name, "")
        return {"name": name, "first": first, "kind": "picture", "pictures": pictures}
    kind = "text" if isinstance(control, gr.Textbox) else "value"
    return {"name": name, "first": control.value, "kind": kind}


def path_of(value: Any) -> Any:
    """Path of a file that a control holds."""
    return value.get("path") if isinstance(value, dict) else value


@cache
def _pictures() -> dict[str, Path]:
    """The example pictures by the names they have in addresses."""
    folders = (EXAMPLES, MEDIA)
    paths = [path for folder in folders for path in sorted(folder.glob("*")) if path.suffix in PICTURES]
    return {path.stem: path for path in paths}


def restoring(controls: Mapping[str, Component]) -> Callable[[gr.EventData], tuple[Any, ...]]:
    """The handler that puts what an address says into the controls; what it does not name gets its first value."""

    def restore(event: gr.EventData) -> tuple[Any, ...]:
        sent = payload(event, "values")
        values, refused = read_values(controls, sent if isinstance(sent, dict) else {})
        updates = (gr.update(value=values[name]) if name in values else gr.skip() for name in controls)
        return *updates, {"restored": True, "refused": refused}

    return restore


def read_values(controls: Mapping[str, Component], sent: Mapping[Any, Any]) -> tuple[dict[str, Any], list[str]]:
    """The values that can be used, and the names of those that cannot (at most a few, shortened)."""
    values: dict[str, Any] = {}
    refused = []
    for name, text in list(sent.items())[:MAX_KEYS]:
        try:
            values[name] = read_value(controls[name], text)
        except (KeyError, InputError):
            refused.append(str(name)[:24])
    return values, refused[:5]


def read_value(control: Component, text: object) -> Any:
    """The value of a control that an address gives as text.

    Raises `InputError` or `KeyError` where the control cannot have it.
    """
    if not isinstance(text, str):
        raise InputError("A value of a link is a text.")
    if isinstance(control, gr.Checkbox):
        return {"0": False, "1": True}[text]
    if isinstance(control, gr.Image):
        return str(_pictures().get(text) or _uploaded(text))
    if isinstance(control, (gr.Slider, gr.Number)):
        return _number(control, text)
    if isinstance(control, (gr.CheckboxGroup, gr.Radio, gr.Dropdown)):
        return _choice(control, text)
    if isinstance(control, gr.Textbox) and len(text) <= (control.max_length or MAX_CHARS):
        return text
    raise InputError("A control cannot have this value.")


def _uploaded(text: str) -> Path:
    """A picture of the visitor's own, which a file of theirs has brought back (`ui/pieces/view_file.js`)."""
    path = Path(text)
    if "\0" in text or not is_in_or_equal(path, get_upload_folder()) or not path.is_file():
        raise InputError("There is no such picture.")
    return path


def _number(control: gr.Slider | gr.Number, text: str) -> float | int:
    try:
        number = float(text)
    except ValueError:
        raise InputError("This is no number.") from None
    low = -math.inf if control.minimum is None else control.minimum
    high = math.inf if control.maximum is None else control.maximum
    if not math.isfinite(number) or not low <= number <= high:
        raise InputError("This number is out of range.")
    whole = control.precision == 0 or (isinstance(control, gr.Slider) and float(control.step or 0).is_integer())
    if whole and not number.is_integer():
        raise InputError("This is no whole number.")
    return int(number) if number.is_integer() else number


def _choice(control: gr.CheckboxGroup | gr.Radio | gr.Dropdown, text: str) -> Any:
    offered = {str(value): value for _, value in control.choices}
    offered |= {value: value for value in getattr(control, "also", ())}  # what is taken without being offered
    if isinstance(control, gr.CheckboxGroup) or getattr(control, "multiselect", False):
        return [offered[part] for part in text.split(",") if part]
    return offered[text]


def wire_address(link: View, tabs: gr.Tabs, app: gr.Blocks) -> list[str]:
    """Let the address choose tab and page, and say where the visitor is. Called when all pages are built.

    link: the component "page_link" of the head. Returns the page `tab/page` that each tab opens with.
    """
    sets = [tabs, *_inner(app, tabs)]
    names = ["", *(str(_tab_of(one).id) for one in sets[1:])]
    pages = list(_pages(sets))
    for page, tab in pages:
        tab.elem_id = tab.elem_id or f"page-{page.replace('/', '-')}"
    for page, kept in _PAGES.get(app, {}).items():
        _wire_page(page, kept)
    table = json.dumps([{"page": page, "panel": tab.elem_id} for page, tab in pages])
    firsts = {name: str(one.selected or _tabs_in(one)[0].id) for name, one in zip(names[1:], sets[1:], strict=True)}
    address = module(ADDRESS)
    begun = f"{tabs.selected}/{firsts.get(str(tabs.selected), '')}".rstrip("/")
    start = f"a.start({table}, {json.dumps(firsts)}, {json.dumps(begun)})"
    chosen = f"a.selections({json.dumps(names)})"
    app.load(None, None, sets, js=f"() => {address}.then((a) => {{ {start}; return {chosen}; }})")
    link.go(None, None, sets, js=f"() => {address}.then((a) => {chosen})")
    gr.on([one.change for one in sets], None, None, None, js=f"() => {{ {address}.then((a) => a.look()); }}")
    return [f"{tab}/{page}" for tab, page in firsts.items()]


def _inner(app: gr.Blocks, tabs: gr.Tabs) -> list[gr.Tabs]:
    """The pages of each tab that has some."""
    inner = [block for block in app.blocks.values() if isinstance(block, gr.Tabs)]
    return [block for block in inner if isinstance(block.parent, gr.Tab) and block.parent.parent is tabs]


def _tab_of(pages: gr.Tabs) -> gr.Tab:
    assert isinstance(pages.parent, gr.Tab)
    return pages.parent


def _tabs_in(tabs: gr.Tabs) -> list[gr.Tab]:
    return [child for child in tabs.children if isinstance(child, gr.Tab)]


def _pages(sets: list[gr.Tabs]) -> Iterator[tuple[str, gr.Tab]]:
    """Every page by its name `tab/page`; a tab without pages is one itself."""
    outer, *inner = sets
    with_pages = [_tab_of(one) for one in inner]
    yield from ((str(tab.id), tab) for tab in _tabs_in(outer) if tab not in with_pages)
    for one in inner:
        yield from ((f"{_tab_of(one).id}/{tab.id}", tab) for tab in _tabs_in(one))
