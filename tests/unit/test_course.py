"""Lessons are data that can do no harm, rooms are bounded and forget, every marked word is explained."""

import copy
import json
import re
import threading
from pathlib import Path

import pytest

from demos import DEMOS
from demos.course import rooms as limits
from demos.course.glossary import linked, marked, words
from demos.course.lessons import LESSONS, MAX_CHARS, lesson, lesson_of, read_lesson
from demos.course.rooms import Posed, Rooms
from models.errors import InputError

ROOT = Path(__file__).parents[2]
LESSON = json.loads((LESSONS / "sequences.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def element_ids():
    from demos.page import create_app

    return {block.elem_id for block in create_app().blocks.values() if getattr(block, "elem_id", None)}


@pytest.mark.parametrize("tab", DEMOS)
def test_a_lesson_has_six_to_ten_steps_that_all_ask_about_what_is_there(tab, element_ids):
    steps = lesson_of(tab).steps
    assert 6 <= len(steps) <= 10
    for step in steps:
        assert step.say
        assert step.notice
        assert step.ask or step.question
        named = {setting.control for setting in step.settings} | ({step.point} - {""})
        named |= {name for name in step.press if re.fullmatch(r"[a-z][a-z0-9-]*-[a-z0-9-]+", name)}
        assert named <= element_ids


def changed(path, value):
    """The lesson with one value changed; a value of `...` takes it out."""
    lesson = copy.deepcopy(LESSON)
    *way, last = path
    place = lesson
    for part in way:
        place = place[part]
    if value is ...:
        del place[last]
    else:
        place[last] = value
    return json.dumps(lesson)


OWN = {"question": "Is it?", "options": ["Yes", "No"], "right": 0, "explanation": "It is."}
BAD_LESSONS = [
    ("not JSON", "valid JSON"),
    ("[" * 30_000, "valid JSON"),
    ("[]", "JSON object"),
    ("7", "JSON object"),
    ("", "empty"),
    (" " * (MAX_CHARS + 1), "limit"),
    (7, "must be text"),
    (None, "must be text"),
    (changed(["version"], 2), "version"),
    (changed(["version"], ...), "version"),
    (changed(["tab"], "cats"), "The tab"),
    (changed(["tab"], ["sequences"]), "The tab"),
    (changed(["title"], "x" * 101), "title"),
    (changed(["minutes"], "25"), "minutes"),
    (changed(["steps"], []), "steps"),
    (changed(["steps"], [{}] * 21), "steps"),
    (changed(["steps", 0], "say"), "Step 1"),
    (changed(["onload"], "alert(1)"), "onload"),
    (changed(["steps", 1, "html"], "<b>"), "Step 2"),
    (changed(["steps", 0, "page"], "training"), "the page"),
    (changed(["steps", 0, "ask"], "query"), "ask"),
    (changed(["steps", 0, "question"], OWN), "not both"),
    (changed(["steps", 0, "set"], [1]), "“set”"),
    (changed(["steps", 0, "set"], {"a b": 1}), "element id"),
    (changed(["steps", 0, "set"], {"body > *": 1}), "element id"),
    (changed(["steps", 0, "set"], {"sequences-text": None}), "is set to"),
    (changed(["steps", 0, "set"], {"sequences-text": ["x"]}), "is set to"),
    (changed(["steps", 0, "set"], {"sequences-text": "x" * 2001}), "is set to"),
    (changed(["steps", 0, "press"], ["a"] * 5), "“press”"),
    (changed(["steps", 0, "press"], [7]), "must be text"),
    (changed(["steps", 0, "point"], "#x"), "element id"),
    (changed(["steps", 0, "say"], "x" * 901), "say"),
    (changed(["steps", 0, "say"], {"html": "x"}), "say"),
]


@pytest.mark.parametrize(("text", "said"), BAD_LESSONS)
def test_what_is_no_lesson_is_refused_in_one_sentence(text, said):
    with pytest.raises(InputError, match=re.escape(said)) as refused:
        read_lesson(text)
    assert len(str(refused.value)) < 400


@pytest.mark.parametrize(
    ("field", "value"), [("right", 2), ("right", "0"), ("options", ["Yes"]), ("options", "Yes"), ("explanation", "")]
)
def test_a_question_of_a_lesson_must_have_its_answer(field, value):
    step = {key: value for key, value in LESSON["steps"][0].items() if key != "ask"}
    given = {**LESSON, "steps": [{**step, "question": OWN}]}
    assert read_lesson(json.dumps(given)).steps[0].question.options == ("Yes", "No")
    given["steps"][0]["question"] = {**OWN, field: value}
    with pytest.raises(InputError, match="Step 1"):
        read_lesson(json.dumps(given))


def test_markup_in_a_lesson_stays_text():
    text = "<img src=x onerror=alert(1)>"
    assert read_lesson(changed(["steps", 0, "say"], text)).steps[0].say == text
    player = (ROOT / "demos/ui/components/lesson_player.js").read_text(encoding="utf-8")
    assert "innerHTML" not in player


def test_a_lesson_is_asked_for_by_its_tab_or_brought():
    assert lesson({"tab": "vit"})["tab"] == "vit"
    assert lesson({"text": json.dumps(LESSON)})["own"] is True
    assert "error" in lesson({"tab": "../vit"})
    assert "error" in lesson({"tab": 3})
    assert "error" in lesson("vit")
    assert "error" in lesson({})


def texts_with_marks():
    yield from ROOT.glob("demos/**/*.py")
    yield from ROOT.glob("demos/ui/**/*.js")
    yield from ROOT.glob("demos/course/lessons/*.json")


def test_every_marked_word_is_explained():
    known, found = words(), set()
    for path in texts_with_marks():
        if path.name in ("glossary.py", "terms.js", "glossary.js"):
            continue  # they say how words are marked
        text = path.read_text(encoding="utf-8")
        here = set(marked(text) if path.suffix == ".json" else linked(text))
        assert here <= set(known), (path, here - set(known))
        found |= here
    assert len(found) >= 20


def test_words_are_explained_in_short_sentences():
    for word, meaning in words().items():
        assert 20 <= len(meaning) <= 220, word
        assert meaning.endswith((".", "?"))
    assert {"stream", "bits", "rollout", "Spearman", "<s>", "guidance"} <= set(words())


# Rooms


class Clock:
    """A clock that goes when it is told to."""

    now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def rooms(clock):
    return Rooms(clock)


QUESTION = {"question": "Which?", "options": ["a", "b", "c"], "right": 1, "explanation": "It is b."}


def do(rooms, what, address="1.1.1.1", **more):
    return rooms.act({"do": what, **more}, address)


@pytest.fixture
def room(rooms):
    return do(rooms, "open")


def test_thirty_clients_answer_and_only_the_teacher_sees_the_tally_before_the_reveal(rooms, room):
    do(rooms, "pose", **room, question=QUESTION)
    seats = [do(rooms, "join", address="10.0.0.1", code=room["code"].lower()) for _ in range(30)]
    threads = [
        threading.Thread(target=do, args=(rooms, "answer"), kwargs={**seat, "number": 1, "choice": index % 3})
        for index, seat in enumerate(seats)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    student = do(rooms, "state", **seats[0])
    assert student["answered"] == student["members"] == 30
    assert not {"tally", "right", "explanation"} & student.keys()
    assert do(rooms, "state", **room)["tally"] == [10, 10, 10]
    do(rooms, "reveal", **room)
    shown = do(rooms, "state", **seats[0])
    assert (shown["tally"], shown["right"], shown["explanation"]) == ([10, 10, 10], 1, "It is b.")


def test_a_new_question_forgets_the_answers_to_the_last(rooms, room):
    seat = do(rooms, "join", code=room["code"])
    for number in (1, 2):
        do(rooms, "pose", **room, question=QUESTION)
        do(rooms, "answer", **seat, number=number, choice=0)
        assert do(rooms, "state", **room)["tally"] == [1, 0, 0]


def test_nothing_is_kept_of_a_closed_room(rooms, room):
    seat = do(rooms, "join", code=room["code"])
    do(rooms, "close", **room)
    assert len(rooms) == 0
    for what, more in (("state", seat), ("state", room), ("join", {"code": room["code"]})):
        with pytest.raises(InputError, match="no room"):
            do(rooms, what, **more)


@pytest.mark.parametrize("seconds", [limits.IDLE_SECONDS + 1, limits.LIFE_SECONDS + 1])
def test_rooms_end_by_themselves(rooms, room, clock, seconds):
    clock.now = seconds
    with pytest.raises(InputError, match="no room"):
        do(rooms, "state", **room)


def test_a_room_that_is_used_lives_on_but_not_for_ever(rooms, room, clock):
    while clock.now + 1000 <= limits.LIFE_SECONDS:
        clock.now += 1000
        do(rooms, "state", **room)
    clock.now += 1001
    with pytest.raises(InputError, match="no room"):
        do(rooms, "state", **room)


def test_the_501st_student_is_told_that_the_room_is_full(rooms, room):
    for _ in range(500):
        do(rooms, "join", code=room["code"])
    with pytest.raises(InputError, match="500 are in this room"):
        do(rooms, "join", code=room["code"])
    assert do(rooms, "state", **room)["wait"] > 10


def test_an_address_opens_five_rooms_and_a_server_holds_fifty(rooms):
    for number in range(limits.MAX_ROOMS):
        do(rooms, "open", address=str(number // limits.MAX_ROOMS_AN_ADDRESS))
    with pytest.raises(InputError, match="as many as this server holds"):
        do(rooms, "open", address="another")
    rooms = Rooms()
    for _ in range(limits.MAX_ROOMS_AN_ADDRESS):
        do(rooms, "open")
    with pytest.raises(InputError, match="close one first"):
        do(rooms, "open")


def test_codes_cannot_be_tried_out(rooms, clock):
    for _ in range(limits.MISSES_A_MINUTE):
        with pytest.raises(InputError, match="no room"):
            do(rooms, "join", code="AAAAA")
    room = do(rooms, "open", address="2.2.2.2")
    with pytest.raises(InputError, match="wait a minute"):
        do(rooms, "join", code=room["code"])
    clock.now += 61
    assert do(rooms, "join", code=room["code"])["member"]


@pytest.mark.parametrize(
    ("what", "more", "said"),
    [
        ("fly", {}, "What to do"),
        (None, {}, "What to do"),
        (["open"], {}, "What to do"),
        ("join", {"code": "ZZZZZ"}, "no room"),
        ("join", {"code": ""}, "empty"),
        ("join", {"code": 7}, "must be text"),
        ("join", {"code": "A" * 30}, "limit"),
        ("reveal", {"key": "wrong"}, "opened the room"),
        ("reveal", {"key": None}, "opened the room"),
        ("reveal", {"key": "ключ"}, "opened the room"),
        ("close", {}, "opened the room"),
        ("answer", {"number": 1, "choice": 0}, "not in this room"),
        ("answer", {"member": ["x"], "number": 1, "choice": 0}, "not in this room"),
    ],
)
def test_bad_requests_are_sentences(rooms, room, what, more, said):
    with pytest.raises(InputError, match=said):
        rooms.act({"do": what, "code": room["code"], **more}, "1.1.1.1")


@pytest.mark.parametrize("choice", [-1, 3, 0.5, "0", None, True, [0], 1e400])
def test_junk_is_no_answer(rooms, room, choice):
    seat = do(rooms, "join", code=room["code"])
    do(rooms, "pose", **room, question=QUESTION)
    with pytest.raises(InputError, match="The choice"):
        do(rooms, "answer", **seat, number=1, choice=choice)
    assert do(rooms, "state", **room)["tally"] == [0, 0, 0]


def test_one_answer_each_to_the_present_question_before_the_reveal(rooms, room):
    seat, other = (do(rooms, "join", code=room["code"]) for _ in range(2))
    with pytest.raises(InputError, match="question first"):
        do(rooms, "reveal", **room)
    with pytest.raises(InputError, match="over"):
        do(rooms, "answer", **seat, number=0, choice=0)
    do(rooms, "pose", **room, question=QUESTION)
    do(rooms, "answer", **seat, number=1, choice=0)
    with pytest.raises(InputError, match="have answered"):
        do(rooms, "answer", **seat, number=1, choice=1)
    do(rooms, "reveal", **room)
    with pytest.raises(InputError, match="shown already"):
        do(rooms, "answer", **other, number=1, choice=1)


@pytest.mark.parametrize(
    "question",
    [
        None,
        "Which?",
        {},
        {**QUESTION, "options": ["a"]},
        {**QUESTION, "options": ["a"] * 9},
        {**QUESTION, "options": ["a", 2]},
        {**QUESTION, "options": {"a": 1, "b": 2}},
        {**QUESTION, "right": 3},
        {**QUESTION, "right": "1"},
        {**QUESTION, "question": "x" * 501},
        {**QUESTION, "explanation": ["x"]},
    ],
)
def test_what_is_no_question_is_not_put_to_a_class(question):
    with pytest.raises(InputError):
        Posed.check(question)
