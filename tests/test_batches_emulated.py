"""Files, batches and fine-tuning jobs over two emulated resources, from upload to results."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from router import ConflictError, NotFoundError, Router
from router.emulator import EmulatedDeployment, EmulatorConfig, EmulatorServer, Fault
from router.ids import owner_of

from .fleets import KEY, entry
from .redis_servers import Server
from .worlds import WORLDS, World


@pytest.fixture(params=WORLDS)
def world(request: pytest.FixtureRequest) -> World:
    return World(request.param)


@pytest.fixture
def server() -> Iterator[EmulatorServer]:
    deployments = [EmulatedDeployment(n, resource=n, tpm=1000) for n in ("east", "west")]
    with EmulatorServer.in_thread(EmulatorConfig(deployments, keys=[KEY], step_s=0.01)) as running:
        yield running


@pytest.fixture(params=["2024-10-21", "v1"])
def router(server: EmulatorServer, request: pytest.FixtureRequest) -> Iterator[Router]:
    """Both URL families."""
    with Router([entry(server, n, api_version=request.param) for n in ("east", "west")], seed=1) as made:
        yield made


def lines(count: int) -> bytes:
    asked = {"model": "gpt-4o", "messages": [{"role": "user", "content": "Hello"}], "max_tokens": 5}
    rows = ({"custom_id": f"t-{i}", "method": "POST", "url": "/chat/completions", "body": asked} for i in range(count))
    return b"".join(json.dumps(row).encode() + b"\n" for row in rows)


def test_a_batch_from_upload_to_results(world: World, router: Router) -> None:
    owners = set()
    for _ in range(2):
        file = world.call(router, "create_file", lines(3), "batch")
        owners.add(owner_of(file.id)[0])
        batch = world.call(router, "create_batch", "24h", "/chat/completions", file.id, metadata={"a": "b"})
        assert batch.input_file_id == file.id
        done = world.call(router, "wait_for_batch", batch.id, poll_interval=0.005)
        assert done.status == "completed"
        assert (done.request_counts.total, done.request_counts.completed) == (3, 3)
        results = world.call(router, "file_content", done.output_file_id).text
        answers = [json.loads(line)["response"] for line in results.splitlines()]
        assert [a["status_code"] for a in answers] == [200] * 3
        assert all(a["body"]["choices"] for a in answers)
        assert world.call(router, "file_content", done.error_file_id).content == b""
        with pytest.raises(ConflictError):
            world.call(router, "cancel_batch", batch.id)
    assert owners == {"east", "west"}
    # Nothing of this counts against what a model may take.
    assert [s.requests_used for s in router.status()] == [0, 0]
    listed = world.call(router, "list_batches", limit=1)
    assert listed.has_more
    assert len(world.call(router, "list_batches", limit=5, after=listed.next_after).data) == 1


def test_a_batch_is_found_again_by_another_router(server: EmulatorServer) -> None:
    """As after a restart: the id says where."""
    entries = [entry(server, n) for n in ("east", "west")]
    with Router(entries) as router:
        file = router.create_file(lines(1), "batch")
        batch_id = router.create_batch("24h", "/chat/completions", file.id).id
    with Router(entries[::-1]) as router:
        assert router.wait_for_batch(batch_id, poll_interval=0.005).status == "completed"
        assert router.delete_file(file.id).deleted
        with pytest.raises(NotFoundError):
            router.retrieve_file(file.id)


def test_a_wait_outlasts_a_region_that_is_away_for_a_while(world: World, server: EmulatorServer) -> None:
    with Router([entry(server, "east")], num_retries=0) as router:
        file = router.create_file(lines(1), "batch")
        batch = router.create_batch("24h", "/chat/completions", file.id)
        server.emulator.set_fault("east/", Fault("status", status=503, count=4))
        assert world.call(router, "wait_for_batch", batch.id, poll_interval=0.005).status == "completed"


def test_a_job_from_upload_to_events(world: World, router: Router) -> None:
    example = {"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}]}
    text = json.dumps(example).encode() + b"\n"
    file = world.call(router, "create_file", ("train.jsonl", text * 10), "fine-tune")
    job = world.call(router, "create_fine_tuning_job", "gpt-4o-mini-2024-07-18", file.id)
    assert job.training_file == file.id
    assert [j.id for j in world.call(router, "list_fine_tuning_jobs").data] == [job.id]
    assert world.call(router, "list_fine_tuning_events", job.id, limit=5).data
    assert world.call(router, "list_fine_tuning_checkpoints", job.id).object == "list"
    assert world.call(router, "retrieve_fine_tuning_job", job.id).id == job.id


def test_a_job_is_cancelled(world: World) -> None:
    config = EmulatorConfig([EmulatedDeployment("east", resource="east")], keys=[KEY], step_s=3600.0)
    with EmulatorServer.in_thread(config) as server, Router([entry(server, "east")]) as router:
        file = world.call(router, "create_file", ("train.jsonl", b'{"messages": []}\n'), "fine-tune")
        job = world.call(router, "create_fine_tuning_job", "gpt-4o-mini-2024-07-18", file.id)
        stopped = world.call(router, "cancel_fine_tuning_job", job.id)
        assert (stopped.id, stopped.status) == (job.id, "cancelled")


def test_the_files_of_both_are_listed_page_by_page(world: World, router: Router) -> None:
    made = [world.call(router, "create_file", lines(1), "batch").id for _ in range(5)]
    seen: list[str] = []
    after: Any = None
    for _ in range(3):
        page = world.call(router, "list_files", limit=2, after=after)
        seen += [file.id for file in page.data]
        after = page.next_after
    assert sorted(seen) == sorted(made)
    assert after is None
    assert sorted(file.id for file in router.list_files(limit=2)) == sorted(made)
    by_id = world.call(router, "list_files", after=seen[1]).data
    assert [file.id for file in by_id] == seen[2:]


def test_nothing_of_it_is_charged_to_a_shared_quota(server: EmulatorServer, redis_server: Server) -> None:
    entries = [{**entry(server, n), "rpm": 6} for n in ("east", "west")]
    with Router(entries, redis_url=redis_server.url, max_wait=0) as router:
        file = router.create_file(lines(1), "batch")
        batch = router.create_batch("24h", "/chat/completions", file.id)
        for _ in range(20):
            router.retrieve_batch(batch.id)
        assert [(s.limits, s.requests_used) for s in router.status()] == [("shared", 0)] * 2
