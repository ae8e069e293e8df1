"""Files go to one resource and are found again; lists show those of all."""

from __future__ import annotations

import io
import json
import logging
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

import router as package
from router import APIError, BadRequestError, InternalServerError, NotFoundError, Router
from router.ids import owner_of, with_owner
from tests.azure.fault_server import FaultServer, Peer, answer
from tests.recorder import Asked, Recorder
from tests.worlds import World

from .conftest import deployment

FILE: dict[str, Any] = {
    "id": "file-1",
    "object": "file",
    "bytes": 5,
    "created_at": 100,
    "filename": "a",
    "purpose": "batch",
}


def task(model: str | None = "g", name: str = "t-0", **body: Any) -> bytes:
    named = {} if model is None else {"model": model}
    return json.dumps({"custom_id": name, "url": "/chat/completions", "body": {**named, **body}}).encode() + b"\n"


@pytest.fixture
def pair() -> Iterator[tuple[Recorder, Recorder]]:
    """Two resources."""
    with Recorder() as east, Recorder() as west:
        yield east, west


def router_of(*servers: Recorder, **settings: Any) -> Router:
    """One deployment on each, ids `r0`, `r1`, …, on the wire `dep0`, `dep1`, …, in the group `g`."""
    entries = [deployment(s, f"r{i}", model=f"azure/dep{i}") for i, s in enumerate(servers)]
    return Router(entries, seed=1, **settings)


def at(base: str, id: str = "one", **params: Any) -> dict[str, Any]:
    """A deployment at an address where no recorder is."""
    params = {"model": "azure/dep", "api_base": base, "api_key": "k", "api_version": "2024-10-21", **params}
    return {"model_name": "g", "litellm_params": params, "model_info": {"id": id}}


# ---- uploads ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("version", "path", "query"),
    [("2024-10-21", "/openai/files", {"api-version": "2024-10-21"}), ("v1", "/openai/v1/files", {})],
)
def test_a_file_is_a_form_to_the_resource_and_its_id_tells_whose_it_is(
    world: World, server: Recorder, version: str, path: str, query: dict[str, str]
) -> None:
    server.reply = answer(FILE, status=201)
    with Router([deployment(server, api_version=version)]) as router:
        expiry = {"anchor": "created_at", "seconds": 1209600}
        reply = world.call(router, "create_file", ("data.jsonl", b"{}\n"), "fine-tune", expires_after=expiry)
    assert (server.last.method, server.last.path, server.last.query) == ("POST", path, query)
    assert server.last.headers["api-key"] == "canary-key"
    assert server.last.headers["content-type"].startswith("multipart/form-data; boundary=")
    assert server.last.fields == {
        "purpose": b"fine-tune",
        "expires_after[anchor]": b"created_at",
        "expires_after[seconds]": b"1209600",
        "file": b"{}\n",
    }
    assert owner_of(reply.id) == ("one", "file-1")
    assert reply.routing.deployment == "one"
    assert reply.filename == "a"


def given_bytes(text: bytes, _: Path) -> Any:
    return text


def given_path(text: bytes, folder: Path) -> Any:
    (folder / "in.jsonl").write_bytes(text)
    return folder / "in.jsonl"


def given_stream(text: bytes, _: Path) -> Any:
    stream = io.BytesIO(b"read before" + text)
    stream.seek(11)
    return stream


def given_tuple(text: bytes, _: Path) -> Any:
    return ("in.jsonl", text, "application/jsonl")


@pytest.mark.parametrize("given", [given_bytes, given_path, given_stream, given_tuple])
def test_a_batch_that_names_the_group_is_uploaded_once_and_names_the_deployment(
    given: Callable[[bytes, Path], Any], world: World, pair: tuple[Recorder, Recorder], tmp_path: Path
) -> None:
    for server in pair:
        server.reply = answer(FILE)
    with router_of(*pair) as router:
        text = task(messages=[{"role": "user", "content": "two\nlines"}]) + task(name="t-1")
        reply = world.call(router, "create_file", file=given(text, tmp_path), purpose="batch")
    (asked,) = pair[0].asked + pair[1].asked
    chosen = 0 if pair[0].asked else 1
    lines = [json.loads(line) for line in asked.fields["file"].splitlines()]
    assert [line["body"]["model"] for line in lines] == [f"dep{chosen}"] * 2
    assert lines[0]["body"]["messages"] == [{"role": "user", "content": "two\nlines"}]
    assert int(asked.headers["content-length"]) == len(asked.body)
    assert owner_of(reply.id) == (f"r{chosen}", "file-1")


