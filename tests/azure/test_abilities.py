"""What a call needs, and what a model of this name is known to lack."""

from __future__ import annotations

import pytest

from router.azure.abilities import BARE_TEXT, NO_TEXT, PICTURES, SOUNDS, asks, lacks
from router.azure.endpoint import Endpoint
from router.configured import Deployment
from router.values import Call

AZURE = Endpoint("azure", "https://x.openai.azure.com")


def lacking(name: str, endpoint: Endpoint = AZURE) -> set[str]:
    return set(lacks(endpoint, Deployment("one", "g", name, endpoint=endpoint)))


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("gpt-4o", {BARE_TEXT, SOUNDS}),
        ("GPT-4.1-mini", {BARE_TEXT, SOUNDS}),
        ("gpt-5.1", {BARE_TEXT, SOUNDS}),
        ("gpt-35-turbo", {BARE_TEXT, SOUNDS, PICTURES}),
        ("my-o3-mini", {BARE_TEXT, SOUNDS, PICTURES}),
        ("gpt-4o-audio-preview", {BARE_TEXT, PICTURES}),
        ("gpt-35-turbo-instruct", set()),
        ("demo3", set()),
        ("chat-east", set()),
        ("gpt-audio", set()),
    ],
)
def test_a_name_tells_what_its_model_lacks_and_an_unknown_one_lacks_nothing(name: str, expected: set[str]) -> None:
    assert lacking(name) == expected


def test_the_provider_tells_more_than_a_name() -> None:
    assert lacking("gpt-4o", Endpoint("azure", "https://x", text_only=True)) == {PICTURES, SOUNDS, NO_TEXT}
    assert lacking("claude-sonnet-4-5", Endpoint("anthropic", "https://x")) == {SOUNDS}


@pytest.mark.parametrize(
    ("operation", "body", "expected"),
    [
        ("chat.completions", {"messages": [{"role": "user", "content": "x"}], "modalities": ["text"]}, set()),
        ("chat.completions", {"messages": [{"content": [{"type": "image_url"}, {"type": []}, "x"]}]}, {PICTURES}),
        ("chat.completions", {"messages": [{"content": [{"type": "input_audio"}]}, None]}, {SOUNDS}),
        ("chat.completions", {"messages": None, "modalities": ["audio", "text"]}, {SOUNDS}),
        ("completions", {"prompt": "x"}, {BARE_TEXT}),
        ("embeddings", {"input": "x"}, {NO_TEXT}),
    ],
)
def test_a_call_tells_what_it_needs(operation: str, body: dict[str, object], expected: set[str]) -> None:
    assert asks(Call(operation, "g", body, 1)) == expected
