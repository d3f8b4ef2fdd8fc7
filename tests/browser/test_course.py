"""The opening page, the lessons, questions and classes, as visitors, students and teachers meet them."""

import json
import re
from pathlib import Path

import pytest
from playwright.sync_api import expect

from demos.course.lessons import lesson_of

pytestmark = pytest.mark.browser

TABS = ("sequences", "attention", "vit", "detection", "diffusion")
DOOR = ".entrance"


def test_the_door_stands_open_on_the_first_visit_only(new_page):
    page = new_page()
    page.goto("/")
    door = page.locator(DOOR)
    expect(door).to_be_visible()
    expect(door.locator(".en-idea")).to_have_count(5)
    expect(door.locator("[data-tab=sequences] canvas")).to_be_visible()
    expect(door.locator("[data-tab=sequences] .en-caption")).to_contain_text(re.compile(r"\d+ %"))
    door.get_by_role("button", name="Look around").click()
    expect(door).to_be_hidden()
    page.reload()
    page.locator("#tab-sequences").wait_for()
    page.locator(".course-bar button").first.wait_for()
    expect(door).to_be_hidden()
    page.get_by_role("button", name="Opening page").click()
    door.get_by_role("button", name="Go to ViT").click()
    expect(page.locator("#tab-vit")).to_be_visible()
    expect(door).to_be_hidden()


@pytest.mark.slow
@pytest.mark.parametrize("how", [{}, {"phone": True, "dark": True}], ids=["desktop", "phone"])
def test_every_idea_has_a_living_picture(new_page, how):
    page = new_page(**how)
    page.goto("/")
    for tab in TABS:
        expect(page.locator(f"{DOOR} [data-tab={tab}] [data-state=full]")).to_be_visible()
        expect(page.locator(f"{DOOR} [data-tab={tab}] .en-caption")).not_to_be_empty()
    widths = page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
    assert widths[0] <= widths[1]


@pytest.mark.slow
def test_a_link_goes_straight_through(open_tab):
    page = open_tab("attention")
    page.locator(".course-bar button").first.wait_for()
    expect(page.locator(DOOR)).to_be_hidden()


def test_a_question_answered_rightly_and_wrongly(open_tab):
    page = open_tab("sequences")
    page.locator("#sequences-text textarea").fill("The queen of the q")
    panel = page.locator("#sequences-predict")
    panel.locator("summary").click()
    panel.locator("[data-question=next]").click()
    options = panel.locator(".qc-option")
    expect(options.first).to_be_visible()
    assert "“u”" in options.all_inner_texts()
    options.filter(has_text="“u”").click()
    expect(panel.locator(".qc-verdict")).to_have_text("Right.")
    expect(panel.locator(".qc-said")).to_contain_text("%")
    expect(panel.locator(".pr-score")).to_have_text("1 of 1 right so far")
    panel.get_by_role("button", name="Ask again about the new input").click()
    expect(options.first).to_be_enabled()
    options.filter(has_not_text="“u”").first.click()
    expect(panel.locator(".qc-verdict")).to_have_text("Not this time.")
    expect(panel.locator("[data-mark=right]")).to_contain_text("“u”")
    expect(panel.locator(".pr-score")).to_have_text("1 of 2 right so far")


@pytest.mark.slow
def test_what_cannot_be_asked_is_said_in_the_panel(open_tab):
    page = open_tab("detection")
    panel = page.locator("#detection-predict")
    page.locator("#detection-threshold input[type=number]").fill("1")
    page.locator("#detection-threshold input[type=number]").press("Tab")
    panel.locator("summary").click()
    panel.locator("[data-question=query]").click()
    expect(panel.locator(".gb-fault:visible")).to_contain_text(re.compile("Give a picture|No box"))


def test_a_lesson_is_left_and_resumed(open_tab):
    page = open_tab("sequences")
    page.get_by_role("button", name="Lesson of this tab").click()
    lesson = page.locator(".lesson")
    expect(lesson.locator(".qc-option").first).to_be_visible()
    expect(page.locator("#sequences-reader.gb-pointed")).to_be_visible()
    lesson.get_by_role("button", name="Next").click()
    expect(lesson.locator(".le-place")).to_have_text("step 2 of 7")
    lesson.get_by_role("button", name="Leave").click()
    expect(lesson).to_be_hidden()
    page.reload()
    page.get_by_role("button", name="Resume at step 2").click()
    expect(lesson.locator(".le-place")).to_have_text("step 2 of 7")
    lesson.locator(".gb-term", has_text="surprise").click()
    expect(page.locator(".gl-note")).to_contain_text("in bits")
    page.keyboard.press("Escape")
    expect(page.locator(".gl-note")).to_be_hidden()


