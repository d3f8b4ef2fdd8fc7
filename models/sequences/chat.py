"""Questions and answers with a language model: a causal Transformer reads a question and writes one token at a time.

There is no memory that is passed on from step to step, as in a recurrent network: at every step each layer looks back
at all earlier tokens (Vaswani et al. 2017). What it needs of them, their keys and values, is kept, so that a step
reads only the token written last; the answer is the same as if everything were read again.

Everything is read from a local folder, weights from safetensors only, and no code that travels with them is run.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, NamedTuple, TypeVar

import numpy as np
import torch
from safetensors import SafetensorError
from tokenizers import Tokenizer
from torch import Tensor, nn
from transformers import AutoConfig, AutoModelForCausalLM, PreTrainedTokenizerFast

from models.errors import WeightsError
from models.inputs import check_integer, check_number, check_text
from models.runtime import large_model_dtype
from models.sequences.unrolled import UnrolledStep, UnrolledTrace
from models.text.readable import readable_tokens

ARCHITECTURES = ("llama",)
MAX_CHARS = 2_000
MAX_QUESTION_TOKENS = 512
MAX_ANSWER_TOKENS = 256
MAX_TEMPERATURE = 2.0
MAX_SEED = 2**31 - 1
ALTERNATIVES = 8

Ending = Literal["end token", "limit"]
Model = TypeVar("Model")


class ChatModel(nn.Module):
    """A causal language model with its tokenizer.

    `plain_tokenizer` knows no control tokens: what a visitor writes is read with it, so that "<|im_end|>" in a
    question is a few characters and not the end of it.
    """

    def __init__(self, network: Any, tokenizer: PreTrainedTokenizerFast) -> None:
        super().__init__()
        self.network = network
        self.tokenizer = tokenizer
        self.plain_tokenizer = _without_added_tokens(tokenizer)


@dataclass(frozen=True)
class Sampling:
    """How the next token is drawn: see `draw`."""

    temperature: float
    top_p: float
    seed: int


@dataclass(frozen=True)
class ChatStep:
    """One step: the network reads some tokens and writes one.

    text: the answer so far, the token of this step included; a character of which bytes are missing is left out
    token: what this step writes, as a reader would write it (bytes of a split character as hex)
    token_id: its number in the vocabulary
    alternatives: the 8 most probable tokens with their probabilities (0..1, before temperature and top-p), best first
    read: the tokens this step reads: the whole prompt at the first step, then the token written before
    hidden_states: [len(read), width] float32, output of the last layer at each token read
    tokens_read: how many tokens the network has read since the beginning
    ended: why this is the last step; None while the answer goes on
    note: a sentence if the question was cut, else empty
    """

    text: str
    token: str
    token_id: int
    alternatives: tuple[tuple[str, float], ...]
    read: tuple[str, ...]
    hidden_states: np.ndarray = field(repr=False)
    tokens_read: int
    ended: Ending | None = None
    note: str = ""

    @property
    def finished(self) -> bool:
        """Whether this is the last step."""
        return self.ended is not None


class Prompt(NamedTuple):
    """What the network reads before it answers, and how many tokens the question had before it was cut."""

    ids: list[int]
    question_tokens: int

    @property
    def note(self) -> str:
        """One sentence if the question was cut, else nothing."""
        if self.question_tokens <= MAX_QUESTION_TOKENS:
            return ""
        return f"The question has {self.question_tokens:,} tokens; the first {MAX_QUESTION_TOKENS} are read."


def load_chat(folder: Path) -> ChatModel:
    """The chat model in `folder`: bfloat16 on CUDA, float32 elsewhere.

    Raises `WeightsError` for an architecture outside `ARCHITECTURES`, a model without a chat template, weights that
    are not safetensors, and files that do not fit together.
    """
    return reading_files(folder, _load)


def reading_files(folder: Path, load: Callable[[Path], Model]) -> Model:
    """What `load` makes of `folder`; `WeightsError` with a sentence for files that do not fit together."""
    try:
        return load(folder)
    except WeightsError:
        raise
    except (OSError, ValueError, TypeError, KeyError, RuntimeError, SafetensorError) as error:
        raise WeightsError(f"The weights in {folder.name} cannot be used ({type(error).__name__}).") from error


def _load(folder: Path) -> ChatModel:
    local = {"local_files_only": True, "trust_remote_code": False}
    config = AutoConfig.from_pretrained(folder, **local)
    if config.model_type not in ARCHITECTURES:
        raise WeightsError(f"Models of type {config.model_type} cannot answer questions here.")
    # not AutoTokenizer: it builds the class named in the settings and drops the splitting of tokenizer.json
    tokenizer = PreTrainedTokenizerFast.from_pretrained(folder, local_files_only=True)
    if not tokenizer.chat_template:
        raise WeightsError("A model without a chat template cannot answer questions here.")
    loaded: Any = AutoModelForCausalLM.from_pretrained(
        folder, **local, use_safetensors=True, dtype=large_model_dtype(), output_loading_info=True
    )
    network, report = loaded
    if report["missing_keys"]:
        raise WeightsError(f"The weights in {folder.name} are not complete.")
    return ChatModel(network, tokenizer)


def answer(
    model: ChatModel, question: str, *, max_tokens: int, temperature: float, top_p: float, seed: int
) -> Iterator[ChatStep]:
    """Answer `question`, one step at a time; the same arguments give the same answer.

    temperature: 0 always takes the most probable token, 1 draws as the model predicts, at most 2
    top_p: draw among the most probable tokens that together reach this probability, above 0 and at most 1
    Raises `InputError` at once, before anything is read, for a bad argument.
    """
    question = check_text(question, name="The question", max_chars=MAX_CHARS)
    max_tokens = check_integer(max_tokens, name="The length of the answer", low=1, high=MAX_ANSWER_TOKENS)
    sampling = Sampling(
        check_number(temperature, name="The temperature", low=0, high=MAX_TEMPERATURE),
        check_number(top_p, name="Top-p", low=0.01, high=1),
        check_integer(seed, name="The seed", low=0, high=MAX_SEED),
    )
    return write(model, prompt_for(model, question), max_tokens, sampling)


def prompt_for(model: ChatModel, question: str) -> Prompt:
    """`question` in the model's chat template, as tokens; nothing in the question acts as a control token."""
    place = "\ue000"
    turn = [{"role": "user", "content": place}]
    frame = model.tokenizer.apply_chat_template(turn, tokenize=False, add_generation_prompt=True)
    before, after = (model.tokenizer.encode(part, add_special_tokens=False) for part in str(frame).split(place))
    ids = model.plain_tokenizer.encode(question.strip(), add_special_tokens=False).ids
    return Prompt([*before, *ids[:MAX_QUESTION_TOKENS], *after], len(ids))


