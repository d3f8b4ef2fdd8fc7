"""Every attention weight against an independent computation in float64, and against torch's fused attention."""

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file
from torch.nn import functional as F

from models import weights
from models.attention import trace
from models.text.instrument import Place, Tap
from models.text.tokenizer import BOS, EOS
from models.text.transformer import Config, MultiHeadAttention, Translator
from tests.hub import checkpoints


def softmax(scores):
    exponents = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return exponents / exponents.sum(axis=-1, keepdims=True)


def layer_norm(x, weight, bias, eps):
    return (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + eps) * weight + bias


def heads_of(x, heads):
    return x.reshape(len(x), heads, -1).transpose(1, 0, 2)


def attend(q, k, v, heads, mask=None):
    """Rows `[T, width]` of projected queries, keys, values -> weights `[heads, T, S]`, mixture `[T, width]`."""
    q, k, v = (heads_of(x, heads) for x in (q, k, v))
    scores = q @ k.transpose(0, 2, 1) / np.sqrt(q.shape[-1])
    if mask is not None:
        scores = np.where(mask, scores, -np.inf)
    attention = softmax(scores)
    return attention, (attention @ v).transpose(1, 0, 2).reshape(q.shape[1], -1)


def float64(state):
    return {name: np.asarray(tensor, dtype=np.float64) for name, tensor in state.items()}


@pytest.mark.parametrize("causal", [False, True])
def test_our_attention_equals_torchs_fused_one(causal):
    torch.manual_seed(0)
    ours = MultiHeadAttention(48, 4).double()
    x, context = torch.randn(2, 7, 48).double(), torch.randn(2, 7, 48).double()
    mask = torch.ones(7, 7, dtype=torch.bool).tril() if causal else torch.rand(2, 1, 7, 7) > 0.3
    mask = mask | torch.eye(7, dtype=torch.bool)
    q, k, v = (
        layer(source).unflatten(-1, (4, 12)).transpose(1, 2)
        for layer, source in ((ours.query, x), (ours.key, context), (ours.value, context))
    )
    expected = ours.out(F.scaled_dot_product_attention(q, k, v, attn_mask=mask).transpose(1, 2).flatten(2))
    torch.testing.assert_close(ours(x, context, mask), expected)


def test_our_layer_equals_torchs_transformer():
    """With the same numbers, torch's own pre-norm encoder layer gives the same states."""
    torch.manual_seed(0)
    config = Config(vocabulary=20, width=32, heads=4, layers=1, hidden=64)
    ours = Translator(config).encoder[0]
    theirs = torch.nn.TransformerEncoderLayer(32, 4, 64, dropout=0.0, batch_first=True, norm_first=True, bias=True)
    attention = ours.attention
    with torch.no_grad():
        stacked = torch.cat([attention.query.weight, attention.key.weight, attention.value.weight])
        theirs.self_attn.in_proj_weight.copy_(stacked)
        theirs.self_attn.out_proj.weight.copy_(attention.out.weight)
        theirs.linear1.weight.copy_(ours.feed_forward.up.weight)
        theirs.linear2.weight.copy_(ours.feed_forward.down.weight)
        for bias in (
            theirs.self_attn.in_proj_bias,
            theirs.self_attn.out_proj.bias,
            theirs.linear1.bias,
            theirs.linear2.bias,
        ):
            bias.zero_()
    x = torch.randn(2, 6, 32)
    torch.testing.assert_close(ours(x, torch.ones(2, 1, 1, 6, dtype=torch.bool)), theirs(x), atol=1e-5, rtol=1e-5)


