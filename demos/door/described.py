"""What the API page says of an endpoint: its arguments and answers in the words of its function's docstring.

What an argument is chosen from is asked of whoever knows (`demos.tab.chosen_from`), such as the catalogue.
Gradio names what it has no label for by a number, and promises files by web address, which this app refuses.
"""

import inspect
import re
from collections.abc import Callable
from typing import Any

EXAMPLE = "picture.png"
REFUSED = {"Publicly available url or base64 encoded image": "Where the app serves it; not read"}
"""What Gradio's schemas say and this app does not do, and what is so."""
UPLOADED = "A file of this machine, which the client uploads first."
ANSWERS = {"File": "files", "Json": "answer", "Api": "answer"}


def described(told: dict[str, Any], function: Callable[..., Any]) -> dict[str, Any]:
    """What Gradio tells of the endpoint of `function`, in words; its names, types and order stay."""
    arguments, returned = _sections(inspect.getdoc(function) or "")
    for name, choices in getattr(function, "choices", {}).items():
        arguments[name] = f"{arguments.get(name, '')} One of: {'; '.join(choices())}.".lstrip()
    return {
        **told,
        "parameters": [_parameter(one, arguments.get(one["parameter_name"], "")) for one in told["parameters"]],
        "returns": [_answer(one, returned) for one in told["returns"]],
    }


def _parameter(told: dict[str, Any], text: str) -> dict[str, Any]:
    is_file = "filepath" in told["python_type"]["type"]
    about = f"{text} {UPLOADED}".strip() if is_file else text
    told = {**told, "label": told["parameter_name"], "python_type": {**told["python_type"], "description": about}}
    if not is_file:
        return told
    named = {"path": EXAMPLE, "meta": {"_type": "gradio.FileData"}, "orig_name": EXAMPLE}
    several = told["python_type"]["type"].startswith("list")
    default = {"parameter_has_default": False, "parameter_default": None}
    return {**told, **default, "type": _honest(told["type"]), "example_input": [named] if several else named}


def _answer(told: dict[str, Any], text: str) -> dict[str, Any]:
    return {
        **told,
        "label": ANSWERS.get(told["component"], "answer"),
        "python_type": {**told["python_type"], "description": text},
    }


def _honest(schema: Any) -> Any:
    """The JSON schema of a file without what is refused here."""
    if isinstance(schema, dict):
        kept = {name: _honest(one) for name, one in schema.items() if name != "additional_description"}
        return kept | ({"additional_description": UPLOADED} if "additional_description" in schema else {})
    return REFUSED.get(schema, schema) if isinstance(schema, str) else schema


def _sections(doc: str) -> tuple[dict[str, str], str]:
    """The arguments of a docstring by name, and what it says of what is returned."""
    parts = re.split(r"^(Args|Returns|Yields|Raises):\n", doc, flags=re.MULTILINE)
    texts = dict(zip(parts[1::2], parts[2::2], strict=True))
    found = re.findall(r"^    (\w+): (.*(?:\n(?:     .*)?)*)", texts.get("Args", ""), flags=re.MULTILINE)
    arguments = {name: " ".join(text.split()) for name, text in found}
    return arguments, " ".join(texts.get("Returns", texts.get("Yields", "")).split())
