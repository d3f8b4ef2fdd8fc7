"""A text under the eyes of a recurrent network: surprise, next-character bars and the map of its memory, linked.

Value: the dict of `demos.views.sequences.draw_reader`, or None for the empty state. Hovering, scrubbing, choosing a
unit and ordering units happen in the browser. Events: `typed`: somebody changed the text of the text box; `pick`
(position, character): a bar was clicked; `inspect` (position, unit): a cell of the map was clicked; `moved` (position):
another character was chosen; `follow` (layer, unit): a unit of another layer is to colour the text.
"""

from pathlib import Path

import gradio as gr

from demos.components import from_folder


def sequence_reader(elem_id: str, *, listens_to: str) -> gr.HTML:
    """The component; `listens_to` is the `elem_id` of the text box."""
    return from_folder(Path(__file__).parent, None, elem_id=elem_id, listens_to=listens_to)