def our_translator_in_float64(state, config, source, target):
    """The weights of all attentions `{kind: [layers, heads, T, S]}`, from the state dict alone."""
    p = float64(state)

    def embedded(tokens):
        position = np.arange(len(tokens))[:, None] / 10_000 ** (np.arange(0, config.width, 2) / config.width)
        waves = np.stack([np.sin(position), np.cos(position)], axis=-1).reshape(len(tokens), -1)
        return p["embedding.weight"][tokens] * np.sqrt(config.width) + waves

    def norm(name, x):
        return layer_norm(x, p[f"{name}.weight"], p[f"{name}.bias"], 1e-5)

    def attention(name, x, context, mask=None):
        q, k, v = (y @ p[f"{name}.{part}.weight"].T for part, y in (("query", x), ("key", context), ("value", context)))
        kept, mixed = attend(q, k, v, config.heads, mask)
        return kept, mixed @ p[f"{name}.out.weight"].T

    def feed_forward(name, x):
        hidden = np.maximum(norm(f"{name}.forward_norm", x) @ p[f"{name}.feed_forward.up.weight"].T, 0)
        return x + hidden @ p[f"{name}.feed_forward.down.weight"].T

    found = {"encoder": [], "decoder": [], "cross": []}
    x = embedded(source)
    for n in range(config.layers):
        normed = norm(f"encoder.{n}.attention_norm", x)
        kept, change = attention(f"encoder.{n}.attention", normed, normed)
        found["encoder"].append(kept)
        x = feed_forward(f"encoder.{n}", x + change)
    memory = norm("encoder_norm", x)
    y = embedded(target)
    mask = np.tril(np.ones((len(target), len(target)), bool))
    for n in range(config.layers):
        normed = norm(f"decoder.{n}.attention_norm", y)
        kept, change = attention(f"decoder.{n}.attention", normed, normed, mask)
        found["decoder"].append(kept)
        y = y + change
        kept, change = attention(f"decoder.{n}.cross", norm(f"decoder.{n}.cross_norm", y), memory)
        found["cross"].append(kept)
        y = feed_forward(f"decoder.{n}", y + change)
    return {kind: np.stack(layers) for kind, layers in found.items()}


def test_the_translators_attention_equals_a_float64_computation():
    torch.manual_seed(1)
    config = Config(vocabulary=60, width=32, heads=4, layers=3, hidden=64)
    network = Translator(config).eval()
    source, target = [5, 9, 30, 31, EOS], [BOS, 7, 8, 40]
    places = {layer.attention: Place("encoder", n) for n, layer in enumerate(network.encoder)}
    places |= {layer.attention: Place("decoder", n) for n, layer in enumerate(network.decoder)}
    places |= {layer.cross: Place("cross", n) for n, layer in enumerate(network.decoder)}
    with torch.no_grad(), Tap(places) as tap:
        network(torch.tensor([source]), torch.tensor([target]))
    expected = our_translator_in_float64(network.state_dict(), config, source, target)
    for place, attended in tap.attended.items():
        np.testing.assert_allclose(attended.weights.numpy(), expected[place.kind][place.layer], atol=2e-6)
    assert len(tap.attended) == 9


def bert_in_float64(state, ids, *, layers, heads, prefix=""):
    p = float64(state)

    def linear(name, x):
        return x @ p[f"{prefix}{name}.weight"].T + p[f"{prefix}{name}.bias"]

    def norm(name, x):
        return layer_norm(x, p[f"{prefix}{name}.weight"], p[f"{prefix}{name}.bias"], 1e-12)

    words, places, kinds = (
        p[f"{prefix}embeddings.{kind}_embeddings.weight"] for kind in ("word", "position", "token_type")
    )
    x = norm("embeddings.LayerNorm", words[ids] + places[: len(ids)] + kinds[0])
    found = []
    for n in range(layers):
        block = f"encoder.layer.{n}"
        q, k, v = (linear(f"{block}.attention.self.{part}", x) for part in ("query", "key", "value"))
        kept, mixed = attend(q, k, v, heads)
        found.append(kept)
        x = norm(f"{block}.attention.output.LayerNorm", x + linear(f"{block}.attention.output.dense", mixed))
        hidden = linear(f"{block}.intermediate.dense", x)
        gelu = hidden * torch.special.ndtr(torch.from_numpy(hidden)).numpy()
        x = norm(f"{block}.output.LayerNorm", x + linear(f"{block}.output.dense", gelu))
    return np.stack(found)


