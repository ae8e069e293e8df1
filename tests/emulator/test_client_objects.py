"""The official client keeps files, runs batches and tunes models; on a clock that tests wind."""

from __future__ import annotations

import json
import socket

import openai
import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.emulator import EmulatedDeployment, EmulatorConfig, EmulatorServer, Fault
from router.emulator.objects.files import lines_of
from router.emulator.objects.timeline import moment

from .conftest import client_of
from .helpers import KEY, emulator, said


def line(number, **more):
    body = {"model": "chat", "messages": [{"role": "user", "content": f"question {number}"}], **more.pop("body", {})}
    return json.dumps({"custom_id": f"t-{number}", "method": "POST", "url": "/chat/completions", "body": body, **more})


def jsonl(*lines):
    return ("batch.jsonl", "\n".join(lines).encode())


# ---- files -------------------------------------------------------------------------------------------------------


def test_a_file_is_kept_listed_read_and_deleted(client):
    made = client.files.create(file=("a.jsonl", b"one\ntwo\n"), purpose="batch")
    assert (made.object, made.bytes, made.filename, made.purpose) == ("file", 8, "a.jsonl", "batch")
    assert client.files.retrieve(made.id).status == "processed"
    assert client.files.content(made.id).read() == b"one\ntwo\n"
    assert made.id in [file.id for file in client.files.list(purpose="batch")]
    assert made.id not in [file.id for file in client.files.list(purpose="fine-tune")]
    assert client.files.delete(made.id).deleted is True
    for ask in (client.files.retrieve, client.files.content, client.files.delete):
        with pytest.raises(openai.NotFoundError):
            ask(made.id)


def test_a_large_file_goes_over_the_disk_and_comes_back_whole(azure):
    data = bytes(range(256)) * 8192
    with client_of(azure, "v1") as client:
        made = client.files.create(file=("large.bin", data), purpose="user_data")
        answer = client.files.content(made.id)
        assert answer.response.headers["content-length"] == str(len(data))
        assert answer.read() == data
        kept = azure.emulator._resources.store("east").files[made.id].data
        assert isinstance(kept, memoryview)
        assert type(kept.obj).__name__ == "mmap"


def test_lists_come_in_pages(azure):
    with client_of(azure, "v1", "west") as client:
        made = [client.files.create(file=(f"{i}.txt", b"x"), purpose="evals").id for i in range(5)]
        first = client.files.list(purpose="evals", limit=2)
        assert ([file.id for file in first.data], first.has_more) == ([made[4], made[3]], True)
        assert [file.id for file in first] == made[::-1]
        assert [file.id for file in client.files.list(purpose="evals", limit=2, order="asc")] == made
        second = client.files.list(purpose="evals", limit=2, after=made[1])
        assert ([file.id for file in second.data], second.has_more) == ([made[0]], False)
        for asked in ({"limit": 0}, {"after": "file-x"}, {"order": "up"}):
            with pytest.raises(openai.BadRequestError):
                client.files.list(purpose="evals", **asked)


def test_a_file_belongs_to_its_resource(azure):
    with client_of(azure, "dated") as east, client_of(azure, "dated", "west") as west:
        made = east.files.create(file=("a.txt", b"x"), purpose="batch")
        with pytest.raises(openai.NotFoundError):
            west.files.retrieve(made.id)
        raw = east.files.with_raw_response.create(file=("a.txt", b"x"), purpose="batch")
        assert (raw.status_code, "location" in raw.headers) == (201, True)


@pytest.mark.parametrize(
    "asked", [{"purpose": "fun"}, {"file": ("a", b"")}, {"expires_after": {"anchor": "x", "seconds": 5}}]
)
def test_uploads_that_are_refused_leave_nothing(client, asked):
    before = len(list(client.files.list()))
    with pytest.raises(openai.BadRequestError):
        client.files.create(**{"file": ("a", b"x"), "purpose": "batch", **asked})
    assert len(list(client.files.list())) == before


