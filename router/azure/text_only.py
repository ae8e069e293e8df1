"""How does a chat reach a deployment that only completes texts, and how does it come back?

`azure_text/x` names such a deployment (gpt-35-turbo-instruct and base models).  Asked for a chat, it gets the messages
as one prompt; its answer and the chunks of its stream go back in chat's shape.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from router.errors import BadRequestError, UnsupportedParamsError
from router.values import Call

_NEEDS_CHAT = ("tools", "functions", "response_format", "modalities", "audio", "prediction", "web_search_options")
"""What no text completion can do.  Leaving it out would change the answer's meaning, so it is refused."""
_MEANINGLESS = (
    "messages", "max_completion_tokens", "tool_choice", "parallel_tool_calls", "function_call", "top_logprobs",
    "store", "metadata", "reasoning_effort", "service_tier", "verbosity",
)  # fmt: skip


def as_text_call(call: Call) -> Call:
    """The call as a text completion.

    Raises:
        UnsupportedParamsError: it asks for what a text completion cannot do.
        BadRequestError: a message holds something other than text.
    """
    body = call.body
    asked = needs_chat(body)
    if asked:
        raise refusal(asked)
    text: dict[str, Any] = {k: v for k, v in body.items() if k not in _MEANINGLESS and k not in _NEEDS_CHAT}
    text["prompt"] = prompt_of(body["messages"])
    limit = body.get("max_completion_tokens")
    if limit is not None:
        text["max_tokens"] = limit
    if isinstance(body.get("logprobs"), bool):  # a switch in chat, a number here
        text.pop("logprobs")
        if body["logprobs"]:
            text["logprobs"] = body.get("top_logprobs") or 0
    return replace(call, operation="completions", body=text)


def needs_chat(body: Mapping[str, Any]) -> list[str]:
    """The parameters of a chat that no text completion can serve."""
    return [name for name in _NEEDS_CHAT if body.get(name) and body[name] != {"type": "text"}]


def refusal(asked: list[str]) -> UnsupportedParamsError:
    """The error for what `needs_chat` found."""
    return UnsupportedParamsError(
        f"a text completion (azure_text/…) has no {', '.join(asked)}; ask a chat deployment.  Nothing was sent.",
        param=asked[0],
    )


def prompt_of(messages: Any) -> str:
    """The messages as one text: a single one as it is, several as a dialogue that asks for the next line.

    Raises:
        BadRequestError: a message holds something other than text.
    """
    texts = [
        (str(message.get("role") or "user"), _text(message.get("content"), i)) for i, message in enumerate(messages)
    ]
    if len(texts) == 1:
        return texts[0][1]
    lines = [text if role in ("system", "developer") else f"{role.capitalize()}: {text}" for role, text in texts]
    return "\n\n".join([*lines, "Assistant:"])


def as_chat(body: Mapping[str, Any]) -> dict[str, Any]:
    """A text completion in chat's shape."""
    choices = []
    for choice in body.get("choices", ()):
        text = choice.get("text") or ""
        message = {"role": "assistant", "content": text}
        choices.append({**{k: v for k, v in choice.items() if k != "text"}, "message": message})
    return {**body, "object": "chat.completion", "choices": choices}


class ChatChunks:
    """Turns the chunks of a text completion's stream into those of a chat."""

    __slots__ = ("_seen",)

    def __init__(self) -> None:
        self._seen: set[Any] = set()

    def __call__(self, chunk: dict[str, Any]) -> Iterator[dict[str, Any]]:
        choices = []
        for choice in chunk.get("choices") or ():
            index = choice.get("index", 0)
            delta = {"content": choice.get("text") or ""}
            if index not in self._seen:
                self._seen.add(index)
                delta["role"] = "assistant"
            choices.append({**{k: v for k, v in choice.items() if k != "text"}, "delta": delta})
        yield {**chunk, "object": "chat.completion.chunk", "choices": choices}


def _text(content: Any, place: int) -> str:
    if content is None:
        return ""
    if isinstance(content, str):
        return content
    given = content if isinstance(content, list | tuple) else [None]
    parts = [part.get("text") if isinstance(part, Mapping) else None for part in given]
    if not all(isinstance(part, str) for part in parts):
        raise BadRequestError(
            f"`messages[{place}].content` must be text for a text completion (azure_text/…).  Nothing was sent."
        )
    return "\n".join(part for part in parts if part)
