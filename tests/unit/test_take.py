"""What a visitor takes along: arrays with their README, and a program that computes the same; both against the view."""

import io
import json
import zipfile

import anyio
import gradio as gr
import numpy as np
import pytest
import torch
from PIL import Image
from starlette.applications import Starlette
from starlette.testclient import TestClient

from demos.attention import explorer, weighted_sum
from demos.diffusion import reverse
from demos.door.shell import Shell
from demos.page import create_app
from demos.sequences import answering, edit, reading
from demos.take import files
from demos.take.files import take_routes
from demos.take.film import sheet_of
from demos.take.numbers import classes_in, npz_of
from demos.take.shown import SHOWN, TAKE, Event, Shown, during, named
from demos.take.source import write_program
from demos.ui import View, component
from demos.views.diffusion import FilmView, StepView
from demos.views.vit_features import FeaturesView
from demos.vit import features, steps
from demos.vit.shared import EMBEDDED, example_pictures
from demos.wire import Float16, Int8, Png, Steps8, Uint16, array_behind, to_wire, view
from models import compute
from models.compute import MAX_RECORDED, Call, own_engine, using
from models.errors import InputError
from models.sequences import own_file
from models.sequences.networks import OWN, OwnNetwork
from models.store import Store
from models.text.recurrent import CharacterNetwork, Config
from tests import loops
from tests.handles import array_of

ELEPHANT, SIGN = (str(path) for path in list(example_pictures().values())[:2])
ATTENTION = explorer.default_model()


def last(steps, place=0):
    *_, final = steps
    return final[place]


PAGES = {
    "patches": lambda: last(features.compute_features(ELEPHANT, SIGN, EMBEDDED)),
    "attention": lambda: last(explorer.compute_attention("The cat sat.", ATTENTION)),
    "sum": lambda: last(weighted_sum.compute_sum("The cat sat.", ATTENTION), 1),
    "rain": lambda: answering.compute_rain(25.0, 12.0, 3.0, "July")[1],
    "reading": lambda: reading.compute_reading("The cat", "char-lstm", "hidden state", 3, None, None)[1],
    "edited memory": lambda: last(
        edit.compute_edit("It was a", "char-gru", None, None, 0.8, 5, "zero", 3, "7, 9", 1, ""), 1
    ),
    "shuffled patches": lambda: last(steps.compute_vit(SIGN, EMBEDDED, 8, "shuffled")),
    "fork": lambda: forked(),
    "sprites": lambda: last(reverse.compute_sprites("embedded", "", "potion", 2, 4, 7, 1.5, "ddim")),
}


def forked():
    """A run of sprites, gone on from its third step as another class by another sampler."""
    *_, (_, _, _, name, _) = reverse.compute_sprites("embedded", "", "potion", 2, 4, 7, 1.5, "ddim")
    return last(reverse.compute_fork({"run": name, "place": 2}, "tree", 2.0, "ddpm", 3, None))


NAMES = {"run", "name", "version", "base", "reading", TAKE}
"""Fields that hold names made anew for every run."""


class Remembering:
    """Runs computed functions and remembers all that they give."""

    def __init__(self):
        self.results = []

    def run(self, task, arguments, named):
        result = own_engine().run(task, arguments, named)
        self.results.append(list(result) if task.streams else result)
        return iter(self.results[-1]) if task.streams else result


class Replaying:
    """Gives what was remembered, in the same order."""

    def __init__(self, results):
        self.results = list(results)

    def run(self, task, arguments, named):
        result = self.results.pop(0)
        return iter(result) if task.streams else result


def without_names(value):
    if isinstance(value, dict):
        return {key: without_names(one) for key, one in value.items() if key not in NAMES}
    return [without_names(one) for one in value] if isinstance(value, list) else value


def shown_by(make):
    """The view that a page shows, as it travels, and what is kept of it."""
    with during(Event()):
        view = make()
        sent = named(type(view), to_wire(view), 1)
    return sent, SHOWN.find(sent[TAKE])