def test_an_upload_that_breaks_leaves_nothing(azure):
    host, port = azure.url.removeprefix("http://").split(":")
    with client_of(azure, "v1") as client:
        before = len(list(client.files.list()))
        with socket.create_connection((host, int(port))) as sock:
            head = f"POST /east/openai/v1/files HTTP/1.1\r\nHost: x\r\napi-key: {KEY}\r\nContent-Length: 9999\r\n"
            sock.sendall(head.encode() + b"Content-Type: multipart/form-data; boundary=b\r\n\r\n--b\r\nContent-")
        assert len(list(client.files.list())) == before


def test_an_upload_may_be_too_large(monkeypatch):
    monkeypatch.setattr("router.emulator.server.MAX_UPLOAD_BYTES", 100)
    config = EmulatorConfig([EmulatedDeployment("chat", resource="east")], keys=[KEY])
    with EmulatorServer.in_thread(config) as server, client_of(server, "v1") as client:
        with pytest.raises((openai.APIStatusError, openai.APIConnectionError)):
            client.files.create(file=("a", b"x" * 200), purpose="batch")
        assert list(client.files.list()) == []


def test_the_objects_of_a_resource_can_fail_alone():
    config = EmulatorConfig([EmulatedDeployment("chat", resource="east")], keys=[KEY])
    with EmulatorServer.in_thread(config) as server, client_of(server, "v1") as client:
        server.emulator.set_fault("east/", Fault("status", 503, count=1))
        with pytest.raises(openai.InternalServerError):
            client.files.list()
        assert list(client.files.list()) == []
        server.emulator.set_fault("east/*", Fault("status", 500))
        with pytest.raises(openai.InternalServerError):
            client.files.list()
        with pytest.raises(openai.InternalServerError):
            client.chat.completions.create(model="chat", messages=[{"role": "user", "content": "x"}])


# ---- batches -----------------------------------------------------------------------------------------------------


def run(client, *lines, endpoint="/chat/completions"):
    file = client.files.create(file=jsonl(*lines), purpose="batch")
    made = client.batches.create(input_file_id=file.id, endpoint=endpoint, completion_window="24h")
    assert made.status == "validating"
    return client.batches.retrieve(made.id)


def test_a_batch_answers_every_line(client):
    done = run(client, line(1), line(2, body={"max_tokens": 0}), line(3))
    assert done.status == "completed"
    counts = done.request_counts
    assert (counts.total, counts.completed, counts.failed) == (3, 2, 1)
    rows = [json.loads(row) for row in client.files.content(done.output_file_id).text.splitlines()]
    assert [row["custom_id"] for row in rows] == ["t-1", "t-3"]
    assert rows[0]["response"]["body"]["object"] == "chat.completion"
    (wrong,) = [json.loads(row) for row in client.files.content(done.error_file_id).text.splitlines()]
    assert (wrong["custom_id"], wrong["response"]["status_code"]) == ("t-2", 400)


def test_a_batch_of_responses(client):
    body = {"model": "chat", "input": "hello"}
    row = json.dumps({"custom_id": "a", "method": "POST", "url": "/v1/responses", "body": body})
    done = run(client, row, endpoint="/v1/responses")
    assert json.loads(client.files.content(done.output_file_id).text)["response"]["body"]["object"] == "response"


@pytest.mark.parametrize(
    ("lines", "code", "number"),
    [
        (["no json"], "invalid_json_line", 1),
        (["[]"], "invalid_json_line", 1),
        ([line(1), line(1)], "duplicate_custom_id", 2),
        ([line(1, url="/embeddings")], "url_mismatch", 1),
        ([line(1, method="GET")], "invalid_request", 1),
        ([line(1, body={"model": "the-group"})], "model_not_found", 1),
        ([line(1), line(2, body={"model": "thinker"})], "model_mismatch", 2),
        (["\n"], "empty_file", None),
    ],
)
def test_a_batch_with_a_wrong_line_fails_and_says_which(azure, lines, code, number):
    with client_of(azure, "v1") as client:
        failed = run(client, *lines)
    assert failed.status == "failed"
    assert [(e.code, e.line) for e in failed.errors.data] == [(code, number)]
    assert failed.output_file_id is None


def test_a_batch_knows_the_deployments_of_its_own_resource_only(azure):
    with client_of(azure, "v1", "west") as client:
        assert run(client, line(1)).status == "completed"
        assert run(client, line(1, body={"model": "thinker"})).errors.data[0].code == "model_not_found"