@pytest.mark.parametrize("name", ["g", "alias", "r1", "dep1"])
def test_the_lines_may_name_the_group_an_alias_an_id_or_the_deployment(
    name: str, pair: tuple[Recorder, Recorder]
) -> None:
    for server in pair:
        server.reply = answer(FILE)
    with router_of(*pair, model_group_alias={"alias": "g"}) as router:
        reply = router.create_file(task(name), "batch")
        chosen = owner_of(reply.id)[0]
        assert chosen == "r1" or name in ("g", "alias")
        body = json.loads(pair[0 if chosen == "r0" else 1].last.fields["file"])["body"]
        assert body["model"] == ("dep0" if chosen == "r0" else "dep1")


def test_uploads_are_spread_by_size_and_weight(pair: tuple[Recorder, Recorder]) -> None:
    for server in pair:
        server.reply = answer(FILE)
    entries = [deployment(s, f"r{i}", model=f"azure/dep{i}", weight=1 + 2 * i) for i, s in enumerate(pair)]
    with Router(entries) as router:
        for _ in range(40):
            router.create_file(task(), "batch")
    assert [len(s.asked) for s in pair] == [10, 30]


def test_a_group_is_named_by_the_argument_where_the_lines_name_none(pair: tuple[Recorder, Recorder]) -> None:
    for server in pair:
        server.reply = answer(FILE)
    entries = [deployment(pair[0], "a", "g"), deployment(pair[1], "b", "h", model="azure/other")]
    with Router(entries) as router:
        router.create_file(task(None), "batch", model="h")
        assert json.loads(pair[1].last.fields["file"])["body"]["model"] == "other"
        with pytest.raises(BadRequestError, match="names no model"):
            router.create_file(task(None), "batch")
        with pytest.raises(BadRequestError, match="line 2 of the batch file names the model 'h'"):
            router.create_file(task("g") + task("h", "t-1"), "batch")
        with pytest.raises(NotFoundError, match="no model named 'gpt-9'"):
            router.create_file(task("gpt-9"), "batch")
    assert [len(s.asked) for s in pair] == [0, 1]


def test_a_bad_line_is_named_and_nothing_is_sent(world: World, router: Router, server: Recorder) -> None:
    with pytest.raises(BadRequestError, match="line 3 of the batch file is no JSON") as caught:
        world.call(router, "create_file", task() + task(name="t-1") + b'{"my secret\n', "batch")
    assert "secret" not in str(caught.value)
    for bad in (b"", io.StringIO("{}"), 7, "in.jsonl"):
        with pytest.raises(BadRequestError):
            world.call(router, "create_file", bad, "batch")
    with pytest.raises(BadRequestError, match="purpose"):
        world.call(router, "create_file", task(), "")
    assert not server.asked


def test_only_batches_are_rewritten(router: Router, server: Recorder) -> None:
    server.reply = answer(FILE)
    router.create_file(b"no JSON at all", "assistants")
    assert server.last.fields["file"] == b"no JSON at all"


def test_a_resource_that_refuses_is_passed_over_and_the_next_gets_its_own_names(
    world: World, pair: tuple[Recorder, Recorder]
) -> None:
    """Nothing can have been kept after a refused key, so the file goes to the other resource, rewritten for it."""
    good = answer(FILE)
    no = answer({"error": {"code": "401", "message": "wrong key"}}, status=401)
    for refusing in (0, 1):
        for i, server in enumerate(pair):
            server.reply = no if i == refusing else good
            server.asked.clear()
        with router_of(*pair) as router:
            for _ in range(2):  # whichever is asked first
                reply = world.call(router, "create_file", task(), "batch")
                assert owner_of(reply.id)[0] == f"r{1 - refusing}"
        sent = json.loads(pair[1 - refusing].last.fields["file"])
        assert sent["body"]["model"] == f"dep{1 - refusing}"
        assert len(pair[refusing].asked) <= 1


