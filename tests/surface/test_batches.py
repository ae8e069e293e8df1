"""A batch is made where its file is, and can be followed to its end."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from router import APIError, APITimeoutError, BadRequestError, ConfigError, NotFoundError, Router
from router.ids import owner_of, with_owner
from router.replies import Batch
from tests.azure.fault_server import answer
from tests.recorder import Recorder
from tests.worlds import World

from .conftest import deployment

BATCH: dict[str, Any] = {
    "id": "batch_1",
    "object": "batch",
    "status": "validating",
    "endpoint": None,
    "input_file_id": "file-1",
    "output_file_id": "",
    "error_file_id": None,
    "created_at": 100,
    "request_counts": None,
}
BUSY = answer({"error": {"message": "broken"}}, status=503)


@pytest.fixture
def pair() -> Iterator[tuple[Recorder, Recorder]]:
    """Two resources."""
    with Recorder() as east, Recorder() as west:
        yield east, west


@pytest.fixture
def two(pair: tuple[Recorder, Recorder]) -> Iterator[Router]:
    """A group with a deployment on each, `r0` and `r1`."""
    with Router([deployment(s, f"r{i}") for i, s in enumerate(pair)], num_retries=0) as made:
        yield made


@pytest.mark.parametrize(
    ("version", "prefix", "query"),
    [("2024-10-21", "/openai", {"api-version": "2024-10-21"}), ("v1", "/openai/v1", {})],
)
def test_a_batch_is_made_and_found_on_the_resource_of_its_file(
    world: World, server: Recorder, version: str, prefix: str, query: dict[str, str]
) -> None:
    server.reply = answer({**BATCH, "output_file_id": "file-2"})
    with Router([deployment(server, api_version=version)]) as router:
        batch = world.call(
            router,
            "create_batch",
            completion_window="24h",
            endpoint="/v1/chat/completions",
            input_file_id=with_owner("file-1", "one"),
            metadata={"key1": "value1"},
            custom_llm_provider="azure",
        )
        assert (server.last.method, server.last.path, server.last.query) == ("POST", f"{prefix}/batches", query)
        assert server.last.headers["content-type"] == "application/json"
        assert server.last.json == {
            "completion_window": "24h",
            "endpoint": "/v1/chat/completions",
            "input_file_id": "file-1",
            "metadata": {"key1": "value1"},
        }
        ids = (batch.id, batch.input_file_id, batch.output_file_id)
        assert [owner_of(i) for i in ids] == [("one", "batch_1"), ("one", "file-1"), ("one", "file-2")]
        assert batch.error_file_id is None
        for name, method, path in [("retrieve_batch", "GET", ""), ("cancel_batch", "POST", "/cancel")]:
            assert world.call(router, name, batch.id, custom_llm_provider="azure").id == batch.id
            assert (server.last.method, server.last.path) == (method, f"{prefix}/batches/batch_1{path}")
            assert server.last.body == b""
        assert router.status()[0].requests_used == 0


def test_the_file_says_where_whatever_model_is_named(two: Router, pair: tuple[Recorder, Recorder]) -> None:
    for server in pair:
        server.reply = answer(BATCH)
    for i in (0, 1):
        made = two.create_batch("24h", "/chat/completions", with_owner("file-1", f"r{i}"), model="g")
        assert made.routing.deployment == f"r{i}"
    with pytest.raises(BadRequestError, match="input_file_id"):
        two.create_batch("24h", "/chat/completions", "file-1")
    with pytest.raises(NotFoundError):
        two.retrieve_batch(with_owner("batch_1", "elsewhere"))
    assert [len(s.asked) for s in pair] == [1, 1]


@pytest.mark.parametrize("status", [500, 503, 408])
def test_a_batch_that_may_have_been_made_is_not_asked_for_again(status: int, world: World, server: Recorder) -> None:
    server.reply = answer({"error": {"message": "broken"}}, status=status)
    with Router([deployment(server)]) as router, pytest.raises(APIError):
        world.call(router, "create_batch", "24h", "/chat/completions", "file-1")
    assert len(server.asked) == 1


def test_the_batches_of_all_resources_are_one_list(world: World, two: Router, pair: tuple[Recorder, Recorder]) -> None:
    for server, moment in zip(pair, (7, 9), strict=True):
        item = {**BATCH, "id": f"batch_{moment}", "created_at": moment}
        server.reply = answer({"object": "list", "data": [item], "has_more": False})
    page = world.call(two, "list_batches", limit=2, custom_llm_provider="azure")
    assert [owner_of(b.id) for b in page.data] == [("r1", "batch_9"), ("r0", "batch_7")]
    assert [owner_of(b.input_file_id)[0] for b in page.data] == ["r1", "r0"]
    assert pair[0].last.path == "/openai/batches"
    assert pair[0].last.query == {"api-version": "2025-04-01-preview", "limit": "2"}
    assert not page.has_more
    assert isinstance(page.data[0], Batch)


# ---- waiting ---------------------------------------------------------------------------------------------------


def states(server: Recorder, *replies: str | bytes) -> None:
    """Answer with these states of the batch in turn."""
    left = list(replies)

    def reply(_: Any) -> bytes:
        state = left.pop(0)
        if isinstance(state, bytes):
            return state
        return answer({**BATCH, "status": state, "request_counts": {"total": 2, "completed": 1, "failed": 0}})

    server.reply = reply


def test_a_batch_is_followed_to_its_end(world: World, router: Router, server: Recorder) -> None:
    states(server, "Validating", BUSY, "in_progress", "finalizing", "Completed")
    seen: list[str] = []
    batch = world.call(
        router,
        "wait_for_batch",
        "batch_1",
        on_progress=lambda b: seen.append(f"{b.status} {b.request_counts.completed}/{b.request_counts.total}"),
        poll_interval=0.001,
    )
    assert batch.ended
    assert batch.id == with_owner("batch_1", "one")
    assert seen == ["Validating 1/2", "in_progress 1/2", "finalizing 1/2", "Completed 1/2"]


@pytest.mark.parametrize("state", ["failed", "expired", "cancelled"])
def test_every_end_is_an_end(state: str, router: Router, server: Recorder) -> None:
    states(server, state)
    assert router.wait_for_batch("batch_1").status == state


def test_a_wait_ends_when_its_time_is_up_and_the_batch_goes_on(world: World, router: Router, server: Recorder) -> None:
    server.reply = answer(BATCH)
    with pytest.raises(APITimeoutError, match=r"has not ended within 0\.02 s"):
        world.call(router, "wait_for_batch", "batch_1", poll_interval=0.005, timeout=0.02)
    assert len(server.asked) >= 2


def test_a_wait_for_what_is_not_there_ends_at_once(world: World, router: Router, server: Recorder) -> None:
    server.reply = answer({"error": {"code": "notFound", "message": "No such batch."}}, status=404)
    with pytest.raises(NotFoundError):
        world.call(router, "wait_for_batch", "batch_1")


def test_a_wait_that_cannot_work_is_refused(world: World, router: Router, server: Recorder) -> None:
    async def progress(_: Any) -> None: ...

    wrong: list[dict[str, Any]] = [
        {"poll_interval": 0},
        {"timeout": "1"},
        {"on_progress": 7},
        {"on_progress": progress},
    ]
    for argument in wrong:
        with pytest.raises(ConfigError):
            world.call(router, "wait_for_batch", "batch_1", **argument)
    assert not server.asked
