"""What a model takes is told from its name."""

from __future__ import annotations

import pytest

from router.emulator.families import family_of, traits_of


@pytest.mark.parametrize(
    ("model", "family"),
    [
        ("gpt-4o-2024-11-20", "chat"),
        ("gpt-4o-audio-preview", "chat"),
        ("gpt-5-chat-latest", "chat"),
        ("gpt-5-mini", "gpt5"),
        ("gpt-5-pro", "responses"),
        ("gpt-5.1-codex", "responses"),
        ("o3-pro", "responses"),
        ("o4-mini", "o_series"),
        ("gpt-35-turbo-instruct", "completions"),
        ("text-embedding-ada-002", "embeddings"),
        ("gpt-image-1", "images"),
        ("dall-e-3", "images"),
        ("gpt-4o-mini-tts", "speech"),
        ("gpt-4o-transcribe", "transcription"),
        ("whisper-1", "transcription"),
        ("claude-opus-4-1", "claude"),
    ],
)
def test_families(model, family):
    assert family_of(model) == family


@pytest.mark.parametrize(
    ("model", "efforts", "usual"),
    [
        ("o1", ("low", "medium", "high"), "medium"),
        ("gpt-5", ("minimal", "low", "medium", "high"), "medium"),
        ("gpt-5-codex", ("low", "medium", "high"), "medium"),
        ("gpt-5.1", ("none", "low", "medium", "high"), "none"),
        ("gpt-5.4", ("none", "low", "medium", "high", "xhigh"), "none"),
        ("gpt-5-pro", ("high",), "high"),
    ],
)
def test_efforts(model, efforts, usual):
    traits = traits_of(model, family_of(model))
    assert (traits.efforts, traits.default_effort) == (efforts, usual)


def test_what_reasoning_models_cannot_do():
    assert not traits_of("o1-2024-12-17", "o_series").streams
    assert traits_of("o3-mini", "o_series").streams
    assert not traits_of("o3-mini", "o_series").parallel_tools
    assert traits_of("gpt-4o", "chat") is None