@pytest.mark.slow
@pytest.mark.parametrize("tab", TABS)
def test_every_step_of_every_lesson_plays(open_tab, tab):
    page = open_tab(tab)
    lesson = page.locator(".lesson")
    page.get_by_role("button", name="Lesson of this tab").click()
    steps = lesson_of(tab).steps
    for number, step in enumerate(steps, 1):
        expect(lesson).to_have_attribute("data-step", str(number))
        expect(lesson.locator(".le-place")).to_have_text(f"step {number} of {len(steps)}")
        lesson.locator(".qc-option").first.click()
        expect(lesson.locator(".qc-verdict")).to_have_text(re.compile("Right|Not this time"))
        if step.point:
            expect(page.locator(f"#{step.point}.gb-pointed")).to_be_attached()
        expect(lesson.locator(".le-fault")).to_have_count(0)
        lesson.get_by_role("button", name="End" if number == len(steps) else "Next").click()
    expect(lesson).to_have_attribute("data-step", "end")


def test_a_teachers_own_lesson_is_checked_and_no_markup_runs(open_tab, tmp_path: Path):
    page = open_tab("vit")
    markup = "<img src=x onerror=\"document.title='broken'\">"
    question = {"question": f"Is {markup} run?", "options": ["Yes", "No"], "right": 1, "explanation": "It is text."}
    step = {"page": "steps", "say": markup, "notice": "[[CLS]]", "question": question}
    good = {"version": 1, "tab": "vit", "title": "Mine", "minutes": 5, "steps": [step]}
    bad = {**good, "steps": [{**step, "script": "alert(1)"}]}
    for content, said in ((json.dumps(bad), "Step 1 has a field “script”"), ("x" * 300_000, "limit")):
        file = tmp_path / "lesson.json"
        file.write_text(content)
        page.locator(".course-bar input[type=file]").set_input_files(file)
        expect(page.locator(".le-fault")).to_contain_text(said)
    file.write_text(json.dumps(good))
    page.locator(".course-bar input[type=file]").set_input_files(file)
    lesson = page.locator(".lesson")
    expect(lesson.locator(".le-body")).to_contain_text(markup)
    lesson.get_by_role("button", name="No", exact=True).click()
    expect(lesson.locator(".qc-verdict")).to_have_text("Right.")
    assert page.title() != "broken"


def test_a_class_answers_and_the_projector_shows_the_tally(open_tab):
    teacher = open_tab("sequences")
    teacher.get_by_role("button", name="Class", exact=True).click()
    teacher.get_by_role("button", name="Open a room of my own").click()
    code = teacher.locator(".cr-code").inner_text()
    student = open_tab("sequences")
    student.get_by_role("button", name="Class", exact=True).click()
    student.get_by_label("Code of the room").fill("ZZZZZ")
    student.get_by_role("button", name="Enter", exact=True).click()
    expect(student.locator(".classroom")).to_contain_text("There is no room with this code")
    student.get_by_label("Code of the room").fill(code)
    student.get_by_role("button", name="Enter", exact=True).click()
    expect(student.locator(".classroom")).to_contain_text("Wait for the first question")
    teacher.locator("#sequences-text textarea").fill("The queen of the q")
    panel = teacher.locator("#sequences-predict")
    panel.locator("summary").click()
    panel.locator("[data-question=next]").click()
    panel.get_by_role("button", name="Ask the class").click()
    student.locator(".classroom .qc-option", has_text="“u”").click()
    expect(student.locator(".classroom")).to_contain_text("Noted")
    expect(student.locator(".classroom .cr-bar")).to_have_count(0)
    expect(teacher.locator(".classroom")).to_contain_text("1 of 1 have answered.")
    expect(teacher.locator(".cr-bar", has_text="“u”")).to_contain_text("1")
    teacher.get_by_role("button", name="Reveal").click()
    expect(student.locator(".classroom [data-mark=right]")).to_contain_text("“u”")
    teacher.get_by_role("button", name="Close the room").click()
    expect(student.locator(".classroom")).to_contain_text("The room was closed")


@pytest.mark.slow
def test_all_words_are_explained_in_one_list(open_tab):
    page = open_tab("diffusion")
    page.get_by_role("button", name="Words", exact=True).click()
    words = page.get_by_role("dialog", name="All words explained")
    expect(words.locator("dt").first).to_be_visible()
    assert words.locator("dt").count() == words.locator("dd").count() >= 40
    words.get_by_role("button", name="Close").click()
    expect(words).to_be_hidden()
