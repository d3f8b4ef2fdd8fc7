"""What is seen on a page, in one sentence from the numbers of its run, above the figure that shows it."""

import html
from collections.abc import Callable

import gradio as gr
from gradio.events import Dependency

from demos.tab import private


def finding_line(elem_id: str) -> gr.HTML:
    """The place of the sentence, empty until a run says something."""
    return gr.HTML(elem_id=elem_id, elem_classes="gb-finding")


def html_of_finding(sentence: str) -> str:
    """The sentence as its place takes it; nothing for an empty one."""
    return f"<p>{html.escape(sentence)}</p>" if sentence else ""


def forgets(event: Callable[..., Dependency], finding: gr.HTML) -> None:
    """The sentence goes when `event` happens: what it is about is no longer what is shown."""
    event(None, None, finding, js='() => ""', **private())