def draw(logits: np.ndarray, sampling: Sampling, position: int) -> int:
    """A token from `logits` [vocabulary] by nucleus sampling (Holtzman et al. 2020): temperature first, then top-p.

    The draw depends on the seed and the position only.
    """
    if sampling.temperature == 0:
        return int(logits.argmax())
    order = np.argsort(-logits, kind="stable")
    probabilities = _softmax(logits[order] / sampling.temperature)
    nucleus = probabilities[: np.searchsorted(probabilities.cumsum(), sampling.top_p) + 1]
    generator = np.random.default_rng((sampling.seed, position))
    return int(generator.choice(order[: len(nucleus)], p=nucleus / nucleus.sum()))


def as_unrolled(steps: Sequence[ChatStep]) -> UnrolledTrace:
    """A run as the drawing of recurrent tasks shows it: many to many, the prompt read first, then the answer written.

    `hidden_state` ([width] float32) is the last layer's output at each token. It is not a memory passed on, as in a
    recurrent network: each step looks back at all earlier ones.
    """
    unrolled: list[UnrolledStep] = []
    for step in steps:
        *silent, last = zip(step.read, step.hidden_states, strict=True)
        unrolled += [UnrolledStep(token, state, part="decoder") for token, state in silent]
        fed_back = step is not steps[0]
        unrolled.append(UnrolledStep(*last, step.alternatives, asked=True, part="decoder", fed_back=fed_back))
    return UnrolledTrace("many to many", tuple(unrolled), steps[-1].text)


def write(model: ChatModel, prompt: Prompt, max_tokens: int, sampling: Sampling, **given: Tensor) -> Iterator[ChatStep]:
    """What the network writes after a prompt, one step at a time; `given` is what it reads beside the prompt."""
    ids, cache, tokens_read = prompt.ids, None, 0
    written: list[int] = []
    while not written or (len(written) < max_tokens and written[-1] != model.tokenizer.eos_token_id):
        logits, hidden_states, cache = _read(model, ids, cache, **({} if cache else given))
        tokens_read += len(ids)
        written.append(draw(logits, sampling, len(written)))
        yield ChatStep(
            text=_text(model, written),
            token=_readable(model, written[-1:])[0],
            token_id=written[-1],
            alternatives=_most_probable(model, logits),
            read=_readable(model, ids),
            hidden_states=hidden_states,
            tokens_read=tokens_read,
            ended=_ending(model, written, max_tokens),
            note=prompt.note,
        )
        ids = written[-1:]


@torch.inference_mode()
def _read(model: ChatModel, ids: list[int], cache: Any, **given: Tensor) -> tuple[np.ndarray, np.ndarray, Any]:
    """Read tokens after those in `cache`: next logits [vocabulary] float64, states [len(ids), width], new cache."""
    tokens = torch.tensor([ids], device=model.network.device)
    outcome = model.network.model(input_ids=tokens, past_key_values=cache, use_cache=True, **given)
    hidden = outcome.last_hidden_state[0]
    logits = model.network.lm_head(hidden[-1])
    return _array(logits).astype(np.float64), _array(hidden), outcome.past_key_values


def _array(tensor: Tensor) -> np.ndarray:
    return tensor.float().cpu().numpy()


def _softmax(logits: np.ndarray) -> np.ndarray:
    weights = np.exp(logits - logits.max())
    return weights / weights.sum()


def _most_probable(model: ChatModel, logits: np.ndarray) -> tuple[tuple[str, float], ...]:
    probabilities = _softmax(logits)
    best = np.argsort(-logits, kind="stable")[:ALTERNATIVES].tolist()
    return tuple(zip(_readable(model, best), probabilities[best].tolist(), strict=True))


def _ending(model: ChatModel, written: list[int], max_tokens: int) -> Ending | None:
    if written[-1] == model.tokenizer.eos_token_id:
        return "end token"
    return "limit" if len(written) == max_tokens else None


def _text(model: ChatModel, ids: list[int]) -> str:
    ids = [number for number in ids if number != model.tokenizer.eos_token_id]
    text = model.tokenizer.decode(ids, skip_special_tokens=True, clean_up_tokenization_spaces=False)
    return str(text).rstrip("\ufffd")


def _readable(model: ChatModel, ids: list[int]) -> tuple[str, ...]:
    space = model.plain_tokenizer.encode(" ").ids  # by a space in front `readable_tokens` knows a byte-level tokenizer
    return tuple(readable_tokens(model.tokenizer, [*space, *ids])[len(space) :])


def _without_added_tokens(tokenizer: PreTrainedTokenizerFast) -> Tokenizer:
    description = json.loads(tokenizer.backend_tokenizer.to_str())
    return Tokenizer.from_str(json.dumps(description | {"added_tokens": []}))