@pytest.mark.parametrize("page", PAGES)
def test_the_program_of_a_view_computes_what_it_shows(page, tmp_path, monkeypatch, capsys):
    sent, shown = shown_by(PAGES[page])
    (tmp_path / f"{shown.stem}.npz").write_bytes(npz_of(shown))
    monkeypatch.chdir(tmp_path)
    program = zipfile.ZipFile(f"{shown.stem}.npz").read("reproduce.py").decode()
    computed = Remembering()
    with using(computed):
        exec(compile(program, "reproduce.py", "exec"), {})
    assert len(computed.results) == len(shown.calls) > 0
    with using(Replaying(computed.results)):
        again = to_wire(PAGES[page]())
    assert without_names(again) == without_names(sent)
    assert " (" in capsys.readouterr().out, "it prints names and shapes of what it computed"


def test_the_program_of_ones_own_network_loads_its_file(tmp_path, monkeypatch):
    torch.manual_seed(0)
    own = OwnNetwork(CharacterNetwork(Config("gru", 16)).eval(), "Yours: GRU")
    name = OWN.put(own)
    make = lambda: reading.compute_reading("abc", "yours", "hidden state", 3, None, name)[1]  # noqa: E731
    sent, shown = shown_by(make)
    own_file.save(own, tmp_path).rename(tmp_path / "own.safetensors")
    program = write_program(shown.calls, "ReaderView", "reader.npz")
    monkeypatch.chdir(tmp_path)
    np.savez("reader.npz", **{f"inputs.{key}": array for key, array in program.inputs.items()})
    with using(computed := Remembering()):
        exec(compile(program.text, "reproduce.py", "exec"), {})
    assert name not in program.text
    with using(Replaying(computed.results)):
        again = to_wire(make())
    loaded = next(result.name for result in computed.results if hasattr(result, "name"))
    assert {again.pop("network"), sent.pop("network")} == {name, loaded}
    assert without_names(again) == without_names(sent)


def test_a_program_can_be_read(tmp_path):
    _, shown = shown_by(PAGES["sprites"])
    program = write_program(shown.calls, "FilmView", "film.npz")
    assert "from models.diffusion.sprites import denoise_entry" in program.text
    assert "seed=7" in program.text
    assert "guidance=1.5" in program.text


@view
class TravellingView:
    """Every way in which an array travels.

    half: `[64, 32]`, anything. steps, whole, apart: the same in other forms.
    """

    half: Float16
    steps: Steps8
    whole: Int8
    apart: Uint16
    picture: Png
    numbers: list[float]
    words: list[str]
    nothing: None = None


@pytest.fixture
def travelling():
    random = np.random.default_rng(0)
    values = random.standard_normal((64, 32)).astype(np.float32)
    made = TravellingView(
        values,
        values,
        np.arange(-127, 128, dtype=np.int8),
        np.arange(0, 65536, 7, dtype=np.uint16),
        random.integers(0, 255, (40, 30, 3), np.uint8),
        [0.5, 0.25],
        ["a", "ü"],
    )
    return made, Shown(TravellingView, to_wire(made), ())


def test_arrays_are_those_of_the_view(travelling):
    made, shown = travelling
    with np.load(io.BytesIO(npz_of(shown))) as arrays:
        np.testing.assert_array_equal(arrays["half"], made.half.astype(np.float16))
        np.testing.assert_allclose(arrays["steps"], made.steps, atol=np.ptp(made.steps) / 510 * 1.01)
        for name in ("whole", "apart", "picture", "numbers", "words"):
            np.testing.assert_array_equal(arrays[name], getattr(made, name))
        assert "nothing" not in arrays


def test_the_readme_names_every_array(travelling):
    _, shown = travelling
    file = npz_of(shown)
    archive = zipfile.ZipFile(io.BytesIO(file))
    told = archive.read("README.txt").decode()
    with np.load(io.BytesIO(file)) as arrays:
        for name in arrays.files:
            if not name.endswith(".txt"):
                assert f"\n{name}  {list(arrays[name].shape)}  " in told, name
    assert "half  [64, 32]  float16  (in half precision" in told
    assert "steps  [64, 32]  float32  (in 256 equal steps" in told
    assert "anything. steps, whole, apart: the same in other forms" in told
    assert "reproduce.py" not in told and "reproduce.py" not in archive.namelist()


