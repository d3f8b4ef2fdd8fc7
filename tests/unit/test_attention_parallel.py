"""What is timed and computed on the page "All at once", and the loss by position against single windows."""

import json
import math

import pytest
import torch
from torch.nn import functional as F
from torch.utils.flop_counter import FlopCounterMode

from demos.attention import parallel as page
from demos.views import parallel as figures
from models.attention import speed
from models.errors import InputError
from models.recipes.attention import positions
from models.recipes.attention.evaluate_causal import bits_in_windows
from models.text.causal import CausalConfig, CausalTransformer
from models.text.recurrent import CharacterNetwork, Config
from models.text.symbols import ALPHABET, START

SMALL = CausalConfig(width=16, heads=2, layers=2, hidden=32, context=24)


@pytest.fixture
def transformer():
    torch.manual_seed(0)
    return CausalTransformer(SMALL).eval().requires_grad_(False)


@pytest.fixture
def recurrent():
    torch.manual_seed(0)
    return {name: CharacterNetwork(Config(name, 16)).eval().requires_grad_(False) for name in ("gru", "lstm")}


def test_a_stretched_network_says_the_same_where_both_can_read(transformer):
    symbols = torch.randint(100, (1, 20), generator=torch.Generator().manual_seed(0))
    longer = speed.stretched(transformer, 64)
    torch.testing.assert_close(longer(symbols), transformer(symbols))
    assert longer(symbols.repeat(1, 3)).shape == (1, 60, 100)


def test_the_memory_computed_is_that_of_what_is_kept(transformer, recurrent):
    weights = transformer.attention(torch.zeros(20, dtype=torch.int64))
    assert speed.attention_bytes(SMALL, 20) == weights.numel() * weights.element_size()
    assert speed.state_bytes(recurrent["gru"]) == 16 * 4
    assert speed.state_bytes(recurrent["lstm"]) == 2 * 16 * 4
    cache = transformer.read_on(torch.zeros(1, 20, dtype=torch.int64))[1]
    about = speed.Speeds((), {}, layers=SMALL.layers, heads=SMALL.heads, width=SMALL.width, device="cpu", threads=1)
    assert about.cache_bytes(20) == sum(part.numel() * part.element_size() for kept in cache for part in kept)


def multiplications(run):
    """All that torch's matrix products multiply, counted by torch itself."""
    with FlopCounterMode(display=False) as counter:
        run()
    return counter.get_total_flops() / 2


def test_the_work_is_what_torch_counts(transformer, recurrent):
    symbols = torch.zeros(1, 12, dtype=torch.int64)
    cost = speed.cost_of("Transformer", transformer)
    assert multiplications(lambda: transformer(symbols)) == 12 * cost.per_character + 144 * cost.per_pair
    cache = transformer.read_on(symbols)[1]
    one = multiplications(lambda: transformer.read_on(symbols[:, :1], cache))
    assert one == cost.per_character + 13 * cost.per_pair
    network, cell = recurrent["lstm"], speed.cost_of("LSTM", recurrent["lstm"])
    state, x = network.fresh_state(), torch.zeros(1, len(ALPHABET))
    assert multiplications(lambda: network.scores(x)) == cell.per_character
    assert (cell.per_pair, cell.layers, cost.layers) == (0, 1, SMALL.layers)
    assert state.hidden.numel() == 16


def test_every_network_is_timed_at_every_length(transformer, recurrent):
    networks = {**recurrent, "Transformer": transformer}
    timings = list(speed.measure(networks, budget=60, lengths=(8, 16, 48), batches=(1, 3)))
    of = {task: {(t.network, t.length) for t in timings if t.task == task} for task in ("read", "write", "batch")}
    assert of["read"] == {(name, n) for name in networks for n in (8, 16, 48)}
    assert of["write"] == of["read"] | {(speed.WITHOUT_CACHE, n) for n in (8, 16, 48)}
    assert of["batch"] == {(name, n) for name in networks for n in (1, 3)}
    assert {t.network for t in timings if t.task == "threads"} == set(networks)
    assert all(t.seconds > 0 and 2 <= t.repeats <= speed.REPEATS for t in timings)


def test_the_budget_is_kept_and_the_threads_are_put_back(transformer, recurrent):
    threads = torch.get_num_threads()
    networks = {**recurrent, "T": transformer}
    hurried = list(speed.measure(networks, budget=0, lengths=(8, 16), batches=(1, 2, 4)))
    assert {t.length for t in hurried if t.task == "read"} == {8}
    assert {t.length for t in hurried if t.task == "batch"} == {1, 2}
    assert hurried[0].task == "read", "what the page is about comes first"
    assert torch.get_num_threads() == threads


