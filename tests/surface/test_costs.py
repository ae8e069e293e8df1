"""Every operation's reply knows its cost, in every world, and what a deployment does not want stays out of forms."""

from __future__ import annotations

from typing import Any

import pytest

from router import Router
from tests.azure.fault_server import answer
from tests.recorder import Recorder
from tests.worlds import World

from .conftest import deployment

SOUND = ("a.wav", b"RIFF....")
RESPONSE: dict[str, Any] = {
    "id": "resp_abc",
    "object": "response",
    "status": "completed",
    "model": "gpt-4o",
    "output": [{"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "Hello"}]}],
    "usage": {"input_tokens": 300, "output_tokens": 20, "total_tokens": 320},
}
PICTURE = {"created": 1, "data": [{"b64_json": "AA=="}]}
TOKENS = {"type": "tokens", "input_tokens": 100, "input_token_details": {"audio_tokens": 100}, "output_tokens": 9}


@pytest.mark.parametrize(
    ("base_model", "method", "asked", "said", "expected"),
    [
        ("dall-e-3", "image_generation", {"prompt": "a cat", "size": "1792x1024", "quality": "hd"}, PICTURE, 0.12),
        (
            "gpt-image-1",
            "image_generation",
            {"prompt": "a cat"},
            {**PICTURE, "usage": {"input_tokens": 10, "output_tokens": 1000, "total_tokens": 1010}},
            10 * 5e-6 + 1000 * 40e-6,
        ),
        ("whisper", "transcription", {"file": SOUND}, {"text": "Hi", "duration": 30.0}, 0.003),
        (
            "whisper",
            "transcription",
            {"file": SOUND},
            {"text": "Hi", "usage": {"type": "duration", "seconds": 30}},
            0.003,
        ),
        ("gpt-4o-transcribe", "transcription", {"file": SOUND}, {"text": "Hi", "usage": TOKENS}, 690e-6),
        ("gpt-4o", "responses", {"input": "Hi"}, RESPONSE, 300 * 2.5e-6 + 20 * 10e-6),
        (
            "text-embedding-3-small",
            "embedding",
            {"input": "Hi"},
            {"data": [{"embedding": [0.5]}], "usage": {"prompt_tokens": 50, "total_tokens": 50}},
            50 * 0.02e-6,
        ),
    ],
)
def test_a_reply_knows_its_cost(
    world: World,
    server: Recorder,
    base_model: str,
    method: str,
    asked: dict[str, Any],
    said: dict[str, Any],
    expected: float,
    caplog: pytest.LogCaptureFixture,
) -> None:
    server.reply = answer(said)
    with Router([deployment(server, base_model=base_model)]) as router:
        reply = world.call(router, method, model="g", **asked)
    assert reply.routing.cost == pytest.approx(expected)
    assert caplog.text == ""


def test_speech_costs_by_its_characters(world: World, server: Recorder) -> None:
    server.reply = answer(b"sound", kind="audio/mpeg")
    with Router([deployment(server, base_model="tts-1")]) as router:
        reply = world.call(router, "speech", model="g", input="x" * 1000, voice="alloy")
    assert reply.routing.cost == pytest.approx(0.015)


def test_a_response_that_is_looked_up_states_its_cost_and_deleting_it_costs_nothing(
    world: World, server: Recorder
) -> None:
    server.reply = answer(RESPONSE)
    with Router([deployment(server)]) as router:
        made = world.call(router, "responses", model="g", input="Hi")
        assert world.call(router, "get_response", made.id).routing.cost == made.routing.cost
        assert world.call(router, "delete_response", made.id).routing.cost == 0.0


@pytest.mark.parametrize(("searched", "known"), [(True, False), (False, True)])
def test_a_response_that_searched_the_web_has_no_cost_on_azure(server: Recorder, searched: bool, known: bool) -> None:
    """A whole answer where a stream was asked for goes the way of a stream, to its last event."""
    search = [{"type": "web_search_call", "action": {"type": "search"}}] if searched else []
    server.reply = answer({**RESPONSE, "output": [*search, *RESPONSE["output"]]})
    with Router([deployment(server, base_model="gpt-4o")]) as router:
        assert (router.responses("g", "Hi").routing.cost is not None) is known
        stream: Any = router.responses("g", "Hi", stream=True)
        assert list(stream)
        assert (stream.routing.cost is not None) is known


def test_what_a_deployment_does_not_want_stays_out_of_forms(world: World, server: Recorder) -> None:
    server.reply = answer({"text": "Hi"})
    with Router([deployment(server, additional_drop_params=["language"])]) as router:
        world.call(router, "transcription", model="g", file=SOUND, language="de", temperature=0.2)
    assert set(server.last.fields) == {"model", "temperature", "file"}