def test_the_arrays_of_a_page_equal_what_its_browser_reads():
    sent, shown = shown_by(PAGES["patches"])
    with np.load(io.BytesIO(npz_of(shown))) as arrays:
        np.testing.assert_array_equal(arrays["values"], array_of(sent["values"]))
        np.testing.assert_array_equal(arrays["steps"], np.stack([array_of(one) for one in sent["steps"]]))
        assert float(arrays["shares"][3][1]) == sent["shares"][3][1]


def test_the_trace_behind_a_view_is_there_in_full_precision():
    """The view has the directions of features in 255 steps; what was computed are float32 features of 384 numbers."""
    from models.vit.features import features_of_pictures

    _, shown = shown_by(PAGES["patches"])
    (call,) = shown.calls
    features = features_of_pictures(*call.arguments).features
    file = npz_of(shown)
    with np.load(io.BytesIO(file)) as arrays:
        np.testing.assert_array_equal(arrays["result.features"], np.stack(features))
        assert arrays["result.features"].dtype == np.float32
    told = zipfile.ZipFile(io.BytesIO(file)).read("README.txt").decode()
    assert "result: what models.vit.features.features_of_pictures gives" in told and "FeaturesResult: " in told


def test_what_takes_long_is_not_computed_again_for_a_file():
    _, shown = shown_by(PAGES["sprites"])
    with using(Replaying([])), np.load(io.BytesIO(npz_of(shown))) as arrays:
        assert not any(name.startswith("result") for name in arrays.files)


def test_classes_in_a_view_are_found_with_those_inside():
    assert classes_in(FilmView)[0] is FilmView and StepView in classes_in(FilmView)
    assert [one.__name__ for one in classes_in(FeaturesView)][:2] == ["FeaturesView", "Picture"]


@pytest.fixture
def client():
    return TestClient(Starlette(routes=take_routes()))


def test_a_run_is_taken_along_as_animation_and_contact_sheet(client):
    sent, _ = shown_by(PAGES["sprites"])
    offered = client.get(f"/take/{sent[TAKE]}").json()
    assert [file["ending"] for file in offered["files"]] == ["npz", "py", "gif", "sheet.png"]
    answer = client.get(f"/take/{sent[TAKE]}/gif")
    assert answer.headers["content-disposition"] == 'attachment; filename="glassbox-film.gif"'
    film = Image.open(io.BytesIO(answer.content))
    assert (film.format, film.n_frames, film.size) == ("GIF", 4, (2 * 96, 2 * 96))
    sheet = Image.open(io.BytesIO(client.get(f"/take/{sent[TAKE]}/sheet.png").content))
    assert sheet.format == "PNG" and sheet.width >= 4 * 2 * 96


def test_the_contact_sheet_shows_the_pictures_of_the_run():
    sent, shown = shown_by(PAGES["sprites"])
    sheet = np.asarray(Image.open(io.BytesIO(sheet_of(shown))))
    noise = np.asarray(Image.open(io.BytesIO(_content(sent["steps"][0]["x_t"]))))
    top = sheet[8 + 16 : 8 + 16 + 96 : 3, 8 : 8 + 192 : 3]
    np.testing.assert_array_equal(top, noise[..., :3])


def _content(address):
    from demos.wire import bytes_behind

    return bytes_behind(address)


def test_later_steps_of_an_event_take_the_place_of_earlier_ones(travelling):
    made, _ = travelling
    with during(Event()):
        names = {named(TravellingView, to_wire(made), place)[TAKE] for place in (1, 1, 2)}
    assert len(names) == 2
    assert TAKE not in named(TravellingView, to_wire(made), 1), "outside of an event nothing is kept"


@compute.compute
def doubled(number):
    return 2 * number


