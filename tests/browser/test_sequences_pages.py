"""The pages of the Sequences tab in a real browser: the unrolled cell, reach, edits, the four types, a phone."""

import re

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.browser

FIRST_SCENE = re.compile("a red potion left of two blue swords|two blue swords right of a red potion")
PAGES = ("Next character", "How far back", "Edit the memory", "Four types", "Ask a story", "Train one")


@pytest.fixture
def open_page(open_tab):
    def open_(name, **how):
        return open_tab("sequences", name, **how)

    return open_


def requests_of(page):
    """Requests to handlers from now on."""
    seen = []
    page.on("request", lambda request: seen.append(request.url) if "/queue/join" in request.url else None)
    return seen


class TestCell:
    def test_the_cell_follows_the_text_and_its_steps_can_be_chosen(self, open_page, screenshots):
        page = open_page("Next character")
        page.locator("#sequences-text textarea").fill("The cat sat")
        cell = page.locator("#sequences-cell")
        cell.scroll_into_view_if_needed()  # it is drawn when somebody looks
        expect(cell.locator(".un-step")).to_have_count(8)
        expect(cell.locator(".un-input").last).to_have_text("t")
        expect(cell.locator(".un-title")).to_have_text("Inside the cell at step 11")
        expect(cell.locator(".un-weights figure")).to_have_count(3)
        expect(cell.locator(".un-count")).to_contain_text("1,308,772 parameters for these 12 steps")
        cell.locator(".un-step").nth(3).click()
        expect(cell.locator(".un-title")).to_have_text("Inside the cell at step 7")
        cell.get_by_text("Parameters against length").click()
        expect(cell.locator(".lc-legend span")).to_have_count(2)
        cell.screenshot(path=screenshots / "sequences-cell.png")

    def test_far_from_the_screen_its_words_follow_and_its_canvases_wait(self, open_page):
        page = open_page("Next character")
        page.locator("#sequences-text textarea").fill("The cat sat")
        cell, canvas = page.locator("#sequences-cell"), page.locator("#sequences-cell .un-step canvas").last
        expect(cell.locator(".un-title")).to_have_text("Inside the cell at step 11")
        expect(canvas).to_be_hidden()
        cell.scroll_into_view_if_needed()
        expect(canvas).to_be_visible()

    def test_the_three_cells_read_the_same_text(self, open_page):
        page = open_page("Next character")
        page.locator("#sequences-text textarea").fill("It was")
        maps = page.locator("#sequences-cell .un-inside figcaption")
        for name, count, layers, equation in (
            ("RNN", 2, 1, "Elman"),
            ("GRU", 5, 4, "Cho"),
            ("LSTM", 8, 6, "Hochreiter"),
        ):
            page.locator("#sequences-model").get_by_label(name, exact=True).check()
            expect(maps).to_have_count(count)
            expect(page.get_by_text(re.compile(equation)).first).to_be_visible()
            expect(page.locator("#sequences-layer input")).to_have_count(layers)

    @pytest.mark.slow
    def test_the_cell_is_gone_through_with_its_numbers(self, open_page):
        """Forwards and back; the equation of every stage has the numbers of the maps below."""
        page = open_page("Next character")
        cell = page.locator("#sequences-cell")
        cell.scroll_into_view_if_needed()
        says = cell.locator(".cs-says")
        expect(says).to_contain_text("8 of 8. yₜ = softmax(V hₜ + b)")
        cell.get_by_role("button", name="Back", exact=True).click()
        expect(says).to_contain_text("7 of 8. Hidden state: hₜ = o · tanh(cₜ) =")
        shown = re.search(r"= (−?[\d.]+)\.$", says.inner_text())[1]
        expect(cell.locator(".un-readout")).to_contain_text(re.compile(f"hidden state {shown}$"))
        expect(cell.locator(".un-inside .now figcaption")).to_contain_text("hidden state")
        cell.locator(".cs-unit").fill("5")
        expect(cell.locator(".un-readout")).to_contain_text("Unit 5:")
        cell.get_by_role("button", name="Play", exact=True).click()
        expect(says).to_contain_text("1 of 8")
        expect(says).to_contain_text("2 of 8. Forget gate: f = σ(W_f xₜ + U_f hₜ₋₁ + b_f) = σ(")
        cell.get_by_role("button", name="Stop", exact=True).click()
        expect(cell.get_by_role("button", name="Play", exact=True)).to_be_visible()

    @pytest.mark.slow
    def test_a_unit_that_tracks_something_colours_the_text(self, open_page):
        page = open_page("Next character")
        page.get_by_role("button", name="An open quote").click()
        reader = page.locator("#sequences-reader")
        expect(reader.locator(".tracked option")).to_have_count(23)
        expect(reader.locator(".followed")).to_contain_text("“inside quotation marks”: correlation 0.7")
        reader.locator(".tracked").select_option(index=1)
        expect(reader.locator(".colouring")).to_have_value("unit")
        label = reader.locator(".tracked option:checked").inner_text()
        expect(reader.locator(".unit")).to_have_value(re.search(r"unit (\d+)", label)[1])


