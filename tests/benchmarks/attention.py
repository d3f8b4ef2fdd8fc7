"""A trace of 64 tokens through all-MiniLM-L6-v2, every layer kept, beside BertViz's head view of the same (run this).

    pip install --no-deps --target DIR bertviz ipython traitlets matplotlib-inline pygments
    PYTHONPATH=DIR python tests/benchmarks/attention.py

Both in one run, in turn: ours is the run and the drawing for the browser; BertViz's is the library's own forward pass
with `output_attentions` and the page that `head_view` makes. Sizes are of what goes to the browser.
"""

import statistics
import sys
import time
from pathlib import Path

import torch
from transformers import AutoModel, AutoTokenizer

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from demos.views.explorer import view_of_attention
from demos.wire import to_wire
from models import weights
from models.attention.trace import load, trace_attention
from tests.travelled import travelled

MODEL, TOKENS, ROUNDS = "all-minilm-l6-v2", 64, 15
TEXT = "The animal did not cross the street because it was too tired to go on, and the driver of the car waited . " * 3


def sixty_four_tokens(tokenizer):
    words = TEXT.split()
    while len(tokenizer(" ".join(words))["input_ids"]) > TOKENS:
        words.pop()
    return " ".join(words)


def ours(subject, text):
    view = view_of_attention(trace_attention(subject, text), "benchmark", text)
    to_wire(view)
    return view


def theirs(model, tokenizer, text):
    from bertviz import head_view  # pyright: ignore[reportMissingImports]

    with torch.no_grad():
        inputs = tokenizer(text, return_tensors="pt")
        attention = model(**inputs, output_attentions=True).attentions
    return head_view(attention, tokenizer.convert_ids_to_tokens(inputs["input_ids"][0]), html_action="return").data


def timed(times, action):
    start = time.perf_counter()
    result = action()
    times.append(1000 * (time.perf_counter() - start))
    return result


if __name__ == "__main__":
    subject = load(MODEL).network
    folder = weights.folder(MODEL)
    eager = AutoModel.from_pretrained(folder, attn_implementation="eager").eval()
    tokenizer = AutoTokenizer.from_pretrained(folder)
    text = sixty_four_tokens(tokenizer)
    times = {"trace": [], "trace and drawing": [], "bertviz": []}
    view, html = None, ""
    for _ in range(ROUNDS):
        timed(times["trace"], lambda: trace_attention(subject, text))
        view = timed(times["trace and drawing"], lambda: ours(subject, text))
        html = timed(times["bertviz"], lambda: theirs(eager, tokenizer, text))
    medians = {name: statistics.median(values) for name, values in times.items()}
    print(f"{len(tokenizer(text)['input_ids'])} tokens, {torch.get_num_threads()} threads, medians of {ROUNDS} rounds")
    for name, value in medians.items():
        print(f"{name}: {value:.1f} ms")
    print(f"to the browser: ours {travelled(view) / 1e6:.2f} MB, BertViz's page {len(html) / 1e6:.2f} MB")
    print(f"BertViz takes {medians['bertviz'] / medians['trace and drawing']:.1f} times as long")
