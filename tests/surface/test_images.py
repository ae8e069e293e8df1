"""Images: generated, edited, streamed."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest

from router import BadRequestError, Router
from tests.azure.fault_server import answer, chunked
from tests.recorder import Recorder
from tests.worlds import World

REPLY: dict[str, Any] = {"created": 1, "data": [{"b64_json": "aGk=", "revised_prompt": "a cat"}]}


def test_an_image_is_generated(world: World, router: Router, server: Recorder) -> None:
    server.reply = answer(REPLY)
    reply = world.call(router, "image_generation", prompt="cat", model="g", n=1, size="1024x1024")
    assert server.last.path == "/openai/deployments/dep/images/generations"
    assert server.last.json == {"model": "dep", "prompt": "cat", "n": 1, "size": "1024x1024"}
    assert reply.data[0].b64_json == "aGk="
    assert reply.routing.tokens_reserved == 0


def test_partial_images_come_as_events(world: World, router: Router, server: Recorder) -> None:
    large = b"A" * 3_000_000  # a whole image in one event
    server.reply = chunked(
        b'data: {"type":"image_generation.partial_image","b64_json":"aGk=","partial_image_index":0}\n\n',
        b'data: {"type":"image_generation.completed","b64_json":"%b"}\n\n' % large,
    )
    events = world.call(router, "image_generation", "cat", "g", stream=True, partial_images=1)
    assert [e.type for e in events] == ["image_generation.partial_image", "image_generation.completed"]
    assert len(events[1].b64_json) == len(large)


@pytest.mark.parametrize("kind", ["bytes", "path", "file", "tuple"])
def test_an_image_is_edited_whatever_it_is_given_as(
    world: World, router: Router, server: Recorder, kind: str, tmp_path: Path
) -> None:
    path = tmp_path / "cat.png"
    path.write_bytes(b"\x89PNG cat")
    server.reply = answer(REPLY)
    with path.open("rb") as file:
        given = {"bytes": b"\x89PNG cat", "path": path, "file": file, "tuple": ("cat.png", io.BytesIO(b"\x89PNG cat"))}
        world.call(router, "image_edit", given[kind], "a hat", "g", mask=b"mask", n=2)
    assert server.last.path == "/openai/deployments/dep/images/edits"
    assert int(server.last.headers["content-length"]) == len(server.last.body)
    assert server.last.fields == {
        "prompt": b"a hat", "n": b"2", "model": b"dep", "image": b"\x89PNG cat", "mask": b"mask",
    }  # fmt: skip
    image = next(part for name, _, part in server.last.form if name == "image")
    assert image.get_filename() == ("image" if kind == "bytes" else "cat.png")
    assert image.get_content_type() == ("application/octet-stream" if kind == "bytes" else "image/png")


def test_several_images_are_edited(router: Router, server: Recorder) -> None:
    server.reply = answer(REPLY)
    router.image_edit([b"one", b"two"], "join", "g")
    assert [(name, value) for name, value, _ in server.last.form if name == "image[]"] == [
        ("image[]", b"one"),
        ("image[]", b"two"),
    ]


def test_a_file_that_cannot_be_read_is_refused_before_anything_is_sent(
    router: Router, server: Recorder, tmp_path: Path
) -> None:
    for given, message in [
        (tmp_path / "none.png", "cannot be read"),
        (tmp_path, "cannot be read"),
        ("cat.png", "pathlib.Path"),
        (b"", "is empty"),
        ([], "empty list"),
        (io.StringIO("x"), "binary mode"),
        (7, "must be bytes"),
    ]:
        with pytest.raises(BadRequestError, match=message):
            router.image_edit(given, "a hat", "g")
    assert server.asked == []