class TestReach:
    def test_influence_of_four_networks_side_by_side(self, open_page, screenshots):
        page = open_page("How far back")
        figure = page.locator("#sequences-reach-figure")
        page.locator("#sequences-reach-text textarea").fill("The boy ran home and the dog ran after him")
        page.locator("#sequences-reach-run").click()
        expect(figure.locator(".iv-head b")).to_have_text(["RNN", "GRU", "LSTM", "Transformer"])
        expect(figure.locator(".iv-curve .lc-legend span")).to_have_count(4)
        page.wait_for_timeout(500)
        seen = requests_of(page)
        before = figure.locator(".iv-head span").first.inner_text()
        figure.locator(".iv-text").first.locator("span").nth(12).click()
        expect(figure.locator(".iv-slide output")).to_contain_text("12")
        assert figure.locator(".iv-head span").first.inner_text() != before
        figure.locator(".iv-text").first.locator("span").nth(20).hover()
        expect(figure.locator(".iv-slide output")).to_contain_text("20")
        assert seen == [], "pointing at a character must not run a network"
        page.screenshot(path=screenshots / "sequences-reach.png", full_page=True)

    def test_a_name_is_recalled_or_not(self, open_page, screenshots):
        page = open_page("How far back")
        page.locator("#sequences-recall-filler textarea").fill("ran")
        page.locator("#sequences-recall-once").click()
        rows = page.locator("#sequences-recall-answers tr")
        expect(rows).to_have_count(6)
        expect(rows.nth(5)).to_contain_text("Transformer, to 300")
        page.locator("#sequences-recall-run").click()
        chart = page.locator("#sequences-recall-chart")
        expect(page.get_by_text("50 of 50 points")).to_be_visible()
        expect(chart.locator(".ch-legend span")).to_have_count(6)
        expect(chart.locator(".mark-text")).to_have_text(["trained to 100", "trained to 300"])
        chart.screenshot(path=screenshots / "sequences-recall.png")


class TestEdit:
    def test_an_edit_beside_the_unedited_run(self, open_page, screenshots):
        page = open_page("Edit the memory")
        figure = page.locator("#sequences-edit-figure")  # it opens on an edit
        expect(figure.locator(".mc-edits li")).to_have_text(re.compile("the whole memory erased after"))
        expect(figure.locator(".mc-edited")).not_to_be_empty()
        assert figure.locator(".mc-edited").inner_text() != figure.locator(".mc-unedited").inner_text()
        expect(figure.locator(".mc-pair")).to_have_count(8)
        page.screenshot(path=screenshots / "sequences-edit.png", full_page=True)

        figure.locator(".mc-text span").nth(20).click()
        expect(page.get_by_label("After character (click the text)")).to_have_value("20")
        page.locator("#sequences-edit-kind").get_by_label("set units to zero").check()
        page.locator("#sequences-edit-units textarea").fill("3, 7-9")
        page.locator("#sequences-edit-apply").click()
        expect(figure.locator(".mc-edits li")).to_have_count(2)
        expect(figure.locator(".mc-edits li").last).to_contain_text("units 3, 7, 8, 9 set to zero")
        page.get_by_role("button", name="Undo all").click()
        expect(figure.locator(".mc-edits li")).to_have_count(0)
        expect(figure.locator(".mc-summary")).to_have_text("No edit yet.")

    @pytest.mark.slow
    def test_units_can_be_taken_from_a_list(self, open_page):
        page = open_page("Edit the memory")
        page.locator("#sequences-edit-read").click()
        expect(page.locator("#sequences-edit-figure .mc-pair")).to_have_count(8)
        page.locator("#sequences-edit-kind").get_by_label("freeze units").check()
        page.locator("#sequences-edit-picks input").click()
        page.get_by_role("option", name="inside quotation marks").click()
        expect(page.locator("#sequences-edit-units textarea")).to_have_value(re.compile(r"^\d+, \d+, \d+$"))

    @pytest.mark.slow
    def test_nonsense_is_answered_with_a_sentence(self, open_page):
        page = open_page("Edit the memory")
        page.locator("#sequences-edit-kind").get_by_label("swap units").check()
        page.locator("#sequences-edit-units textarea").fill("1-x")
        page.locator("#sequences-edit-apply").click()
        expect(page.get_by_text("Write units as numbers and ranges")).to_be_visible()

    @pytest.mark.slow
    def test_the_text_of_the_first_page_is_taken_along(self, open_page):
        page = open_page("Next character")
        page.locator("#sequences-text textarea").fill("Once upon a time")
        page.get_by_role("tab", name="Edit the memory").click()
        edited = page.locator("#sequences-edit-text textarea")
        expect(edited).to_have_value("Once upon a time")
        edited.fill("A text of my own")
        page.get_by_role("tab", name="Next character").click()
        page.locator("#sequences-text textarea").fill("Another beginning")
        page.get_by_role("tab", name="How far back").click()
        expect(page.locator("#sequences-reach-text textarea")).to_have_value("Another beginning")
        page.get_by_role("tab", name="Edit the memory").click()
        expect(edited).to_have_value("A text of my own")
        page.get_by_role("tab", name="Next character").click()
        expect(page.locator("#sequences-text textarea")).to_have_value("Another beginning")