def test_batches_are_listed_in_pages(client):
    made = [run(client, line(1)).id for _ in range(3)]
    page = client.batches.list(limit=2)
    assert ([batch.id for batch in page.data], page.has_more) == (made[:0:-1], True)
    assert [batch.id for batch in page][:3] == made[::-1]


def test_a_batch_is_cancelled(patient):
    file = patient.files.create(file=jsonl(line(1)), purpose="batch")
    asked = {"input_file_id": file.id, "endpoint": "/chat/completions", "completion_window": "24h"}
    made = patient.batches.create(**asked, metadata={"a": "b"})
    stopped = patient.batches.cancel(made.id)
    assert (stopped.status, stopped.metadata, stopped.cancelling_at is None) == ("cancelling", {"a": "b"}, False)
    assert patient.batches.retrieve(made.id).status == "cancelling"
    with pytest.raises(openai.NotFoundError):
        patient.batches.cancel("batch_none")


@pytest.mark.parametrize(
    "asked",
    [{"input_file_id": "file-none"}, {"endpoint": "/files"}, {"completion_window": "1h"}, {"input_file_id": "tune"}],
)
def test_batches_that_are_none(client, asked):
    file = client.files.create(file=jsonl(line(1)), purpose="batch")
    tune = client.files.create(file=jsonl(line(1)), purpose="fine-tune")
    asked = {k: tune.id if v == "tune" else v for k, v in asked.items()}
    with pytest.raises((openai.BadRequestError, openai.NotFoundError)):
        client.batches.create(
            **{"input_file_id": file.id, "endpoint": "/chat/completions", "completion_window": "24h", **asked}
        )


class Wound:
    """An emulator and its clock."""

    def __init__(self, **options):
        self.azure = emulator(**options)

    def ask(self, method, path, now, body=None):
        data = json.dumps(body).encode() if body is not None else b""
        return said(self.azure.handle(method, "/openai/v1/" + path, {"api-key": KEY}, data, now))

    def upload(self, data, purpose, now=0.0):
        form = f'--b\r\nContent-Disposition: form-data; name="purpose"\r\n\r\n{purpose}\r\n--b\r\nContent-Disposition: '
        body = form.encode() + b'form-data; name="file"; filename="a.jsonl"\r\n\r\n' + data + b"\r\n--b--\r\n"
        headers = {"api-key": KEY, "content-type": "multipart/form-data; boundary=b"}
        return said(self.azure.handle("POST", "/openai/v1/files", headers, body, now))["id"]

    def batch(self, lines=8):
        file = self.upload("\n".join(line(n) for n in range(lines)).encode(), "batch")
        asked = {"input_file_id": file, "endpoint": "/chat/completions", "completion_window": "24h"}
        return "batches/" + self.ask("POST", "batches", 0.0, asked)["id"]


def test_a_batch_goes_through_its_states_one_step_each():
    world = Wound()
    path = world.batch()
    seen = [world.ask("GET", path, now) for now in (0.5, 1.5, 2.5, 3.5, 4.5)]
    states = ["validating", "in_progress", "in_progress", "finalizing", "completed"]
    assert [batch["status"] for batch in seen] == states
    assert [batch["request_counts"]["completed"] for batch in seen] == [0, 2, 6, 8, 8]
    times = [seen[-1][f"{name}_at"] - seen[-1]["created_at"] for name in ("in_progress", "finalizing", "completed")]
    assert times == [1, 3, 4]
    assert world.azure.log == type(world.azure.log)([], world.azure.log.maxlen)  # no limit was charged


def test_a_cancelled_batch_keeps_what_was_done():
    world = Wound()
    path = world.batch()
    assert world.ask("POST", path + "/cancel", 2.0)["status"] == "cancelling"
    done = world.ask("GET", path, 3.5)
    assert (done["status"], done["request_counts"]["completed"]) == ("cancelled", 4)
    assert done["cancelled_at"] - done["cancelling_at"] == 1
    assert world.ask("POST", path + "/cancel", 4.0)["error"]["code"] == "conflict"


def test_a_file_is_pending_first_and_gone_at_its_end():
    world = Wound()
    file = "files/" + world.upload(b"x", "batch")
    assert [world.ask("GET", file, now)["status"] for now in (0.5, 1.5)] == ["pending", "processed"]


