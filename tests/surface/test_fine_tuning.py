"""A fine-tuning job is made where its training file is."""

from __future__ import annotations

from typing import Any

import pytest

from router import BadRequestError, Router
from router.ids import owner_of, with_owner
from tests.azure.fault_server import answer
from tests.recorder import Recorder
from tests.worlds import World

from .conftest import deployment

JOB: dict[str, Any] = {
    "id": "ftjob-1",
    "object": "fine_tuning.job",
    "status": "pending",
    "model": "gpt-4o-mini-2024-07-18",
    "training_file": "file-1",
    "validation_file": "file-2",
    "result_files": ["file-3"],
    "created_at": 100,
    "error": None,
}
TRAINING, VALIDATION = with_owner("file-1", "one"), with_owner("file-2", "one")


@pytest.mark.parametrize(
    ("version", "prefix", "query"),
    [("2024-10-21", "/openai", {"api-version": "2024-10-21"}), ("v1", "/openai/v1", {})],
)
def test_a_job_is_made_and_found_on_the_resource_of_its_file(
    world: World, server: Recorder, version: str, prefix: str, query: dict[str, str]
) -> None:
    jobs = f"{prefix}/fine_tuning/jobs"
    server.reply = answer(JOB)
    with Router([deployment(server, api_version=version)]) as router:
        job = world.call(
            router,
            "create_fine_tuning_job",
            model="gpt-4o-mini-2024-07-18",
            training_file=TRAINING,
            validation_file=VALIDATION,
            hyperparameters={"n_epochs": 2},
            suffix="mine",
            trainingType=1,
        )
        assert (server.last.method, server.last.path, server.last.query) == ("POST", jobs, query)
        assert server.last.json == {
            "model": "gpt-4o-mini-2024-07-18",
            "training_file": "file-1",
            "validation_file": "file-2",
            "hyperparameters": {"n_epochs": 2},
            "suffix": "mine",
            "trainingType": 1,
        }
        assert owner_of(job.id) == ("one", "ftjob-1")
        assert (job.training_file, job.validation_file) == (TRAINING, VALIDATION)
        assert job.result_files == [with_owner("file-3", "one")]

        for name, method, path in [
            ("retrieve_fine_tuning_job", "GET", ""),
            ("cancel_fine_tuning_job", "POST", "/cancel"),
        ]:
            assert world.call(router, name, job.id).id == job.id
            assert (server.last.method, server.last.path) == (method, f"{jobs}/ftjob-1{path}")
            assert server.last.body == b""

        server.reply = answer({"object": "list", "data": [{"id": "ev-1", "message": "begun"}], "has_more": True})
        for name, path in [("list_fine_tuning_events", "events"), ("list_fine_tuning_checkpoints", "checkpoints")]:
            page = world.call(router, name, job.id, limit=1, after="ev-0")
            assert (server.last.method, server.last.path) == ("GET", f"{jobs}/ftjob-1/{path}")
            assert server.last.query == {**query, "limit": "1", "after": "ev-0"}
            assert page.data == [{"id": "ev-1", "message": "begun"}]
            assert page.has_more

        server.reply = answer({"object": "list", "data": [JOB], "has_more": False})
        page = world.call(router, "list_fine_tuning_jobs", limit=2)
        assert (server.last.path, server.last.query) == (jobs, {**query, "limit": "2"})
        assert [j.id for j in page.data] == [job.id]


def test_a_group_stands_for_its_base_model(server: Recorder) -> None:
    server.reply = answer(JOB)
    entry = deployment(server)
    with Router([entry]) as router:
        router.create_fine_tuning_job("g", TRAINING)
        assert server.last.json["model"] == "dep"
    entry["model_info"]["base_model"] = "gpt-4o-mini-2024-07-18"
    with Router([entry]) as router:
        router.create_fine_tuning_job("g", TRAINING)
        assert server.last.json["model"] == "gpt-4o-mini-2024-07-18"


def test_both_files_must_be_on_one_resource(world: World, server: Recorder) -> None:
    with Recorder() as west, Router([deployment(server), deployment(west, "two")]) as router:
        with pytest.raises(BadRequestError, match="`validation_file` is on another resource"):
            world.call(router, "create_fine_tuning_job", "gpt-4o", TRAINING, validation_file=with_owner("f", "two"))
        with pytest.raises(BadRequestError, match="training_file"):
            world.call(router, "create_fine_tuning_job", "gpt-4o", "file-1")
        assert not server.asked + west.asked