class TestTypes:
    def choose(self, page, name):
        page.locator("#sequences-type").get_by_label(name, exact=True).check()
        expect(page.locator(f"#sequences-drawing .un[data-type='{name}']")).to_be_visible()
        return page.locator("#sequences-drawing")

    def test_switching_the_type_changes_inputs_and_outputs(self, open_page, screenshots):
        page = open_page("Four types")
        drawing = self.choose(page, "one to one")
        expect(drawing.locator(".un-step")).to_have_count(1)
        expect(page.locator("#sequences-beside")).to_contain_text("logistic regression")
        page.screenshot(path=screenshots / "sequences-one-to-one.png", full_page=True)

        drawing = self.choose(page, "many to one")
        expect(drawing.locator(".un-step[data-asked=yes]")).to_have_count(1)
        assert drawing.locator(".un-step").count() > 10
        page.screenshot(path=screenshots / "sequences-many-to-one.png", full_page=True)

        drawing = self.choose(page, "one to many")
        expect(drawing.locator(".un-input.none, .un-input:not(.fed)")).to_have_count(1)
        expect(page.locator("#sequences-beside")).to_contain_text(FIRST_SCENE)
        page.screenshot(path=screenshots / "sequences-one-to-many.png", full_page=True)

        drawing = self.choose(page, "many to many")
        assert drawing.locator(".un-step[data-part=encoder]").count() > 5
        assert drawing.locator(".un-step[data-part=decoder] .un-input.fed").count() > 5
        expect(page.locator("#sequences-beside")).to_contain_text("The Transformer of the Attention tab")
        page.screenshot(path=screenshots / "sequences-many-to-many.png", full_page=True)

    @pytest.mark.slow
    def test_order_and_length_of_a_review(self, open_page):
        page = open_page("Four types")
        runs = page.locator("#sequences-beside .gb-table tr")
        expect(runs).to_have_count(2)
        text = page.locator("#sequences-review textarea").input_value()
        page.get_by_role("button", name="Shuffle the words").click()
        expect(runs).to_have_count(3)
        shuffled = page.locator("#sequences-review textarea").input_value()
        assert sorted(shuffled.split()) == sorted(text.split())
        assert shuffled != text
        page.get_by_role("button", name="Lengthen it").click()
        expect(runs).to_have_count(4)
        steps = [int(row.locator("td").nth(1).inner_text()) for row in runs.all()[1:]]
        assert steps[0] > steps[1] == steps[2]

    @pytest.mark.slow
    def test_a_step_can_be_chosen(self, open_page):
        page = open_page("Four types")
        page.locator("#sequences-judge").click()
        drawing = page.locator("#sequences-drawing")
        drawing.locator(".un-step").nth(2).click()
        expect(drawing.locator(".un-title")).to_have_text("Inside the cell at step 2")

    @pytest.mark.slow
    def test_a_scene_of_ones_own(self, open_page):
        page = open_page("Four types")
        self.choose(page, "one to many")
        page.locator("#sequences-surprise").click()
        expect(page.locator("#sequences-beside")).not_to_contain_text(FIRST_SCENE)


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.slow
def test_every_page_on_a_phone_in_the_dark(open_page, screenshots, name):
    page = open_page(name, phone=True, dark=True)
    run = {
        "Next character": "A story",
        "How far back": "Ask them all",
        "Edit the memory": "Edit and read on",
        "Four types": "Positive or negative?",
        "Ask a story": "Two facts",
        "Train one": "Train",
    }[name]
    page.locator("#tab-sequences").get_by_role("button", name=run, exact=True).click()
    page.locator(".gb-strip:visible b", has_text="parameters").first.wait_for()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    slug = name.lower().replace(" ", "-")
    page.screenshot(path=screenshots / f"sequences-{slug}-phone.png", full_page=True)