def test_an_upload_goes_elsewhere_when_a_region_is_away(server: Recorder) -> None:
    server.reply = answer(FILE)
    gone = at("http://127.0.0.1:9", "gone", weight=100)
    with Router([gone, deployment(server, "here")]) as router:
        for _ in range(3):
            assert owner_of(router.create_file(task(), "batch").id)[0] == "here"


@pytest.mark.parametrize("status", [500, 503, 504, 408])
def test_an_upload_that_may_have_been_kept_is_not_sent_again(
    status: int, world: World, pair: tuple[Recorder, Recorder]
) -> None:
    for server in pair:
        server.reply = answer({"error": {"message": "broken"}}, status=status)
    with router_of(*pair) as router, pytest.raises(APIError):
        world.call(router, "create_file", task(), "batch")
    assert len(pair[0].asked) + len(pair[1].asked) == 1


def test_a_throttled_upload_is_repeated(server: Recorder) -> None:
    answers = [answer({"error": {"code": "429"}}, status=429, retry_after_ms="1"), answer(FILE)]
    server.reply = lambda _: answers.pop(0)
    with router_of(server) as router:
        assert router.create_file(task(), "batch").routing.retries == 1


def test_a_large_batch_is_never_held_in_memory(world: World, tmp_path: Path) -> None:
    """30 MB through the checks, the rewriting and the form, with a peak of a few."""
    path = tmp_path / "large.jsonl"
    with path.open("wb") as file:
        for i in range(3000):
            file.write(task(name=f"t-{i}", messages=[{"role": "user", "content": "x" * 10_000}]))
    read: list[int] = []

    def script(peer: Peer) -> None:
        read.append(peer.swallow())
        peer.say(answer(FILE))

    with FaultServer(script) as server, Router([at(f"http://127.0.0.1:{server.port}")]) as router:
        tracemalloc.start()
        try:
            reply = world.call(router, "create_file", path, "batch")
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
    assert owner_of(reply.id)[0] == "one"
    assert read[0] > 30_000_000
    assert peak < 8_000_000


# ---- one file --------------------------------------------------------------------------------------------------


def test_a_file_is_looked_up_read_and_deleted_where_it_is(world: World, pair: tuple[Recorder, Recorder]) -> None:
    def reply(asked: Asked) -> bytes:
        if asked.path.endswith("/content"):
            return answer(b'{"a": 1}\n\xff', kind="application/octet-stream")
        return answer({"id": "file-1", "object": "file", "deleted": True} if asked.method == "DELETE" else FILE)

    for server in pair:
        server.reply = reply
    file_id = with_owner("file-1", "r1")
    with router_of(*pair) as router:
        assert world.call(router, "retrieve_file", file_id).id == file_id
        content = world.call(router, "file_content", file_id)
        assert (content.content, content.routing.deployment) == (b'{"a": 1}\n\xff', "r1")
        gone = world.call(router, "delete_file", file_id)
        assert (gone.id, gone.deleted) == (file_id, True)
        assert world.call(router, "file_retrieve", file_id, custom_llm_provider="azure").id == file_id
        assert world.call(router, "file_delete", file_id).deleted
    assert not pair[0].asked
    assert [(a.method, a.path) for a in pair[1].asked][:3] == [
        ("GET", "/openai/files/file-1"),
        ("GET", "/openai/files/file-1/content"),
        ("DELETE", "/openai/files/file-1"),
    ]
    assert all(not a.body for a in pair[1].asked)


def test_an_empty_file_has_empty_content(router: Router, server: Recorder) -> None:
    """A batch that went well has an error file with nothing in it."""
    server.reply = answer(b"", kind="application/octet-stream")
    assert router.file_content("file-1").content == b""