@pytest.mark.parametrize("text", ["The animal didn't cross the street because it was too tired.", "one", "🙂 مرحبا"])
def test_minilm_attention_equals_a_float64_computation(text):
    model = trace.load("all-minilm-l6-v2").network
    found = trace.trace_attention(model, text).traces[0].attention
    state = load_file(weights.folder("all-minilm-l6-v2") / "model.safetensors")
    expected = bert_in_float64(state, model.tokenizer(text)["input_ids"], layers=6, heads=12)
    np.testing.assert_allclose(found, expected, atol=2e-6)


def test_gpt2_attention_equals_a_float64_computation(tmp_path):
    checkpoints.gpt2(tmp_path / "gpt2")
    model = trace.load_subject(tmp_path / "gpt2").eval()
    text = "the cat sat on the log"
    ids = model.tokenizer(text)["input_ids"]
    p = float64(load_file(tmp_path / "gpt2" / "model.safetensors"))
    p = {name.removeprefix("transformer."): value for name, value in p.items()}

    def linear(name, x):
        return x @ p[f"{name}.weight"] + p[f"{name}.bias"]

    def norm(name, x):
        return layer_norm(x, p[f"{name}.weight"], p[f"{name}.bias"], 1e-5)

    x = p["wte.weight"][ids] + p["wpe.weight"][: len(ids)]
    expected = []
    for n in range(2):
        q, k, v = np.split(linear(f"h.{n}.attn.c_attn", norm(f"h.{n}.ln_1", x)), 3, axis=-1)
        kept, mixed = attend(q, k, v, 4, np.tril(np.ones((len(ids), len(ids)), bool)))
        expected.append(kept)
        x = x + linear(f"h.{n}.attn.c_proj", mixed)
        hidden = linear(f"h.{n}.mlp.c_fc", norm(f"h.{n}.ln_2", x))
        gelu = 0.5 * hidden * (1 + np.tanh(np.sqrt(2 / np.pi) * (hidden + 0.044715 * hidden**3)))
        x = x + linear(f"h.{n}.mlp.c_proj", gelu)
    found = trace.trace_attention(model, text).traces[0].attention
    np.testing.assert_allclose(found, np.stack(expected), atol=2e-6)


def test_marian_attention_is_that_of_its_own_translation(tmp_path):
    """Weights of each layer, recomputed from the states that enter it, in float64."""
    checkpoints.marian(tmp_path / "marian")
    model = trace.load_subject(tmp_path / "marian").eval()
    states = {}

    def keep(name):
        def hook(module, args, kwargs, output):
            hidden = kwargs.get("hidden_states", args[0] if args else None)
            states[name] = (module, hidden[0], kwargs.get("key_value_states"))

        return hook

    network = model.network.model
    for n in range(2):
        network.encoder.layers[n].self_attn.register_forward_hook(keep(f"encoder{n}"), with_kwargs=True)
        network.decoder.layers[n].self_attn.register_forward_hook(keep(f"decoder{n}"), with_kwargs=True)
        network.decoder.layers[n].encoder_attn.register_forward_hook(keep(f"cross{n}"), with_kwargs=True)
    run = trace.trace_attention(model, "the cat sat on the mat")
    for found in run.traces:
        for n in range(2):
            module, x, context = states[f"{found.kind}{n}"]
            context = x if context is None else context[0]
            p = float64({name: tensor.numpy() for name, tensor in module.state_dict().items()})
            x, context = x.numpy().astype(np.float64), context.numpy().astype(np.float64)
            q = x @ p["q_proj.weight"].T + p["q_proj.bias"]
            k = context @ p["k_proj.weight"].T + p["k_proj.bias"]
            mask = np.tril(np.ones((len(x), len(x)), bool)) if found.kind == "decoder" else None
            expected, _ = attend(q, k, k, 4, mask)
            np.testing.assert_allclose(found.attention[n], expected, atol=2e-6)
