"""What will a call cost at admission?

Azure's limiter does not tokenize.  It charges a guess at arrival: ⌈characters of the prompt/4⌉ plus the
output that the caller allows; nothing where no output limit is stated, and no overhead per message
(azure.md §3.3: 19 characters without `max_tokens` were charged 5).  So the same guess is a better
forecast than a tokenizer's, and cheap: only `len()` of strings, never a walk through JSON schemas or
base64.

Counted as prompt: the text of messages, names and arguments of tool calls, name and description of each tool.
Not counted: parameter schemas and `response_format`, whose share in Azure's guess no capture shows; where it
matters, the correction that each deployment learns from its headers takes it in.  Images, speech,
transcriptions, files and batches are limited by requests alone and cost 0.

Odd input is no error here: what is not of the expected shape counts as nothing, and validation tells the
caller.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

CHARACTERS_PER_TOKEN = 4

IMAGE_TOKENS = 765
"""One image in high or unknown detail: 85 + 170 for each tile of 512², at 1024² (azure.md §7)."""
IMAGE_LOW_TOKENS = 85
AUDIO_TOKENS = 300
"""One clip: 30 s at OpenAI's 10 tokens per second; its true length would have to be decoded."""
FILE_TOKENS = 765
"""One attached document: a page, which models read as an image."""

LIMITS = ("max_completion_tokens", "max_tokens", "max_output_tokens")
"""Parameters that limit an answer's tokens; the first that is stated counts."""
MULTIPLES = ("n", "best_of")
"""Parameters that ask for several answers."""

_PART_TOKENS = {
    "image_url": IMAGE_TOKENS,
    "input_image": IMAGE_TOKENS,
    "image": IMAGE_TOKENS,
    "input_audio": AUDIO_TOKENS,
    "file": FILE_TOKENS,
    "input_file": FILE_TOKENS,
    "document": FILE_TOKENS,
}
"""Content parts that are no text, in the words of chat completions, responses and Anthropic's messages."""


def estimate(operation: str, body: Mapping[str, Any]) -> int:
    """The tokens that Azure will charge for a call at arrival.  Never raises.

    Args:
        operation: a key of `router.azure.operations.OPERATIONS`.  One that is not known here but carries
            `messages` counts as a chat; any other costs 0.
        body: the JSON of the request.
    """
    rule = _RULES.get(operation)
    if rule is None:
        return _chat(body) if "messages" in body else 0
    return rule(body)


def text_tokens(characters: int) -> int:
    """Tokens of a text of so many characters, rounded up."""
    return -(-characters // CHARACTERS_PER_TOKEN)


# The rules below add up characters; a part that costs tokens counts as four characters for each of them.


def _chat(body: Mapping[str, Any]) -> int:
    characters = _conversation(body.get("messages"))
    if "system" in body:
        characters += _content(body["system"])
    if "tools" in body:
        characters += _tools(body["tools"])
    return -(-characters // CHARACTERS_PER_TOKEN) + _output(body)


def _responses(body: Mapping[str, Any]) -> int:
    prompt = body.get("input")
    characters = len(prompt) if isinstance(prompt, str) else _conversation(prompt)
    characters += _content(body.get("instructions")) + _tools(body.get("tools"))
    return text_tokens(characters) + _output(body)


def _completions(body: Mapping[str, Any]) -> int:
    return _inputs(body.get("prompt")) + _output(body)


def _embeddings(body: Mapping[str, Any]) -> int:
    return _inputs(body.get("input"))


def _inputs(value: Any) -> int:
    """Tokens of a text, of texts (each rounded up by itself), of one array of tokens, or of several."""
    if isinstance(value, str):
        return text_tokens(len(value))
    if not isinstance(value, (list, tuple)):
        return 0
    total = 0
    for item in value:
        if isinstance(item, str):
            total += -(-len(item) // CHARACTERS_PER_TOKEN)
        elif isinstance(item, (list, tuple)):
            total += len(item)
        elif isinstance(item, int):
            total += 1
    return total


def _conversation(messages: Any) -> int:
    """Characters of chat messages, or of the items of a response's input."""
    if not isinstance(messages, (list, tuple)):
        return 0
    total = 0
    for message in messages:
        if not isinstance(message, dict):
            continue
        content = message.get("content")
        if isinstance(content, str):
            total += len(content)
        elif content is not None:
            total += _content(content)
        if len(message) > 2:  # more than role and content
            total += _length(message.get("arguments")) + _content(message.get("output"))
            total += _tool_calls(message.get("tool_calls"))
    return total


def _content(content: Any, nested: bool = False) -> int:
    """Characters of a content: a text, or a list of parts, those of a tool's result included."""
    if isinstance(content, str):
        return len(content)
    if not isinstance(content, (list, tuple)):
        return 0
    total = 0
    for part in content:
        if not isinstance(part, dict):
            total += _length(part)
            continue
        kind = part.get("type")
        tokens = _PART_TOKENS.get(kind) if isinstance(kind, str) else None
        if tokens is not None:
            total += CHARACTERS_PER_TOKEN * (IMAGE_LOW_TOKENS if _is_low(part) else tokens)
        else:
            total += _length(part.get("text"))
            if not nested:
                total += _content(part.get("content"), nested=True)
    return total


def _is_low(part: dict[str, Any]) -> bool:
    image = part.get("image_url")
    return (image if isinstance(image, dict) else part).get("detail") == "low"


def _tool_calls(calls: Any) -> int:
    if not isinstance(calls, (list, tuple)):
        return 0
    functions = [call.get("function") for call in calls if isinstance(call, dict)]
    return sum(_length(f.get("name")) + _length(f.get("arguments")) for f in functions if isinstance(f, dict))


def _tools(tools: Any) -> int:
    if not isinstance(tools, (list, tuple)):
        return 0
    total = 0
    for tool in tools:
        if isinstance(tool, dict):
            function = tool.get("function")
            facts = function if isinstance(function, dict) else tool
            total += _length(facts.get("name")) + _length(facts.get("description"))
    return total


def _length(value: Any) -> int:
    return len(value) if isinstance(value, str) else 0


def _output(body: Mapping[str, Any]) -> int:
    """Tokens of output that the caller allows: the limit (of `LIMITS`) × the number of answers, 0 without a limit."""
    limit = body.get("max_completion_tokens") or body.get("max_tokens") or body.get("max_output_tokens")
    if type(limit) is not int or limit <= 0:
        return 0
    if "n" in body or "best_of" in body:
        limit *= max(_count(body.get("n")), _count(body.get("best_of")))
    return limit


def _count(value: Any) -> int:
    return value if type(value) is int and value > 1 else 1


_RULES: dict[str, Callable[[Mapping[str, Any]], int]] = {
    "chat.completions": _chat,
    "responses": _responses,
    "completions": _completions,
    "embeddings": _embeddings,
}
