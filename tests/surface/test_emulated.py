"""Every inference operation against the emulated Azure: both families of URLs, blocking, asyncio and trio."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import BaseModel

from router import Router
from router.emulator import EmulatedDeployment, EmulatorConfig, EmulatorServer
from router.emulator.sounds import sound_of
from tests.worlds import World

KEY = "canary-emulated"
MODELS = {
    "chat": "gpt-4o-2024-11-20",
    "text": "gpt-35-turbo-instruct",
    "vectors": "text-embedding-3-small",
    "pictures": "gpt-image-1",
    "speaker": "gpt-4o-mini-tts",
    "listener": "whisper-1",
    "scribe": "gpt-4o-transcribe",
}
HELLO = [{"role": "user", "content": "Hello"}]
PICTURE = ("cat.png", base64.b64decode("iVBORw0KGgo="), "image/png")


class Weather(BaseModel):
    city: str
    degrees: float | None = None


@pytest.fixture(scope="module")
def azure() -> Iterator[EmulatorServer]:
    deployments = [
        EmulatedDeployment(name, model, resource=resource) for name, model in MODELS.items() for resource in ("e", "w")
    ]
    with EmulatorServer.in_thread(EmulatorConfig(deployments, keys=[KEY], strict=True, step_s=0.0)) as server:
        yield server


@pytest.fixture(params=["2025-04-01-preview", "v1"])
def router(request: pytest.FixtureRequest, azure: EmulatorServer) -> Iterator[Router]:
    entries: list[dict[str, Any]] = [
        {
            "model_name": name,
            "params": {
                "model": f"{'azure_text' if name == 'text' else 'azure'}/{name}",
                "api_base": azure.base(resource),
                "api_key": KEY,
                "api_version": request.param,
                "base_model": MODELS[name],
            },
            "model_info": {"id": f"{name}-{resource}"},
        }
        for name in MODELS
        for resource in ("e", "w")
    ]
    with Router(entries, num_retries=0) as made:
        yield made


def test_chats_and_texts(world: World, router: Router) -> None:
    said = world.call(router, "completion", "chat", HELLO, max_tokens=20, logprobs=True, top_logprobs=2)
    assert said.choices[0].message.content
    assert said.choices[0].logprobs["content"]
    shaped = world.call(router, "completion", "chat", HELLO, response_format=Weather)
    assert isinstance(shaped.choices[0].message.parsed, Weather)
    as_chat = world.call(router, "completion", "text", HELLO, max_tokens=20)
    assert as_chat.choices[0].message.content
    chunks = world.call(router, "completion", "text", HELLO, max_tokens=20, stream=True)
    assert "".join(c.choices[0].delta.content for c in chunks if c.choices)
    text = world.call(router, "text_completion", "text", ["a", "b"], max_tokens=5)
    assert len(text.choices) == 2


def test_vectors(world: World, router: Router) -> None:
    assert len(world.call(router, "embedding", "vectors", [1, 2, 3], dimensions=8).data[0].embedding) == 8
    packed = world.call(router, "embedding", "vectors", "one", dimensions=8, encoding_format="base64")
    assert len(base64.b64decode(packed.data[0].embedding)) == 32


def test_pictures(world: World, router: Router) -> None:
    made = world.call(router, "image_generation", "a cat", "pictures", size="16x16")
    assert base64.b64decode(made.data[0].b64_json).startswith(b"\x89PNG")
    edited = world.call(router, "image_edit", [PICTURE, PICTURE], "a hat", "pictures", mask=PICTURE, size="16x16", n=2)
    assert len(edited.data) == 2
    events = world.call(router, "image_generation", "a cat", "pictures", size="16x16", stream=True, partial_images=1)
    assert [e.type for e in events] == ["image_generation.partial_image", "image_generation.completed"]


def test_sounds(world: World, router: Router) -> None:
    spoken = world.call(router, "speech", "speaker", "Hello there", "alloy", response_format="wav")
    assert spoken.content.startswith(b"RIFF")
    pieces = world.call(router, "speech", "speaker", "Hello there", "alloy", response_format="wav", stream=True)
    assert b"".join(pieces) == spoken.content
    events = world.call(router, "speech", "speaker", "Hello", "alloy", stream=True, stream_format="sse")
    assert events[-1].type == "speech.audio.done"
    sound = ("a.wav", sound_of("x" * 300, "wav"))
    for form in ("json", "verbose_json", "text", "srt", "vtt"):
        assert world.call(router, "transcription", "listener", sound, response_format=form).text
    assert world.call(router, "translation", "listener", sound).text
    heard = world.call(router, "transcription", "scribe", sound, stream=True)
    assert heard[-1].type == "transcript.text.done"


def test_responses_stay_where_they_are(world: World, router: Router) -> None:
    first = world.call(router, "responses", "chat", "My name is Ada.", metadata={"a": "b"})
    assert first.output_text
    for _ in range(3):
        again = world.call(router, "responses", "chat", "What is my name?", previous_response_id=first.id)
        assert again.routing.deployment == first.routing.deployment
        assert again.previous_response_id == first.id
    assert world.call(router, "get_response", first.id).output == first.output
    assert world.call(router, "response_input_items", first.id, limit=1).data
    later = world.call(router, "responses", "chat", "Take your time.", background=True)
    assert world.call(router, "cancel_response", later.id).status in ("cancelled", "completed")
    assert world.call(router, "delete_response", first.id).deleted
    events = world.call(router, "responses", "chat", "Hello", stream=True)
    assert events[-1].type == "response.completed"
    assert world.call(router, "get_response", events[-1].response["id"]).status == "completed"