def test_a_foreign_id_is_good_where_one_resource_is_possible(pair: tuple[Recorder, Recorder]) -> None:
    for server in pair:
        server.reply = answer(FILE)
    two_on_one = [deployment(pair[0], "a"), deployment(pair[0], "b", model="azure/other")]
    with Router(two_on_one) as router:
        assert owner_of(router.retrieve_file("file-1").id) == ("a", "file-1")
        # Whichever deployment uploaded it, a file has one id.
        assert router.create_file(task("other"), "batch").id == router.retrieve_file("file-1").id
    with Router([*two_on_one, deployment(pair[1], "c", "h")]) as router:
        with pytest.raises(BadRequestError, match="does not tell which deployment"):
            router.retrieve_file("file-1")
        assert router.retrieve_file("file-1", model="h").routing.deployment == "c"
        with pytest.raises(NotFoundError, match="not configured here"):
            router.retrieve_file(with_owner("file-1", "elsewhere"))
        for bad in ("", None, "file-1/../../x", "file-1?x=y"):
            with pytest.raises(BadRequestError):
                router.retrieve_file(bad)  # type: ignore[arg-type]
        with pytest.raises(BadRequestError, match="takes no `purpose`"):
            router.retrieve_file("file-1", model="h", purpose="batch")


@pytest.mark.parametrize("name", ["retrieve_file", "file_content", "delete_file"])
def test_what_does_no_harm_twice_is_tried_again(name: str, server: Recorder) -> None:
    good = answer({**FILE, "deleted": True})
    answers = [answer({"error": {"message": "broken"}}, status=500, retry_after_ms="1"), good]
    server.reply = lambda _: answers.pop(0)
    with router_of(server) as router:
        assert getattr(router, name)("file-1").routing.retries == 1


def test_a_file_that_is_not_there_is_asked_for_once_and_harms_nobody(world: World, server: Recorder) -> None:
    server.reply = answer({"error": {"code": "notFound", "message": "No such file."}}, status=404)
    with router_of(server) as router:
        with pytest.raises(NotFoundError):
            world.call(router, "retrieve_file", "file-1")
        assert len(server.asked) == 1
        assert router.status()[0].state == "ready"


# ---- lists -----------------------------------------------------------------------------------------------------


def shelf(*moments: int, pages: bool = True, prefix: str = "file-") -> Callable[[Asked], bytes]:
    """A resource with files made at these moments; with `pages` it knows `limit` and `after`."""
    items = [{"id": f"{prefix}{t}", "created_at": t} for t in sorted(moments, reverse=True)]

    def reply(asked: Asked) -> bytes:
        name = asked.path.rpartition("/")[2]
        if name.startswith(prefix):
            return answer(next(item for item in items if item["id"] == name))
        listed: list[Any] = items[::-1] if asked.query.get("order") == "asc" else items
        if not pages:
            return answer({"object": "list", "data": listed[::-1]})
        start = [i["id"] for i in listed].index(asked.query["after"]) + 1 if "after" in asked.query else 0
        end = start + int(asked.query.get("limit", 20))
        return answer({"object": "list", "data": listed[start:end], "has_more": end < len(listed)})

    return reply


@pytest.mark.parametrize("pages", [True, False])
def test_the_files_of_all_resources_are_one_list_with_pages(
    pages: bool, world: World, pair: tuple[Recorder, Recorder]
) -> None:
    pair[0].reply, pair[1].reply = shelf(9, 6, 5, 1, pages=pages), shelf(8, 7, 2, pages=pages)
    with router_of(*pair) as router:
        seen: list[tuple[str | None, str]] = []
        after = None
        for _ in range(4):
            page = world.call(router, "list_files", limit=2, after=after)
            assert len(page.data) == 2 or not page.has_more
            assert (page.first_id, page.last_id) == (page.data[0].id, page.data[-1].id)
            seen += [owner_of(file.id) for file in page.data]
            after = page.next_after
            assert (after is not None) == page.has_more
        assert [int(raw[5:]) for _, raw in seen] == [9, 8, 7, 6, 5, 2, 1]
        assert {owner for owner, _ in seen} == {"r0", "r1"}
        # OpenAI's client passes the last item's id.
        assert [owner_of(f.id)[1] for f in world.call(router, "list_files", limit=2, after=page.data[0].id).data] == []
        middle = world.call(router, "list_files", limit=3, after=with_owner("file-7", "r1"))
        assert [owner_of(file.id)[1] for file in middle.data] == ["file-6", "file-5", "file-2"]