def test_recurrent_networks_begin_every_window_afresh(recurrent, monkeypatch):
    network = recurrent["gru"]
    symbols = torch.randint(100, (100,), generator=torch.Generator().manual_seed(1))
    monkeypatch.setattr(positions.runtime, "load", lambda *_: type("L", (), {"network": network, "parameters": 7}))
    measured = positions.by_position("char-gru", symbols, context=24)
    inputs = torch.cat([torch.tensor([ALPHABET.index(START)]), symbols[:-1]])
    bits = []
    for start in range(0, 77, 12):
        state, row = network.fresh_state(), []
        for at in range(start, start + 24):
            step = network.step(inputs[at], state)
            state = step.state
            row.append(float(F.cross_entropy(step.logits, symbols[at])) / math.log(2))
        bits.append(row)
    expected = torch.tensor(bits)
    assert (measured.windows, measured.parameters) == (len(bits), 7)
    torch.testing.assert_close(torch.tensor(measured.bits), expected.mean(0), atol=1e-3, rtol=0)
    torch.testing.assert_close(torch.tensor(measured.errors), expected.std(0) / len(bits) ** 0.5, atol=1e-3, rtol=0)


def test_the_transformers_windows_are_those_of_its_card(transformer):
    symbols = torch.randint(100, (60,), generator=torch.Generator().manual_seed(1))
    bits, places = bits_in_windows(transformer, symbols, 24)
    assert bits.shape == places.shape == (4, 24)


def test_the_stored_loss_is_drawn_with_every_network():
    lines = figures.stored(page.LOSS_FILE)
    assert [line["model"] for line in lines] == list(positions.NAMES)
    assert all(len(line["bits"]) == len(line["errors"]) == positions.CONTEXT for line in lines)
    chart = json.loads(json.dumps(figures.chart_of_loss(lines)))
    assert [series["name"] for series in chart["series"]] == ["RNN", "GRU", "LSTM", "Transformer"]
    assert all(len(series["points"]) == len(figures.BINS) - 1 for series in chart["series"])


def test_the_page_says_what_the_stored_figures_say():
    def mean(name, low, high):
        bits = next(line["bits"] for line in figures.stored(page.LOSS_FILE) if line["model"] == name)
        return sum(bits[low - 1 : high]) / (high - low + 1)

    gains = {name: mean(name, 9, 16) - mean(name, 129, 256) for name in positions.NAMES}
    assert [round(gains[name], 2) for name in positions.NAMES] == [0.02, 0.1, 0.1, 0.08]
    ahead = {name: mean(name, 1, 4) - mean("char-transformer", 1, 4) for name in positions.NAMES}
    assert ahead["char-gru"] == pytest.approx(0.29, abs=0.005)
    assert ahead["char-rnn"] == pytest.approx(0.39, abs=0.005)
    assert ahead["char-lstm"] == pytest.approx(1.0, abs=0.05)
    assert mean("char-lstm", 129, 256) - mean("char-transformer", 129, 256) == pytest.approx(0.07, abs=0.005)
    assert max(mean(n, 33, 64) - mean(n, 65, 256) for n in positions.NAMES) < 0.025


def timings(lengths=(16, 64, 256)):
    names = ("GRU", "LSTM", "Transformer")
    lines = [("read", name) for name in names] + [("write", name) for name in (*names, speed.WITHOUT_CACHE)]
    by_length = [speed.Timing(name, task, n, 1e-4 * n, 5) for n in lengths for task, name in lines]
    batches = [speed.Timing(name, "batch", n, 1e-3 * n**0.5, 5) for n in (1, 4) for name in names]
    threads = [speed.Timing(name, "threads", n, 1e-3 / n, 5) for n in (1, 2) for name in names]
    return (*batches, *threads, *by_length)


def speeds():
    sizes = {"GRU": 1280, "LSTM": 2560}
    return speed.Speeds(timings(), sizes, layers=4, heads=5, width=40, device="cpu", threads=1)


@pytest.mark.parametrize("log", [False, True])
def test_the_same_points_on_both_kinds_of_axes(log):
    reading, writing, batches, memory, said = page.view_axes(speeds(), log)
    assert bool(reading.get("logx")) == bool(memory.get("logx")) == log
    assert [len(series["points"]) for series in reading["series"]] == [3, 3, 3]
    assert [series["name"] for series in writing["series"]][-1] == speed.WITHOUT_CACHE
    assert batches["series"][0]["points"] == [[1, 128.0], [4, 256.0]]
    assert "To read 256 characters: GRU 25.6 ms" in said
    assert "To write the one after 256" in said
    assert "With 4 texts at once instead of one, as many characters a second: GRU 2.0 ×" in said
    assert "With 2 threads instead of one, as many characters a second: GRU 2.0 ×" in said
    assert page.view_axes(None, log)[0] is None


@pytest.mark.parametrize("log", [None, 1, "yes"])
def test_axes_are_yes_or_no(log):
    with pytest.raises(InputError, match="true or false"):
        page.view_axes(speeds(), log)
