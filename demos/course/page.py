"""What leads through the page, on every tab: the opening page, the lesson at its foot, the class, the words."""

from typing import Any

import gradio as gr

from demos.course.entrance import living_picture
from demos.course.lessons import lesson
from demos.course.rooms import ROOMS
from demos.tab import answering
from demos.ui import component


def classroom(request: Any, visitor: gr.Request | None = None) -> Any:
    """Do something in a room: see `Rooms.act`."""
    address = visitor.client.host if visitor and visitor.client else ""

    @answering
    def act(wish: dict[str, Any]) -> dict[str, Any]:
        return ROOMS.act(wish, address)

    return act(request)


def build() -> None:
    """At the end of the page; each shows itself when it is wanted."""
    component("entrance", taken=False, server_functions=[living_picture], elem_id="entrance")
    component("glossary", taken=False, elem_id="glossary")
    component("course_bar", taken=False, elem_id="course-bar")
    with gr.Column(elem_classes="gb-dock"):
        component("classroom", taken=False, server_functions=[classroom], elem_id="classroom")
        component("lesson_player", taken=False, server_functions=[lesson], elem_id="lesson")