def test_a_page_leads_through_all_that_follow(world: World, pair: tuple[Recorder, Recorder]) -> None:
    pair[0].reply, pair[1].reply = shelf(9, 6, 5, 1), shelf(8, 7, 2)
    with router_of(*pair) as router:
        if world.name == "blocking":
            ids = [owner_of(f.id)[1] for f in router.list_files(limit=2).every()]
        else:

            async def scenario() -> list[str]:
                async with router:
                    return [owner_of(f.id)[1] async for f in (await router.alist_files(limit=2)).aevery()]

            ids = world.run(scenario)
    assert ids == [f"file-{t}" for t in (9, 8, 7, 6, 5, 2, 1)]


def test_each_resource_is_asked_once_although_several_deployments_share_it(pair: tuple[Recorder, Recorder]) -> None:
    pair[0].reply, pair[1].reply = shelf(1), shelf(2)
    entries = [deployment(pair[0], "a"), deployment(pair[0], "b"), deployment(pair[1], "c", "h")]
    with Router(entries) as router:
        assert len(router.list_files().data) == 2
        assert [len(s.asked) for s in pair] == [1, 1]
        assert "limit" not in pair[0].last.query
        assert len(router.list_files(model="h", purpose="batch").data) == 1
        assert pair[1].last.query["purpose"] == "batch"
        assert [len(s.asked) for s in pair] == [1, 2]


def test_oldest_first(pair: tuple[Recorder, Recorder]) -> None:
    pair[0].reply, pair[1].reply = shelf(9, 1, 5), shelf(8, 2)
    with router_of(*pair) as router:
        assert [owner_of(f.id)[1] for f in router.list_files(order="asc", limit=2).every()] == [
            f"file-{t}" for t in (1, 2, 5, 8, 9)
        ]


def test_a_resource_that_is_away_is_named_and_the_others_are_listed(
    world: World, pair: tuple[Recorder, Recorder], caplog: pytest.LogCaptureFixture
) -> None:
    pair[0].reply = answer({"error": {"message": "broken"}}, status=500)
    pair[1].reply = shelf(3, 2, 1)
    with router_of(*pair, num_retries=0) as router, caplog.at_level(logging.WARNING, "router"):
        page = world.call(router, "list_files", limit=2)
        assert [owner_of(f.id)[1] for f in page.data] == ["file-3", "file-2"]
        assert page.missing == ["r0"]
        assert "r0 is left out of a list" in caplog.text
        pair[1].reply = pair[0].reply
        with pytest.raises(InternalServerError):
            world.call(router, "list_files")


def test_a_list_asked_for_wrongly_is_refused(router: Router, server: Recorder) -> None:
    for wrong in ({"limit": 0}, {"limit": True}, {"limit": "2"}, {"order": "up"}, {"after": "page_x"}, {"after": ""}):
        with pytest.raises(BadRequestError):
            router.list_files(**wrong)  # type: ignore[arg-type]
    with pytest.raises(BadRequestError, match="custom_llm_provider"):
        router.list_files(custom_llm_provider="openai")
    with pytest.raises(BadRequestError, match="custom_llm_provider"):
        router.list_files(custom_llm_provider="bedrock")
    with pytest.raises(BadRequestError, match="takes no `colour`"):
        router.list_files(colour="red")
    assert not server.asked
    server.reply = answer({"error": {"code": "notFound", "message": "No such file."}}, status=404)
    with pytest.raises(BadRequestError, match="an item that is no more"):
        router.list_files(after="file-gone")


