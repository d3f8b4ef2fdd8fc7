"""The interface's own words: one vocabulary, in three languages.

`interface.json` has every title, label, button and state that is no name of data, as {English: {"ko": ..., "de": ...}}.
A word of the interface is written in English where it is used. `in_every_language` marks those that Gradio shows, and
Gradio shows them in the visitor's language; `core/words.js` does so for the views.
"""

import json
import re
from pathlib import Path
from typing import Any

import gradio as gr

LANGUAGES = ("en", "ko", "de")

_DATA = json.loads((Path(__file__).parent / "interface.json").read_text(encoding="utf-8"))
WORDS: dict[str, dict[str, str]] = _DATA["words"]
INSTEAD: dict[str, str] = _DATA["instead"]
"""Words that the interface does not use, and the one it has for the same."""


def translations() -> gr.I18n:
    """The words as Gradio takes them: English by itself, so that a language without them shows it."""
    english = {word: word for word in WORDS}
    return gr.I18n(en=english, **{name: {word: said[name] for word, said in WORDS.items()} for name in LANGUAGES[1:]})


def said(word: str) -> str:
    """A word inside a longer text or an update, marked so that the page shows it in the visitor's language."""
    return str(gr.I18n()(word))


def in_every_language(app: gr.Blocks) -> None:
    """Mark titles, labels, information, placeholders, buttons and texts of a page that are words of the file."""
    for block in app.blocks.values():
        names = ["label", "info", "placeholder"] + ["value"] * isinstance(block, gr.Button | gr.Markdown)
        for name in names:
            word = getattr(block, name, None)
            if isinstance(word, str) and word in WORDS:
                setattr(block, name, said(word))


_MARK = re.compile(r'__i18n__(\{"__type__": "translation_metadata", "key": "(?:[^"\\]|\\.)*"\})')


def in_english(told: Any) -> Any:
    """The same JSON with its marked words in English, for whoever reads it without a page."""
    if isinstance(told, dict):
        return {name: in_english(value) for name, value in told.items()}
    if isinstance(told, list):
        return [in_english(value) for value in told]
    return _MARK.sub(lambda found: json.loads(found[1])["key"], told) if isinstance(told, str) else told
