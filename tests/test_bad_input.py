"""What a caller may do wrong: each is a typed error that says what to change, and nothing is sent that cannot succeed.

Through a Router and through the module functions; what the service itself must refuse, against the emulator.
"""

from __future__ import annotations

import io
import json
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import anyio
import pytest

import router as package
from router import (
    APIConnectionError,
    APIError,
    AuthenticationError,
    BadRequestError,
    ConfigError,
    NotFoundError,
    Router,
    RouterError,
    direct,
)
from router.emulator import EmulatedDeployment, EmulatorConfig, EmulatorServer, Fault
from tests.azure.entra_server import jwt
from tests.azure.fault_server import answer
from tests.recorder import Recorder
from tests.worlds import WORLDS, World

KEY = "canary-key-0123456789"
HELLO = [{"role": "user", "content": "Hello"}]
CHAT: dict[str, Any] = {
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "Hello"}, "finish_reason": "stop"}]
}
Ask = Callable[..., Any]


@pytest.fixture(scope="module")
def azure() -> Iterator[EmulatorServer]:
    names = ("chat", "whisper", "gpt-image-1")
    with EmulatorServer.in_thread(EmulatorConfig([EmulatedDeployment(n) for n in names], keys=[KEY])) as server:
        yield server


@pytest.fixture(autouse=True)
def _fresh(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(direct, "places", direct.Places())
    yield
    direct.places.close()


@pytest.fixture
def server() -> Iterator[Recorder]:
    with Recorder(answer(CHAT)) as running:
        yield running


@pytest.fixture(params=WORLDS)
def world(request: pytest.FixtureRequest) -> World:
    return World(request.param)


@pytest.fixture(params=["router", "function"])
def ask(request: pytest.FixtureRequest, world: World) -> Ask:
    """Calls an operation of one deployment, in every world, of a Router or as a module function."""

    def asked(name: str, model: Any, params: dict[str, Any], **given: Any) -> Any:
        if request.param == "function":
            return world.call(package, name, model=model, **params, **given)
        with Router([{"model_name": "g", "litellm_params": {"model": model, **params}}]) as router:
            return world.call(router, name, model="g", **given)

    return asked


def at(base: str, **params: Any) -> dict[str, Any]:
    return {"api_base": base, "api_key": KEY, **params}


# ---- where to go and who asks -----------------------------------------------------------------------------------


def test_a_wrong_deployment_name(ask: Ask, azure: EmulatorServer) -> None:
    with pytest.raises(NotFoundError, match="Check the deployment's name") as caught:
        ask("completion", "azure/chta", at(azure.url), messages=HELLO)
    assert (caught.value.status_code, caught.value.code, len(caught.value.attempts)) == (404, "DeploymentNotFound", 1)
    assert str(caught.value).startswith("chta@")


def test_a_group_that_is_not_there_names_those_that_are(azure: EmulatorServer) -> None:
    entry = {"model_name": "gpt-4o", "litellm_params": {"model": "azure/chat", **at(azure.url)}}
    with Router([entry]) as router, pytest.raises(NotFoundError, match=r"There are: 'gpt-4o'\.  Did you mean 'gpt-4o'"):
        router.completion("gpt-4", HELLO)


@pytest.mark.parametrize(
    ("base", "words"),
    [
        (
            "https://no-such-resource.openai.azure.invalid",
            "could not be resolved.  Check the resource's name in api_base",
        ),
        ("http://127.0.0.1:9", "no connection to 127.0.0.1:9 .*Check api_base"),
    ],
)
def test_a_region_that_is_not_there(ask: Ask, base: str, words: str) -> None:
    with pytest.raises(APIConnectionError, match=words) as caught:
        ask("completion", "azure/chat", at(base), messages=HELLO, num_retries=0)
    assert KEY not in f"{caught.value!r}{caught.value.attempts!r}"


def test_another_regions_key(ask: Ask, azure: EmulatorServer) -> None:
    with pytest.raises(AuthenticationError, match="belongs to this very resource") as caught:
        ask("completion", "azure/chat", at(azure.url, api_key="canary-of-another-region"), messages=HELLO)
    assert caught.value.status_code == 401
    assert "canary" not in f"{caught.value!r}{caught.value.body!r}"


def test_an_expired_token(ask: Ask, azure: EmulatorServer) -> None:
    token = jwt(1, "https://cognitiveservices.azure.com/.default", life=-10_800.0)
    with pytest.raises(AuthenticationError, match=r"It ran out 3 hours ago.*azure_ad_token_provider") as caught:
        ask("completion", "azure/chat", {"api_base": azure.url, "azure_ad_token": token}, messages=HELLO)
    assert caught.value.status_code == 401
    assert token not in f"{caught.value!r}{caught.value.body!r}"


def test_a_missing_version_is_the_default_one(ask: Ask, server: Recorder) -> None:
    ask("completion", "azure/chat", at(server.base), messages=HELLO)
    assert server.last.query == {"api-version": "2025-02-01-preview"}


@pytest.mark.parametrize(
    ("model", "changes", "words"),
    [
        ("azure/chat", {"api_base": None}, "api_base: is missing; give the resource's address, or set AZURE_API_BASE"),
        ("azure/chat", {"api_base": ""}, "api_base: is empty; give it a value, or leave it out"),
        ("azure/chat", {"api_base": "east.openai.azure.com"}, "api_base: has no https:// and host in front"),
        ("azure/chat", {"api_base": 7}, "api_base: must be text"),
        ("azure/chat", {"api_key": None}, "has no credential; give api_key, .* or set AZURE_API_KEY"),
        ("azure/chat", {"api_key": 7}, "api_key: must be text"),
        ("azure/chat", {"api_key": "your-api-key"}, "still a placeholder"),
        ("azure/chat", {"api_key": "two words"}, "api_key: .*holds a space"),
        ("azure/chat", {"api_version": "2024"}, "api_version: is neither a date such as 2024-10-21"),
        ("azure/chat", {"api_version": 20241021}, "api_version: must be text; put it in quotes"),
        ("azure/chat", {"api_version": ""}, "api_version: is empty"),
        ("azure/<your deployment name>", {}, "not a valid name.*portal"),
        ("azure/", {}, "names no deployment.*azure/my-deployment"),
        ("gpt-4o", {"api_key": None}, "OPENAI_API_KEY; a deployment on Azure is named azure/my-deployment"),
        ("azzure/chat", {}, "known are azure, azure_text, azure_ai and openai"),
        (None, {}, "model"),
        (7, {}, "model"),
        ("", {}, "model"),
    ],
)
def test_a_place_that_cannot_be_meant_is_refused_before_anything_is_sent(
    model: Any, changes: dict[str, Any], words: str, ask: Ask, server: Recorder
) -> None:
    params = {name: value for name, value in at(server.base, **changes).items() if value is not None}
    with pytest.raises(ConfigError, match=words):
        ask("completion", model, params, messages=HELLO)
    assert not server.asked


# ---- what is asked ----------------------------------------------------------------------------------------------

PICTURE = b"\x89PNG\r\n"
WRONG: list[tuple[str, dict[str, Any], str]] = [
    ("completion", {"messages": []}, "`messages` is empty: give at least one message"),
    ("completion", {"messages": None}, "`messages` must be a list"),
    ("completion", {"messages": "Hello"}, "`messages` must be a list of objects such as"),
    ("completion", {"messages": {"role": "user"}}, "`messages` must be a list"),
    ("completion", {"messages": ["Hello"]}, r"`messages\[0\]` must be an object"),
    ("completion", {"messages": HELLO, "temperature": object()}, "temperature is no text, finite number"),
    ("completion", {"messages": HELLO, "temperature": float("nan")}, "temperature is no text, finite number"),
    ("completion", {"messages": [{"role": "user", "content": b"\xff"}]}, r"messages\[0\].content is no text"),
    ("completion", {"messages": HELLO, "stream": "false"}, "`stream` must be True or False"),
    ("completion", {"messages": HELLO, "extra_headers": "x"}, "`extra_headers` must be an object"),
    ("completion", {"messages": HELLO, "headers": {1: "x"}}, "`headers` must be an object of names and texts"),
    ("completion", {"messages": HELLO, "extra_body": "x"}, "`extra_body` must be an object"),
    ("completion", {"messages": HELLO, "extra_query": "x"}, "`extra_query` must be an object"),
    ("completion", {"messages": HELLO, "timeout": "5"}, "`timeout` must be a number of seconds"),
    ("completion", {"messages": HELLO, "num_retries": 1.5}, "`num_retries` must be a whole number"),
    ("completion", {"messages": HELLO, "fallbacks": "spare"}, "`fallbacks` must be a list"),
    ("completion", {"messages": HELLO, "drop_params": "yes"}, "`drop_params` must be true or false"),
    ("embedding", {"input": []}, "`input` is empty"),
    ("embedding", {"input": ""}, "`input` is empty"),
    ("embedding", {"input": None}, "`input` is empty"),
    ("embedding", {"input": 7}, "`input` must be a text, a list of texts, or tokens, not int"),
    ("embedding", {"input": ["a", ""]}, "`input` holds an empty text"),
    ("embedding", {"input": [[1], []]}, "`input` holds an empty text"),
    ("speech", {"input": "", "voice": "alloy"}, "`input` is empty"),
    ("speech", {"input": ["a"], "voice": "alloy"}, "`input` must be a text, not list"),
    ("image_generation", {"prompt": ""}, "`prompt` is empty"),
    ("image_generation", {"prompt": 7}, "`prompt` must be a text, not int"),
    ("image_edit", {"image": PICTURE, "prompt": ""}, "`prompt` is empty"),
    ("image_edit", {"image": "cat.png", "prompt": "a hat"}, "Then give pathlib.Path"),
    ("transcription", {"file": Path("/no/such/file.wav")}, r"`file` cannot be read \(No such file"),
    ("transcription", {"file": Path("/")}, r"`file` cannot be read \(Is a directory\)"),
    ("transcription", {"file": None}, "`file` must be bytes, a path object"),
    ("transcription", {"file": b""}, "`file` is empty"),
    ("transcription", {"file": io.StringIO("x")}, r"binary mode \('rb'\)"),
    ("translation", {"file": 7}, "`file` must be bytes, a path object"),
]


@pytest.mark.parametrize(("name", "given", "words"), WRONG)
def test_a_call_that_cannot_succeed_is_refused_before_anything_is_sent(
    name: str, given: dict[str, Any], words: str, ask: Ask, server: Recorder
) -> None:
    with pytest.raises((BadRequestError, ConfigError), match=words):
        ask(name, "azure/chat", at(server.base), **given)
    assert not server.asked


@pytest.mark.parametrize(
    ("name", "given", "words"),
    [
        ("create_file", {"file": "in.jsonl", "purpose": "batch"}, "Then give pathlib.Path"),
        ("create_file", {"file": b"{", "purpose": "batch"}, "line 1 of the batch file is no JSON"),
        ("create_file", {"file": b"x", "purpose": None}, "`purpose` must be a text such as 'batch'"),
        ("retrieve_file", {"file_id": ""}, "`file_id` must be an id"),
        ("file_content", {"file_id": None}, "`file_id` must be an id"),
        ("delete_file", {"file_id": "../x"}, "`file_id` holds a character that no id has"),
        ("list_files", {"limit": "2"}, "`limit` must be a whole number"),
        ("list_batches", {"after": 5}, "`after` must be the `next_after` of a page"),
        ("create_batch", {"completion_window": None, "endpoint": "/x", "input_file_id": "f"}, "such as '24h'"),
        (
            "create_batch",
            {"completion_window": "24h", "endpoint": "", "input_file_id": "f"},
            "`endpoint` must be a text",
        ),
        ("create_batch", {"completion_window": "24h", "endpoint": "/x", "input_file_id": 5}, "`input_file_id` must be"),
        (
            "wait_for_batch",
            {"batch_id": "b", "poll_interval": 0},
            "`poll_interval` must be a number of seconds above 0",
        ),
        ("get_response", {"response_id": None}, "`response_id` must be an id"),
    ],
)
def test_a_question_about_nothing_is_refused_before_anything_is_sent(
    name: str, given: dict[str, Any], words: str, world: World, server: Recorder
) -> None:
    entry = {"model_name": "g", "litellm_params": {"model": "azure/chat", **at(server.base)}}
    with Router([entry]) as router, pytest.raises((BadRequestError, ConfigError), match=words):
        world.call(router, name, **given)
    with pytest.raises((BadRequestError, ConfigError), match=words):
        world.call(package, name, **at(server.base), **given)
    assert not server.asked


@pytest.mark.parametrize("content", [5, {"text": "x"}, [5], [{"type": "image_url"}]])
def test_a_text_deployment_takes_text(content: Any, ask: Ask, server: Recorder) -> None:
    with pytest.raises(BadRequestError, match=r"`messages\[0\].content` must be text"):
        ask("completion", "azure_text/dep", at(server.base), messages=[{"role": "user", "content": content}])
    assert not server.asked


@pytest.mark.parametrize("given", [None, 5, "azure/chat", [], {"model_name": "g"}, iter(())])
def test_a_router_wants_a_list_of_deployments(given: Any) -> None:
    with pytest.raises(ConfigError, match="model_list: must be a list of at least one deployment"):
        Router(given)


def test_any_iterable_of_deployments_will_do(server: Recorder) -> None:
    entry = {"model_name": "g", "litellm_params": {"model": "azure/chat", **at(server.base)}}
    with Router(iter([entry])) as router:
        assert router.completion("g", HELLO).choices


def test_a_locked_file_is_refused_before_anything_is_sent(ask: Ask, server: Recorder, tmp_path: Path) -> None:
    closed = (tmp_path / "closed.wav").open("wb")
    closed.close()
    with pytest.raises(BadRequestError, match="is a closed file"):
        ask("transcription", "azure/whisper", at(server.base), file=closed)
    assert not server.asked


def test_a_picture_beyond_the_services_measure(ask: Ask, azure: EmulatorServer) -> None:
    """The measure is the service's, and it has raised it before: so it is asked, once, and its answer is told."""
    url = "data:image/png;base64," + "A" * (28 * 1024 * 1024)
    content = [{"type": "image_url", "image_url": {"url": url}}]
    with pytest.raises(BadRequestError, match="too large: the most is 20 MB") as caught:
        ask("completion", "azure/chat", at(azure.url), messages=[{"role": "user", "content": content}])
    assert len(caught.value.attempts) == 1
    assert len(str(caught.value)) < 1000


def test_a_sound_beyond_the_services_measure(ask: Ask, azure: EmulatorServer) -> None:
    with pytest.raises(BadRequestError, match=r"limit \(26214400\) exceeded .*\.  Send less") as caught:
        ask("transcription", "azure/whisper", at(azure.url), file=("long.wav", bytes(26 * 1024 * 1024)))
    assert (caught.value.status_code, len(caught.value.attempts)) == (413, 1)


def test_every_error_is_one_of_ours_and_a_value_error_where_the_caller_can_mend_it() -> None:
    assert issubclass(ConfigError, ValueError)
    assert issubclass(APIError, RouterError)


# ---- an upload that fails ---------------------------------------------------------------------------------------

LINES = b"".join(
    json.dumps({"custom_id": f"t-{i}", "method": "POST", "url": "/chat/completions",
                "body": {"model": "g", "messages": HELLO, "user": "x" * 600_000}}).encode() + b"\n"
    for i in range(3)
)  # fmt: skip
"""Of 1.8 MB, so it is spooled to the disk."""
IDS = ["t-0", "t-1", "t-2"]


@pytest.fixture
def spools(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The temporary files of a test."""
    made: list[Any] = []
    real = tempfile.SpooledTemporaryFile

    def temporary(*args: Any, **more: Any) -> Any:
        made.append(real(*args, **more))
        return made[-1]

    monkeypatch.setattr(tempfile, "SpooledTemporaryFile", temporary)
    return made


@pytest.mark.parametrize(("kind", "lost"), [("status", False), ("refuse", False), ("reset", True), ("hang", True)])
def test_a_failed_upload_leaves_no_half_file_behind(
    kind: str, lost: bool, world: World, azure: EmulatorServer, spools: list[Any]
) -> None:
    """Where the answer is lost, the file may have been kept, whole: nobody knows its id, `list_files` shows it."""
    with Router([{"model_name": "g", "litellm_params": {"model": "azure/chat", **at(azure.url)}}]) as router:
        before = [file.id for file in router.list_files().data]
        azure.emulator.set_fault("*", Fault(kind))
        try:
            with pytest.raises(APIError):
                world.call(router, "create_file", ("in.jsonl", LINES), "batch", timeout=0.5, num_retries=0)
        finally:
            azure.emulator.clear_fault("*")
        left = [file for file in router.list_files().data if file.id not in before]
        assert not left or lost
        for file in left:
            assert [json.loads(line)["custom_id"] for line in router.file_content(file.id).content.splitlines()] == IDS
            router.delete_file(file.id)
    assert spools
    assert all(file.closed for file in spools)


async def test_an_upload_that_is_given_up_leaves_no_temporary_file(azure: EmulatorServer, spools: list[Any]) -> None:
    """On asyncio and on trio: whoever waited goes away while the service is silent."""
    azure.emulator.set_fault("*", Fault("hang"))
    try:
        entry = {"model_name": "g", "litellm_params": {"model": "azure/chat", **at(azure.url)}}
        async with Router([entry]) as router:
            with anyio.move_on_after(0.2) as scope:
                await router.acreate_file(("in.jsonl", LINES), "batch")
            assert scope.cancelled_caught
    finally:
        azure.emulator.clear_fault("*")
    assert spools
    assert all(file.closed for file in spools)


class Failing(io.BytesIO):
    """A file on a disk that fails in the middle."""

    def read(self, size: int | None = -1, /) -> bytes:
        if self.tell() > 100_000:
            raise OSError(5, "Input/output error")
        return super().read(size)

    def readline(self, size: int | None = -1, /) -> bytes:
        self.read(0)
        return super().readline(size)


def test_an_error_of_the_files_own_is_no_failure_of_the_service(world: World, azure: EmulatorServer) -> None:
    class StoreError(Exception):
        pass

    class Remote(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            if self.tell() > 100_000:
                raise StoreError
            return super().read(size)

    with Router([{"model_name": "g", "litellm_params": {"model": "azure/chat", **at(azure.url)}}]) as router:
        with pytest.raises(BadRequestError, match=r"`file` cannot be read \(StoreError\)") as caught:
            world.call(router, "transcription", file=("a.wav", Remote(b"x" * 1_000_000)), model="g")
        assert len(caught.value.attempts) == 1
        assert [deployment.failures for deployment in router.status()] == [0]


@pytest.mark.parametrize("purpose", ["batch", "fine-tune"])
def test_a_file_that_fails_while_it_is_read_leaves_nothing_behind(
    purpose: str, world: World, azure: EmulatorServer, spools: list[Any]
) -> None:
    with Router([{"model_name": "g", "litellm_params": {"model": "azure/chat", **at(azure.url)}}]) as router:
        before = [file.id for file in router.list_files().data]
        with pytest.raises(BadRequestError, match=r"`file` cannot be read \(Input/output error\)"):
            world.call(router, "create_file", ("in.jsonl", Failing(LINES)), purpose)
        assert [file.id for file in router.list_files().data] == before
    assert all(file.closed for file in spools)
