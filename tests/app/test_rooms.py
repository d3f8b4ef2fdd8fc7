"""A class of thirty over HTTP, through the door: every answer counts once, and what is no answer is a sentence."""

import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

CLIENTS = 30


@pytest.fixture(scope="module")
def room_of(app_url):
    """`room_of({"do": ...})`: what the server answers, asked again where the door asks for patience."""
    parts = httpx.get(f"{app_url}/config", timeout=60).json()["components"]
    number = next(part["id"] for part in parts if part["props"].get("elem_id") == "classroom")

    def ask(request):
        body = {"session_hash": "class", "component_id": number, "fn_name": "classroom", "data": request}
        while (
            answer := httpx.post(f"{app_url}/gradio_api/component_server", json=body, timeout=60)
        ).status_code == 429:
            time.sleep(0.2)
        assert answer.status_code == 200, answer.text
        return answer.json()

    return ask


@pytest.mark.thorough
def test_thirty_clients_answer_one_question(room_of):
    room = room_of({"do": "open"})
    question = {"question": "Which?", "options": ["a", "b", "c"], "right": 1, "explanation": "It is b."}

    def take_part(index):
        seat = room_of({"do": "join", "code": room["code"]})
        while room_of({"do": "state", **seat})["number"] == 0:
            time.sleep(0.1)
        return seat, room_of({"do": "answer", **seat, "number": 1, "choice": index % 3})

    with ThreadPoolExecutor(CLIENTS) as clients:
        taking = [clients.submit(take_part, index) for index in range(CLIENTS)]
        room_of({"do": "pose", **room, "question": question})
        seats = [one.result() for one in taking]
    assert all(answer == {"number": 1} for _, answer in seats)
    state = room_of({"do": "state", **room})
    assert (state["members"], state["answered"], state["tally"]) == (CLIENTS, CLIENTS, [10, 10, 10])
    assert "tally" not in room_of({"do": "state", **seats[0][0]})
    room_of({"do": "reveal", **room})
    assert room_of({"do": "state", **seats[0][0]})["right"] == 1
    assert room_of({"do": "close", **room}) == {"closed": True}
    assert "no room" in room_of({"do": "state", **seats[0][0]})["error"]


@pytest.mark.parametrize(
    "request_", [None, 7, "open", [], {}, {"do": "join"}, {"do": "join", "code": "<b>"}, {"do": {}}]
)
def test_junk_is_answered_by_a_sentence(room_of, request_):
    answer = room_of(request_)
    assert answer["error"]
    assert "Traceback" not in answer["error"]