def test_all_steps_of_a_page_s_event_share_one_place_and_remember_what_was_computed(travelling):
    made, _ = travelling

    def act():
        doubled(3)
        yield made
        yield made

    with Shell() as app:
        shown = component("chart", empty="")
        gr.Button().click(act, None, shown)

    async def steps():
        first = await app.process_api(0, [], iterator=None)
        return first, await app.process_api(0, [], iterator=first["iterator"])

    first, second = (output["data"][0][TAKE] for output in loops.run(steps()))
    assert first == second
    (call,) = SHOWN.find(first).calls
    assert (call.task, call.arguments) == (f"{__name__}.doubled", (3,))


@pytest.mark.parametrize(("path", "status"), [("nobody", 404), ("nobody/npz", 404), ("../x", 404)])
def test_what_is_not_kept_is_said(client, path, status):
    answer = client.get(f"/take/{path}")
    assert answer.status_code == status


def test_a_file_that_a_view_does_not_have_is_said(client, travelling):
    made, _ = travelling
    with during(Event()):
        name = named(TravellingView, to_wire(made), 1)[TAKE]
    assert [file["ending"] for file in client.get(f"/take/{name}").json()["files"]] == ["npz"]
    for ending in ("py", "gif", "exe"):
        answer = client.get(f"/take/{name}/{ending}")
        assert (answer.status_code, answer.json()["error"]) == (404, "This view has no such file.")


def test_who_finds_all_places_taken_is_told_and_holds_no_thread(client, monkeypatch):
    monkeypatch.setattr(files, "WAIT_SECONDS", 0.01)
    monkeypatch.setattr(files, "_places", anyio.Semaphore(0))
    answer = client.get("/take/anything/npz")
    assert (answer.status_code, answer.json()["error"]) == (503, files.BUSY)


def test_what_cannot_be_written_down_is_refused(monkeypatch):
    known = next(name for name in compute.TASKS if name.startswith("models."))
    with pytest.raises(InputError, match="More than"):
        write_program([Call(known, (), {})] * (MAX_RECORDED + 1), "V", "v.npz")
    with pytest.raises(InputError, match="cannot be written down"):
        write_program([Call(known, (object(),), {})], "V", "v.npz")
    with pytest.raises(InputError, match="too large"):
        write_program([Call(known, (np.zeros(2**23),), {})], "V", "v.npz")
    kept: Store[str] = Store("kept here", 100, size=len, gone="gone")
    with pytest.raises(InputError, match="kept there only"):
        write_program([Call(known, (kept.put("network"),), {})], "V", "v.npz")


def test_texts_of_a_visitor_stay_texts():
    known = next(name for name, task in compute.TASKS.items() if name.startswith("models.") and not task.streams)
    nasty = '"""\n__import__("os").abort()  # \\'
    program = write_program([Call(known, (nasty, float("nan"), (1,), {"a": None}), {})], "V", "v.npz")
    compile(program.text, "reproduce.py", "exec")
    assert repr(nasty) in program.text and "float(\"nan\"), (1,), {'a': None}" in program.text


def test_handles_are_read_back(travelling):
    made, shown = travelling
    np.testing.assert_array_equal(array_behind(shown.value["apart"]), made.apart)
    assert json.dumps(shown.value)


OFFER_OTHERWISE = {"vit/neighbours", "vit/zero_shot", "detection/video"}
"""Lists and tables in HTML, which `offerFigures` finds in the browser, and a page that makes files by itself."""


def test_every_page_offers_what_it_shows():
    """At least one view of each page can be taken along; menus, lessons and inputs do not offer it."""
    views = [block for block in create_app().blocks.values() if isinstance(block, View)]
    offering = {page_of(one) for one in views if one.taken}
    assert {page for page in map(page_of, views) if "/" in page} - offering == OFFER_OTHERWISE
    assert len(offering) >= 24
    assert all(bool(one.props.get("taken")) == one.taken for one in views)


def page_of(block):
    names = []
    while block is not None:
        if isinstance(block, gr.Tab):
            names.append(str(block.id))
        block = block.parent
    return "/".join(reversed(names))
