"""The words that texts mark, and what they mean: one file, read by the browser (`demos/ui/core/terms.js`) and by tests.

Markdown marks a word as a link, `[bits](#term-bits)`, with underscores for blanks; lessons as `[[bits]]` or
`[[surprised|surprise]]`.
"""

import json
import re
from pathlib import Path
from urllib.parse import unquote

from demos import ui

FILE = Path(ui.__file__).parent / "glossary.json"
LINK = re.compile(r"\]\(#term-([^)\s]+)\)")
MARK = re.compile(r"\[\[([^\[\]|]{1,40})(?:\|([^\[\]|]{1,40}))?\]\]")


def words() -> dict[str, str]:
    """Every term and what it means."""
    return json.loads(FILE.read_text(encoding="utf-8"))


def linked(markdown: str) -> list[str]:
    """The terms that a Markdown text marks, in order."""
    return [unquote(name).replace("_", " ") for name in LINK.findall(markdown)]


def marked(text: str) -> list[str]:
    """The terms that a text of a lesson marks, in order."""
    return [term or shown for shown, term in MARK.findall(text)]