# ---- fine-tuning -------------------------------------------------------------------------------------------------


def tuned(client):
    file = client.files.create(file=("t.jsonl", b'{"messages": []}\n'), purpose="fine-tune")
    return client.fine_tuning.jobs.create(model="gpt-4o-mini-2024-07-18", training_file=file.id, suffix="mine")


def test_a_model_is_tuned(client):
    made = tuned(client)
    done = client.fine_tuning.jobs.retrieve(made.id)
    assert done.status == "succeeded"
    assert done.fine_tuned_model.endswith("-mine")
    assert client.files.content(done.result_files[0]).text.startswith("step,")
    events = list(client.fine_tuning.jobs.list_events(made.id, limit=2))
    assert (events[0].message, events[-1].message) == (
        "The job has successfully completed",
        f"Created fine-tuning job: {made.id}",
    )
    assert [c.step_number for c in client.fine_tuning.jobs.checkpoints.list(made.id)] == [3, 2, 1]
    assert made.id in [job.id for job in client.fine_tuning.jobs.list(limit=1)]
    with pytest.raises(openai.ConflictError):
        client.with_options(max_retries=0).fine_tuning.jobs.cancel(made.id)


def test_a_job_is_cancelled(patient):
    made = tuned(patient)
    assert patient.fine_tuning.jobs.cancel(made.id).status == "cancelled"
    assert patient.fine_tuning.jobs.list_events(made.id).data[0].message == "The job was cancelled"
    assert list(patient.fine_tuning.jobs.checkpoints.list(made.id)) == []


def test_a_job_goes_through_its_states_and_can_be_cancelled():
    world = Wound()
    file = world.upload(b"{}\n", "fine-tune")
    asked = {"model": "gpt-4o-mini", "training_file": file}
    paths = ["fine_tuning/jobs/" + world.ask("POST", "fine_tuning/jobs", 0.0, asked)["id"] for _ in range(2)]
    states = [world.ask("GET", paths[0], now)["status"] for now in (0.5, 1.5, 2.5)]
    assert states == ["pending", "running", "running"]
    assert world.ask("POST", paths[1] + "/cancel", 2.5)["status"] == "cancelled"
    assert [world.ask("GET", path, 3.5)["status"] for path in paths] == ["succeeded", "cancelled"]
    assert world.ask("GET", paths[1] + "/events", 4.0)["data"][0]["message"] == "The job was cancelled"
    assert world.ask("GET", paths[1] + "/checkpoints", 4.0)["data"] == []


def test_a_job_needs_a_sound_file(client):
    wrong = client.files.create(file=("t.jsonl", b"no json"), purpose="fine-tune")
    assert client.files.retrieve(wrong.id).status == "error"
    for file in (wrong.id, "file-none"):
        with pytest.raises((openai.BadRequestError, openai.NotFoundError)):
            client.fine_tuning.jobs.create(model="gpt-4o-mini", training_file=file)


def test_models_are_those_of_the_resource_and_not_its_deployments(client):
    models = [model.id for model in client.models.list()]
    assert "gpt-4o-2024-11-20" in models
    assert "chat" not in models
    assert client.models.retrieve("whisper-1").id == "whisper-1"
    with pytest.raises(openai.NotFoundError):
        client.models.retrieve("chat")


# ---- arithmetic --------------------------------------------------------------------------------------------------


@given(st.binary(max_size=300), st.integers(1, 7))
def test_lines_are_those_of_the_whole(data, block):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("router.emulator.objects.files._BLOCK", block)
        found = list(lines_of(data))
    expected = data.split(b"\n")
    assert found == (expected[:-1] if not expected[-1] else expected)


@given(st.floats(0, 20), st.lists(st.floats(0, 5), max_size=4))
def test_a_state_lasts_its_time(age, lengths):
    states = tuple((str(place), seconds) for place, seconds in enumerate(lengths))
    found = moment(age, states, "end")
    passed = sum(lengths[: int(found.state)]) if found.state != "end" else sum(lengths)
    assert passed <= age + 1e-6
    assert 0.0 <= found.share <= 1.0