def test_accounts_of_openai_are_told_apart_by_their_keys(pair: tuple[Recorder, Recorder]) -> None:
    pair[0].reply = shelf(1)
    with ExitStack() as stack:
        entries = [
            deployment(pair[0], f"o{i}", model="openai/gpt-4o", api_key=key, api_version=None)
            for i, key in enumerate(["one", "one", "two"])
        ]
        router = stack.enter_context(Router(entries))
        router.list_files()
    assert [a.headers["authorization"] for a in pair[0].asked] == ["Bearer one", "Bearer two"]


def test_a_wildcard_has_a_resource_too(pair: tuple[Recorder, Recorder]) -> None:
    pair[0].reply, pair[1].reply = shelf(1), shelf(2)
    star = deployment(pair[1], "star", "azure/*", model="azure/*")
    with Router([deployment(pair[0], "a"), star]) as router:
        ids = [f.id for f in router.list_files().data]
        assert [owner_of(i)[1] for i in ids] == ["file-2", "file-1"]
        assert router.retrieve_file(ids[0]).id == ids[0]
        pair[1].reply = answer(FILE)
        made = router.create_file(task("azure/foo"), "batch")
        assert json.loads(pair[1].last.fields["file"])["body"]["model"] == "foo"
        assert owner_of(made.id)[0] == owner_of(ids[0])[0]


# ---- large files, module functions -----------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["application/octet-stream", "application/json", "text/html", "text/event-stream"])
def test_a_file_can_be_read_as_a_stream_whatever_is_in_it(
    kind: str, world: World, router: Router, server: Recorder
) -> None:
    server.reply = answer(b'{"a": 1}\n' * 50_000, kind=kind)
    pieces = world.call(router, "file_content", "file-1", stream=True)
    assert b"".join(pieces) == b'{"a": 1}\n' * 50_000
    assert router.file_content("file-1").content == b'{"a": 1}\n' * 50_000
    server.reply = answer(b"", kind=kind)
    assert world.call(router, "file_content", "file-1", stream=True) == []


def test_a_file_that_breaks_off_is_no_whole_file(world: World, router: Router, server: Recorder) -> None:
    server.reply = answer(b"abc", kind="application/octet-stream").replace(b"Length: 3", b"Length: 30")
    with pytest.raises(APIError):
        world.call(router, "file_content", "file-1", stream=True, timeout=0.3)


def test_a_switch_leaves_the_lines_as_they_are(pair: tuple[Recorder, Recorder]) -> None:
    for server in pair:
        server.reply = answer(FILE)
    with router_of(*pair, enable_loadbalancing_on_batch_endpoints=False) as router:
        text = task("dep1") + task("dep1", "t-1")
        router.create_file(text, "batch")
        assert pair[1].last.fields["file"] == text
        with pytest.raises(BadRequestError, match="line 2"):
            router.create_file(task("dep1") + task("dep0", "t-1"), "batch")


def test_module_functions_call_one_resource(world: World, server: Recorder) -> None:
    """Ids and lines are the service's own there: there is no group that they could name."""
    server.reply = answer(FILE)
    there = {"custom_llm_provider": "azure", "api_base": server.base, "api_key": "k", "api_version": "2024-10-21"}
    text = task("my-batch-deployment")
    assert world.call(package, "create_file", file=text, purpose="batch", **there).id == "file-1"
    assert server.last.fields["file"] == text
    assert world.call(package, "file_retrieve", "file-1", **there).id == "file-1"
    assert (server.last.path, server.last.headers["api-key"]) == ("/openai/files/file-1", "k")
    server.reply = shelf(3, 2, 1)
    page = world.call(package, "list_files", limit=2, **there)
    assert [f.id for f in page.data] == ["file-3", "file-2"]
    assert [f.id for f in world.call(package, "list_files", after="file-2", **there).data] == ["file-1"]
    with pytest.raises(BadRequestError, match="line 1 of the batch file is no JSON"):
        world.call(package, "create_file", file=b"{", purpose="batch", **there)
