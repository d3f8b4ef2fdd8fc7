"""A text through a Transformer with everything kept, beside what a user would take instead.

64 tokens through all-MiniLM-L6-v2, every layer kept: the trace beside the library's own forward pass with
`output_attentions`, as it is and as a graph for ONNX Runtime, and beside the library's pipeline, which gives the last
layer alone; the trace with its drawing for the browser beside BertViz's head view of the same text.
"""

import importlib.util
from collections.abc import Iterator
from functools import partial

import torch
from transformers import AutoModel, AutoTokenizer, pipeline

from demos.views.explorer import view_of_attention
from demos.wire import to_wire
from models import weights
from models.attention.trace import load, trace_attention
from tests.benchmarks import onnx_graph
from tests.benchmarks.rows import Row, compare

MODEL, TOKENS, ROUNDS = "all-minilm-l6-v2", 64, 15
TEXT = "The animal did not cross the street because it was too tired to go on, and the driver of the car waited . " * 3


def sixty_four_tokens(tokenizer):
    words = TEXT.split()
    while len(tokenizer(" ".join(words))["input_ids"]) > TOKENS:
        words.pop()
    return " ".join(words)


def rows() -> Iterator[Row]:
    """The rows of this file."""
    subject, folder = load(MODEL).network, weights.folder(MODEL)
    eager = AutoModel.from_pretrained(folder, attn_implementation="eager").eval()
    tokenizer = AutoTokenizer.from_pretrained(folder)
    text = sixty_four_tokens(tokenizer)

    def drawn():
        to_wire(view_of_attention(trace_attention(subject, text), "benchmark", text))

    def forward():
        with torch.no_grad():
            return eager(**tokenizer(text, return_tensors="pt"), output_attentions=True, output_hidden_states=True)

    def head_view():
        from bertviz import head_view  # pyright: ignore[reportMissingImports]

        tokens = tokenizer.convert_ids_to_tokens(tokenizer(text)["input_ids"])
        return head_view(forward().attentions, tokens, html_action="return").data

    def traced():
        return trace_attention(subject, text)

    what = f"MiniLM, {TOKENS} tokens, all layers kept"
    yield compare(what, ROUNDS, traced, "transformers, eager", forward, counted=traced)
    read = partial(pipeline("feature-extraction", AutoModel.from_pretrained(folder), tokenizer=tokenizer), text)
    yield compare(f"{what}, beside the last layer alone", ROUNDS, traced, "transformers' pipeline", read)
    if onnx_graph.HERE:
        run = onnx_graph.onnx_run(eager, tokenizer(text, return_tensors="pt"))
        yield compare(f"{what}, beside a graph that keeps as much", ROUNDS, traced, "ONNX Runtime", run)
    if importlib.util.find_spec("bertviz"):
        yield compare(f"{what} and drawn", ROUNDS, drawn, "BertViz", head_view)
